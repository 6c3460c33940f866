#include "coordinator/run/progress.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "proto/schema/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const double live_seconds = 0.1, plain_seconds = 10; /* between two of them */

struct progress {
    FILE *log; /* NULL where it cannot be written */
    bool live, line_open;
    int columns;
    uint64_t first_step;
    double shown;
    struct progress_pace pace; /* exponential means */
    bool any;
};

struct progress *progress_new(const char *run, bool live, int columns, uint64_t first_step,
                              uint64_t step_tokens)
{
    struct progress *p = mem_new(1, sizeof *p);
    *p = (struct progress){.live = live,
                           .columns = columns,
                           .first_step = first_step,
                           .pace = {.step_tokens = step_tokens}};
    char *path = file_join(run, "log.txt");
    p->log = fopen(path, "ae");
    free(path);
    return p;
}

/* Ends the live line, so that what follows stands on a line of its own. */
static void close_line(struct progress *p)
{
    if (p->line_open)
        putchar('\n');
    p->line_open = false;
}

void progress_free(struct progress *p)
{
    if (!p)
        return;
    close_line(p);
    fflush(stdout);
    if (p->log)
        fclose(p->log);
    free(p);
}

static void format_time(char *out, size_t size, double seconds)
{
    long s = (long)(seconds + 0.5);
    if (s >= 3600)
        snprintf(out, size, "%ldh%02ldm", s / 3600, s / 60 % 60);
    else if (s >= 60)
        snprintf(out, size, "%ldm%02lds", s / 60, s % 60);
    else
        snprintf(out, size, "%lds", s);
}

/* "12.3k", "4.56M": three digits. */
static void format_tokens(char *out, size_t size, uint64_t tokens)
{
    static const char units[] = " kMGT";
    double number = (double)tokens;
    size_t unit = 0;
    for (; number >= 999.5 && units[unit + 1]; unit++)
        number /= 1000;
    snprintf(out, size, "%.*f%.*s",
             unit == 0 || number >= 99.95 ? 0
             : number >= 9.995            ? 1
                                          : 2,
             number, unit > 0, &units[unit]);
}

void progress_text(char *text, size_t size, const struct progress_pace *pace,
                   const Trireme__TrainLine *line, uint64_t tokens, uint64_t all, size_t forks)
{
    const uint64_t left = all > tokens ? all - tokens : 0;
    char time_left[32], beside[48] = "", far[64], done[16], planned[16];
    if (forks)
        snprintf(beside, sizeof beside, "  +%zu fork%s", forks, forks == 1 ? "" : "s");
    format_time(time_left, sizeof time_left, pace->token_seconds * (double)left);
    format_tokens(done, sizeof done, tokens);
    format_tokens(planned, sizeof planned, all);
    if (line->tokens == pace->step_tokens)
        snprintf(far, sizeof far, "/%llu", (unsigned long long)(line->step + left / line->tokens));
    else
        snprintf(far, sizeof far, "  %s of %s tokens", done, planned);
    snprintf(text, size, "step %llu%s  loss %.4f  %.0f tok/s  lr %.2e  norm %.2f%s  ETA %s",
             (unsigned long long)line->step, far, pace->loss, 1 / pace->token_seconds, line->lr,
             line->grad_norm, beside, time_left);
}

void progress_train(struct progress *p, const Trireme__TrainLine *line, uint64_t tokens,
                    uint64_t all, size_t forks)
{
    double now = clock_now();
    double share = p->any ? 0.1 : 1;
    p->pace.loss += share * (line->loss - p->pace.loss);
    p->pace.token_seconds += share * (line->seconds / (double)line->tokens - p->pace.token_seconds);
    p->any = true;
    bool ends = line->step == p->first_step + 1 || tokens + line->tokens > all;
    if (!ends && now - p->shown < (p->live ? live_seconds : plain_seconds))
        return;
    p->shown = now;
    char text[256];
    struct progress_pace pace = p->pace;
    pace.loss = p->live ? pace.loss : line->loss;
    progress_text(text, sizeof text, &pace, line, tokens, all, forks);
    if (!p->live) {
        printf("%s\n", text);
    } else {
        printf("\r%-.*s\x1b[K", p->columns > 1 ? p->columns - 1 : 79, text);
        p->line_open = true;
    }
    fflush(stdout);
}

void progress_eval(struct progress *p, const Trireme__EvalLine *line)
{
    char bpb[64] = "", sources[400] = "";
    if (line->has_val_bpb)
        snprintf(bpb, sizeof bpb, "  val_bpb %.4f", line->val_bpb);
    for (size_t i = 0, at = 0; line->n_sources > 1 && i < line->n_sources && at < sizeof sources;
         i++)
        at += (size_t)snprintf(sources + at, sizeof sources - at, "%s%s %.4f", i ? ", " : "  (",
                               line->sources[i]->name, line->sources[i]->val_loss);
    progress_say(p, "step %llu  val_loss %.4f%s%s%s", (unsigned long long)line->step,
                 line->val_loss, bpb, sources, sources[0] ? ")" : "");
}

static void log_line(struct progress *p, const char *text)
{
    if (!p->log)
        return;
    time_t now = time(NULL);
    struct tm utc;
    char stamp[32];
    gmtime_r(&now, &utc);
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%SZ", &utc);
    fprintf(p->log, "%s %s\n", stamp, text);
    fflush(p->log);
}

/* The sentence as it may be shown: others' texts may be in it. The caller frees it. */
static char *sentence(const char *format, va_list args)
{
    char text[1200];
    vsnprintf(text, sizeof text, format, args);
    return utf8_shown(text);
}

void progress_say(struct progress *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = sentence(format, args);
    va_end(args);
    if (p->live && p->line_open)
        printf("\r\x1b[K"), p->line_open = false;
    printf("%s\n", text);
    fflush(stdout);
    log_line(p, text);
    free(text);
}

void progress_log(struct progress *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    char *text = sentence(format, args);
    va_end(args);
    log_line(p, text);
    free(text);
}
