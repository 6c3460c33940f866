#include "coordinator/campaign.h"

#include "base/clock.h"
#include "base/mem.h"
#include "coordinator/attempt.h"
#include "coordinator/chronicle.h"
#include "coordinator/gate.h"
#include "coordinator/look.h"
#include "coordinator/measure.h"
#include "coordinator/muster.h"
#include "coordinator/pair.h"
#include "coordinator/patch.h"
#include "coordinator/plan.h"
#include "coordinator/progress.h"
#include "coordinator/promotion.h"
#include "coordinator/run.h"
#include "coordinator/trials.h"
#include "proto/file/checkpoint.h"
#include "proto/file/run_config.h"
#include "proto/schema/message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { GATE_WINDOWS_MIN = 256, DEV_WINDOWS_MIN = 64 };

struct campaign {
    struct ground ground;
    double *weights; /* of the sources in the loss that judges */
    size_t n_sources;
    char *off;
    struct windows windows;
    struct measure *measure;
    struct pair *pairs;          /* under way, in the order of their numbers */
    struct promotion *promotion; /* under way, or NULL */
};

static struct history *history(const struct campaign *c)
{
    return chronicle_history(c->ground.chronicle);
}

static const struct trial *trunk(const struct campaign *c)
{
    return *c->ground.trunk;
}

static int find_weights(struct campaign *c, struct err *err)
{
    const Trireme__Gate *gate = c->ground.run->config->gate;
    const Trireme__Segment *first = c->ground.run->segments[0];
    c->n_sources = first->n_weights;
    if (gate->n_weights && gate->n_weights != c->n_sources)
        return err_set(err, ERR_USAGE, "gate.weights: found %zu, expected %zu, one for each source", gate->n_weights,
                       c->n_sources);
    double sum = 0;
    c->weights = mem_new(c->n_sources, sizeof *c->weights);
    for (size_t s = 0; s < c->n_sources; s++)
        sum += c->weights[s] = gate->n_weights ? gate->weights[s] : first->weights[s];
    return sum > 0 ? 0 : err_set(err, ERR_USAGE, "gate.weights: found only zeros, expected a weight above zero");
}

/* What the muster says may be too little to judge by. */
static void find_off(struct campaign *c)
{
    const struct muster *m = c->ground.muster;
    for (size_t s = 0; s < c->n_sources && !c->off; s++) {
        if (c->weights[s] == 0)
            continue;
        if (m->gate_samples[s] < GATE_WINDOWS_MIN || m->sources[s].samples < DEV_WINDOWS_MIN)
            c->off =
                mem_format("experiments are off: source '%s' has %llu windows of validation text to judge by and "
                           "%llu to look at, expected at least %d and %d",
                           m->sources[s].name, (unsigned long long)m->gate_samples[s],
                           (unsigned long long)m->sources[s].samples, GATE_WINDOWS_MIN, DEV_WINDOWS_MIN);
    }
}

/* Windows that the pairs in the ledger took. */
static void retake_windows(struct campaign *c)
{
    uint32_t *counts = mem_new(c->n_sources, sizeof *counts);
    uint64_t *first = mem_new(c->n_sources, sizeof *first);
    for (size_t i = 0; i < history(c)->n; i++) {
        const struct entry *e = &history(c)->entries[i];
        for (size_t p = 0; p < e->forward.n_pairs; p++)
            windows_take(&c->windows, e->forward.plan->windows, counts, first);
        for (size_t p = 0; p < e->reverse.n_pairs; p++)
            windows_take(&c->windows, e->reverse.plan->windows, counts, first);
    }
    free(first);
    free(counts);
}

struct campaign *campaign_new(const struct ground *ground, struct err *err)
{
    struct campaign *c = mem_new(1, sizeof *c);
    c->ground = *ground;
    if (find_weights(c, err) < 0) {
        campaign_free(c);
        return NULL;
    }
    find_off(c);
    c->windows = (struct windows){.weights = c->weights, .n_sources = c->n_sources};
    c->windows.taken = mem_new(c->n_sources, sizeof *c->windows.taken);
    retake_windows(c);
    c->measure = measure_new(&c->ground, c->weights, c->n_sources);
    return c;
}

