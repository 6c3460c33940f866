#include "launcher/http/http_listen.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

static bool is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
    return ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr) >> 24 == 127;
}

/* Cuts "[::1]:80" into "::1" and "80". Returns a copy whose first text is the address. */
static char *cut(const char *text, const char **port)
{
    char *copy = mem_strdup(text), *colon = strrchr(copy, ':');
    const size_t size = colon ? (size_t)(colon - copy) : 0;
    if (!size || (*copy != '[' && memchr(copy, ':', size)))
        return free(copy), NULL;
    *colon = 0;
    *port = text + size + 1;
    if (*copy == '[' && copy[size - 1] == ']') {
        copy[size - 1] = 0;
        memmove(copy, copy + 1, size - 1);
    }
    return copy;
}

int http_listen_read(struct http_listen *listen, const char *text, bool anywhere, struct err *err)
{
    const char *port = "";
    char *address = cut(text, &port);
    const bool is_port =
        *port && strlen(port) <= 5 && port[strspn(port, "0123456789")] == 0 && atol(port) <= 65535;
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM},
                    *found = NULL;
    if (!address || !is_port ||
        getaddrinfo(strcmp(address, "localhost") ? address : "127.0.0.1", port, &hints, &found)) {
        free(address);
        return err_set(err, ERR_USAGE,
                       "--listen: found '%s', expected ADDRESS:PORT, such as 127.0.0.1:0", text);
    }
    free(address);
    *listen = (struct http_listen){.size = found->ai_addrlen};
    memcpy(&listen->address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    listen->is_loopback = is_loopback(&listen->address);
    if (listen->is_loopback || anywhere)
        return 0;
    return err_set(
        err, ERR_USAGE,
        "--listen: found %s, which other machines reach: without TLS they see the token; "
        "expected an address of this machine alone (127.0.0.1), or --anywhere",
        text);
}

char *http_listen_authority(const struct http_listen *listen, unsigned port)
{
    char host[64];
    getnameinfo((const struct sockaddr *)&listen->address, listen->size, host, sizeof host, NULL, 0,
                NI_NUMERICHOST);
    return mem_format(strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
}
