/* The bearer token of a server: 64 hexadecimal digits, in a file that is its owner's alone (0600)
 * for as long as the server serves. Local. */
#pragma once
#include "base/err.h"

enum { HTTP_TOKEN_SIZE = 65 };

/* A token of 32 random bytes, for a server that cannot read the run's secret. */
int http_token_random(char token[HTTP_TOKEN_SIZE], struct err *err);

/* Writes a token, with a line end, to a file that is replaced if it is there. */
int http_token_write(const char *path, const char token[HTTP_TOKEN_SIZE], struct err *err);