void campaign_free(struct campaign *c)
{
    if (!c)
        return;
    while (c->pairs) {
        struct pair *next = c->pairs->next;
        pair_free(c->pairs);
        c->pairs = next;
    }
    promotion_free(c->promotion);
    measure_free(c->measure);
    free(c->windows.taken);
    free(c->weights);
    free(c->off);
    free(c);
}

const char *campaign_off(const struct campaign *c)
{
    return c->off;
}

static int write_record(struct campaign *c, Trireme__Record *record, Trireme__RecordKind kind, uint32_t number,
                        uint64_t step, struct err *err)
{
    record->has_kind = 1, record->kind = kind;
    record->has_number = 1, record->number = number;
    record->has_step = 1, record->step = step;
    record->by = "rule";
    return chronicle_write(c->ground.chronicle, record, err);
}

int campaign_register(struct campaign *c, uint32_t number, uint64_t step, const Trireme__Plan *plan, struct err *err)
{
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.plan = (Trireme__Plan *)plan;
    if (write_record(c, &record, TRIREME__RECORD_KIND__hypothesis, number, step, err) < 0)
        return -1;
    if (!plan->reverse) {
        const struct entry *e = history_entry(history(c), number);
        char *text = patch_text(e->proposal->patch, e->proposal->n_patch);
        progress_say(c->ground.progress, "hypothesis %u: %s - tried from step %llu on, %llu steps a pair%s", number,
                     text, (unsigned long long)plan->start, (unsigned long long)plan->horizon,
                     plan->tail ? ", with tails" : "");
        free(text);
    }
    return 0;
}

unsigned campaign_open(const struct campaign *c)
{
    unsigned n = 0;
    bool reverse;
    for (size_t i = 0; i < history(c)->n; i++)
        n += attempt_open(&history(c)->entries[i], &reverse) != NULL;
    return n;
}

static struct pair *find_pair(const struct campaign *c, uint32_t number)
{
    for (struct pair *p = c->pairs; p; p = p->next)
        if (p->number == number)
            return p;
    return NULL;
}

uint64_t campaign_next(const struct campaign *c, uint64_t step)
{
    uint64_t next = UINT64_MAX;
    bool reverse;
    for (size_t i = 0; i < history(c)->n; i++) {
        const struct entry *e = &history(c)->entries[i];
        const struct attempt *a = attempt_open(e, &reverse);
        if (!a)
            continue;
        uint64_t at = attempt_next_start(a);
        if (at <= step)
            at += a->plan->horizon;
        next = at < next ? at : next;
    }
    return next;
}

bool campaign_saves(const struct campaign *c, uint64_t step)
{
    bool reverse;
    for (size_t i = 0; i < history(c)->n; i++) {
        const struct entry *e = &history(c)->entries[i];
        const struct attempt *a = attempt_open(e, &reverse);
        if (a && attempt_next_start(a) == step && !find_pair(c, e->number))
            return true;
    }
    return false;
}

size_t campaign_pins(const struct campaign *c, uint64_t *steps, size_t max)
{
    size_t n = 0;
    bool reverse;
    for (size_t i = 0; i < history(c)->n; i++) {
        const struct attempt *a = attempt_open(&history(c)->entries[i], &reverse);
        if (!a || attempt_next_start(a) > trunk(c)->step)
            continue;
        if (n < max)
            steps[n] = attempt_next_start(a);
        n++;
    }
    return n;
}

Trireme__Change **campaign_promoted(const struct campaign *c, size_t *n)
{
    *n = history(c)->n_promoted;
    return history(c)->promoted;
}

bool campaign_keeps_line(const struct history *h, const char *trial)
{
    unsigned number = 0, index = 0;
    char kind = 0;
    if (sscanf(trial, "%c%u.%u", &kind, &number, &index) == 3 && (kind == 'h' || kind == 'r')) {
        const struct entry *e = history_entry(h, number);
        return e && index < (kind == 'h' ? e->forward.n_pairs : e->reverse.n_pairs);
    }
    unsigned long long step = 0;
    bool reverse;
    if (sscanf(trial, "trunk-tail.%llu.", &step) != 1)
        return true;
    for (size_t i = 0; i < h->n; i++) {
        const struct attempt *a = attempt_open(&h->entries[i], &reverse);
        if (a && attempt_next_start(a) + a->plan->horizon == step)
            return false;
    }
    return true;
}

