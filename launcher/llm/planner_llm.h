/* A planner that is a language model (experiment.planner: llm). It is asked by a process of its own
 * (launcher/llm/program), locked in as planners' programs are, but with the network; here, in rank
 * 0 or in `trireme plan`, its answers are taken, what was asked and answered is written
 * (llm_calls.h), and where it gives no answer that can be used, the fallback planner (llm.fallback)
 * proposes. Calls of an earlier launch, or an earlier `plan`, that the ledger does not have come
 * with the first answer. Never waits. Local. */
#pragma once
#include "base/err.h"
#include "base/warn.h"
#include "coordinator/proposals/planner.h"

#include "config.pb-c.h"

#include <stdbool.h>

struct cage_layers;
struct llm_key;

/* Whether a configuration with that planner holds what it needs; whether the program is there, and
 * can be kept from the run; whether the key's file is sound. ERR_USAGE. */
int planner_llm_check(const Trireme__Config *config, const char *run, struct err *err);

/* program: that of launcher/llm/program; NULL: what stands beside this one. key: or NULL; taken
 * over, also on failure. layers, warn: as of planner_script_new. What earlier launches spent is
 * read from the run's ledger and from RUN/planner/calls. config: copied. */
struct planner *planner_llm_new(const Trireme__Config *config, const char *run, const char *program,
                                struct llm_key *key, const struct cage_layers *layers, warn_fn warn,
                                void *context, struct err *err);
