/* A server: holds a shard of the weights, sums the workers' gradients, updates, and sends the weights on.
 *
 *   PUSH (workers)     -> gather; once complete: NORMS to the coordinator
 *   VERDICT            -> update, commit: COMMITTED to the coordinator; held while a snapshot is being written
 *   PULL (workers)     -> WEIGHTS, as soon as that step is committed
 *   SAVE               -> a snapshot of the committed step; SAVED when it is on disk
 * A state machine without waiting: a turn does what can be done now. */
#pragma once
#include "proto/net/role.h"

struct endpoint;
struct link;
struct server;

/* Borrowed: the endpoint. */
struct server *server_new(struct endpoint *endpoint);
void server_free(struct server *server);
struct link *server_link(struct server *server);
enum turn server_turn(void *server, struct err *err);
