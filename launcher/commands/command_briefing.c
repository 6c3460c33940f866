/* trireme briefing: what a planner would be given now, from the files of the run. */
#include "base/mem.h"
#include "coordinator/briefing/briefing.h"
#include "coordinator/ledger/ledger.h"
#include "coordinator/memory/known.h"
#include "coordinator/run/run_data.h"
#include "launcher/commands/command.h"
#include "launcher/commands/run_view.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/schema/write.h"

#include "command.pb-c.h"

#include <stdio.h>
#include <stdlib.h>

/* How often each source was read; the caller's. */
static double *read_epochs(const struct run_view *v, const char *run)
{
    struct err unread;
    const Trireme__Manifest *m = v->manifest;
    const uint64_t from = m ? m->step : 0, since = v->step > from ? v->step - from : 0,
                   samples = (m ? m->samples : 0) + since * v->in_force->train->batch;
    Trireme__Segment first = TRIREME__SEGMENT__INIT, *start = &first;
    Trireme__RunData *data = NULL;
    double *epochs = mem_new(v->in_force->data->n_sources, sizeof *epochs);
    first.weights = v->weights, first.n_weights = v->asked->data->n_sources;
    first.parts = run_config_parts(v->asked);
    run_data_read(&data, run, &unread); // one of an earlier version has none
    briefing_epochs(epochs, v->in_force, m ? m->segments : &start, m ? m->n_segments : 1, samples,
                    data);
    message_free(data);
    return epochs;
}

/* What was said at an earlier step. */
static struct briefing_look look_at(const struct run_view *v, uint64_t step)
{
    struct history then = {0};
    size_t n = 0;
    while (n < ledger_records(v->ledger) && ledger_record(v->ledger, n)->step <= step)
        n++;
    history_read(&then, v->ledger, n);
    const struct briefing_look look = briefing_look_at(&then, step);
    history_clear(&then);
    return look;
}

enum cut { WHOLE, AS_JSON, AS_TEXT };

static Trireme__Briefing *make(const Trireme__BriefingRequest *r, enum cut cut, struct err *err)
{
    struct run_view v;
    Trireme__Briefing *made = NULL;
    if (run_view_read(&v, r->run, err) == 0) {
        struct briefing_look look = {0};
        struct known known;
        struct err unread;
        known_read(&known, r->run, v.asked, &unread);
        if (r->has_since)
            look = look_at(&v, r->since);
        double *epochs = read_epochs(&v, r->run);
        const struct briefing_input input = {
            .config = v.in_force,
            .asked = v.asked,
            .policy = v.policy,
            .history = &v.history,
            .curve = v.curve,
            .step = v.step,
            .room = history_room(&v.history, v.in_force->experiment->forks),
            .windows_max = v.windows_max,
            .goal = v.weights,
            .epochs = epochs,
            .since = look,
            .known = known.list,
            .n_known = known.n};
        made = briefing_make(&input);
        if (cut != WHOLE)
            briefing_cut(made, v.asked->experiment->briefing, cut == AS_TEXT);
        briefing_look_clear(&look);
        known_clear(&known);
        free(epochs);
    }
    run_view_clear(&v);
    return made;
}

Trireme__Briefing *command_briefing_make(const char *run, const uint64_t *since, struct err *err)
{
    Trireme__BriefingRequest request = TRIREME__BRIEFING_REQUEST__INIT;
    request.run = (char *)run;
    request.has_since = since != NULL, request.since = since ? *since : 0;
    return make(&request, AS_TEXT, err);
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
