/* Asks for a passphrase at the terminal of this process. */
#pragma once
#include "base/err.h"

#include <stddef.h>

enum { PASSPHRASE_SIZE = 256, PASSPHRASE_SECONDS = 300 };

/* Shows the words and reads a line, without showing it; waits PASSPHRASE_SECONDS at most. Returns
 * 1; 0, with the sentence too, if there is no terminal; -1 with ERR_USAGE if nothing was typed. The
 * caller wipes the text. */
int passphrase_ask(char text[PASSPHRASE_SIZE], const char *words, struct err *err);
