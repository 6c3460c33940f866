#include "coordinator/proposals/note.h"

#include "base/mem.h"
#include "coordinator/ledger/actor.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/proposals/intake_internal.h"
#include "coordinator/run/progress.h"
#include "proto/schema/utf8.h"

#include <string.h>

int note_check(const char *text, struct err *err)
{
    const size_t size = strlen(text);
    if (size == 0 || size > NOTE_BYTES)
        return err_set(err, ERR_USAGE, "a note: found %zu bytes, expected 1 to %d", size,
                       NOTE_BYTES);
    for (const char *s = text; *s;) {
        const size_t at = (size_t)(s - text);
        if (!utf8_is_shown(utf8_next(&s)))
            return err_set(err, ERR_USAGE,
                           "a note: found a byte at %zu that is no text or controls a terminal, "
                           "expected one line of UTF-8",
                           at);
    }
    return 0;
}

static int check_room(const struct history *h, const char *by, struct err *err)
{
    unsigned n = 0;
    for (size_t i = 0; i < h->n_notes; i++)
        n += !actor_is_person(h->notes[i].by);
    return actor_is_person(by) || n < NOTES_OF_PLANNERS
               ? 0
               : err_set(err, ERR_USAGE,
                         "found %u notes of planners, expected at most %d in a run: persons may "
                         "leave more",
                         n, NOTES_OF_PLANNERS);
}

static const struct note *left_before(const struct history *h, const char *text, const char *by)
{
    for (size_t i = 0; i < h->n_notes; i++)
        if (strcmp(h->notes[i].text, text) == 0 && actor_same(h->notes[i].by, by))
            return &h->notes[i];
    return NULL;
}

static void accept(Trireme__Answer *answer, const struct note *note)
{
    answer->has_accepted = answer->accepted = true;
    answer->text =
        mem_format("note %u: taken at step %llu", note->number, (unsigned long long)note->step);
}

int note_submit(struct intake *intake, const char *text, const char *by, uint64_t step,
                Trireme__Answer *answer, struct err *err)
{
    const struct history *h = context_history(&intake->context);
    struct err why = {0};
    const struct note *before = left_before(h, text, by);
    if (before) {
        accept(answer, before);
        return 0;
    }
    if (note_check(text, &why) < 0 || check_room(h, by, &why) < 0) {
        answer->has_accepted = true;
        answer->text = mem_strdup(why.text);
        progress_log(intake->context.progress, "%s: refused: %s", by, why.text);
        return 0;
    }
    if (note_repeat(intake, text, by, step, err) < 0)
        return -1;
    accept(answer, &h->notes[h->n_notes - 1]);
    return 0;
}

int note_repeat(struct intake *intake, const char *text, const char *by, uint64_t step,
                struct err *err)
{
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.note = (char *)text;
    progress_log(intake->context.progress, "note of %s: %s", by, text);
    return journal_write(intake->context.journal, &record, TRIREME__RECORD_KIND__note, 0, step, by,
                         err);
}