static void remove_pair(struct campaign *c, struct pair *pair)
{
    struct pair **at = &c->pairs;
    while (*at != pair)
        at = &(*at)->next;
    *at = pair->next;
    measure_end(c->measure, pair);
    if (pair->fork)
        trials_drop(c->ground.trials, pair->fork);
    pair_free(pair);
}

static int write_verdict(struct campaign *c, uint32_t number, uint64_t step, Trireme__Judgement *judgement,
                         struct err *err)
{
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.judgement = judgement;
    judgement->has_outcome = 1;
    return write_record(c, &record, TRIREME__RECORD_KIND__verdict, number, step, err);
}

static void say_closed(struct campaign *c, uint32_t number)
{
    const struct entry *e = history_entry(history(c), number);
    size_t n = e->reverse.plan ? e->reverse.n_pairs : e->forward.n_pairs;
    progress_say(c->ground.progress, "hypothesis %u: %s after %zu %spairs%s%s", number, fate_name(e->fate), n,
                 e->reverse.plan ? "reverse " : "", e->reason ? ": " : "", e->reason ? e->reason : "");
}

static int close_with(struct campaign *c, uint32_t number, uint64_t step, Trireme__Judgement *judgement,
                      struct err *err)
{
    struct pair *pair = find_pair(c, number);
    if (write_verdict(c, number, step, judgement, err) < 0)
        return -1;
    if (pair)
        remove_pair(c, pair);
    say_closed(c, number);
    return 0;
}

int campaign_close(struct campaign *c, uint32_t number, uint64_t step, const char *reason, struct err *err)
{
    const struct entry *e = history_entry(history(c), number);
    Trireme__Judgement judgement = TRIREME__JUDGEMENT__INIT;
    bool reverse = e->fate == FATE_PROMOTED;
    judgement.outcome =
        reverse ? TRIREME__JUDGEMENT__OUTCOME__unconfirmed : TRIREME__JUDGEMENT__OUTCOME__inconclusive;
    judgement.has_pairs = 1, judgement.pairs = (uint32_t)(reverse ? e->reverse.n_pairs : e->forward.n_pairs);
    judgement.reason = (char *)reason;
    return close_with(c, number, step, &judgement, err);
}

/* Pairs whose stretch ends at `step`, or of all where `step` is 0, have arrived. */
static bool forks_arrived(const struct campaign *c, uint64_t step)
{
    for (const struct pair *p = c->pairs; p; p = p->next)
        if (p->end == step && !trial_arrived(p->fork))
            return false;
    return true;
}

static bool any_ends(const struct campaign *c, uint64_t step)
{
    for (const struct pair *p = c->pairs; p; p = p->next)
        if (p->end == step)
            return true;
    return false;
}

/* Writes down what was measured, in the order of the hypotheses. */
static int observe(struct campaign *c, uint64_t step, struct err *err)
{
    for (struct pair *p = c->pairs; p; p = p->next) {
        if (p->end != step)
            continue;
        Trireme__Observation observation;
        Trireme__Record record = TRIREME__RECORD__INIT;
        measure_observe(c->measure, p, c->pairs, &observation);
        record.observation = &observation;
        if (write_record(c, &record, TRIREME__RECORD_KIND__observation, p->number, step, err) < 0)
            return -1;
    }
    for (struct pair *p = c->pairs; p; p = p->next)
        if (p->end == step)
            measure_end(c->measure, p);
    return 0;
}

/* What the looks at one step came to. */
struct outcome {
    uint32_t best; /* hypothesis to be promoted, 0: none */
    double mean;
    uint32_t back; /* promotion to be taken back, 0: none */
};

static int superseded(struct campaign *c, uint32_t number, uint32_t by, uint64_t step, struct err *err)
{
    char *reason = mem_format("superseded by %u", by);
    int rc = campaign_close(c, number, step, reason, err);
    free(reason);
    return rc;
}

