/* A planner that is a program (experiment.planner: script): a briefing as one JSON line on its
 * stdin (message Briefing), an answer as one JSON line on its stdout (message Proposals); what it
 * says on stderr goes to RUN/planner.log.
 *
 * It is started when it is first asked, locked in (launcher/planner/cage), without the variables
 * and the open files of the MPI job, and dies with this process. Whatever it does, training goes
 * on: nothing here waits for it. It is ended (SIGKILL to its process group), and started anew when
 * it is asked the next time, where it does not answer in time, answers what is no message, or
 * writes more than it may; one that ended by itself after an answer is started anew too. After
 * three failures in a row it is asked no more. Of an answer the first PLANNER_SCRIPT_PROPOSALS
 * proposals are taken; the log says so where there were more. Local. */
#pragma once
#include "base/err.h"
#include "base/warn.h"
#include "coordinator/proposals/planner.h"

#include "config.pb-c.h"

#include <stdbool.h>

struct cage_layers;
struct planner_program;

enum {
    PLANNER_SCRIPT_PROPOSALS = 64,
    PLANNER_SCRIPT_BYTES = 1 << 20 /* of a line, and of what nobody asked for */
};

/* What a planner that is a program is. */
struct planner_script_kind {
    const char *name;  /* for the ledger */
    double patience;   /* seconds for an answer */
    size_t bytes;      /* of a line at most, and of what nobody asked for */
    const char *bound; /* the setting that says so */
    /* Of a language model: what is told before an answer is there (under_way), borrowed. NULL:
     * calls are not looked at. */
    void (*told)(void *context, const Trireme__Proposals *so_far);
    /* Writes what its process gets before all else to its empty stdin, which takes 64 KiB without
     * waiting; or NULL. */
    void (*begin)(void *context, int in);
    void *context; /* borrowed */
};

/* The program is taken over. */
struct planner *planner_script_of(struct planner_program *program,
                                  const struct planner_script_kind *kind);

/* Warns where the machine offers less than all layers by the rule of
 * planner_script_new; ERR_USAGE. */
int planner_script_check_layers(const struct cage_layers *layers, const Trireme__Config *config,
                                warn_fn warn, void *context, struct err *err);

/* Whether there is the program of a configuration, looked up in PATH where its name has no slash,
 * and it can be kept from the run's folder (which need not exist yet) and from its data, as this
 * machine is; ERR_USAGE. */
int planner_script_check(const Trireme__Config *config, const char *run, struct err *err);

/* layers: what it is locked in by; NULL: all that this machine offers. What is missing of them is a
 * warning; a run that asks for approval (experiment.mode) refuses a planner that could read its
 * files, unless experiment.unlocked. config: copied as far as it is needed. */
struct planner *planner_script_new(const Trireme__Config *config, const char *run,
                                   const struct cage_layers *layers, warn_fn warn, void *context,
                                   struct err *err);
