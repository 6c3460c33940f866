/* What a language model is told: how a run is steered, and the briefing. Texts of others in it stay
 * quoted. Pure. */
#pragma once
#include "planner.pb-c.h"

/* The system's text, and the user's; both fresh. max: proposals at most. */
char *llm_prompt_system(void);
char *llm_prompt_user(const Trireme__Briefing *briefing, uint32_t max);

/* What it is told where its answer could not be taken; fresh. */
char *llm_prompt_repair(const char *sentence);
