/* What was tried, what is tried now, what changed since the last look, what comes next. */
#include "base/mem.h"
#include "coordinator/briefing/briefing_internal.h"
#include "coordinator/briefing/curve.h"
#include "coordinator/briefing/stats.h"
#include "coordinator/campaign/pair.h"
#include "coordinator/ledger/history.h"
#include "proto/schema/message.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TRIED_MAX = 1000 /* newest proposals in a briefing */ };

/* Returns why an entry was refused or ended, or until when it is deferred, fresh, or NULL.
 * Sentences about what ended may name files of the run, or numbers: a planner is told the word
 * alone. */
static char *tell_reason(const struct entry *entry)
{
    if (entry->fate == FATE_REFUSED || entry->fate == FATE_WAITING || entry->fate == FATE_DEFERRED)
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

static void tell_arm(Trireme__Briefing *b, const struct briefing_input *input,
                     const Trireme__Arm *arm)
{
    const struct history *h = input->history;
    const struct entry *e = history_entry(h, arm->number);
    if (!e || !attempt_open(e))
        return; // it was ended meanwhile
    const struct attempt *attempt = arm->reverse ? &e->reverse : &e->forward;
    Trireme__RunningArm *to = message_new(&trireme__running_arm__descriptor);
    TELL(to, number, arm->number);
    if (arm->reverse)
        TELL(to, watch, true);
    TELL(to, pairs, (uint32_t)attempt->n_pairs);
    TELL(to, began, h->stretch_start);
    TELL(to, decided_at, h->stretch_start + h->stretch->horizon);
    char *name = pair_fork_name(arm->number, arm->reverse, attempt_next_pair(attempt));
    double mean = 0, error = 0;
    const size_t n = curve_lead(input->curve, &mean, &error, name);
    if (n >= 2) {
        TELL(to, lead, stats_round(mean, 3));
        TELL(to, lead_error, stats_round(error, 2));
        TELL(to, lead_steps, (uint32_t)n);
    }
    free(name);
    APPEND(b, running, to);
}

struct briefing_look briefing_look_at(const struct history *history, uint64_t step)
{
    struct briefing_look look = {.step = step, .n = history->n};
    look.words = mem_new(history->n, sizeof *look.words);
    for (size_t i = 0; i < history->n; i++)
        look.words[i] = entry_word(&history->entries[i]);
    return look;
}

void briefing_look_clear(struct briefing_look *look)
{
    free(look->words);
    *look = (struct briefing_look){0};
}

static void tell_since(Trireme__Briefing *b, const struct briefing_input *input)
{
    const struct briefing_look *look = &input->since;
    size_t n = 0;
    const struct curve_eval *evals = curve_evals(input->curve, &n);
    TELL(b->since, step, look->step);
    while (n > 0 && evals[n - 1].step > look->step)
        n--;
    const double goal = n > 0 ? briefing_goal_loss(input, evals[n - 1].line) : (double)NAN;
    if (!isnan(goal))
        TELL(b->since, goal, stats_round(goal, 5));
    for (size_t i = 0; i < input->history->n; i++) {
        const char *was = i < look->n ? look->words[i] : NULL,
                   *is = entry_word(&input->history->entries[i]);
        if (was && !strcmp(was, is))
            continue;
        Trireme__Turned *turned = message_new(&trireme__turned__descriptor);
        TELL(turned, number, input->history->entries[i].number);
        turned->was = mem_strdup(was);
        turned->is = mem_strdup(is);
        APPEND(b->since, turned, turned);
    }
}

/* The next step at which something is due that happens every so many and at the end; 0: never. */
static uint64_t next_due(uint64_t step, uint64_t every, uint64_t last)
{
    const uint64_t next = every ? (step / every + 1) * every : last;
    return step >= last ? 0 : next < last ? next : last;
}

static void tell_upcoming(Trireme__Briefing *b, const struct briefing_input *input)
{
    const struct history *h = input->history;
    const uint64_t every = input->asked->eval->every,
                   evaluation = every ? next_due(b->step, every, b->steps) : 0,
                   checkpoint = next_due(b->step, input->asked->checkpoint->every, b->steps);
    if (evaluation)
        TELL(b->upcoming, evaluation, evaluation);
    if (checkpoint)
        TELL(b->upcoming, checkpoint, checkpoint);
    if (h->stretch)
        TELL(b->upcoming, decision, h->stretch_start + h->stretch->horizon);
}

void briefing_tell_tried(Trireme__Briefing *b, const struct briefing_input *input)
{
    const struct history *h = input->history;
    const size_t first = h->n > TRIED_MAX ? h->n - TRIED_MAX : 0;
    b->tried = mem_new(h->n - first, sizeof *b->tried);
    for (size_t i = first; i < h->n; i++)
        b->tried[b->n_tried++] = tell_tried(&h->entries[i]);
    for (size_t i = 0; h->stretch && i < h->stretch->n_arms; i++)
        tell_arm(b, input, h->stretch->arms[i]);
    if (input->since.words) {
        tell_since(b, input);
    } else {
        message_free(b->since);
        b->since = NULL;
    }
    tell_upcoming(b, input);
}
