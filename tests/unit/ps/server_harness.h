/* Runs a server alone, one turn at a time. The test is rank 0, the coordinator, and rank 2, a
 * worker; the server is rank 1. */
#pragma once
#include "tests/unit/support.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "proto/net/endpoint.h"
#include "proto/net/frame.h"
#include "proto/net/link.h"
#include "proto/net/local_transport.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/tensor/layout.h"
#include "ps/server.h"

#include "control.pb-c.h"

enum { INCARNATION = 4, ROOM = 3, COORDINATOR = 0, SERVER = 1, WORKER = 2, HARNESS_RANKS };

/* Owns all that it points to; server_harness_free frees it. */
struct server_harness {
    struct endpoint *endpoints[HARNESS_RANKS];
    struct server *server;
    Trireme__Config *config; /* of trial 0 */
    struct layout *layout;
    char *folder; /* empty; to save into */
};

/* A server that is ready for a small model. settings: over the defaults, ended by NULL, or NULL.
 * checkpoint, manifest: to continue from, or NULL. */
struct server_harness *server_harness_new(const char *const *settings, const char *checkpoint,
                                          Trireme__Manifest *manifest);
void server_harness_free(struct server_harness *s);

/* Sends the server a message. */
void server_harness_send(struct server_harness *s, int from, enum tag tag, const void *message);

/* Turns the server once, which must not fail. */
void server_harness_turn(struct server_harness *s);

/* Turns the server, which must fail (ERR_MACHINE) with that sentence. */
void server_harness_check_fails(struct server_harness *s, const char *sentence);

/* Turns the server until a message of that tag is there for a rank; any other but a beat is a
 * failure. */
struct parcel server_harness_await(struct server_harness *s, int rank, enum tag tag);

/* Fills in the header of a push of all leaves of a block. */
void server_harness_header(struct frame *frame, const struct server_harness *s, uint32_t trial,
                           uint64_t step, size_t block);

/* Sends a push whose numbers are all `value`. */
void server_harness_push(struct server_harness *s, const struct frame *frame, float value);

/* Sends a pull, a decision with rate 0.25 and scale 1, an order to save into the folder. */
void server_harness_pull(struct server_harness *s, uint32_t trial, uint64_t step);
void server_harness_decide(struct server_harness *s, uint32_t trial, uint64_t step);
void server_harness_save(struct server_harness *s, uint32_t trial, uint64_t step);

/* Receives the weights of a step, block after block; the caller's. */
float *server_harness_weights(struct server_harness *s, uint32_t trial, uint64_t step);
