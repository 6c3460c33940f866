/* Where a server listens: "127.0.0.1:4711", "[::1]:0", "localhost:80". Local. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <sys/socket.h>

struct http_listen {
    struct sockaddr_storage address;
    socklen_t size;
    bool is_loopback;
};

/* Reads it; addresses are numbers, or localhost. Any but this machine's own (loopback) is refused
 * unless anywhere is said. */
int http_listen_read(struct http_listen *listen, const char *text, bool anywhere, struct err *err);

/* "127.0.0.1:4711" with the port that it got; the caller frees it. */
char *http_listen_authority(const struct http_listen *listen, unsigned port);
