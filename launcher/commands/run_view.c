#include "launcher/commands/run_view.h"

#include "base/mem.h"
#include "coordinator/briefing/curve.h"
#include "coordinator/ledger/ledger.h"
#include "coordinator/patch/policy.h"
#include "coordinator/train/roster.h"
#include "launcher/commands/newest_manifest.h"
#include "proto/config/changes.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "worker/data/dataset.h"

#include <stdlib.h>

/* The weights of the goal where the configuration says none: the shares at the start. */
static void read_weights(struct run_view *v)
{
    const size_t n = v->asked->data->n_sources;
    const Trireme__Segment *first =
        v->manifest && v->manifest->n_segments ? v->manifest->segments[0] : NULL;
    v->weights = mem_new(n, sizeof *v->weights);
    for (size_t s = 0; s < n; s++)
        v->weights[s] =
            first && s < first->n_weights ? first->weights[s] : v->asked->data->sources[s]->weight;
}

/* What a worker would tell of the windows of each source. */
static struct roster roster_of(const struct dataset *dataset, size_t n)
{
    struct roster roster = {.n_sources = n,
                            .sources = mem_new(n, sizeof *roster.sources),
                            .gate_samples = mem_new(n, sizeof *roster.gate_samples),
                            .sealed_samples = mem_new(n, sizeof *roster.sealed_samples)};
    for (size_t s = 0; s < n; s++) {
        roster.sources[s].name = mem_strdup(dataset_source_name(dataset, s));
        roster.sources[s].samples = dataset_eval_samples(dataset, TRIREME__PART__dev, s);
        roster.gate_samples[s] = dataset_eval_samples(dataset, TRIREME__PART__gate, s);
        roster.sealed_samples[s] = dataset_eval_samples(dataset, TRIREME__PART__sealed, s);
    }
    return roster;
}

/* Data that cannot be opened here is taken for large. */
static void read_windows(struct run_view *v)
{
    struct err unread;
    const Trireme__Config *asked = v->asked;
    const size_t n = asked->data->n_sources;
    const char *off = prospect_off(&v->history);
    struct dataset *dataset = dataset_open(asked->data, asked->model->context, asked->model->vocab,
                                           asked->train->seed, &unread);
    if (dataset) {
        struct roster roster = roster_of(dataset, n);
        struct gate_windows windows;
        gate_windows_of(&windows, asked->gate->n_weights == n ? asked->gate->weights : v->weights,
                        &roster);
        v->windows_max = gate_windows_max(&windows);
        v->off = mem_strdup(off ? off : windows.off);
        gate_windows_clear(&windows);
        roster_clear(&roster);
    } else {
        v->off = mem_strdup(off);
    }
    dataset_free(dataset);
}

int run_view_read(struct run_view *v, const char *run, struct err *err)
{
    *v = (struct run_view){.curve = curve_new()};
    v->asked = run_config_of(run, err);
    if (!v->asked || newest_manifest(&v->manifest, run, err) < 0)
        return -1;
    v->ledger = ledger_open(run, false, err);
    if (!v->ledger || policy_read(&v->policy, v->asked->experiment->policy, err) < 0 ||
        curve_read(v->curve, &v->step, run, err) < 0)
        return -1;
    history_read(&v->history, v->ledger, ledger_records(v->ledger));
    // a checkpoint comes after the planner's turn, which an adoption may come right before
    v->in_force = changes_apply(v->asked, v->history.promoted, v->history.n_promoted, err);
    if (!v->in_force)
        return -1;
    read_weights(v);
    read_windows(v);
    return 0;
}

void run_view_clear(struct run_view *v)
{
    history_clear(&v->history);
    curve_free(v->curve);
    ledger_free(v->ledger);
    message_free(v->policy);
    message_free(v->in_force);
    message_free(v->manifest);
    message_free(v->asked);
    free(v->weights);
    free(v->off);
}

struct prospect run_view_prospect(const struct run_view *v)
{
    return prospect_of(v->in_force, v->asked, &v->history, v->step, curve_tokens(v->curve),
                       v->windows_max);
}
