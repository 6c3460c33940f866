/* Shared by the files of a briefing: briefing.c (all of it), briefing_goal.c, briefing_budget.c,
 * briefing_tried.c, briefing_notes.c, briefing_known.c, briefing_ladder.c, briefing_cut.c,
 * briefing_text.c, recent.c. For these files only. */
#pragma once
#include "coordinator/briefing/briefing.h"

/* Sets a field of a message. */
#define TELL(message, field, value) ((message)->has_##field = 1, (message)->field = (value))

/* Appends to a list of a message. */
#define APPEND(message, list, element)                                                             \
    ((message)->list =                                                                             \
         mem_resize((message)->list, (message)->n_##list + 1, sizeof *(message)->list),            \
     (message)->list[(message)->n_##list++] = (element))

/* Goal, sources, evaluations, the last steps, the outlook. After the budget: it reads the tokens of
 * the whole run from b->steps. */
void briefing_tell_goal(Trireme__Briefing *b, const struct briefing_input *input);

/* Tokens, steps of the run, what trials have cost and will. */
void briefing_tell_budget(Trireme__Briefing *b, const struct briefing_input *input);

/* What was tried, what is tried, what changed since the last look. */
void briefing_tell_tried(Trireme__Briefing *b, const struct briefing_input *input);

/* The newest notes. */
void briefing_tell_notes(Trireme__Briefing *b, const struct briefing_input *input);

/* What earlier runs have learned. */
void briefing_tell_known(Trireme__Briefing *b, const struct briefing_input *input);

/* Adds other values that are legal and make sense. */
void briefing_tell_ladder(Trireme__MayChange *may, const struct briefing_input *input);

/* The goal's dev loss of an evaluation; NaN: it has none. */
double briefing_goal_loss(const struct briefing_input *input, const Trireme__EvalLine *line);
