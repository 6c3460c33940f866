#include "coordinator/proposals/curve.h"

#include "base/file.h"
#include "base/mem.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"

#include <stdlib.h>
#include <string.h>

enum { CURVE_POINTS = 12 };

/* Sums over the steps of one stretch. */
struct stretch {
    uint64_t last;                /* step */
    double loss, tokens, seconds; /* sums */
    unsigned n;
    bool has_val;
    double val_loss; /* of the last evaluation in it */
};

struct curve {
    struct stretch stretches[2 * CURVE_POINTS];
    size_t n;
    unsigned long steps; /* lines of each stretch but the last one */
    double lr;           /* of the last line */
    bool has_first_val;
    double first_val;        /* of an evaluation before the first step */
    Trireme__EvalLine *eval; /* the last, or NULL */
};

struct curve *curve_new(void)
{
    struct curve *curve = mem_new(1, sizeof *curve);
    curve->steps = 1;
    return curve;
}

void curve_free(struct curve *curve)
{
    if (curve)
        message_free(curve->eval);
    free(curve);
}

static void add(struct stretch *to, const struct stretch *later)
{
    to->last = later->last;
    to->loss += later->loss, to->tokens += later->tokens, to->seconds += later->seconds;
    to->n += later->n;
    if (later->has_val) {
        to->has_val = true;
        to->val_loss = later->val_loss;
    }
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

void curve_train(struct curve *curve, const Trireme__TrainLine *line)
{
    struct stretch *last = curve->n ? &curve->stretches[curve->n - 1] : NULL;
    struct stretch one = {.last = line->step,
                          .loss = line->loss,
                          .tokens = (double)line->tokens,
                          .seconds = line->seconds,
                          .n = 1};
    if (!is_trunk(line->trial) || (last && line->step <= last->last))
        return;
    curve->lr = line->lr;
    if (last && last->n < curve->steps) {
        add(last, &one);
        return;
    }
    if (curve->n == 2 * CURVE_POINTS)
        join(curve);
    curve->stretches[curve->n++] = one;
}

void curve_eval(struct curve *curve, const Trireme__EvalLine *line)
{
    if (!is_trunk(line->trial))
        return;
    message_free(curve->eval);
    curve->eval = message_copy(line);
    if (curve->n) {
        struct stretch *last = &curve->stretches[curve->n - 1];
        last->has_val = true;
        last->val_loss = line->val_loss;
    } else {
        curve->has_first_val = true;
        curve->first_val = line->val_loss;
    }
}

void curve_tell(const struct curve *curve, Trireme__Briefing *b)
{
    bool has_val = curve->has_first_val;
    double val_loss = curve->first_val, tokens = 0, seconds = 0, so_far = 0;
    b->curve = mem_new(curve->n, sizeof *b->curve);
    for (size_t i = 0; i < curve->n; i++) {
        const struct stretch *s = &curve->stretches[i];
        Trireme__CurvePoint *point = b->curve[b->n_curve++] =
            message_new(&trireme__curve_point__descriptor);
        has_val = has_val || s->has_val;
        val_loss = s->has_val ? s->val_loss : val_loss;
        so_far += s->tokens;
        point->has_step = true, point->step = s->last;
        point->has_tokens = true, point->tokens = (uint64_t)so_far;
        point->has_loss = true, point->loss = s->loss / s->n;
        point->has_val_loss = has_val, point->val_loss = has_val ? val_loss : 0;
        if (i + 2 >= curve->n) // the last one alone may be a single step
            tokens += s->tokens, seconds += s->seconds;
    }
    b->has_tok_per_s = seconds > 0, b->tok_per_s = seconds > 0 ? tokens / seconds : 0;
    b->has_tokens = true, b->tokens = (uint64_t)so_far;
    b->has_lr = curve->n > 0, b->lr = curve->lr;
    size_t n = curve->eval ? curve->eval->n_sources : 0;
    b->sources = mem_new(n, sizeof *b->sources);
    for (size_t i = 0; i < n; i++)
        b->sources[b->n_sources++] = message_copy(curve->eval->sources[i]);
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
