#include "launcher/bench/bench_table.h"

#include "base/mem.h"
#include "base/text.h"
#include "launcher/bench/bench_stats.h"
#include "launcher/bench/forest.h"
#include "proto/schema/message.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double mended_from = 0.6, oracle_least = 0.05;

static bool is(const char *a, const char *b)
{
    return !strcmp(a, b);
}

static const Trireme__BenchRun *find_run(const Trireme__BenchPlannerReply *r, const char *task,
                                         const char *arm, uint64_t seed)
{
    for (size_t i = 0; i < r->n_runs; i++)
        if (is(r->runs[i]->task, task) && is(r->runs[i]->arm, arm) && r->runs[i]->seed == seed)
            return r->runs[i];
    return NULL;
}

static void count(Trireme__BenchCount *c, Trireme__BenchAdoption__Verdict verdict, uint32_t n)
{
    uint32_t *what = verdict == TRIREME__BENCH_ADOPTION__VERDICT__right   ? &c->right
                     : verdict == TRIREME__BENCH_ADOPTION__VERDICT__wrong ? &c->wrong
                                                                          : &c->other;
    *what += n;
    c->has_right = c->has_wrong = c->has_other = 1;
}

static void count_adoptions(Trireme__BenchArm *arm, const Trireme__BenchRun *run)
{
    for (size_t i = 0; i < run->n_adoptions; i++) {
        const Trireme__BenchAdoption *a = run->adoptions[i];
        count(arm->adopted, a->verdict, 1);
        count(arm->claimed, a->verdict, a->claimed);
        arm->taken_back += is(a->became, "taken back");
    }
}

/* Numbers of the same seeds. */
struct paired {
    double *gain, *oracle; /* what the arm is lower than none; what the oracle is */
    size_t n, n_oracle;
};

static void add_pair(struct paired *p, const Trireme__BenchPlannerReply *r,
                     const Trireme__BenchRun *run)
{
    const Trireme__BenchRun *none = find_run(r, run->task, "none", run->seed),
                            *oracle = find_run(r, run->task, "oracle", run->seed);
    if (!none || !none->has_sealed)
        return;
    p->gain[p->n] = none->sealed - run->sealed;
    if (oracle && oracle->has_sealed)
        p->oracle[p->n_oracle++] = none->sealed - oracle->sealed;
    p->n++;
}

static void fill_gain(Trireme__BenchArm *arm, const struct paired *p, bool remedy)
{
    if (!p->n || p->n != arm->runs || arm->failed || is(arm->arm, "none"))
        return;
    const struct interval gain = bench_mean(p->gain, p->n);
    arm->has_gain = 1, arm->gain = gain.mean;
    arm->has_half_width = gain.bounded, arm->half_width = gain.high - gain.mean;
    if (!remedy || p->n_oracle != p->n || is(arm->arm, "oracle"))
        return;
    const struct interval share = bench_quotient(p->gain, p->oracle, p->n);
    arm->has_recovered = 1, arm->recovered = share.mean;
    arm->has_recovered_low = arm->has_recovered_high = share.bounded;
    arm->recovered_low = share.low, arm->recovered_high = share.high;
}

static Trireme__BenchArm *arm_of(const Trireme__BenchPlannerReply *r,
                                 const Trireme__BenchRun *first, bool remedy)
{
    Trireme__BenchArm *arm = message_new(&trireme__bench_arm__descriptor);
    struct paired p = {.gain = mem_new(r->n_runs, sizeof(double)),
                       .oracle = mem_new(r->n_runs, sizeof(double))};
    arm->task = mem_strdup(first->task), arm->arm = mem_strdup(first->arm);
    arm->has_runs = arm->has_failed = arm->has_taken_back = arm->has_spent = 1;
    arm->has_seconds = arm->has_call_tokens = 1;
    double sealed = 0, n = 0;
    for (size_t i = 0; i < r->n_runs; i++) {
        const Trireme__BenchRun *run = r->runs[i];
        if (!is(run->task, first->task) || !is(run->arm, first->arm))
            continue;
        count_adoptions(arm, run);
        arm->spent += run->tokens ? (double)run->spent / (double)run->tokens : 0;
        arm->seconds += run->seconds;
        arm->call_tokens += (double)run->call_tokens;
        n++;
        arm->failed += !run->has_sealed;
        arm->runs += run->has_sealed;
        if (!run->has_sealed)
            continue;
        sealed += run->sealed;
        add_pair(&p, r, run);
    }
    arm->spent /= n, arm->seconds /= n, arm->call_tokens /= n;
    arm->has_sealed = arm->runs && !arm->failed;
    arm->sealed = arm->has_sealed ? sealed / arm->runs : 0;
    fill_gain(arm, &p, remedy);
    free(p.gain);
    free(p.oracle);
    return arm;
}

