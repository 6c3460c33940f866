/* Who asks a run: a person, if this process can read the run's secret or somebody at its terminal
 * knows the passphrase. Local. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"
#include "planner.pb-c.h"

#include <stdbool.h>

struct secret;

/* Opens the secret of a run, as its configuration says where. Returns 1; 0, with the sentence too,
 * where this user cannot: whatever it asks is a planner's; -1 on a mistake. The caller frees it. */
int person_open_secret(struct secret **secret, const char *run, struct err *err);

/* Whether this user would be heard as a person: 1, or 0; -1 on a mistake. No passphrase is asked
 * for: where there is one, it is taken to be known. config: as in config.yaml. */
int person_is(const char *run, const Trireme__Config *config, struct err *err);

/* Asks for the passphrase of a run that is to be trained, where experiment.secret wants one, and
 * hands what follows from it over to rank 0 (secret.h). Nothing is done where it wants none. */
int person_hand_over(const char *run, const char *where, struct err *err);

/* Asks a run as inbox_ask does, as a person with that secret; NULL: as a planner. */
int person_ask(Trireme__Answer **answer, const char *run, const Trireme__Request *request,
               const struct secret *secret, double seconds, struct err *err);
