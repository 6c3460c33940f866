/* A planner that is a language model (experiment.planner: llm). It is asked by a process of its own
 * (launcher/llm/program), locked in as planners' programs are, but with the network; here, in rank
 * 0, its answers are taken, what was asked and answered is written to RUN/planner/turn-N, and where
 * it gives no answer that can be used, the fallback planner (llm.fallback) proposes. Never waits.
 *
 * RUN/planner/turn-N (0600): for each call of the turn two lines: the body of what was asked, as it
 * was sent, and a JSON object {"status", "stop", "answered"}. Their digests are in the ledger:
 * `sed -n 1p RUN/planner/turn-3 | sha256sum`. Local. */
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
 * read from the run's ledger. config: copied. */
struct planner *planner_llm_new(const Trireme__Config *config, const char *run, const char *program,
                                struct llm_key *key, const struct cage_layers *layers, warn_fn warn,
                                void *context, struct err *err);
