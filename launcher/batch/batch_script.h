/* The Slurm script that `submit` writes. A job has several lives: one is asked to end before the
 * time limit (USR1 from Slurm to the script, and --max-seconds, whichever comes first), ends with
 * code 85 and a checkpoint, and puts the job back in the queue; the next runs the same line again.
 * TERM (scancel, preemption) asks for the same end; whether the job goes back is then Slurm's
 * decision: a cancelled job stays cancelled. Any other code ends the job. Pure. */
#pragma once
#include "command.pb-c.h"

#include <stdint.h>

/* All is borrowed. Texts are of one line. */
struct batch_script {
    const Trireme__SubmitRequest *request;
    const char *program; /* this one's path, from the root */
    const char *folder;  /* where the command is given, from the root */
    const char *output;  /* file for what the jobs print, from the root */
    uint64_t seconds;    /* time limit */
    unsigned ranks;      /* over all nodes; 0: one for each CPU of whole nodes */
    unsigned lead;       /* seconds before the limit */
    unsigned threads;    /* of a rank */
};

/* The caller frees it. */
char *batch_script_write(const struct batch_script *script);
