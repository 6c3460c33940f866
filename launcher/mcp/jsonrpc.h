/* JSON-RPC 2.0: one message read, one reply written.
 *
 * A message is at most JSONRPC_BYTES_MAX bytes of UTF-8, and nested at most NODE_DEPTH_MAX deep
 * (proto/schema/node.h). Refused: what is no JSON, a key twice, an id that is neither text nor a
 * whole number, params that are no object, and lists of messages (batches), which the newer
 * revisions of the Model Context Protocol forbid. Nothing is kept between messages. Pure. */
#pragma once
#include "base/err.h"

#include <stddef.h>

struct node;

enum { JSONRPC_BYTES_MAX = 1 << 20 };

/* Codes of errors, of JSON-RPC itself. */
enum jsonrpc_code {
    JSONRPC_OK = 0,
    JSONRPC_NO_JSON = -32700,
    JSONRPC_NO_REQUEST = -32600,
    JSONRPC_NO_METHOD = -32601,
    JSONRPC_BAD_PARAMS = -32602,
    JSONRPC_INTERNAL = -32603
};

struct jsonrpc {
    struct node *root;
    char *id;            /* as JSON ("7", "\"a\""); NULL: a notification gets no reply */
    const char *method;  /* borrowed; NULL: somebody's response */
    struct node *params; /* an object, borrowed; or NULL */
};

/* Reads a message, to be cleared by jsonrpc_clear on success and failure. Returns -1 with *code
 * and a sentence if it is none; the id is there if it could be read. */
int jsonrpc_read(struct jsonrpc *message, enum jsonrpc_code *code, const char *bytes, size_t size,
                 struct err *err);
void jsonrpc_clear(struct jsonrpc *message);

/* The id in a node as JSON, which the caller frees; NULL if the node is none. */
char *jsonrpc_id(const struct node *node);

/* Replies, on one line without its end, which the caller frees. result and data are JSON; data may
 * be NULL. An id that is NULL is written as null. */
char *jsonrpc_result(const char *id, const char *result);
char *jsonrpc_error(const char *id, int code, const char *sentence, const char *data);
