/* trireme report: what runs have taught, on one page. Two words are kept apart: what was adopted is
 * what a run goes on with, chosen by what looked best (screening); a gain is what was claimed, by
 * pairs that chose nothing. */
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/ledger/ledger.h"
#include "launcher/bench/forest.h"
#include "launcher/commands/command.h"
#include "launcher/commands/looks.h"
#include "launcher/commands/run_history.h"
#include "launcher/commands/trunk_lines.h"
#include "proto/config/changes.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double normal_95 = 1.96;

struct told {
    const char *run; /* borrowed */
    Trireme__Config *config;
    struct history history;
    struct looks looks;
    uint64_t *tokens;            /* of each proposal's arms, by its number less 1 */
    uint64_t step, trained;      /* of the trunk */
    double seconds, held;        /* of its steps; that it rested for the planner */
    uint64_t calls, call_tokens; /* of a language model */
    unsigned tried, adopted, in_force, claimed;
};

static void hear(void *context, const Trireme__TrainLine *train, const Trireme__EvalLine *eval)
{
    struct told *t = context;
    if (eval)
        return;
    t->step = train->step;
    t->trained += train->tokens;
    t->seconds += train->seconds;
    t->held += train->held_seconds;
}

static void add_record(struct told *t, const Trireme__Record *r)
{
    if (r->kind == TRIREME__RECORD_KIND__observation && r->number && r->number <= t->history.n)
        t->tokens[r->number - 1] += r->observation->tokens;
    if (r->kind == TRIREME__RECORD_KIND__event && r->call && r->call->has_turn) {
        t->calls++;
        t->call_tokens += r->call->prompt_tokens + r->call->answer_tokens;
    }
}

static bool is_claimed(const struct entry *e)
{
    return e->claim && e->claim->answer == TRIREME__CLAIM__ANSWER__claimed;
}

static bool was_tried(const struct entry *e)
{
    return e->forward.n_pairs + e->forward.n_before > 0;
}

static int told_read(struct told *t, const char *run, struct err *err)
{
    *t = (struct told){.run = run};
    t->config = run_config_of(run, err);
    if (!t->config || run_history_read(&t->history, run, err) < 0)
        return -1;
    t->tokens = mem_new(t->history.n + 1, sizeof *t->tokens);
    struct ledger *ledger = ledger_open(run, false, err);
    for (size_t i = 0; ledger && i < ledger_records(ledger); i++)
        add_record(t, ledger_record(ledger, i));
    const bool read = ledger;
    ledger_free(ledger);
    for (size_t i = 0; i < t->history.n; i++) {
        const struct entry *e = &t->history.entries[i];
        t->tried += was_tried(e);
        t->adopted += e->promotion != NULL;
        t->in_force += entry_is_adopted(e);
        t->claimed += is_claimed(e);
    }
    return !read || looks_read(&t->looks, run, err) < 0 || trunk_lines_read(run, hear, t, err) < 0
               ? -1
               : 0;
}

static void told_clear(struct told *t)
{
    message_free(t->config);
    history_clear(&t->history);
    looks_clear(&t->looks);
    free(t->tokens);
}

/* Text of others in a cell of a table: nothing in it is Markdown. */
static void add_cell(struct text *out, const char *text)
{
    for (const char *c = text ? text : ""; *c; c++) {
        if (strchr("|<>*`[]\\&", *c))
            text_printf(out, "&#%d;", *c);
        else
            text_add_bytes(out, (unsigned char)*c < 32 ? " " : c, 1);
    }
}

static void add_change(struct text *out, const struct entry *e)
{
    char *text = e->proposal ? changes_text(e->proposal->patch, e->proposal->n_patch) : NULL;
    add_cell(out, text);
    free(text);
}

/* "planner script" of "planner script uid 1000 pid 4712" */
static void add_by(struct text *out, const struct entry *e)
{
    const char *by = e->by ? e->by : "", *end = strstr(by, " uid");
    char *text = mem_format("%.*s", (int)(end ? end - by : (long)strlen(by)), by);
    add_cell(out, text);
    free(text);
}

/* What a run taught, a line for each adoption. */
static void add_learned(struct text *out, const struct told *t)
{
    text_add(out, "- **");
    add_cell(out, t->run);
    text_printf(out, "**: %u tried, %u adopted (screening), %u claimed.%s\n", t->tried, t->adopted,
                t->claimed, t->adopted ? "" : " It goes on with what it began with.");
    for (size_t i = 0; i < t->history.n; i++) {
        const struct entry *e = &t->history.entries[i];
        if (!e->promotion)
            continue;
        text_add(out, "  - ");
        add_change(out, e);
        if (is_claimed(e))
            text_printf(out,
                        ": **a gain of %.4f nats** (95 %% interval %.4f to %.4f, %u fresh pairs)",
                        e->claim->mean, e->claim->mean - e->claim->half_width,
                        e->claim->mean + e->claim->half_width, e->claim->pairs);
        else if (e->fate == FATE_TAKEN_BACK)
            text_add(out, ": adopted (screening), and taken back");
        else
            text_add(out, ": adopted (screening); no gain was proven");
        text_printf(out, ", in force from step %" PRIu64 "\n", e->promoted_at);
    }
}

