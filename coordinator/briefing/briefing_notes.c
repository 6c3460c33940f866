/* Notes in a briefing: the newest. */
#include "base/mem.h"
#include "coordinator/briefing/briefing_internal.h"
#include "coordinator/ledger/history.h"
#include "proto/schema/message.h"

enum { NOTES_MAX = 8 };

void briefing_tell_notes(Trireme__Briefing *b, const struct briefing_input *input)
{
    const struct history *h = input->history;
    for (size_t i = h->n_notes > NOTES_MAX ? h->n_notes - NOTES_MAX : 0; i < h->n_notes; i++) {
        Trireme__Noted *note = message_new(&trireme__noted__descriptor);
        TELL(note, number, h->notes[i].number);
        TELL(note, step, h->notes[i].step);
        note->text = mem_strdup(h->notes[i].text);
        APPEND(b, notes, note);
    }
}
