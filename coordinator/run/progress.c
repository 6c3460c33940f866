#include "coordinator/run/progress.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

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
    uint64_t first_step, steps;
    double began, shown;
    double loss, seconds; /* of late: exponential means */
    bool any;
};

struct progress *progress_new(const char *run, bool live, int columns, uint64_t first_step,
                              uint64_t steps)
{
    struct progress *p = mem_new(1, sizeof *p);
    *p = (struct progress){.live = live,
                           .columns = columns,
                           .first_step = first_step,
                           .steps = steps,
                           .began = clock_now()};
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

static void format_line(const struct progress *p, char *out, size_t size,
                        const Trireme__TrainLine *line, size_t forks)
{
    char left[32], beside[48] = "";
    if (forks)
        snprintf(beside, sizeof beside, "  +%zu fork%s", forks, forks == 1 ? "" : "s");
    format_time(left, sizeof left, p->seconds * (double)(p->steps - line->step));
    snprintf(out, size, "step %llu/%llu  loss %.4f  %.0f tok/s  lr %.2e  norm %.2f%s  ETA %s",
             (unsigned long long)line->step, (unsigned long long)p->steps,
             p->live ? p->loss : line->loss, (double)line->tokens / p->seconds, line->lr,
             line->grad_norm, beside, left);
}

void progress_train(struct progress *p, const Trireme__TrainLine *line, size_t forks)
{
    double now = clock_now();
    double share = p->any ? 0.1 : 1;
    p->loss += share * (line->loss - p->loss);
    p->seconds += share * (line->seconds - p->seconds);
    p->any = true;
    bool ends = line->step == p->first_step + 1 || line->step == p->steps;
    if (!ends && now - p->shown < (p->live ? live_seconds : plain_seconds))
        return;
    p->shown = now;
    char text[256];
    format_line(p, text, sizeof text, line, forks);
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

void progress_say(struct progress *p, const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (p->live && p->line_open)
        printf("\r\x1b[K"), p->line_open = false;
    printf("%s\n", text);
    fflush(stdout);
    log_line(p, text);
}

void progress_log(struct progress *p, const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_line(p, text);
}
