/* A server: holds a shard of the weights of every live trial, sums the workers' gradients, updates,
 * sends weights.
 *
 *   START            -> trial 0
 *   FORK             -> one more trial: FORKED; or none, and FORKED says why there is no memory
 *   DROP             -> the trial is gone, or will be when the snapshot that reads it is written;
 *                       SAVED still comes
 *   PUSH (workers)   -> gather; once complete: NORMS to the coordinator
 *   STEP_DECISION    -> update, commit: COMMITTED to the coordinator; held while that trial is saved
 *   PULL (workers)   -> WEIGHTS, as soon as that step is committed
 *   SAVE             -> a snapshot of the committed step of a trial; SAVED when it is on disk. One
 *                       at a time
 *
 * Trials' numbers rise in the order in which they are made. What is pushed to a trial that is over,
 * or pulled from it, is ignored without an error: workers may not have heard. A number never heard
 * of is an error, so all servers must have answered a FORK before workers push and pull under its
 * number. A state machine without waiting: a turn does what can be done now. */
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