static void add_costs(struct text *out, const struct told *runs, size_t n)
{
    text_add(out,
             "\n## What it cost\n\n| run | steps | tokens trained | tokens of experiments | "
             "share | seconds | of which at rest for the planner | calls of a language model | "
             "their tokens |\n|---|---|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < n; i++) {
        const struct told *t = &runs[i];
        const uint64_t tokens = t->history.rule
                                    ? t->history.rule->tokens
                                    : t->config->train->steps * run_config_step_tokens(t->config);
        text_add(out, "| ");
        add_cell(out, t->run);
        text_printf(out,
                    " | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %.1f %% | %.0f | %.0f | %" PRIu64
                    " | %" PRIu64 " |\n",
                    t->step, t->trained, t->history.spent,
                    tokens ? 100 * (double)t->history.spent / (double)tokens : 0.0,
                    t->seconds + t->held, t->held, t->calls, t->call_tokens);
    }
}

/* What the pairs measured that adoption was decided by: the mean by which the fork's loss was
 * lower, and half of its 95 % interval. The posterior says the latter: it believes a part f of the
 * mean less the margin, with a variance f v/n. False where nothing was measured. */
static bool measured_of(double *mean, double *half_width, const struct told *t,
                        const struct entry *e)
{
    const Trireme__Judgement *j = e->forward.judgement;
    const size_t n = e->forward.n_pairs;
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += e->forward.pairs[i]->trunk_loss - e->forward.pairs[i]->fork_loss;
    if (!n || !j || !j->has_mean || !j->has_deviation || !isfinite(sum))
        return false;
    *mean = sum / (double)n;
    const double f = j->mean / (*mean - t->config->gate->margin);
    *half_width = normal_95 * j->deviation / sqrt(f > 0 && f <= 1 ? f : 1);
    return true;
}

/* What a verdict rests on: the claim's pairs, or those that adoption was decided by. */
static void add_evidence(struct text *out, const struct told *t, const struct entry *e)
{
    double mean, half_width;
    if (is_claimed(e))
        text_printf(out, "gain %+.4f +- %.4f", e->claim->mean, e->claim->half_width);
    else if (measured_of(&mean, &half_width, t, e))
        text_printf(out, "screening: %+.4f +- %.4f", mean, half_width);
    else
        text_add(out, "-");
}

static void add_tried(struct text *out, const struct told *runs, size_t n)
{
    text_add(out,
             "\n## What was tried\n\n| run | no. | change | by | became | pairs | evidence, "
             "nats | tokens of its forks | why it was proposed |\n|---|---|---|---|---|---|---|"
             "---|---|\n");
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < runs[i].history.n; k++) {
            const struct entry *e = &runs[i].history.entries[k];
            text_add(out, "| ");
            add_cell(out, runs[i].run);
            text_printf(out, " | %u | ", e->number);
            add_change(out, e);
            text_add(out, " | ");
            add_by(out, e);
            text_printf(out, " | %s | %zu | ", entry_word(e),
                        e->forward.n_pairs + e->forward.n_before);
            add_evidence(out, &runs[i], e);
            text_printf(out, " | %" PRIu64 " | ", runs[i].tokens[k]);
            add_cell(out, e->proposal ? e->proposal->hypothesis : NULL);
            text_add(out, " |\n");
        }
}

static void add_sealed(struct text *out, const struct told *runs, size_t n)
{
    size_t looks = 0;
    for (size_t i = 0; i < n; i++)
        looks += runs[i].looks.n;
    text_add(out, "\n## What the sealed part says\n\n");
    if (!looks) {
        text_add(out, "Nobody has looked: `trireme eval RUN --part sealed` does, and counts it.\n");
        return;
    }
    text_add(out, "Look k has the level 1 - .05/(k (k+1)): who looks often pays with wider "
                  "intervals.\n\n| run | look | when | step | loss | interval | level |\n"
                  "|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < runs[i].looks.n; k++) {
            const Trireme__Look *l = runs[i].looks.list[k];
            text_add(out, "| ");
            add_cell(out, runs[i].run);
            text_printf(out, " | %u | %s | %" PRIu64 " | %.4f | +- %.4f | %.4f |\n", l->look,
                        l->time ? l->time : "", l->step, l->val_loss, l->half_width, l->level);
        }
}

