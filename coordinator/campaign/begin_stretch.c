/* Begins a stretch: who takes part, and whether there is time and money for it. */
#include "coordinator/campaign/campaign_internal.h"
#include "coordinator/ledger/actor.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "coordinator/train/trial.h"
#include "proto/config/changes.h"
#include "proto/config/run_config.h"

#include "base/mem.h"

#include <stdlib.h>

/* Somebody who may take part, and does if it stays in the list. */
struct part {
    uint32_t number;
    bool reverse;
    struct fork_kind fork;
};

static struct entry *entry_of(const struct campaign *c, uint32_t number)
{
    return history_entry(context_history(&c->context), number);
}

/* Ends a watch or claim for which nothing is left. */
static int end_watch(struct campaign *c, uint32_t number, uint64_t step, Trireme__Cause cause,
                     struct err *err)
{
    return campaign_close(c, number, step, cause,
                          cause == TRIREME__CAUSE__time ? "no steps are left for another stretch"
                                                        : "no tokens are left for another stretch",
                          err);
}

/* Closes hypotheses that cannot be tried any more, since so little is left of the run. */
static int close_late(struct campaign *c, uint64_t step, struct err *err)
{
    const struct history *h = context_history(&c->context);
    if (!stretch_is_late(&c->rule, step, trial_last_step(context_trunk(&c->context))))
        return 0;
    for (size_t i = 0; i < h->n; i++) {
        const struct entry *e = &h->entries[i];
        if ((e->fate == FATE_OPEN || e->fate == FATE_QUEUED) &&
            campaign_close(c, e->number, step, TRIREME__CAUSE__time,
                           "too little is left of the run to try it", err) < 0)
            return -1;
    }
    return 0;
}

/* Whether it would be one hypothesis more. */
static bool is_new(const struct entry *e)
{
    return e->fate == FATE_QUEUED && !e->forward.plan;
}

/* Adds an entry to the list, or closes it where it cannot be tried. */
static int add(struct campaign *c, struct part *parts, size_t *n, const struct entry *e,
               bool reverse, uint64_t step, struct err *err)
{
    const struct history *h = context_history(&c->context);
    const uint32_t hypotheses = c->context.run->config->gate->hypotheses;
    struct part part = {.number = e->number, .reverse = reverse};
    struct err why = {0};
    uint32_t registered = h->registered;
    for (size_t i = 0; i < *n; i++)
        registered += is_new(entry_of(c, parts[i].number));
    const bool fits = !is_new(e) || registered < hypotheses;
    if (!fits)
        return campaign_close(c, e->number, step, TRIREME__CAUSE__unfit,
                              "this run has tried its hypotheses (gate.hypotheses)", err);
    if (campaign_fork_kind(&part.fork, c, e, reverse, &why) < 0)
        return campaign_close(c, e->number, step, TRIREME__CAUSE__failed, why.text, err);
    parts[(*n)++] = part;
    return 0;
}

/* Chooses among the hypotheses that are open or queued, in the order of their turns, those of the
 * next stretch, behind the n parts that there are already (the watched one, or none). */
static int choose(struct campaign *c, struct part *parts, size_t *n, uint64_t step, struct err *err)
{
    const struct history *h = context_history(&c->context);
    struct part *all = mem_new(h->n, sizeof *all);
    struct stretch_candidate *candidates = mem_new(h->n, sizeof *candidates);
    size_t *chosen = mem_new(h->n, sizeof *chosen), n_all = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < h->n; i++) {
        const struct entry *e = &h->entries[h->turns[i]];
        if (e->fate == FATE_OPEN || e->fate == FATE_QUEUED)
            rc = add(c, all, &n_all, e, false, step, err);
    }
    for (size_t i = 0; i < n_all; i++) {
        const struct entry *e = entry_of(c, all[i].number);
        candidates[i] = (struct stretch_candidate){.number = e->number,
                                                   .kind = all[i].fork.kind.kind,
                                                   .open = e->fate == FATE_OPEN,
                                                   .returned = e->returned,
                                                   .slow = all[i].fork.kind.slow};
    }
    const enum stretch_kind kind =
        stretch_next_kind(candidates, n_all, *n > 0, *n ? parts[0].fork.kind.kind : STRETCH_PLAIN);
    const size_t n_chosen = stretch_choose(chosen, c->rule.forks, kind, candidates, n_all);
    for (size_t i = 0; rc == 0 && i < n_chosen; i++)
        parts[(*n)++] = all[chosen[i]];
    free(chosen);
    free(candidates);
    free(all);
    return rc;
}

/* The stretch in which all parts have whole steps. */
static struct stretch stretch_for(const struct campaign *c, const struct part *parts, size_t n,
                                  uint64_t step)
{
    uint64_t *tokens = mem_new(n + 1, sizeof *tokens);
    tokens[0] = run_config_step_tokens(context_config(&c->context));
    for (size_t i = 0; i < n; i++)
        tokens[i + 1] = parts[i].fork.step_tokens;
    const struct stretch s = campaign_stretch(c, parts[0].fork.kind.kind, step, tokens, n + 1);
    free(tokens);
    return s;
}