/* Asks the gate of every attempt that has a look at `step`. Promotions are told of only when the best is known. */
static int take_looks(struct campaign *c, uint64_t step, struct outcome *outcome, struct err *err)
{
    *outcome = (struct outcome){0};
    for (struct pair *p = c->pairs, *next; p; p = next) {
        next = p->next;
        bool reverse;
        const struct attempt *a = attempt_open(history_entry(history(c), p->number), &reverse);
        if (p->end != step || !look_is_due(a, reverse))
            continue;
        Trireme__Judgement judgement;
        look_judge(a, reverse, &judgement);
        int rc = 0;
        if (judgement.outcome == TRIREME__JUDGEMENT__OUTCOME__promote) {
            if (!outcome->best || judgement.mean > outcome->mean)
                *outcome = (struct outcome){p->number, judgement.mean, outcome->back};
        } else if (judgement.outcome == TRIREME__JUDGEMENT__OUTCOME__rolled_back) {
            outcome->back = p->number;
        } else if (judgement.outcome == TRIREME__JUDGEMENT__OUTCOME__open) {
            rc = write_verdict(c, p->number, step, &judgement, err);
        } else {
            rc = close_with(c, p->number, step, &judgement, err);
        }
        if (rc < 0)
            return -1;
    }
    return 0;
}

static int close_others(struct campaign *c, uint32_t winner, uint64_t step, struct err *err)
{
    bool reverse;
    for (size_t i = 0; i < history(c)->n; i++) {
        const struct entry *e = &history(c)->entries[i];
        if (e->number != winner && attempt_open(e, &reverse) && superseded(c, e->number, winner, step, err) < 0)
            return -1;
    }
    return 0;
}

static Trireme__Run *change_config(const Trireme__Run *config, Trireme__Change *const *changes, size_t n,
                                   struct err *err)
{
    char **settings = mem_new(n, sizeof *settings);
    for (size_t i = 0; i < n; i++)
        settings[i] = mem_format("%s=%s", changes[i]->path, changes[i]->value);
    Trireme__Run *changed = run_config_change(config, settings, n, err);
    for (size_t i = 0; i < n; i++)
        free(settings[i]);
    free(settings);
    return changed;
}

/* Tells of the promotion (back: of its end), closes all others, and begins to make its fork the trunk. */
static int begin_promotion(struct campaign *c, uint32_t number, bool back, uint64_t step, struct err *err)
{
    const struct entry *e = history_entry(history(c), number);
    struct pair *pair = find_pair(c, number);
    bool reverse;
    const struct attempt *a = attempt_open(e, &reverse);
    Trireme__Judgement judgement;
    look_judge(a, reverse, &judgement);
    Trireme__Promotion promotion = TRIREME__PROMOTION__INIT;
    promotion.has_trial = 1, promotion.trial = pair->fork->number;
    promotion.has_adopted = 1, promotion.adopted = back || look_gain(a, false, a->n_pairs - 1) > 0;
    promotion.n_patch = promotion.n_before = back ? e->promotion->n_before : e->proposal->n_patch;
    promotion.patch = back ? e->promotion->before : e->proposal->patch;
    promotion.before = patch_values(trunk(c)->config, promotion.patch, promotion.n_patch);
    Trireme__Run *config = change_config(trunk(c)->config, promotion.patch, promotion.n_patch, err);
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.promotion = &promotion;
    int rc = -1;
    if (!config || close_others(c, number, step, err) < 0 || write_verdict(c, number, step, &judgement, err) < 0 ||
        write_record(c, &record, back ? TRIREME__RECORD_KIND__rollback : TRIREME__RECORD_KIND__promotion, number,
                     step, err) < 0)
        goto out;
    char *text = patch_text(promotion.patch, promotion.n_patch);
    progress_say(c->ground.progress, "hypothesis %u: %s at step %llu: %s is in force", number,
                 back ? "rolled back" : "promoted", (unsigned long long)step, text);
    free(text);
    c->promotion = promotion_begin(&c->ground, promotion.adopted ? pair->fork : NULL, config, step, err);
    if (promotion.adopted)
        pair->fork = NULL; // the promotion's, and soon the trunk
    remove_pair(c, pair);
    rc = c->promotion ? 0 : -1;
out:
    changes_free(promotion.before, promotion.n_before);
    message_free(config);
    return rc;
}

