/* A rank's part in a run, as the loop that turns it sees it. */
#pragma once
#include "base/err.h"

struct endpoint;

/* What one turn of a role did. A turn never waits. */
enum turn {
    TURN_IDLE,   /* nothing to do now */
    TURN_BUSY,   /* something was done */
    TURN_OVER,   /* the role's part is over */
    TURN_FAILED, /* the sentence is in err; the loop tells the coordinator */
};

typedef enum turn (*role_turn_fn)(void *role, struct err *err);

/* Turns a server or worker until it is over. After a failure its sentence goes to the coordinator,
 * and END is awaited for `link.patience` seconds at most. Returns the run's exit code, or -1 where
 * no END came. Local. */
struct link;
int role_run(role_turn_fn turn, void *role, struct link *link);