static Trireme__BenchStanding *standing_of(Trireme__BenchPlannerReply *r, const char *name)
{
    for (size_t i = 0; i < r->n_standings; i++)
        if (is(r->standings[i]->arm, name))
            return r->standings[i];
    Trireme__BenchStanding *s = message_new(&trireme__bench_standing__descriptor);
    s->arm = mem_strdup(name);
    s->has_tasks = s->has_mended = s->has_seconds = 1;
    r->standings = mem_resize(r->standings, r->n_standings + 1, sizeof(*r->standings));
    r->standings[r->n_standings++] = s;
    return s;
}

static void add_count(Trireme__BenchCount *sum, const Trireme__BenchCount *c)
{
    count(sum, TRIREME__BENCH_ADOPTION__VERDICT__right, c->right);
    count(sum, TRIREME__BENCH_ADOPTION__VERDICT__wrong, c->wrong);
    count(sum, TRIREME__BENCH_ADOPTION__VERDICT__other, c->other);
}

/* How many tasks of each kind a standing rests on, while it is summed up. */
struct tally {
    double all, fine;
};

static void add_to_standing(Trireme__BenchStanding *s, struct tally *t,
                            const Trireme__BenchArm *arm, const Trireme__BenchTask *task)
{
    add_count(s->adopted, arm->adopted);
    add_count(s->claimed, arm->claimed);
    s->seconds += arm->seconds, t->all++;
    if (arm->has_recovered) {
        s->tasks++, s->mended += arm->recovered >= mended_from;
        s->has_recovered = 1, s->recovered += arm->recovered;
    } else if (arm->has_gain && !task->n_remedy && !task->open) {
        t->fine++;
        s->has_lost = 1, s->lost -= arm->gain;
    }
}

static const Trireme__BenchTask *task_of(const struct bench_named *tasks, size_t n,
                                         const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (is(tasks[i].name, name))
            return tasks[i].task;
    return NULL;
}

static void add_standings(Trireme__BenchPlannerReply *r, const struct bench_named *tasks,
                          size_t n_tasks)
{
    struct tally *tallies = mem_new(r->n_arms, sizeof *tallies);
    for (size_t i = 0; i < r->n_arms; i++) {
        const Trireme__BenchArm *arm = r->arms[i];
        if (is(arm->arm, "oracle"))
            continue;
        Trireme__BenchStanding *s = standing_of(r, arm->arm);
        size_t at = 0;
        while (r->standings[at] != s)
            at++;
        add_to_standing(s, &tallies[at], arm, task_of(tasks, n_tasks, arm->task));
    }
    for (size_t i = 0; i < r->n_standings; i++) {
        Trireme__BenchStanding *s = r->standings[i];
        s->seconds /= tallies[i].all;
        if (s->has_recovered)
            s->recovered /= s->tasks;
        if (s->has_lost)
            s->lost /= tallies[i].fine;
    }
    free(tallies);
}

void bench_table_add_up(Trireme__BenchPlannerReply *r, const struct bench_named *tasks,
                        size_t n_tasks)
{
    r->arms = mem_new(r->n_runs, sizeof *r->arms);
    for (size_t i = 0; i < r->n_runs; i++) {
        const Trireme__BenchRun *run = r->runs[i];
        bool known = false;
        for (size_t k = 0; k < r->n_arms; k++)
            known |= is(r->arms[k]->task, run->task) && is(r->arms[k]->arm, run->arm);
        if (!known) {
            const Trireme__BenchTask *task = task_of(tasks, n_tasks, run->task);
            r->arms[r->n_arms++] = arm_of(r, run, task && task->n_remedy);
        }
    }
    add_standings(r, tasks, n_tasks);
}

/* right/wrong/other */
static void print_count(char out[40], const Trireme__BenchCount *c)
{
    if (c->right + c->wrong + c->other)
        snprintf(out, 40, "%u/%u/%u", c->right, c->wrong, c->other);
    else
        strcpy(out, "-");
}

static void print_arm(struct text *t, const Trireme__BenchArm *a, bool first)
{
    char sealed[40] = "-", gain[60] = "-", share[60] = "-", adopted[40], claimed[40];
    if (a->has_sealed)
        snprintf(sealed, sizeof sealed, "%.4f", a->sealed);
    if (a->has_half_width)
        snprintf(gain, sizeof gain, "%+.4f +- %.4f", a->gain, a->half_width);
    else if (a->has_gain)
        snprintf(gain, sizeof gain, "%+.4f", a->gain);
    if (a->has_recovered_low)
        snprintf(share, sizeof share, "%.2f (%.2f to %.2f)", a->recovered, a->recovered_low,
                 a->recovered_high);
    else if (a->has_recovered)
        snprintf(share, sizeof share, "%.2f", a->recovered);
    print_count(adopted, a->adopted);
    print_count(claimed, a->claimed);
    text_printf(t, "%-20s %-14s %4u %8s %19s %21s %9s %9s %5u %6.3f %8.0f %8.0f",
                first ? a->task : "", a->arm, a->runs, sealed, gain, share, adopted, claimed,
                a->taken_back, a->spent, a->call_tokens, a->seconds);
    if (a->failed)
        text_printf(t, "  %u failed", a->failed);
    text_add(t, "\n");
}

