/* Cuts a briefing to its size: first what a model knows anyway, then what is oldest. */
#include "base/mem.h"
#include "coordinator/briefing/briefing_internal.h"
#include "proto/schema/message.h"
#include "proto/schema/write.h"

#include <stdlib.h>
#include <string.h>

enum { NOTES_KEPT = 2, REASONS_KEPT = 4, TRIED_KEPT = 8, POINTS_KEPT = 3, SENTENCES = 8 };

/* How much of each was left out. */
struct cuts {
    bool meanings, ladders, config;
    size_t known, notes, reasons, tried, turned, points, curve, settings, sources;
};

static size_t size_of(const Trireme__Briefing *b, bool as_text)
{
    char *text = as_text ? briefing_text(b) : json_write(b);
    const size_t size = strlen(text);
    free(text);
    return size;
}

/* Removes the first n messages of a list; an empty one may be NULL. */
static void drop_first(void **list, size_t *size, size_t n)
{
    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++)
        message_free(list[i]);
    memmove(list, list + n, (*size - n) * sizeof *list);
    *size -= n;
}
#define DROP_FIRST(message, list, n) drop_first((void **)(message)->list, &(message)->n_##list, n)

/* Half of what is above `kept`, at least one; 0: there is none. */
static size_t half_of(size_t n, size_t kept)
{
    return n > kept ? (n - kept + 1) / 2 : 0;
}

static bool drop_meanings(Trireme__Briefing *b, struct cuts *cuts)
{
    if (cuts->meanings)
        return false;
    for (size_t i = 0; i < b->n_may_change; i++) {
        free(b->may_change[i]->meaning);
        b->may_change[i]->meaning = NULL;
    }
    return cuts->meanings = true;
}

static bool drop_notes(Trireme__Briefing *b, struct cuts *cuts, size_t kept)
{
    const size_t n = half_of(b->n_notes, kept);
    DROP_FIRST(b, notes, n);
    cuts->notes += n;
    return n > 0;
}

static bool drop_known(Trireme__Briefing *b, struct cuts *cuts)
{
    const size_t n = half_of(b->n_known, 0);
    DROP_FIRST(b, known, n);
    cuts->known += n;
    return n > 0;
}

/* Why what was tried ought to have helped. */
static bool drop_reasons(Trireme__Briefing *b, struct cuts *cuts)
{
    size_t n = half_of(b->n_tried > cuts->reasons ? b->n_tried - cuts->reasons : 0, REASONS_KEPT);
    for (size_t i = cuts->reasons; i < cuts->reasons + n; i++) {
        free(b->tried[i]->hypothesis);
        b->tried[i]->hypothesis = NULL;
    }
    cuts->reasons += n;
    return n > 0;
}

static bool drop_tried(Trireme__Briefing *b, struct cuts *cuts, size_t kept)
{
    const size_t n = half_of(b->n_tried, kept);
    DROP_FIRST(b, tried, n);
    cuts->tried += n;
    cuts->reasons = cuts->reasons > n ? cuts->reasons - n : 0;
    return n > 0;
}

static bool drop_turned(Trireme__Briefing *b, struct cuts *cuts, size_t kept)
{
    const size_t n = b->since ? half_of(b->since->n_turned, kept) : 0;
    if (n > 0)
        DROP_FIRST(b->since, turned, n);
    cuts->turned += n;
    return n > 0;
}

static bool drop_points(Trireme__Briefing *b, struct cuts *cuts)
{
    const size_t curve = half_of(b->n_curve, POINTS_KEPT), dev = half_of(b->n_dev, POINTS_KEPT);
    DROP_FIRST(b, curve, curve);
    DROP_FIRST(b, dev, dev);
    cuts->curve += curve;
    cuts->points += dev;
    return curve > 0 || dev > 0;
}

static bool drop_ladders(Trireme__Briefing *b, struct cuts *cuts)
{
    if (cuts->ladders)
        return false;
    for (size_t i = 0; i < b->n_may_change; i++) {
        Trireme__MayChange *may = b->may_change[i];
        for (size_t k = 0; k < may->n_ladder; k++)
            free(may->ladder[k]);
        may->n_ladder = 0;
    }
    return cuts->ladders = true;
}

static bool drop_config(Trireme__Briefing *b, struct cuts *cuts)
{
    if (cuts->config)
        return false;
    DROP_FIRST(b, config, b->n_config);
    return cuts->config = true;
}

/* The last ones: those that come first matter most. */
static bool drop_last(Trireme__Briefing *b, struct cuts *cuts)
{
    const size_t settings = half_of(b->n_may_change, 1), sources = half_of(b->n_sources, 1);
    for (size_t i = 0; i < settings; i++)
        message_free(b->may_change[--b->n_may_change]);
    for (size_t i = 0; i < sources; i++)
        message_free(b->sources[--b->n_sources]);
    for (size_t i = 0; i < b->n_dev; i++)
        if (b->dev[i]->n_by_source > b->n_sources)
            b->dev[i]->n_by_source = b->n_sources;
    cuts->settings += settings;
    cuts->sources += sources;
    return settings > 0 || sources > 0;
}

static bool drop_next(Trireme__Briefing *b, struct cuts *cuts)
{
    return drop_meanings(b, cuts) || drop_notes(b, cuts, NOTES_KEPT) || drop_known(b, cuts) ||
           drop_reasons(b, cuts) || drop_turned(b, cuts, TRIED_KEPT) ||
           drop_tried(b, cuts, TRIED_KEPT) || drop_points(b, cuts) || drop_ladders(b, cuts) ||
           drop_config(b, cuts) || drop_notes(b, cuts, 0) || drop_tried(b, cuts, 0) ||
           drop_turned(b, cuts, 0) || drop_last(b, cuts);
}

static void say(Trireme__Briefing *b, size_t n, const char *what)
{
    if (n > 0)
        APPEND(b, cut, mem_format("%zu %s", n, what));
}

static void tell_cuts(Trireme__Briefing *b, const struct cuts *cuts, bool as_text)
{
    for (size_t i = 0; i < b->n_cut; i++)
        free(b->cut[i]);
    b->n_cut = 0;
    if (cuts->meanings && !as_text)
        APPEND(b, cut, mem_strdup("meanings of settings"));
    say(b, cuts->notes, "oldest of notes");
    say(b, cuts->known, "oldest of known");
    say(b, cuts->reasons, "oldest hypotheses of what was tried");
    say(b, cuts->tried, "oldest of tried");
    say(b, cuts->turned, "oldest of since");
    say(b, cuts->points, "oldest of dev");
    say(b, cuts->curve, "oldest of curve");
    if (cuts->ladders)
        APPEND(b, cut, mem_strdup("ladders"));
    if (cuts->config)
        APPEND(b, cut, mem_strdup("config"));
    say(b, cuts->settings, "last of may_change");
    say(b, cuts->sources, "last of sources");
}

void briefing_cut(Trireme__Briefing *b, uint64_t bytes, bool as_text)
{
    struct cuts cuts = {.meanings = as_text}; // a text has none
    while (size_of(b, as_text) > bytes && drop_next(b, &cuts))
        tell_cuts(b, &cuts, as_text);
}
