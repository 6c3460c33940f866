/* Finds notes that do not hold any more:
 *
 *   gone          no folder of a run has the RUN/id of a record that the note rests on, or its
 *                 ledger has no such line
 *   superseded    a correction says that the record is not in effect
 *   altered       the SHA-256 of the line is another one
 *   contradicted  a later note of another outcome is about the same change from the same values at
 *                 the same scale (run_kind.h): adopted or claimed on one side, taken back, beaten
 *                 or diverged on the other
 *
 * Of the records of a note the first fault is told. Nothing is changed. Local. */
#pragma once
#include "base/err.h"
#include "coordinator/memory/memory.h"

#include <stddef.h>

struct memory_faults {
    Trireme__MemoryFault **list; /* owned; in the order of the notes */
    size_t n;
};
void memory_faults_clear(struct memory_faults *faults);

/* folders: in which runs are looked for, each itself a run or a folder of runs. ERR_USAGE for one
 * that cannot be read. *faults is written on success alone. */
int memory_lint(struct memory_faults *faults, const struct memory_notes *notes,
                const char *const *folders, size_t n_folders, struct err *err);

/* The folder of the run with that RUN/id among these; fresh, or NULL. */
char *memory_lint_find_run(const char *id, const char *const *folders, size_t n_folders);