static void print_standing(struct text *t, const Trireme__BenchStanding *s)
{
    char share[40] = "-", mended[40] = "-", lost[40] = "-", adopted[40], claimed[40];
    if (s->has_recovered) {
        snprintf(share, sizeof share, "%.2f", s->recovered);
        snprintf(mended, sizeof mended, "%u of %u", s->mended, s->tasks);
    }
    if (s->has_lost)
        snprintf(lost, sizeof lost, "%+.4f", s->lost);
    print_count(adopted, s->adopted);
    print_count(claimed, s->claimed);
    text_printf(t, "%-20s %10s %10s %10s %10s %10s %8.0f\n", s->arm, share, mended, lost, adopted,
                claimed, s->seconds);
}

/* Says of each task whose oracle does not beat none clearly that nothing can be recovered in it. */
static void add_doubts(struct text *t, const Trireme__BenchPlannerReply *r)
{
    for (size_t i = 0; i < r->n_arms; i++) {
        const char *task = r->arms[i]->task;
        double least = INFINITY;
        if (!is(r->arms[i]->arm, "oracle"))
            continue;
        for (size_t k = 0; k < r->n_runs; k++) {
            const Trireme__BenchRun *oracle = r->runs[k];
            if (!is(oracle->task, task) || !is(oracle->arm, "oracle"))
                continue;
            const Trireme__BenchRun *none = find_run(r, task, "none", oracle->seed);
            if (none && none->has_sealed && oracle->has_sealed)
                least = fmin(least, none->sealed - oracle->sealed);
        }
        if (least < oracle_least)
            text_printf(t,
                        "%s: its oracle beats none by %.4f in the worst seed, expected %g at "
                        "least: shares of its gain mean nothing\n",
                        task, least, oracle_least);
    }
}

char *bench_table_text(const Trireme__BenchPlannerReply *r)
{
    struct text t = {0};
    text_printf(&t, "%-20s %-14s %4s %8s %19s %21s %9s %9s %5s %6s %8s %8s\n", "task", "planner",
                "runs", "sealed", "gain over none", "recovered", "adopted", "claimed", "back",
                "spent", "llm tok", "seconds");
    for (size_t i = 0; i < r->n_arms; i++)
        print_arm(&t, r->arms[i], !i || !is(r->arms[i]->task, r->arms[i - 1]->task));
    text_printf(&t, "\n%-20s %10s %10s %10s %10s %10s %8s\n", "planner", "recovered", ">= 60 %",
                "lost", "adopted", "claimed", "seconds");
    for (size_t i = 0; i < r->n_standings; i++)
        print_standing(&t, r->standings[i]);
    text_add(&t,
             "\nrecovered: share of the oracle's gain, 95 % interval; adopted, claimed: rightly/"
             "wrongly/cannot be said;\nback: taken back; spent: share of the tokens; lost: where "
             "nothing was wrong; all by the sealed part, in nats\n");
    add_doubts(&t, r);
    return text_take(&t);
}

char *bench_table_picture(const Trireme__BenchPlannerReply *r)
{
    struct forest_row *rows = mem_new(r->n_arms, sizeof *rows);
    struct forest f = {
        .title = "Share of the oracle's gain that is recovered, 95 % intervals",
        .axis = "0: as without experiments; 1: as with the remedy from the first "
                "step on",
        .rows = rows,
        .lines = {0, 1},
        .n_lines = 2
    };
    for (size_t i = 0; i < r->n_arms; i++) {
        const Trireme__BenchArm *a = r->arms[i];
        if (!a->has_recovered)
            continue;
        struct forest_row *row = &rows[f.n];
        *row = (struct forest_row){.group = a->task,
                                   .label = a->arm,
                                   .value = a->recovered,
                                   .low = a->recovered_low,
                                   .high = a->recovered_high,
                                   .has_interval = a->has_recovered_low,
                                   .strong = true};
        snprintf(row->note, sizeof row->note, "%.2f", a->recovered);
        f.n++;
    }
    char *svg = f.n ? forest_svg(&f) : NULL;
    free(rows);
    return svg;
}
