#include "coordinator/briefing/briefing.h"

#include "base/mem.h"
#include "coordinator/briefing/briefing_internal.h"
#include "coordinator/briefing/curve.h"
#include "coordinator/briefing/recent.h"
#include "coordinator/briefing/stats.h"
#include "coordinator/ledger/history.h"
#include "coordinator/patch/patch.h"
#include "proto/schema/message.h"
#include "proto/schema/message_path.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What a planner may see of the configuration: nothing that names a place or a seed. */
static const char *const shown[] = {
    "model.*",       "data.order",  "data.sources.*.name", "data.sources.*.weight",
    "data.skip",     "train.steps", "train.batch",         "train.microbatch",
    "train.context", "optimizer.*", "schedule.*",          "eval.*",
};

static void tell_value(void *context, const struct message_path *leaf)
{
    Trireme__Briefing *b = context;
    bool may = false;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
        may = may || message_path_match(shown[i], leaf->path);
    if (!may)
        return;
    Trireme__Change *value = message_new(&trireme__change__descriptor);
    value->path = mem_strdup(leaf->path);
    value->value = mem_strdup(leaf->text);
    APPEND(b, config, value);
}

struct telling {
    Trireme__Briefing *b;
    const struct briefing_input *input;
};

static void tell_may_change(void *context, const Trireme__MayChange *may)
{
    const struct telling *t = context;
    Trireme__MayChange *told = message_copy(may);
    briefing_tell_ladder(told, t->input);
    APPEND(t->b, may_change, told);
}

static void tell_speed(Trireme__Briefing *b, const struct briefing_input *input)
{
    struct curve_step steps[CURVE_RECENT];
    const size_t n = curve_recent(input->curve, steps);
    const double alone = recent_seconds(steps, n, false), beside = recent_seconds(steps, n, true);
    double held = 0, seconds = 0;
    for (size_t i = 0; i < n; i++) {
        held += steps[i].held;
        seconds += steps[i].seconds + steps[i].held;
    }
    if (alone > 0)
        TELL(b->speed, alone, stats_round(alone, 3));
    if (beside > 0)
        TELL(b->speed, beside, stats_round(beside, 3));
    if (held > 0)
        TELL(b->speed, held, stats_round(held, 3));
    if (n > 0)
        TELL(b->speed, left, stats_round((double)(b->steps - b->step) * seconds / (double)n, 3));
}

Trireme__Briefing *briefing_make(const struct briefing_input *input)
{
    const struct history *history = input->history;
    const uint32_t hypotheses = input->config->gate->hypotheses;
    Trireme__Briefing *b = message_new(&trireme__briefing__descriptor);
    struct telling telling = {b, input};
    TELL(b, step, input->step);
    TELL(b, hypotheses_left,
         hypotheses > history->registered ? hypotheses - history->registered : 0);
    TELL(b, room, input->room < b->hypotheses_left ? input->room : b->hypotheses_left);
    curve_tell(input->curve, b);
    briefing_tell_budget(b, input);
    briefing_tell_goal(b, input);
    tell_speed(b, input);
    briefing_tell_tried(b, input);
    briefing_tell_notes(b, input);
    briefing_tell_known(b, input);
    message_path_visit(input->config, tell_value, b);
    patch_may_change(input->config, input->policy, tell_may_change, &telling);
    return b;
}
