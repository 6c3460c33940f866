/* Who did something, as `by` of a record says it:
 *
 *   ROLE [NAME] uid N [pid N] [unseparated]
 *
 * "person uid 1000 pid 4711 unseparated" (programs of that user can read the secret of the run),
 * "planner script uid 1000 pid 4712" (the run's own planner), "planner uid 1000 pid 4713" (a
 * request in the inbox without a person's seal; its pid is what it says itself). "rule" and
 * "coordinator" are the program. Ledgers of earlier versions have one word: script, random, or
 * person, which nobody had to prove. Pure. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct actor {
    bool person;       /* else a planner */
    const char *name;  /* of the run's own planner; else NULL */
    uint32_t uid, pid; /* pid 0: not known */
    bool unseparated;
};

/* Returns the text, which the caller frees. */
char *actor_write(const struct actor *actor);

/* Whether it is a person; and one that has shown it. The second counts in the account: of the
 * others the arms count as planners', as they did when they were recorded. */
bool actor_is_person(const char *by);
bool actor_is_proven_person(const char *by);

/* Whether it is the run's own planner of that name. */
bool actor_is_named(const char *by, const char *name);

/* Whether role, name and user are the same: what one of them proposed is the other's own. */
bool actor_same(const char *a, const char *b);
