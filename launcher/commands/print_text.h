/* Prints texts that others wrote so that they cannot control the terminal. */
#pragma once
#include <stddef.h>

/* Writes at most `width` characters to stdout, "..." at the end of what is cut; control characters
 * as '?'. */
void print_text(const char *text, size_t width);
