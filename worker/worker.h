/* A worker: computes what it is leased.
 *
 *   LEASE to train    -> pulls the trial's weights of that step where it has others, computes its
 *                        leaves' gradients subtree by subtree, PUSHes each subtree's sum to the
 *                        servers, then sends the leaves' LOSSES
 *   LEASE to evaluate -> the samples' losses, each computed alone, as LOSSES
 *   FORK              -> one more trial that leases may name; START brings trial 0
 *   DROP              -> its leases are forgotten, the one under way is left at its next stage,
 *                        between layers too
 *
 * Between layers it looks at its mail, so that an end reaches it within a layer's time. Failures: a
 * lease of an unknown trial or of leaves that a step does not have, a trial's number that was given
 * before. */
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
