/* trireme briefing: what a planner would be given now, from the files of the run. */
#include "base/mem.h"
#include "coordinator/gate/gate_windows.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/ledger.h"
#include "coordinator/memory/known.h"
#include "coordinator/proposals/briefing.h"
#include "coordinator/proposals/curve.h"
#include "coordinator/proposals/policy.h"
#include "coordinator/run/run_data.h"
#include "launcher/commands/command.h"
#include "launcher/commands/newest_manifest.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/schema/write.h"
#include "worker/data/dataset.h"

#include "command.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a briefing is made from. */
struct files {
    Trireme__Config *own;          /* as in config.yaml */
    Trireme__Manifest *manifest;   /* of the newest checkpoint that can be read, or NULL */
    const Trireme__Config *config; /* in force; borrowed */
    Trireme__RunData *data;        /* or NULL */
    Trireme__Policy *policy;       /* or NULL */
    struct ledger *ledger;
    struct history history;
    struct curve *curve;
    double *epochs, *weights; /* of each source */
    uint64_t step;
};

/* The weights of the goal where the configuration says none: the shares at the start. */
static void read_weights(struct files *f)
{
    const size_t n = f->own->data->n_sources;
    const Trireme__Segment *first =
        f->manifest && f->manifest->n_segments ? f->manifest->segments[0] : NULL;
    f->weights = mem_new(n, sizeof *f->weights);
    for (size_t s = 0; s < n; s++)
        f->weights[s] =
            first && s < first->n_weights ? first->weights[s] : f->own->data->sources[s]->weight;
}

static void read_epochs(struct files *f, const char *run)
{
    struct err unread;
    const Trireme__Manifest *m = f->manifest;
    const uint64_t from = m ? m->step : 0, since = f->step > from ? f->step - from : 0,
                   samples = (m ? m->samples : 0) + since * f->config->train->batch;
    Trireme__Segment first = TRIREME__SEGMENT__INIT, *start = &first;
    first.weights = f->weights, first.n_weights = f->own->data->n_sources;
    first.parts = run_config_parts(f->own);
    f->epochs = mem_new(f->config->data->n_sources, sizeof *f->epochs);
    run_data_read(&f->data, run, &unread); // one of an earlier version has none
    briefing_epochs(f->epochs, f->config, m ? m->segments : &start, m ? m->n_segments : 1, samples,
                    f->data);
}

static int read_files(struct files *f, const char *run, struct err *err)
{
    f->curve = curve_new();
    f->own = run_config_of(run, err);
    if (!f->own || newest_manifest(&f->manifest, run, err) < 0)
        return -1;
    f->config = f->manifest ? f->manifest->config : f->own;
    f->ledger = ledger_open(run, false, err);
    if (!f->ledger || policy_read(&f->policy, f->config->experiment->policy, err) < 0 ||
        curve_read(f->curve, &f->step, run, err) < 0)
        return -1;
    history_read(&f->history, f->ledger, ledger_records(f->ledger));
    read_weights(f);
    read_epochs(f, run);
    return 0;
}

static void close_files(struct files *f)
{
    history_clear(&f->history);
    curve_free(f->curve);
    ledger_free(f->ledger);
    message_free(f->policy);
    message_free(f->data);
    message_free(f->manifest);
    message_free(f->own);
    free(f->epochs);
    free(f->weights);
}

/* The most windows that an arm of a stretch can read: as many as the data has; 0: it cannot be
 * opened here, and is taken for large. */
static uint32_t windows_max(const struct files *f)
{
    struct err unread;
    const Trireme__Config *own = f->own;
    const size_t n = own->data->n_sources;
    struct dataset *dataset =
        dataset_open(own->data, own->model->context, own->model->vocab, own->train->seed, &unread);
    if (!dataset)
        return 0;
    uint64_t *there = mem_new(n, sizeof *there);
    for (size_t s = 0; s < n; s++)
        there[s] = dataset_eval_samples(dataset, TRIREME__PART__gate, s);
    const bool set = own->gate->n_weights == n;
    const struct gate_windows windows = {
        .weights = set ? own->gate->weights : f->weights, .n_sources = n, .there = there};
    const uint32_t most = gate_windows_max(&windows);
    free(there);
    dataset_free(dataset);
    return most;
}

/* What was said at an earlier step. */
static struct briefing_look look_at(const struct files *f, uint64_t step)
{
    struct history then = {0};
    size_t n = 0;
    while (n < ledger_records(f->ledger) && ledger_record(f->ledger, n)->step <= step)
        n++;
    history_read(&then, f->ledger, n);
    const struct briefing_look look = briefing_look_at(&then, step);
    history_clear(&then);
    return look;
}

enum cut { WHOLE, AS_JSON, AS_TEXT };

static Trireme__Briefing *make(const Trireme__BriefingRequest *r, enum cut cut, struct err *err)
{
    struct files f = {0};
    Trireme__Briefing *made = NULL;
    if (read_files(&f, r->run, err) == 0) {
        struct briefing_look look = {0};
        struct known known;
        struct err unread;
        known_read(&known, r->run, f.own, &unread);
        if (r->has_since)
            look = look_at(&f, r->since);
        const struct briefing_input input = {
            .config = f.config,
            .asked = f.own,
            .policy = f.policy,
            .history = &f.history,
            .curve = f.curve,
            .step = f.step,
            .room = history_room(&f.history, f.config->experiment->forks),
            .windows_max = windows_max(&f),
            .goal = f.weights,
            .epochs = f.epochs,
            .since = look,
            .known = known.list,
            .n_known = known.n};
        made = briefing_make(&input);
        if (cut != WHOLE)
            briefing_cut(made, f.own->experiment->briefing, cut == AS_TEXT);
        briefing_look_clear(&look);
        known_clear(&known);
    }
    close_files(&f);
    return made;
}

int command_briefing(const void *request, void *reply, struct err *err)
{
    Trireme__Briefing *made = make(request, AS_JSON, err), *out = reply;
    if (!made)
        return -1;
    const Trireme__Briefing swapped = *out;
    *out = *made;
    *made = swapped;
    message_free(made);
    return 0;
}

int speak_briefing(const void *request, struct err *err)
{
    const Trireme__BriefingRequest *r = request;
    const bool llm = r->for_ == TRIREME__BRIEFING_REQUEST__FOR__llm;
    Trireme__Briefing *made = make(r, llm ? AS_TEXT : WHOLE, err);
    if (!made)
        return -1;
    char *text = llm ? briefing_text(made) : yaml_write(made, false);
    fputs(text, stdout);
    free(text);
    message_free(made);
    return 0;
}
