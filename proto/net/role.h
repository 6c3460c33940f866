/* The loop that runs a role: a server or a worker. */
#pragma once
#include "base/err.h"

struct endpoint;

/* What one turn of a role did. A turn never waits. */
enum turn {
    TURN_IDLE,   /* nothing to do now */
    TURN_BUSY,   /* something was done */
    TURN_OVER,   /* the role's part is over */
    TURN_FAILED, /* the error is in err; the loop sends it to the coordinator */
};

typedef enum turn (*role_turn_fn)(void *role, struct err *err);

/* Runs a server or worker until its part is over. After a failure, sends the error to the
 * coordinator and waits for END, `link.patience` seconds at most. Returns the run's exit code, or
 * -1 if no END came. Local. */
struct link;
int role_fail(struct link *link, const struct err *err); /* the latter alone */
int role_run(role_turn_fn turn, void *role, struct link *link);
