#include "coordinator/proposals/briefing.h"

#include "base/mem.h"
#include "coordinator/gate/account.h"
#include "coordinator/ledger/history.h"
#include "coordinator/proposals/curve.h"
#include "coordinator/proposals/patch.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/schema/message_path.h"

#include <stdlib.h>
#include <string.h>

enum { TRIED_MAX = 1000 /* newest proposals in a briefing */ };

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
    b->config = mem_resize(b->config, b->n_config + 1, sizeof *b->config);
    b->config[b->n_config++] = value;
}

static void tell_may_change(void *context, const Trireme__MayChange *may)
{
    Trireme__Briefing *b = context;
    b->may_change = mem_resize(b->may_change, b->n_may_change + 1, sizeof *b->may_change);
    b->may_change[b->n_may_change++] = message_copy(may);
}

/* Returns why an entry was refused or ended, fresh, or NULL. Sentences about what ended may name
 * files of the run, or numbers: a planner is told the word alone. */
static char *tell_reason(const struct entry *entry)
{
    if (entry->fate == FATE_REFUSED)
        return mem_strdup(entry->reason);
    const Trireme__Judgement *j = entry->judgement;
    if (!j || !j->has_cause || j->cause == TRIREME__CAUSE__gains || entry->fate == FATE_CLOSED)
        return NULL; // the outcome is that word
    char *word = mem_strdup(
        protobuf_c_enum_descriptor_get_value(&trireme__cause__descriptor, (int)j->cause)->name);
    for (char *c = word; *c; c++)
        *c = *c == '_' ? ' ' : *c;
    return word;
}

/* Only the outcome of a judgement: with its numbers each proposal would reveal a little about the
 * gate's text. */
static Trireme__Tried *tell_tried(const struct entry *entry)
{
    Trireme__Tried *tried = message_new(&trireme__tried__descriptor);
    const Trireme__Proposal *proposal = entry->proposal;
    tried->has_number = true, tried->number = entry->number;
    tried->outcome = mem_strdup(entry_word(entry));
    tried->has_pairs = true, tried->pairs = (uint32_t)entry->forward.n_pairs;
    tried->reason = tell_reason(entry);
    if (!proposal)
        return tried;
    tried->id = mem_strdup(proposal->id);
    tried->hypothesis = mem_strdup(proposal->hypothesis);
    tried->patch = mem_new(proposal->n_patch, sizeof *tried->patch);
    for (size_t i = 0; i < proposal->n_patch; i++)
        tried->patch[tried->n_patch++] = message_copy(proposal->patch[i]);
    return tried;
}

/* Tokens that hypotheses may still cost before one is adopted. */
static uint64_t tokens_left(const struct briefing_input *input)
{
    const struct rule rule = rule_of(input->asked);
    const struct history *h = input->history;
    const uint64_t unit = run_config_step_tokens(input->asked);
    const struct account account = {.all = (double)input->asked->train->steps * (double)unit,
                                    .spent = (double)history_tokens(h, h->spent, unit),
                                    .since = (double)history_tokens(h, h->since, unit)};
    return (uint64_t)account_left(&rule, &account);
}

/* Tokens that the trunk has still to train on: what experiments spent it does not. */
static uint64_t tokens_ahead(const Trireme__Briefing *b, const struct briefing_input *input)
{
    const struct history *h = input->history;
    const uint64_t unit = run_config_step_tokens(input->asked),
                   spent = h->first_rule ? 0 : history_tokens(h, h->spent, unit); // on top of it
    const uint64_t used = b->tokens + spent;
    return spent < b->tokens_planned && used < b->tokens_planned ? b->tokens_planned - used : 0;
}

Trireme__Briefing *briefing_make(const struct briefing_input *input)
{
    const Trireme__Config *config = input->config;
    const struct history *history = input->history;
    uint32_t hypotheses = config->gate->hypotheses;
    Trireme__Briefing *b = message_new(&trireme__briefing__descriptor);
    b->has_step = true, b->step = input->step;
    b->has_hypotheses_left = true;
    b->hypotheses_left = hypotheses > history->registered ? hypotheses - history->registered : 0;
    b->has_room = true,
    b->room = input->room < b->hypotheses_left ? input->room : b->hypotheses_left;
    b->has_tokens_left = true;
    b->tokens_left = tokens_left(input);
    curve_tell(input->curve, b);
    b->has_step_tokens = true, b->step_tokens = run_config_step_tokens(config);
    b->has_tokens_planned = true;
    b->tokens_planned = config->train->steps * run_config_step_tokens(input->asked);
    b->has_steps = true, b->steps = input->step + tokens_ahead(b, input) / b->step_tokens;
    message_path_visit(config, tell_value, b);
    patch_may_change(config, input->policy, tell_may_change, b);
    size_t first = history->n > TRIED_MAX ? history->n - TRIED_MAX : 0;
    b->tried = mem_new(history->n - first, sizeof *b->tried);
    for (size_t i = first; i < history->n; i++)
        b->tried[b->n_tried++] = tell_tried(&history->entries[i]);
    return b;
}
