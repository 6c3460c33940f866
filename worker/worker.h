/* A worker: computes what it is leased.
 *
 *   LEASE to train    -> pulls that step's weights where it has others, computes its leaves' gradients subtree by subtree,
 *                        PUSHes each subtree's sum to the servers, then sends the leaves' LOSSES to the coordinator
 *   LEASE to evaluate -> the samples' losses, each computed alone, as LOSSES
 * Between layers it looks at its mail, so that an end reaches it within a layer's time. */
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