/* Closes a part for which there is no money or time. */
static int drop(struct campaign *c, const struct part *part, uint64_t step, Trireme__Cause cause,
                struct err *err)
{
    if (part->reverse)
        return end_watch(c, part->number, step, cause, err);
    return campaign_close(c, part->number, step, cause,
                          cause == TRIREME__CAUSE__time
                              ? "too few steps are left for a stretch of it"
                              : "the tokens that experiments may cost do not reach for a stretch "
                                "of it",
                          err);
}

static bool is_beyond_budget(const struct entry *e, double cost)
{
    double own = 0;
    for (size_t i = 0; i < e->forward.n_pairs; i++)
        own += (double)e->forward.pairs[i]->tokens;
    return e->proposal->budget && own + cost > (double)e->proposal->budget;
}

static void price(const struct campaign *c, struct account_arm *arm, const struct part *part,
                  double cost)
{
    const struct entry *e = entry_of(c, part->number);
    *arm = (struct account_arm){
        .cost = cost,
        .m = !part->reverse && e->forward.n_pairs ? e->forward.judgement->mean : 0,
        .planner = !part->reverse && !actor_is_proven_person(e->by),
        .claim = part->reverse && e->fate == FATE_KEPT,
        .watch = part->reverse && e->fate == FATE_ADOPTED,
        .dropped = !part->reverse && is_beyond_budget(e, cost)};
}

/* Drops parts until there is time and money for the rest; what is left makes the stretch. */
static int fit(struct campaign *c, struct part *parts, size_t *n, uint64_t step,
               struct stretch *stretch, struct err *err)
{
    struct account_arm *arms = mem_new(*n, sizeof *arms);
    int rc = 0;
    for (bool again = true; again && rc == 0 && *n > 0;) {
        *stretch = stretch_for(c, parts, *n, step);
        const bool late = !stretch_fits(stretch, trial_last_step(context_trunk(&c->context)));
        const struct account account = campaign_account(c);
        for (size_t i = 0; i < *n; i++) {
            price(c, &arms[i], &parts[i], campaign_arm_tokens(c, stretch));
            arms[i].dropped = arms[i].dropped || late;
        }
        account_fit(&c->rule, &account, arms, *n, campaign_fixed_tokens(c, stretch));
        size_t kept = 0;
        for (size_t i = 0; rc == 0 && i < *n; i++) {
            if (!arms[i].dropped)
                parts[kept++] = parts[i];
            else
                rc = drop(c, &parts[i], step, late ? TRIREME__CAUSE__time : TRIREME__CAUSE__money,
                          err);
        }
        again = kept < *n;
        *n = kept;
    }
    free(arms);
    return rc;
}

static int write_rule(struct campaign *c, uint64_t step, struct err *err)
{
    Trireme__Rule rule;
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.rule = &rule;
    rule_tell(&rule, &c->rule, c->context.run->config, (uint64_t)campaign_account(c).all);
    return journal_write(c->context.journal, &record, TRIREME__RECORD_KIND__rule, 0, step, "rule",
                         err);
}

int campaign_renew_rule(struct campaign *c, uint64_t step, struct err *err)
{
    const Trireme__Rule *told = context_history(&c->context)->rule;
    if (!told || told->revision == RULE_REVISION || !journal_awaits_rule(c->context.journal, step))
        return 0;
    progress_say(c->context.progress,
                 "note: the ledger is of revision %u of the rule: revision %u decides from step "
                 "%llu on",
                 told->revision, (unsigned)RULE_REVISION, (unsigned long long)step);
    return write_rule(c, step, err);
}

static void say_begun(struct campaign *c, uint32_t number, const struct stretch *s)
{
    const struct entry *e = entry_of(c, number);
    char *text = changes_text(e->proposal->patch, e->proposal->n_patch);
    progress_say(c->context.progress,
                 "hypothesis %u: %s - tried from step %llu on, over %llu steps and a tail of %llu",
                 number, text, (unsigned long long)s->start, (unsigned long long)s->horizon,
                 (unsigned long long)s->tail);
    free(text);
}

static int register_part(struct campaign *c, const struct part *part, const struct stretch *s,
                         struct err *err)
{
    if (part->reverse || entry_of(c, part->number)->fate == FATE_OPEN)
        return 0;
    Trireme__Plan plan = TRIREME__PLAN__INIT;
    plan.has_slow = 1, plan.slow = part->fork.kind.slow;
    plan.has_calm = 1, plan.calm = part->fork.kind.kind == STRETCH_CALM;
    plan.has_margin = 1, plan.margin = c->rule.margin;
    if (!gate_windows_are_fresh(&c->windows, context_history(&c->context), &s->windows, 1))
        plan.holds_for = "this gate text: stretches read more windows than it has, some of them "
                         "again";
    if (c->context.run->config->data->order == TRIREME__DATA__ORDER__sequential)
        plan.holds_for = "this order of the data: it is sequential";
    if (campaign_register(c, part->number, s->start, &plan, err) < 0)
        return -1;
    say_begun(c, part->number, s);
    return 0;
}

