/* A server: holds a shard of the weights of every live trial, sums the workers' gradients, updates
 * the weights and sends them.
 *
 *   START            -> trial 0
 *   FORK             -> one more trial: FORKED, with the rule that updates it; or none, and FORKED
 *                       says why there is no memory
 *   DROP             -> the trial is freed, after the snapshot that reads it is written; SAVED is
 *                       still sent
 *   PUSH (workers)   -> gather; once complete: NORMS to the coordinator
 *   STEP_DECISION    -> update, commit: COMMITTED to the coordinator; held while that trial is
 *                       saved
 *   PULL (workers)   -> WEIGHTS, as soon as that step is committed
 *   SAVE             -> a snapshot of the committed step of a trial; SAVED when it is on disk. One
 *                       at a time
 *
 * Trials get ascending numbers. A push to a trial that is over, or a pull from it, is ignored
 * without an error: the worker may not have received DROP yet. A number that was never used is an
 * error, so all servers must have answered a FORK before workers push and pull under its number.
 * The server is a state machine: a turn does what can be done now and never waits. */
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
