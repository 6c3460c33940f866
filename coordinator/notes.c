/* What people are told when training begins. */
#include "coordinator/coordinator_internal.h"

#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "coordinator/run/secret.h"
#include "coordinator/train/evaluation.h"
#include "coordinator/train/whole_read.h"

#include <stdlib.h>
#include <string.h>

void coordinator_say_not_evaluated(struct coordinator *c, const struct eval_source *source)
{
    if (source->samples)
        return;
    if (source->val_tokens == 0)
        progress_say(c->progress,
                     "note: source '%s' has no validation part: it is left out of evaluation",
                     source->name);
    else
        progress_say(c->progress,
                     "note: source '%s' is left out of evaluation: it has %llu validation tokens, "
                     "in ranges of at most %llu, and one sample needs %u (model.context and one "
                     "more)",
                     source->name, (unsigned long long)source->val_tokens,
                     (unsigned long long)source->dev_longest, c->config->model->context + 1);
}

void coordinator_say_files(const struct coordinator *c)
{
    for (size_t s = 0; s < c->roster.n_sources; s++) {
        char *sentence = whole_read_sentence(c->whole_read, c->roster.sources[s].name);
        if (sentence)
            progress_say(c->progress, "%s", sentence);
        free(sentence);
    }
    if (whole_read_is_first(c->whole_read))
        progress_say(c->progress,
                     "note: the launches before recorded no digests of the token files: those of "
                     "now are recorded in %s/data.yaml",
                     c->run->folder);
    if (!whole_read_done(c->whole_read))
        progress_say(c->progress, "note: the token files are read whole beside the training; the "
                                  "first checkpoint is complete when that is done");
}

void coordinator_say_unseparated(const struct coordinator *c)
{
    const struct run *run = c->run;
    const Trireme__Experiment *e = run->config->experiment;
    const bool steered = e->planner != TRIREME__EXPERIMENT__PLANNER__none ||
                         e->mode == TRIREME__EXPERIMENT__MODE__approve;
    if (steered && !c->options.replay && run->secret && !secret_separates(run->secret))
        progress_say(c->progress,
                     "WARNING: other programs of this user are not separated from persons: who can "
                     "read %s/secret can approve, stop and propose as one; experiment.secret says "
                     "how it is kept elsewhere",
                     run->folder);
}

void coordinator_say_amended(const struct coordinator *c)
{
    if (c->run->amended)
        progress_say(c->progress, "note: config.yaml is of an earlier version: %s",
                     c->run->amended);
}

void coordinator_say_promoted(const struct coordinator *c)
{
    const struct run *run = c->run;
    for (size_t i = 0; i < run->n_promoted; i++)
        for (size_t k = 0; k < run->n_settings; k++) {
            const Trireme__Change *change = run->promoted[i];
            size_t length = strlen(change->path);
            if (!strncmp(run->settings[k], change->path, length) && run->settings[k][length] == '=')
                progress_say(c->progress,
                             "note: %s is what config.yaml says already; %s=%s, which was "
                             "promoted, stays in force (only "
                             "another value overrules it)",
                             run->settings[k], change->path, change->value);
        }
}
