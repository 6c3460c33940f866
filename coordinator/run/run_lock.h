/* The right to write to a run: one launch has it at a time.
 *
 * It is held by a lock of the system (flock on RUN/lock) and told of in RUN/lock.json. Where the
 * file system has no such locks, or grants them to everybody, the existence of RUN/lock.json is the
 * lock. The holder touches the file every few seconds; a holder that is dead, or was silent for
 * long on another machine, is relieved. Each launch adds one to RUN/incarnation.
 *
 * No lock of a distributed file system is sure, so whoever holds the run asks again before each
 * write that counts (run_lock_check): an older launch that was relieved while it slept ends and
 * touches nothing more. All functions are local; one thread touches the file beside the caller's.
 */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct run_lock;

/* What the lock needs of the system; tests put others in their place. */
struct run_lock_system {
    int (*flock)(int fd, int operation);
    double beat_seconds;   /* from one touch of RUN/lock.json to the next */
    double stale_seconds;  /* without a touch: a holder elsewhere is dead */
    double settle_seconds; /* after relieving somebody: whoever did so at the same time is seen */
};
extern const struct run_lock_system run_lock_system;

/* Takes the run, whose folder is there, and gives this launch the next incarnation. Waits up to
 * stale_seconds to see whether a holder elsewhere lives. Fails with ERR_USAGE if somebody holds the
 * run (the sentence says who), with ERR_MACHINE if that cannot be found out; nothing has changed
 * then. */
int run_lock_take(struct run_lock **lock, const char *run, const struct run_lock_system *system,
                  struct err *err);

/* Releases the run. Accepts NULL. */
void run_lock_release(struct run_lock *lock);

uint64_t run_lock_incarnation(const struct run_lock *lock);

/* What a person should know of how the run was taken: that flock does not exclude here, that a dead
 * launch was relieved. Borrowed; "" if there is nothing, and for NULL. */
const char *run_lock_note(const struct run_lock *lock);

/* Reads RUN anew. ERR_MACHINE if another launch has taken the run, from then on always; the
 * sentence says which. */
int run_lock_check(struct run_lock *lock, struct err *err);

/* The same from what was seen last, by run_lock_check or while the file was touched: reads
 * nothing. */
int run_lock_check_seen(struct run_lock *lock, struct err *err);

/* Gives the disk space of RUN/lock free: for a last word on a full disk. */
void run_lock_make_room(const struct run_lock *lock);

/* Whether somebody holds that folder's run. */
bool run_lock_is_held(const char *run);