static int write_stretch(struct campaign *c, const struct part *parts, size_t n,
                         const struct stretch *s, struct err *err)
{
    const struct history *h = context_history(&c->context);
    Trireme__Arm *arms = mem_new(n, sizeof *arms), **list = mem_new(n, sizeof *list);
    for (size_t i = 0; i < n; i++) {
        trireme__arm__init(&arms[i]);
        arms[i].has_number = 1, arms[i].number = parts[i].number;
        arms[i].has_reverse = arms[i].reverse = parts[i].reverse;
        arms[i].has_person = arms[i].person =
            !parts[i].reverse && actor_is_proven_person(entry_of(c, parts[i].number)->by);
        list[i] = &arms[i];
    }
    Trireme__Stretch stretch = TRIREME__STRETCH__INIT;
    stretch.has_calm = 1, stretch.calm = parts[0].fork.kind.kind == STRETCH_CALM;
    stretch.has_horizon = 1, stretch.horizon = s->horizon;
    stretch.has_tail = 1, stretch.tail = s->tail;
    stretch.has_windows = 1, stretch.windows = s->windows;
    stretch.has_step_tokens = 1,
    stretch.step_tokens = run_config_step_tokens(context_config(&c->context));
    stretch.has_trained = 1, stretch.trained = trial_position(context_trunk(&c->context)).tokens;
    const uint64_t unit = context_trunk(&c->context)->step_tokens;
    stretch.has_spent = 1, stretch.spent = history_tokens(h, h->spent, unit);
    stretch.has_since = 1, stretch.since = history_tokens(h, h->since, unit);
    stretch.has_unit = h->first_unit && unit != h->first_unit;
    stretch.unit = stretch.has_unit ? unit : 0;
    stretch.has_length = 1, stretch.length = trial_last_step(context_trunk(&c->context));
    stretch.arms = list, stretch.n_arms = n;
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.stretch = &stretch;
    int rc = journal_write(c->context.journal, &record, TRIREME__RECORD_KIND__stretch, 0, s->start,
                           "rule", err);
    free(list);
    free(arms);
    return rc;
}

static int announce(struct campaign *c, const struct part *parts, size_t n, const struct stretch *s,
                    struct err *err)
{
    int rc = context_history(&c->context)->rule ? 0 : write_rule(c, s->start, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = register_part(c, &parts[i], s, err);
    return rc < 0 ? -1 : write_stretch(c, parts, n, s, err);
}

/* A claim whose watch is over needs windows that no stretch has read. */
static int check_windows(struct campaign *c, const struct entry *watched, uint64_t step,
                         struct err *err)
{
    struct fork_kind fork;
    if (!entry_claims(watched))
        return 0;
    if (campaign_fork_kind(&fork, c, watched, true, err) < 0)
        return -1;
    const struct stretch s = campaign_stretch_alone(c, &fork, step);
    if (gate_windows_are_fresh(&c->windows, context_history(&c->context), &s.windows, 1))
        return 0;
    return campaign_drop_claim(c, watched, step, TRIREME__CAUSE__windows, err);
}

/* One attempt: 1: a stretch begins, or nobody is left for one; 0: somebody was closed, and others
 * may take the place. */
static int attempt(struct campaign *c, struct part *parts, uint64_t step, struct err *err)
{
    const struct history *h = context_history(&c->context);
    const struct entry *watched = history_watched(h);
    struct stretch stretch = {0};
    size_t n = 0;
    if (watched && check_windows(c, watched, step, err) < 0)
        return -1;
    watched = history_watched(h);
    if (watched && add(c, parts, &n, watched, true, step, err) < 0)
        return -1;
    if (choose(c, parts, &n, step, err) < 0)
        return -1;
    if (n == 0)
        return 1;
    if (fit(c, parts, &n, step, &stretch, err) < 0)
        return -1;
    if (n == 0)
        return 0;
    return announce(c, parts, n, &stretch, err) < 0 ? -1 : 1;
}

int campaign_begin_stretch(struct campaign *c, uint64_t step, struct err *err)
{
    const size_t most = context_history(&c->context)->n + 1;
    struct part *parts = mem_new(most, sizeof *parts);
    int rc = campaign_renew_rule(c, step, err) < 0 ? -1 : close_late(c, step, err);
    while (rc == 0)
        rc = attempt(c, parts, step, err);
    free(parts);
    return rc < 0 ? -1 : 0;
}