/* One row of the picture; false where nothing was measured. */
static bool fill_row(struct forest_row *row, const struct told *t, const struct entry *e)
{
    double mean, half_width;
    *row = (struct forest_row){.group = t->run, .has_interval = true};
    if (is_claimed(e)) {
        row->strong = true;
        row->value = e->claim->mean;
        row->low = row->value - e->claim->half_width;
        row->high = row->value + e->claim->half_width;
        snprintf(row->note, sizeof row->note, "claimed: gain %+.4f", row->value);
    } else if (measured_of(&mean, &half_width, t, e)) {
        row->value = mean;
        row->low = mean - half_width;
        row->high = mean + half_width;
        const bool more = e->promotion && e->fate != FATE_ADOPTED;
        snprintf(row->note, sizeof row->note, "%s%s%s", e->promotion ? "adopted (screening)" : "",
                 more ? ", " : "", more || !e->promotion ? entry_word(e) : "");
    } else {
        return false;
    }
    return true;
}

/* NULL: nothing was measured. */
static char *picture_of(const struct told *runs, size_t n)
{
    size_t max = 0;
    for (size_t i = 0; i < n; i++)
        max += runs[i].history.n;
    struct forest_row *rows = mem_new(max, sizeof *rows);
    char **labels = mem_new(max, sizeof *labels);
    struct forest f = {.title = "What was tried, in nats that the loss is lower",
                       .axis = "solid: claimed, 95 % interval; hollow: measured while screening, "
                               "which proves no gain",
                       .rows = rows,
                       .lines = {0},
                       .n_lines = 1};
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < runs[i].history.n; k++) {
            const struct entry *e = &runs[i].history.entries[k];
            if (!e->proposal || !fill_row(&rows[f.n], &runs[i], e))
                continue;
            char *change = changes_text(e->proposal->patch, e->proposal->n_patch);
            labels[f.n] = mem_format("%u: %s", e->number, change);
            rows[f.n].label = labels[f.n];
            free(change);
            f.n++;
        }
    char *svg = f.n ? forest_svg(&f) : NULL;
    for (size_t i = 0; i < f.n; i++)
        free(labels[i]);
    free(labels);
    free(rows);
    return svg;
}

static char *page_of(const struct told *runs, size_t n, const char *picture)
{
    struct text out = {0};
    text_add(&out, "# What was learned\n\n");
    for (size_t i = 0; i < n; i++)
        add_learned(&out, &runs[i]);
    text_add(&out, "\n*Adopted (screening)* is what a run goes on with, since it looked best; only "
                   "what is claimed is a gain: proven on pairs that began after the adoption and "
                   "chose nothing.\n");
    if (picture) {
        const char *slash = strrchr(picture, '/');
        text_printf(&out, "\n![gains](%s)\n", slash ? slash + 1 : picture);
    }
    add_costs(&out, runs, n);
    add_tried(&out, runs, n);
    add_sealed(&out, runs, n);
    return text_take(&out);
}

static int write_page(Trireme__ReportReply *reply, const struct told *runs, size_t n,
                      const char *path, struct err *err)
{
    const size_t stem = file_name_ends(path, ".md") ? strlen(path) - 3 : strlen(path);
    char *picture = mem_format("%.*s.svg", (int)stem, path), *svg = picture_of(runs, n);
    char *page = page_of(runs, n, svg ? picture : NULL);
    int rc = svg ? file_write_private(picture, svg, strlen(svg), ERR_USAGE, err) : 0;
    if (rc == 0)
        rc = file_write_private(path, page, strlen(page), ERR_USAGE, err);
    if (rc == 0) {
        free(reply->out);
        reply->out = mem_strdup(path);
        reply->picture = svg ? mem_strdup(picture) : NULL;
    }
    free(page);
    free(svg);
    free(picture);
    return rc;
}

int command_report(const void *request, void *reply, struct err *err)
{
    const Trireme__ReportRequest *r = request;
    Trireme__ReportReply *out = reply;
    struct told *runs = mem_new(r->n_run, sizeof *runs);
    int rc = 0;
    size_t n = 0;
    for (; rc == 0 && n < r->n_run; n++)
        rc = told_read(&runs[n], r->run[n], err);
    if (rc == 0)
        rc = write_page(out, runs, n, r->out, err);
    out->has_runs = out->has_tried = out->has_adopted = out->has_claimed = 1;
    out->runs = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        out->tried += runs[i].tried;
        out->adopted += runs[i].adopted;
        out->claimed += runs[i].claimed;
        told_clear(&runs[i]);
    }
    free(runs);
    return rc;
}
