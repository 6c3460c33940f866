/* A run on disk, as one launch sees it: the configuration, the checkpoint to continue from, the
 * right to write.
 *
 * To be called in this order: run_plan_train or run_plan_resume (reads the configuration only),
 * run_claim (takes the lock, writes), run_locate (reads and verifies checkpoints). */
#pragma once
#include "base/err.h"
#include "base/warn.h"

#include "files.pb-c.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct run_lock;
struct secret;

struct run {
    char *folder;
    Trireme__Config *config;   /* as in config.yaml: the user's */
    Trireme__Config *in_force; /* config with the promoted changes; after run_locate */
    char *checkpoint; /* folder of the checkpoint to continue from; NULL: from first weights */
    Trireme__Manifest *manifest; /* its manifest, or NULL */
    Trireme__Segment **segments; /* data order of the trunk, from the first sample on */
    size_t n_segments;
    uint64_t step, samples, tokens; /* done so far */
    uint64_t step_tokens;           /* of a step at the start of the run: the unit of train.steps */
    Trireme__Change *
        *promoted; /* changes of experiments that are in force; borrowed from the manifest */
    size_t n_promoted;
    char **warnings; /* sentences about damaged checkpoints, from run_locate */
    size_t n_warnings;
    Trireme__Config *before; /* as config.yaml was when `resume` read it; NULL in a `train` */
    bool goes_back;          /* `resume RUN@STEP`: continues from that step, not the newest */
    uint64_t back_to;
    char *amended; /* what in config.yaml, as it was found, is of an earlier version; or NULL */
    char *const *settings; /* of `resume --set`; borrowed from the request */
    size_t n_settings;
    uint64_t incarnation;  /* of this launch; 0 before run_claim */
    uint32_t without_step; /* launches in a row, up to this one, that were stopped so */
    bool open;             /* others may write to the folder, and that cannot be changed */
    struct run_lock *lock; /* NULL before run_claim */
    const volatile sig_atomic_t *stop; /* nonzero: run_locate is to be left; borrowed, or NULL */
    struct secret *secret;             /* NULL before run_open_secret */
};

/* Plans to train `config` (taken over, also on failure) in the folder: as a new run, or as the
 * continuation of one with the same configuration. ERR_USAGE if the folder holds a run with another
 * configuration, or is no run. */
int run_plan_train(struct run *run, const char *folder, Trireme__Config *config, struct err *err);

/* Plans to continue a run ("RUN", or "RUN@STEP" to go back to that step) with "a.b=c" settings.
 * ERR_USAGE if a setting may not change in a run that exists, and if it has no checkpoint of that
 * step. */
int run_plan_resume(struct run *run, const char *name, char *const *settings, size_t n_settings,
                    struct err *err);

/* Claims the run for this launch: makes its folders (RUN itself for its owner alone, whatever the
 * umask), takes the lock (run_lock.h), writes the next
 * incarnation and, of a `train`, config.yaml. */
int run_claim(struct run *run, struct err *err);

/* Opens the run's secret (secret.h), and makes it where it has none. After run_claim, which it has
 * succeeded. Without it whoever asks is a planner. */
int run_open_secret(struct run *run, struct err *err);

/* To be called before each write that counts: reads RUN/incarnation anew. ERR_MACHINE if another
 * launch has taken the run: then nothing of it may be touched any more. run_check_seen does not
 * read, and goes by what was seen in the last seconds. */
int run_check(const struct run *run, struct err *err);
int run_check_seen(const struct run *run, struct err *err);

/* Whether another launch is known to have taken the run; *how is left as it is if not. */
bool run_is_lost(const struct run *run, struct err *how);

/* Whether a process holds the lock of that folder's run. */
bool run_is_trained(const char *folder);

/* Finds the newest checkpoint that verifies, or that of the step to go back to, and the data order
 * from there on. warn gets a sentence for each damaged one, which is kept in run->warnings too.
 * ERR_DATA if there are checkpoints and all are damaged, or that of the step is; ERR_STOPPED if it
 * was left on request. */
int run_locate(struct run *run, warn_fn warn, void *context, struct err *err);

/* Writes what a `resume` changes to config.yaml. Called once nothing speaks against it. */
int run_write_changes(const struct run *run, struct err *err);

/* Weights of the sources in the loss that judges experiments, one a source: gate.weights, or the
 * shares at the start of the run. Borrowed. After run_locate. */
const double *run_gate_weights(const struct run *run);

/* Writes RUN/status.json: how this launch ended, and the step that is kept. On a full disk the file
 * of the lock makes room for it. */
int run_status_write(const struct run *run, uint64_t step, const struct err *how, struct err *err);

/* Reads that of a run's folder. ERR_USAGE if it cannot be read, ERR_DATA if it is no status. */
Trireme__Status *run_status_read(const char *folder, struct err *err);

void run_clear(struct run *run);
