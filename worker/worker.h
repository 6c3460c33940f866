/* A worker: computes what it is leased.
 *
 *   LEASE to train    -> pulls the trial's weights of that step unless it has them, computes its
 *                        leaves' gradients subtree by subtree, PUSHes each subtree's sum to the
 *                        servers, then sends the leaves' LOSSES
 *   LEASE to evaluate -> the samples' losses, each computed alone, as LOSSES
 *   FORK              -> one more trial that leases may name: FORKED, with what its steps are made
 *                        of; START brings trial 0
 *   DROP              -> the trial's leases are removed; one that is being computed is abandoned
 *                        at its next stage, also between layers
 *
 * Between layers the worker reads its messages, so END is seen within the time of a layer. Errors:
 * a lease of an unknown trial or of leaves that a step does not have, a trial's number that was
 * given before. */
#pragma once
#include "proto/net/role.h"

struct endpoint;
struct link;
struct worker;

/* Borrowed: the endpoint. */
struct worker *worker_new(struct endpoint *endpoint);
void worker_free(struct worker *worker);
struct link *worker_link(struct worker *worker);
enum turn worker_turn(void *worker, struct err *err);