/* After a promotion: its reverse pairs, or why there are none. */
static int begin_confirmation(struct campaign *c, uint32_t number, uint64_t step, struct err *err)
{
    const struct entry *e = history_entry(history(c), number);
    struct err why = {0};
    Trireme__Plan plan;
    if (!plan_reverse(&c->ground, &plan, step, e->forward.plan))
        return campaign_close(c, number, step, "no steps are left for reverse pairs", err);
    Trireme__Run *before = change_config(trunk(c)->config, e->promotion->before, e->promotion->n_before, &why);
    bool possible = before && before->data->skip >= trunk(c)->config->data->skip;
    message_free(before);
    if (!possible)
        return campaign_close(c, number, step, "the change has no inverse", err);
    return campaign_register(c, number, step, &plan, err);
}

/* The promotion under way, once it is over: what follows. */
static int finish_promotion(struct campaign *c, uint64_t step, struct err *err)
{
    int rc = promotion_turn(c->promotion, err);
    if (rc <= 0)
        return rc;
    promotion_free(c->promotion);
    c->promotion = NULL;
    for (size_t i = 0; i < history(c)->n; i++) {
        const struct entry *e = &history(c)->entries[i];
        if (e->fate == FATE_PROMOTED && e->promoted_at == step && !e->reverse.plan)
            return begin_confirmation(c, e->number, step, err) < 0 ? -1 : 1;
    }
    return 1;
}

/* Forks whose hypothesis goes on are given back: its next pair begins from the trunk. */
static void remove_ended(struct campaign *c, uint64_t step)
{
    for (struct pair *p = c->pairs, *next; p; p = next) {
        next = p->next;
        if (p->end == step)
            remove_pair(c, p);
    }
}

int campaign_judge(struct campaign *c, uint64_t step, struct err *err)
{
    if (c->promotion)
        return finish_promotion(c, step, err);
    if (!any_ends(c, step))
        return 1;
    if (!forks_arrived(c, step))
        return 0;
    for (struct pair *p = c->pairs; p; p = p->next)
        if (p->end == step && !p->measuring)
            measure_begin(c->measure, p, &c->windows);
    int rc = measure_turn(c->measure, c->pairs, step, err);
    if (rc <= 0)
        return rc;
    struct outcome outcome;
    if (observe(c, step, err) < 0 || take_looks(c, step, &outcome, err) < 0)
        return -1;
    uint32_t winner = outcome.back ? outcome.back : outcome.best;
    if (winner && begin_promotion(c, winner, outcome.back, step, err) < 0)
        return -1;
    remove_ended(c, step);
    return c->promotion ? finish_promotion(c, step, err) : 1;
}

bool campaign_promotes(const struct campaign *c)
{
    return c->promotion != NULL;
}

static void insert_pair(struct campaign *c, struct pair *pair)
{
    struct pair **at = &c->pairs;
    while (*at && (*at)->number < pair->number)
        at = &(*at)->next;
    pair->next = *at;
    *at = pair;
}

/* The fork's configuration: the trunk's with the patch, or with what was before the promotion. */
static Trireme__Run *fork_config(const struct campaign *c, const struct entry *e, bool reverse, struct err *err)
{
    return reverse ? change_config(trunk(c)->config, e->promotion->before, e->promotion->n_before, err)
                   : change_config(trunk(c)->config, e->proposal->patch, e->proposal->n_patch, err);
}

/* Asks the servers for the fork of an attempt's next pair. */
static int begin_pair(struct campaign *c, const struct entry *e, const struct attempt *a, bool reverse, uint64_t step,
                      struct err *err)
{
    uint64_t start = attempt_next_start(a);
    Trireme__Run *config = fork_config(c, e, reverse, err);
    char *name = mem_format("%c%u.%zu", reverse ? 'r' : 'h', e->number, a->n_pairs), *folder = NULL;
    Trireme__Manifest *manifest = NULL;
    struct fork fork = {.name = name, .step = start, .config = config};
    struct trial *trial = NULL;
    if (!config)
        goto out;
    if (start < step) { // it was under way when an earlier launch ended
        fork.checkpoint = folder = checkpoint_folder(c->ground.run->folder, start);
        fork.manifest = manifest = checkpoint_manifest(folder, err);
        if (!manifest || checkpoint_verify(folder, manifest, err) < 0)
            goto out;
    }
    trial = trials_fork(c->ground.trials, trunk(c), &fork, err);
    if (!trial)
        goto out;
    struct pair *pair = mem_new(1, sizeof *pair);
    *pair = (struct pair){.number = e->number, .index = (uint32_t)a->n_pairs, .reverse = reverse, .plan = a->plan};
    pair->start = start, pair->end = start + a->plan->horizon;
    pair->fork = trial;
    pair->forked_at = clock_now();
    insert_pair(c, pair);
out:
    message_free(manifest);
    free(folder);
    free(name);
    message_free(config);
    return trial ? 0 : -1;
}

