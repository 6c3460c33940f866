/* Warnings, which are no errors: a function that can warn takes a warn_fn and calls it with one
 * sentence. */
#pragma once

typedef void (*warn_fn)(void *context, const char *sentence);

/* "trireme: SENTENCE" on stderr; context is not used. */
void warn_stderr(void *context, const char *sentence);
