#include "coordinator/briefing/curve.h"

#include "base/file.h"
#include "base/mem.h"
#include "coordinator/briefing/stats.h"
#include "coordinator/campaign/pair.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CURVE_POINTS = 6, FORKS = 32, NAME_SIZE = 32 };

/* Sums over the steps of one stretch. */
struct stretch {
    uint64_t last;                /* step */
    double loss, tokens, seconds; /* sums */
    unsigned n;
};

/* The last steps of a fork. */
struct fork_steps {
    char name[NAME_SIZE];
    uint64_t steps[CURVE_BEFORE];
    double losses[CURVE_BEFORE];
    size_t n; /* of all lines; line i stands at i % CURVE_BEFORE */
};

struct curve {
    struct stretch stretches[2 * CURVE_POINTS];
    size_t n;
    unsigned long steps;                    /* lines of each stretch but the last one */
    double lr, tokens;                      /* of the last line; of all lines */
    double step_tokens;                     /* of the last line */
    bool beside;                            /* a fork's line came since the last line */
    struct curve_step recent[CURVE_RECENT]; /* line i stands at i % CURVE_RECENT */
    size_t n_lines;
    struct curve_eval *evals;
    size_t n_evals, room;
    struct fork_steps forks[FORKS]; /* the newest n_forks; fork i stands at i % FORKS */
    size_t n_forks;
};

struct curve *curve_new(void)
{
    struct curve *curve = mem_new(1, sizeof *curve);
    curve->steps = 1;
    return curve;
}

void curve_free(struct curve *curve)
{
    if (!curve)
        return;
    for (size_t i = 0; i < curve->n_evals; i++)
        message_free(curve->evals[i].line);
    free(curve->evals);
    free(curve);
}

static void add(struct stretch *to, const struct stretch *later)
{
    to->last = later->last;
    to->loss += later->loss, to->tokens += later->tokens, to->seconds += later->seconds;
    to->n += later->n;
}

/* Halves the number of stretches: joins neighbours. */
static void join(struct curve *curve)
{
    for (size_t i = 0; i < CURVE_POINTS; i++) {
        struct stretch joined = curve->stretches[2 * i];
        add(&joined, &curve->stretches[2 * i + 1]);
        curve->stretches[i] = joined;
    }
    curve->n = CURVE_POINTS;
    curve->steps *= 2;
}

static bool is_trunk(const char *trial)
{
    return !trial || !strcmp(trial, "trunk");
}

/* The fork of that name; a new one takes the place of the oldest. */
static struct fork_steps *fork_of(struct curve *curve, const char *name)
{
    for (size_t i = 0; i < FORKS; i++)
        if (!strcmp(curve->forks[i].name, name))
            return &curve->forks[i];
    struct fork_steps *fork = &curve->forks[curve->n_forks++ % FORKS];
    *fork = (struct fork_steps){0};
    snprintf(fork->name, sizeof fork->name, "%s", name);
    return fork;
}

static void add_fork_line(struct curve *curve, const Trireme__TrainLine *line)
{
    if (pair_name_is_tail(line->trial))
        return;
    curve->beside = true;
    if ((double)line->tokens != curve->step_tokens || strlen(line->trial) >= NAME_SIZE)
        return;
    struct fork_steps *fork = fork_of(curve, line->trial);
    fork->steps[fork->n % CURVE_BEFORE] = line->step;
    fork->losses[fork->n % CURVE_BEFORE] = line->loss;
    fork->n++;
}

struct curve_step curve_step_of(const Trireme__TrainLine *line, bool beside)
{
    return (struct curve_step){.step = line->step,
                               .tokens = line->tokens,
                               .loss = line->loss,
                               .norm = line->grad_norm,
                               .lr = line->lr,
                               .seconds = line->seconds,
                               .held = line->held_seconds,
                               .beside = beside};
}

void curve_train(struct curve *curve, const Trireme__TrainLine *line)
{
    struct stretch *last = curve->n ? &curve->stretches[curve->n - 1] : NULL;
    struct stretch one = {.last = line->step,
                          .loss = line->loss,
                          .tokens = (double)line->tokens,
                          .seconds = line->seconds,
                          .n = 1};
    if (!is_trunk(line->trial)) {
        add_fork_line(curve, line);
        return;
    }
    if (last && line->step <= last->last)
        return;
    curve->lr = line->lr;
    curve->tokens += (double)line->tokens;
    curve->step_tokens = (double)line->tokens;
    curve->recent[curve->n_lines++ % CURVE_RECENT] = curve_step_of(line, curve->beside);
    curve->beside = false;
    if (last && last->n < curve->steps) {
        add(last, &one);
        return;
    }
    if (curve->n == 2 * CURVE_POINTS)
        join(curve);
    curve->stretches[curve->n++] = one;
}

size_t curve_recent(const struct curve *curve, struct curve_step *steps)
{
    const size_t n = curve->n_lines < CURVE_RECENT ? curve->n_lines : CURVE_RECENT;
    for (size_t i = 0; i < n; i++)
        steps[i] = curve->recent[(curve->n_lines - n + i) % CURVE_RECENT];
    return n;
}

