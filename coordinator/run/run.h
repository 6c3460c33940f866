/* A run on disk, as one launch of it sees it: what is trained, from where it goes on, and the right
 * to write to it.
 *
 * In this order: run_plan_train or run_plan_resume (reads the configuration only), run_claim (takes
 * the run's lock, writes), run_locate (reads and verifies checkpoints). */
#pragma once
#include "base/err.h"
#include "base/warn.h"

#include "files.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct run {
    char *folder;
    Trireme__Config *config;   /* the operator's, as in config.yaml */
    Trireme__Config *in_force; /* the same with what experiments have changed; after run_locate */
    char *checkpoint; /* folder of the checkpoint to continue from; NULL: from first weights */
    Trireme__Manifest *manifest; /* its manifest, or NULL */
    Trireme__Segment **segments; /* data order of the trial, up to and from now on */
    size_t n_segments;
    uint64_t step, samples, tokens; /* done so far */
    uint64_t step_tokens;           /* of a step at the start of the run: the unit of train.steps */
    Trireme__Change *
        *promoted; /* what experiments have changed; the first ones borrowed from the manifest */
    size_t n_promoted;
    char **warnings; /* sentences about damaged checkpoints that run_locate passed over */
    size_t n_warnings;
    char *const *settings; /* of `resume --set`; borrowed from the request */
    size_t n_settings;
    uint64_t incarnation; /* of this launch; 0 before run_claim */
    int lock;             /* file descriptor; -1 before run_claim */
};

/* Plans to train `config` (taken over, also on failure) in the folder: new, or continued where the
 * same configuration is there. Refused: another configuration, a folder that is no run. */
int run_plan_train(struct run *run, const char *folder, Trireme__Config *config, struct err *err);

/* Plans to continue a run with settings. Refused: a setting that may not change in a run that
 * exists. */
int run_plan_resume(struct run *run, const char *folder, char *const *settings, size_t n_settings,
                    struct err *err);

/* Takes the run: makes its folders, its lock, its next incarnation, config.yaml. */
int run_claim(struct run *run, struct err *err);

/* Whether a process holds the run of that folder. */
bool run_is_trained(const char *folder);

/* Finds the newest good checkpoint, and the data order from there on. warn gets a line for each
 * damaged one; where all are, the run is refused (ERR_DATA). */
int run_locate(struct run *run, warn_fn warn, void *context, struct err *err);

/* Weights of the sources in the loss that judges, one a source: gate.weights, or the shares at the
 * start of the run. Borrowed; after run_locate. */
const double *run_gate_weights(const struct run *run);

/* RUN/status.json: how this launch ended. */
int run_status_write(const struct run *run, uint64_t step, const struct err *how, struct err *err);

void run_clear(struct run *run);
