/* trireme compare: two arms at the steps that both have, from the run's metrics. */
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/briefing/compare.h"
#include "coordinator/briefing/curve.h"
#include "coordinator/campaign/pair.h"
#include "coordinator/ledger/history.h"
#include "launcher/commands/command.h"
#include "launcher/commands/metrics_lines.h"
#include "launcher/commands/run_history.h"

#include "command.pb-c.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A fork, or the trunk. */
struct line {
    char *name;
    struct curve_step *steps;
    size_t n, room;
};

/* An arm: all forks of a proposal, the oldest first; of 0 the trunk. */
struct side {
    uint32_t number;
    struct line *lines;
    size_t n, room;
};

struct sides {
    struct side first, second;
};

/* Whether a line of training is one of the side. */
static bool is_of(const struct side *side, const char *name)
{
    unsigned number = 0, pair = 0;
    int end = 0;
    if (side->number == 0)
        return strcmp(name, "trunk") == 0;
    return sscanf(name, "h%u.%u%n", &number, &pair, &end) == 2 && !name[end] &&
           number == side->number;
}

static void add_step(struct side *side, const Trireme__TrainLine *line)
{
    size_t i = 0;
    if (!is_of(side, line->trial))
        return;
    while (i < side->n && strcmp(side->lines[i].name, line->trial) != 0)
        i++;
    if (i == side->n) {
        side->lines = mem_grow(side->lines, side->n, &side->room, sizeof *side->lines);
        side->lines[side->n++] = (struct line){.name = mem_strdup(line->trial)};
    }
    struct line *to = &side->lines[i];
    if (to->n && line->step <= to->steps[to->n - 1].step)
        return;
    to->steps = mem_grow(to->steps, to->n, &to->room, sizeof *to->steps);
    to->steps[to->n++] = curve_step_of(line, false);
}

static void hear(void *context, const Trireme__TrainLine *train, const Trireme__EvalLine *eval)
{
    struct sides *sides = context;
    (void)eval;
    if (!train)
        return;
    add_step(&sides->first, train);
    add_step(&sides->second, train);
}

static void clear(struct side *side)
{
    for (size_t i = 0; i < side->n; i++) {
        free(side->lines[i].name);
        free(side->lines[i].steps);
    }
    free(side->lines);
}

/* The newest stretch that both took part in; its lines are told. n_other: of all. */
static struct compared newest(const struct sides *sides, size_t last, const struct line *lines[2])
{
    struct compared best = {0};
    size_t n_other = 0;
    for (size_t i = 0; i < sides->first.n; i++)
        for (size_t k = 0; k < sides->second.n; k++) {
            const struct line *a = &sides->first.lines[i], *b = &sides->second.lines[k];
            const struct compared c = compare_steps(a->steps, a->n, b->steps, b->n, last);
            n_other += c.n_other;
            if (c.n < 2 || c.to <= best.to)
                continue;
            best = c;
            lines[0] = a, lines[1] = b;
        }
    best.n_other = n_other;
    return best;
}

static void add_when(struct text *text, const struct side *side)
{
    const struct line *last = side->n ? &side->lines[side->n - 1] : NULL;
    char name[24] = "the trunk";
    if (side->number)
        snprintf(name, sizeof name, "proposal %u", side->number);
    if (!last)
        text_printf(text, "%s has trained no step yet", name);
    else
        text_printf(text, "%s has steps from %llu to %llu", name,
                    (unsigned long long)side->lines[0].steps[0].step,
                    (unsigned long long)last->steps[last->n - 1].step);
}

static int refuse(const struct sides *sides, const struct compared *c, struct err *err)
{
    struct text text = {0};
    add_when(&text, &sides->first);
    text_add(&text, ", ");
    add_when(&text, &sides->second);
    err_set(err, ERR_USAGE, "found fewer than 2 steps that both have%s: %s",
            c->n_other ? " (in the same stretch their steps have different sizes)" : "",
            text.bytes);
    text_clear(&text);
    return -1;
}

/* Whether a change decides which samples are read, and the other proposal, or NULL, does not make
 * it too. */
static bool reads_others(const Trireme__Change *change, const struct entry *other)
{
    const bool data =
        !strncmp(change->path, "data.", strlen("data.")) || !strcmp(change->path, "train.context");
    for (size_t i = 0; data && other && i < other->proposal->n_patch; i++)
        if (!strcmp(other->proposal->patch[i]->path, change->path) &&
            !strcmp(other->proposal->patch[i]->value, change->value))
            return false;
    return data;
}

static const char *other_samples(const struct entry *entry, const struct entry *other)
{
    for (size_t i = 0; entry && i < entry->proposal->n_patch; i++)
        if (reads_others(entry->proposal->patch[i], other))
            return entry->proposal->patch[i]->path;
    return NULL;
}

static char *worth_of(const struct history *h, const struct sides *sides)
{
    const struct entry *a = history_entry(h, sides->first.number),
                       *b = history_entry(h, sides->second.number);
    const char *path = other_samples(a, b);
    path = path ? path : other_samples(b, a);
    return path ? mem_format("a hint, no evidence; and they do not read the same samples, since %s "
                             "differs: most of it may be the text",
                             path)
                : mem_strdup("a hint, no evidence: training losses, on the same samples");
}

static void tell(Trireme__CompareReply *out, const struct compared *c, const struct line *lines[2])
{
    out->first = mem_strdup(lines[0]->name);
    out->second = mem_strdup(lines[1]->name);
    out->has_from = true, out->from = c->from;
    out->has_to = true, out->to = c->to;
    out->has_steps = true, out->steps = (uint32_t)c->n;
    out->has_step_tokens = true, out->step_tokens = c->step_tokens;
    out->has_lead = true, out->lead = c->lead;
    out->has_lead_error = true, out->lead_error = c->error;
    out->has_last_lead = true, out->last_lead = c->last_lead;
    out->has_last_lead_error = true, out->last_lead_error = c->last_error;
    out->has_last_steps = true, out->last_steps = (uint32_t)c->n_last;
}

static int check(const struct history *h, uint32_t number, struct err *err)
{
    return number == 0 || history_entry(h, number)
               ? 0
               : err_set(err, ERR_USAGE, "found no proposal %u, there are %zu", number, h->n);
}

static int compare(const Trireme__CompareRequest *r, Trireme__CompareReply *out,
                   const struct history *h, struct err *err)
{
    struct sides sides = {{.number = r->first}, {.number = r->second}};
    const struct line *lines[2];
    if (r->first == r->second)
        return err_set(err, ERR_USAGE, "found %u twice, expected two different arms", r->first);
    if (check(h, r->first, err) < 0 || check(h, r->second, err) < 0)
        return -1;
    int rc = metrics_lines_read(r->run, hear, &sides, err);
    if (rc == 0) {
        const struct compared c = newest(&sides, r->last, lines);
        if (c.n < 2)
            rc = refuse(&sides, &c, err);
        else
            tell(out, &c, lines);
    }
    if (rc == 0)
        out->worth = worth_of(h, &sides);
    clear(&sides.first);
    clear(&sides.second);
    return rc;
}

int command_compare(const void *request, void *reply, struct err *err)
{
    const Trireme__CompareRequest *r = request;
    struct history history;
    if (run_history_read(&history, r->run, err) < 0)
        return -1;
    int rc = compare(r, reply, &history, err);
    if (rc < 0)
        err_context(err, "%s", r->run);
    history_clear(&history);
    return rc;
}
