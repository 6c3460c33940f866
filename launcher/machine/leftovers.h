/* What MPI leaves on a machine when processes are killed: shared memory (/dev/shm/vader_segment.*)
 * and the folder of a session (/tmp/ompi.HOST.UID/pid.N).
 *
 * Before it can leave any, a process marks what will be its own: a file trireme.UID.PID.* beside
 * the shared memory, which it keeps locked as long as it lives and removes at its end. A mark that
 * is not locked is that of a process that was killed. Whoever sweeps removes what it tells of, once
 * no mark of a process that lives tells of the same and no process uses it; what no mark tells of
 * belongs to others and is left alone. All functions are local; where a mark cannot be made,
 * nothing is removed later. */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct leftovers_mark;

#define LEFTOVERS_SHARED "/dev/shm"

/* What a process tells of in its mark. Strings may be NULL. */
struct leftovers_told {
    const char *session; /* folder of the session */
    const char *above;   /* or the folder in which mpirun makes ompi.HOST.UID/pid.N */
    pid_t mpirun;        /* N */
    uint32_t job;        /* number of the MPI job, by which its segments are called; 0: not known */
};

/* Makes the mark of this process in the folder `shared`; NULL where it cannot. */
struct leftovers_mark *leftovers_mark(const char *shared, const struct leftovers_told *told);

/* Adds the segments that this process has mapped by now. Accepts NULL. */
void leftovers_mark_mapped(struct leftovers_mark *mark);

/* Lets the next sweep take the mark for that of a process that was killed: what it tells of is
 * over, and the mark goes with it. Also frees the mark. Accepts NULL. */
void leftovers_mark_over(struct leftovers_mark *mark);

/* Removes the mark: nothing was left. Accepts NULL. */
void leftovers_unmark(struct leftovers_mark *mark);

/* Removes what processes that were killed have left. */
void leftovers_sweep(const char *shared);

/* To be called when the mpirun of a session of its own (its number is mpirun's) has ended: waits a
 * few seconds until its processes have, kills those that have not, and sweeps. */
void leftovers_end(const char *shared, pid_t mpirun);
