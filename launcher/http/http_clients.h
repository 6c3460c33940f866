/* Connections of clients: how long each may take, and which is closed when there are too many.
 *
 * A connection is in one phase at a time: HEAD (from its beginning, or from its last reply, until
 * the head of a request is whole and was let in), BODY (until its body is whole), CALL (while a
 * call runs, which has a bound of its own), REPLY (until the reply has been sent). One that is in a
 * phase for too long is shut down, so that whoever reads from it finds its end: a client that sends
 * a byte now and then holds no place. Beyond `connections`, a new one takes the place of that
 * which has been in HEAD the longest, and for longer than HTTP_YOUNG_SECONDS; where there is none
 * it is marked as too many, for a refusal, and has HTTP_YOUNG_SECONDS for its head. Local; not for
 * several threads. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum http_phase { HTTP_HEAD, HTTP_BODY, HTTP_CALL, HTTP_REPLY, HTTP_SHUT };

#define HTTP_YOUNG_SECONDS 1.0

/* Constant. */
struct http_limits {
    unsigned connections, spare;           /* served; beside them, for refusals */
    double burst, rate;                    /* requests at once; more each second */
    double request_seconds, reply_seconds; /* of HEAD and of BODY, each; of REPLY */
};

struct http_clients;
struct http_client;

/* limits: borrowed for its life. At most connections + spare at once. */
struct http_clients *http_clients_new(const struct http_limits *limits);
void http_clients_free(struct http_clients *clients); /* accepts NULL; closes nothing */

/* A new connection, in HEAD. fd: borrowed until http_clients_remove. now: clock_now(). */
struct http_client *http_clients_add(struct http_clients *clients, int fd, double now);
void http_clients_remove(struct http_client *client);

int http_client_fd(const struct http_client *client);
bool http_client_is_too_many(const struct http_client *client);
void http_client_enter(struct http_client *client, enum http_phase phase, double now);

/* Shuts down those whose time is over. Returns the seconds until the next one's is; negative: none
 * is bound. */
double http_clients_look(struct http_clients *clients, double now);
