/* trireme data prepare. */
#include "base/clock.h"
#include "base/text.h"
#include "launcher/commands/command.h"
#include "worker/prepare/prepare.h"
#include "worker/prepare/watch.h"

#include "command.pb-c.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

/* What a person sees on stderr: on a terminal one line that is rewritten, elsewhere a plain line
 * every ten seconds. */
struct terminal {
    bool live, line_open;
    double shown;
};

static const double live_seconds = 0.1, plain_seconds = 10; /* between two of them */

static void show(void *context, const char *doing, uint64_t done, uint64_t of)
{
    struct terminal *terminal = context;
    const double now = clock_now();
    if (now - terminal->shown < (terminal->live ? live_seconds : plain_seconds))
        return;
    terminal->shown = now;
    terminal->line_open = terminal->live;
    fprintf(stderr, "%s%s %.1f of %.1f MB%s", terminal->live ? "\r" : "", doing, (double)done / 1e6,
            (double)of / 1e6, terminal->live ? "\033[K" : "\n");
}

int command_data_prepare(const void *request, void *reply, struct err *err)
{
    struct text notes = {0};
    struct terminal terminal = {.live = isatty(STDERR_FILENO) == 1, .shown = clock_now()};
    struct watch watch;
    watch_init(&watch, show, &terminal);
    int rc = prepare(request, reply, &notes, &watch, err);
    watch_clear(&watch);
    if (terminal.line_open)
        fputs("\r\033[K", stderr);
    if (rc == 0 && notes.size)
        fputs(notes.bytes, stderr);
    text_clear(&notes);
    return rc;
}
