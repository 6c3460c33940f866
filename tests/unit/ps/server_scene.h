/* A server alone, turned by hand: rank 0 is the coordinator's place, rank 1 the server's, rank 2 a
 * worker's. */
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

enum { INCARNATION = 4, ROOM = 3, COORDINATOR = 0, SERVER = 1, WORKER = 2, SCENE_RANKS };

struct scene {
    struct endpoint *endpoints[SCENE_RANKS];
    struct server *server;
    Trireme__Config *config; /* of trial 0 */
    struct layout *layout;
    char *folder; /* empty; to save into */
};

/* A server that is ready for a small model. settings: over the defaults, ended by NULL, or NULL.
 * checkpoint, manifest: to continue from, or NULL. */
struct scene *scene_new(const char *const *settings, const char *checkpoint,
                        Trireme__Manifest *manifest);
void scene_free(struct scene *s);

void scene_send(struct scene *s, int from, enum tag tag, const void *message);
void scene_turn(struct scene *s);

/* Turns the server, which must fail (ERR_MACHINE) with that sentence. */
void scene_check_fails(struct scene *s, const char *sentence);

/* Turns the server until a message of that tag is there for a rank; any other but a beat is a
 * failure. */
struct parcel scene_await(struct scene *s, int rank, enum tag tag);

/* The header of a push of all leaves of a block. */
void scene_header(struct frame *frame, const struct scene *s, uint32_t trial, uint64_t step,
                  size_t block);

/* Sends a push, all of whose numbers are one. */
void scene_push(struct scene *s, const struct frame *frame, float value);
void scene_pull(struct scene *s, uint32_t trial, uint64_t step);
void scene_verdict(struct scene *s, uint32_t trial, uint64_t step);
void scene_save(struct scene *s, uint32_t trial, uint64_t step);

/* Receives the weights of a step, block after block; fresh. */
float *scene_weights(struct scene *s, uint32_t trial, uint64_t step);
