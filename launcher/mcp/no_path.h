/* Sentences and replies without the paths of this machine, for clients that may not approve. */
#pragma once
#include <stdbool.h>

/* Returns the text with the run's folder as RUN wherever it is named; in a sentence (is_json false)
 * every other absolute path is PATH. The caller frees it. Pure. */
char *no_path(const char *text, const char *run, bool is_json);
