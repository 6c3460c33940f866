/* What a run is told of the runs before it: notes of its kind that are not its own.
 *
 * Of each change of a run the last word counts: that it was taken back, else that it was claimed,
 * else what its pairs said. What was measured on text that judges this run too, or may have been,
 * tells no number and no word: a change that was adopted there is told by itself, others are not.
 * Notes of planners are told as they are; those of persons unless they rest on such a run, since
 * persons see its numbers. Nothing told names a place of this machine. Local. */
#pragma once
#include "base/err.h"
#include "coordinator/memory/memory.h"

#include "config.pb-c.h"
#include "planner.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct about_run;

enum { KNOWN_MAX = 32 /* newest notes that are told */ };

struct known {
    Trireme__Known **list; /* owned; the oldest first */
    size_t n;
};
void known_clear(struct known *known);

/* Reads the file that experiment.notes names. config: the run's own. *known is empty where there is
 * none, or where it fails. */
int known_read(struct known *known, const char *run, const Trireme__Config *config,
               struct err *err);

/* What of these notes is told to a run. */
void known_of(struct known *known, const struct memory_notes *notes, const struct about_run *about);

/* Leaves of all notes of a file, in their order, what planners of a run may see: those that are
 * told, also of the run itself and of other kinds, and whole; but of what was adopted on text that
 * judges this run the change alone, and which run it was. */
void known_visible(struct memory_notes *notes, const struct about_run *about);

/* A change that somebody proposes, and where. */
struct known_question {
    const char *run;
    const Trireme__Config *config, *in_force; /* the run's own; the trunk's now */
    uint64_t tokens;                          /* of the trunk, where it can be tried first */
    Trireme__Change *const *patch;
    size_t n_patch;
    bool person; /* who asks may see everything */
};

/* Whether an earlier run has settled the same change, from the same values and at the same scale
 * (run_kind.h): by its pairs, by a claim, or by taking it back. *sentence, fresh, says which run,
 * what it came to (to planners not where it was judged by text that judges this run, or may have
 * been) and which note tells; NULL: none has. */
int known_settled(char **sentence, const struct known_question *question, struct err *err);

/* What is answered to a legal proposal that was settled before; fresh. */
char *known_answer(const char *answer, const char *sentence);
