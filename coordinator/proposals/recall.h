/* What the intake asks the memory of runs (coordinator/memory). A memory that cannot be read harms
 * nothing: the log says so once a launch. */
#pragma once
#include "planner.pb-c.h"

struct entry;
struct intake;
struct known;

/* What earlier runs of this kind have learned; cleared by the caller. */
void recall_known(struct known *known, struct intake *intake);

/* Adds to the answer to a legal proposal that an earlier run has settled the same change. */
void recall_tell_settled(struct intake *intake, const struct entry *entry, Trireme__Answer *answer);