/* The servers have the fork: tells of it, once, and lets it train. */
static int begin_training(struct campaign *c, struct pair *pair, struct err *err)
{
    const struct entry *e = history_entry(history(c), pair->number);
    const struct attempt *a = pair->reverse ? &e->reverse : &e->forward;
    Trireme__Application application = TRIREME__APPLICATION__INIT;
    Trireme__Change *const *patch = pair->reverse ? e->promotion->before : e->proposal->patch;
    size_t n = pair->reverse ? e->promotion->n_before : e->proposal->n_patch;
    application.has_pair = 1, application.pair = pair->index;
    application.has_trial = 1, application.trial = pair->fork->number;
    application.has_step = 1, application.step = pair->start;
    application.has_bytes = 1, application.bytes = pair->fork->bytes;
    application.has_pause_ms = 1, application.pause_ms = 1e3 * (clock_now() - pair->forked_at);
    application.verified = patch_values(pair->fork->config, patch, n), application.n_verified = n;
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.application = &application;
    pair->fork->until = pair->start + pair_steps(a->plan->horizon, trunk(c)->config, pair->fork->config);
    pair->forked_at = 0;
    bool told = a->application && a->application->pair == pair->index; // by the launch that it was lost with
    int rc = told ? 0 : write_record(c, &record, TRIREME__RECORD_KIND__application, pair->number, pair->start, err);
    changes_free(application.verified, n);
    return rc;
}

/* Pairs that were begun: 1 when the servers have answered for all. */
static int settle_forks(struct campaign *c, uint64_t step, struct err *err)
{
    for (const struct pair *p = c->pairs; p; p = p->next)
        if (p->forked_at > 0 && p->fork->forking)
            return 0;
    for (struct pair *p = c->pairs, *next; p; p = next) {
        next = p->next;
        if (p->forked_at == 0)
            continue;
        if (p->fork->refused) {
            char *reason = mem_strdup(p->fork->refused);
            int rc = campaign_close(c, p->number, step, reason, err);
            free(reason);
            if (rc < 0)
                return -1;
        } else if (begin_training(c, p, err) < 0) {
            return -1;
        }
    }
    return 1;
}

/* Why an attempt's next pair cannot be tried any more; NULL: it can. */
static const char *spent(const struct campaign *c, const struct entry *e, const struct attempt *a, bool reverse)
{
    uint64_t cost = plan_pair_tokens(&c->ground, a->plan), own = 0;
    for (size_t i = 0; i < a->n_pairs; i++)
        own += a->pairs[i]->tokens;
    if (!reverse && e->proposal->budget && own + cost > e->proposal->budget)
        return "its budget of tokens is spent";
    if (!reverse && a->n_pairs >= GATE_PAIRS_MIN && cost > plan_tokens_left(&c->ground))
        return "the tokens that experiments may cost are spent (gate.share)";
    return NULL;
}

int campaign_fork(struct campaign *c, uint64_t step, struct err *err)
{
    bool reverse;
    for (size_t i = 0; i < history(c)->n; i++) {
        const struct entry *e = &history(c)->entries[i];
        const struct attempt *a = attempt_open(e, &reverse);
        if (!a || attempt_next_start(a) > step || find_pair(c, e->number))
            continue;
        const char *reason = spent(c, e, a, reverse);
        struct err why = {0};
        if (!reason && begin_pair(c, e, a, reverse, step, &why) < 0)
            reason = why.text;
        if (reason && campaign_close(c, e->number, step, reason, err) < 0)
            return -1;
    }
    return settle_forks(c, step, err);
}
