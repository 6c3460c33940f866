/* trireme note, ledger notes: what planners and people tell whoever looks next. */
#include "base/mem.h"
#include "coordinator/proposals/note.h"
#include "launcher/commands/command.h"
#include "launcher/commands/print_text.h"
#include "launcher/commands/run_history.h"
#include "proto/schema/message.h"

#include "command.pb-c.h"

#include <inttypes.h>
#include <stdio.h>

int command_note(const void *request, void *reply, struct err *err)
{
    const Trireme__NoteRequest *r = request;
    Trireme__Request asked = TRIREME__REQUEST__INIT;
    asked.note = r->text;
    return note_check(r->text, err) < 0
               ? -1
               : command_propose_ask(reply, r->run, &asked, r->as, r->wait, err);
}

int command_ledger_notes(const void *request, void *reply, struct err *err)
{
    const Trireme__LedgerNotesRequest *r = request;
    Trireme__LedgerNotesReply *out = reply;
    struct history history;
    if (run_history_read(&history, r->run, err) < 0)
        return -1;
    out->notes = mem_new(history.n_notes, sizeof *out->notes);
    for (size_t i = 0; i < history.n_notes; i++) {
        const struct note *from = &history.notes[i];
        Trireme__Noted *note = out->notes[out->n_notes++] =
            message_new(&trireme__noted__descriptor);
        note->has_number = true, note->number = from->number;
        note->has_step = true, note->step = from->step;
        note->text = mem_strdup(from->text);
        note->by = mem_strdup(from->by);
    }
    history_clear(&history);
    return 0;
}

void print_ledger_notes(const void *reply)
{
    const Trireme__LedgerNotesReply *r = reply;
    for (size_t i = 0; i < r->n_notes; i++) {
        const Trireme__Noted *note = r->notes[i];
        printf("%4u  step %-8" PRIu64 "  ", note->number, note->step);
        print_text(note->by, SIZE_MAX);
        printf(": ");
        print_text(note->text, SIZE_MAX);
        printf("\n");
    }
}
