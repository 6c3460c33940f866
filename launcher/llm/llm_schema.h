/* The JSON Schema of one answer of a language model, made of what may change now: paths, words and
 * numbers are enums, as decoders enforce these alone. Its form (llm_answer reads it):
 *
 *   {"proposals": [{"why": TEXT, "changes": [{"path": PATH, "value": VALUE}, ...],
 *                   "predict": TEXT}, ...]}
 *
 * No proposals, an empty list, is a legal answer. Pure. */
#pragma once
#include "planner.pb-c.h"

enum { LLM_CHANGES = 4 /* of one proposal, at most */, LLM_VALUES_MAX = 16 };

/* One line; fresh. api: of which dialect the schema is. max: proposals at most. */
char *llm_schema_write(const Trireme__Briefing *briefing, Trireme__Llm__Api api, uint32_t max);

/* The values that a setting is offered: its words or its ladder; where that was cut, quarter, half,
 * twice and four times its value within its bounds. Returns their number; fresh. */
size_t llm_schema_values(char *values[LLM_VALUES_MAX], const Trireme__MayChange *may);
