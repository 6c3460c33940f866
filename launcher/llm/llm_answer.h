/* What a language model answered, read into proposals: strictly, as whatever enforces the schema
 * may not. A number need not be one of the ladder, but must be within its bounds; texts are cut to
 * what a proposal may hold, and lose their control characters. Whether a change is legal together
 * with all else, and new, is found where proposals are taken in. Pure. */
#pragma once
#include "base/err.h"

#include "planner.pb-c.h"

#include <stddef.h>

/* Puts them into *proposals, a message that was made by message_new, in the place of those that it
 * has. bytes: one JSON object, with blanks or a fence of Markdown around it. max: proposals at
 * most. ERR_DATA with a sentence that the model can act on: what, which, found, expected;
 * *proposals is then as it was. */
int llm_answer_read(Trireme__Proposals *proposals, const char *bytes, size_t size,
                    const Trireme__Briefing *briefing, uint32_t max, struct err *err);
