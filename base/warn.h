/* What is worth saying and no error: whoever finds it out tells a function that it is given. */
#pragma once

typedef void (*warn_fn)(void *context, const char *sentence);

/* "trireme: SENTENCE" on stderr; context is not used. */
void warn_stderr(void *context, const char *sentence);