void curve_eval(struct curve *curve, const Trireme__EvalLine *line)
{
    struct curve_step steps[CURVE_RECENT];
    if (!is_trunk(line->trial))
        return;
    const size_t n = curve_recent(curve, steps), first = n > CURVE_BEFORE ? n - CURVE_BEFORE : 0;
    double sum = 0;
    for (size_t i = first; i < n; i++)
        sum += steps[i].loss;
    curve->evals = mem_grow(curve->evals, curve->n_evals, &curve->room, sizeof *curve->evals);
    curve->evals[curve->n_evals++] =
        (struct curve_eval){.step = line->step,
                            .tokens = curve->tokens,
                            .train = n > first ? sum / (double)(n - first) : (double)NAN,
                            .line = message_copy(line)};
}

const struct curve_eval *curve_evals(const struct curve *curve, size_t *n)
{
    *n = curve->n_evals;
    return curve->evals;
}

/* The trunk's loss at a step; NaN: it is not among the last. */
static double loss_at(const struct curve_step *steps, size_t n, uint64_t step)
{
    for (size_t i = n; i-- > 0;)
        if (steps[i].step == step)
            return steps[i].loss;
    return NAN;
}

size_t curve_lead(const struct curve *curve, double *mean, double *error, const char *name)
{
    struct curve_step steps[CURVE_RECENT];
    const size_t n_steps = curve_recent(curve, steps);
    const struct fork_steps *fork = NULL;
    for (size_t i = 0; i < FORKS; i++)
        if (!strcmp(curve->forks[i].name, name))
            fork = &curve->forks[i];
    size_t n = 0;
    double leads[CURVE_BEFORE];
    for (size_t i = 0; fork && i < fork->n && i < CURVE_BEFORE; i++) {
        const double trunk = loss_at(steps, n_steps, fork->steps[i]);
        if (isnan(trunk))
            continue;
        leads[n++] = trunk - fork->losses[i];
    }
    stats_mean(mean, error, leads, n);
    return n;
}

uint64_t curve_tokens(const struct curve *curve)
{
    return (uint64_t)curve->tokens;
}

void curve_tell(const struct curve *curve, Trireme__Briefing *b)
{
    double tokens = 0, seconds = 0, so_far = 0;
    b->curve = mem_new(curve->n, sizeof *b->curve);
    for (size_t i = 0; i < curve->n; i++) {
        const struct stretch *s = &curve->stretches[i];
        Trireme__CurvePoint *point = b->curve[b->n_curve++] =
            message_new(&trireme__curve_point__descriptor);
        so_far += s->tokens;
        point->has_step = true, point->step = s->last;
        point->has_tokens = true, point->tokens = (uint64_t)so_far;
        point->has_loss = true, point->loss = stats_round(s->loss / s->n, 5);
        if (i + 2 >= curve->n) // the last one alone may be a single step
            tokens += s->tokens, seconds += s->seconds;
    }
    b->has_tok_per_s = seconds > 0;
    b->tok_per_s = seconds > 0 ? stats_round(tokens / seconds, 4) : 0;
    b->has_tokens = true, b->tokens = (uint64_t)so_far;
    b->has_lr = curve->n > 0, b->lr = stats_round(curve->lr, 4);
}

/* Reads a line of metrics.jsonl as a message of that type if it begins so; else *line is NULL. */
static int read_line(void **line, const ProtobufCMessageDescriptor *type, const char *begin,
                     const char *bytes, size_t n, const char *path, struct err *err)
{
    *line = NULL;
    if (n < strlen(begin) || memcmp(bytes, begin, strlen(begin)))
        return 0;
    *line = message_new(type);
    int rc = json_read(*line, bytes, n, path, ERR_DATA, err);
    if (rc == 0)
        return 0;
    message_free(*line);
    return rc;
}

static int feed_line(struct curve *curve, uint64_t *step, const char *bytes, size_t n,
                     const char *path, struct err *err)
{
    void *train, *eval;
    if (read_line(&train, &trireme__train_line__descriptor, "{\"kind\":\"train\",", bytes, n, path,
                  err) < 0)
        return -1;
    if (train) {
        const Trireme__TrainLine *line = train;
        curve_train(curve, line);
        *step = strcmp(line->trial, "trunk") ? *step : line->step;
        message_free(train);
        return 0;
    }
    if (read_line(&eval, &trireme__eval_line__descriptor, "{\"kind\":\"eval\",", bytes, n, path,
                  err) < 0)
        return -1;
    if (eval)
        curve_eval(curve, eval);
    message_free(eval);
    return 0;
}

int curve_read(struct curve *curve, uint64_t *step, const char *run, struct err *err)
{
    char *path = file_join(run, "metrics.jsonl");
    size_t size = 0;
    char *bytes = file_exists(path) ? file_read(path, &size, ERR_DATA, err) : mem_strdup("");
    int rc = bytes ? 0 : -1;
    char *at = bytes;
    for (char *end; rc == 0 && (end = memchr(at, '\n', size - (size_t)(at - bytes))); at = end + 1)
        rc = feed_line(curve, step, at, (size_t)(end - at), path, err);
    free(bytes);
    free(path);
    return rc;
}
