/* The bearer token of a server: 32 random bytes in hexadecimal, in a file that is its owner's alone
 * (0600) for as long as the server serves. Local. */
#pragma once
#include "base/err.h"

enum { HTTP_TOKEN_SIZE = 65 };

/* Makes a token and writes it, with a line end, to a file that is replaced if it is there. */
int http_token_make(char token[HTTP_TOKEN_SIZE], const char *path, struct err *err);
