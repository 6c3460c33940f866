/* The protocol over standard input and output: a message a line, and nothing else on either. */
#pragma once
#include "base/err.h"
#include "launcher/mcp/tool.h"

#include <stdint.h>

/* Serves until the input ends; then calls under way have a few seconds more. *messages: how many
 * were read. Fails if the input cannot be read, or nobody reads the output. */
int mcp_stdio_serve(const struct mcp_server *server, int in, int out, uint64_t *messages,
                    struct err *err);
