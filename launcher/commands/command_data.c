/* trireme data prepare. */
#include "base/clock.h"
#include "base/text.h"
#include "launcher/commands/command.h"
#include "worker/data/documents.h"
#include "worker/data/prepare.h"

#include "command.pb-c.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

/* What a person sees on stderr: on a terminal one line that is rewritten, elsewhere a plain line
 * every ten seconds. */
struct watch {
    bool live, line_open;
    double shown;
};

static const double live_seconds = 0.1, plain_seconds = 10; /* between two of them */

static void show(void *context, const char *doing, uint64_t done, uint64_t of)
{
    struct watch *watch = context;
    const double now = clock_now();
    if (now - watch->shown < (watch->live ? live_seconds : plain_seconds))
        return;
    watch->shown = now;
    watch->line_open = watch->live;
    fprintf(stderr, "%s%s %.1f of %.1f MB%s", watch->live ? "\r" : "", doing, (double)done / 1e6,
            (double)of / 1e6, watch->live ? "\033[K" : "\n");
}

int command_data_prepare(const void *request, void *reply, struct err *err)
{
    struct text notes = {0};
    struct watch watch = {.live = isatty(STDERR_FILENO) == 1, .shown = clock_now()};
    const struct documents_watch show_it = {.said = show, .context = &watch};
    int rc = prepare(request, reply, &notes, &show_it, err);
    if (watch.line_open)
        fputs("\r\033[K", stderr);
    if (rc == 0 && notes.size)
        fputs(notes.bytes, stderr);
    text_clear(&notes);
    return rc;
}
