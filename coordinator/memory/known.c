#include "coordinator/memory/known.h"

#include "base/mem.h"
#include "base/text.h"
#include "coordinator/memory/about_run.h"
#include "coordinator/memory/memory_recipe.h"
#include "coordinator/memory/run_kind.h"
#include "proto/config/changes.h"
#include "proto/schema/message.h"
#include "proto/schema/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void known_clear(struct known *known)
{
    for (size_t i = 0; i < known->n; i++)
        message_free(known->list[i]);
    free(known->list);
    *known = (struct known){0};
}

static bool is(const Trireme__MemoryNote *note, Trireme__MemoryNote__Outcome outcome)
{
    return note->has_outcome && note->outcome == outcome;
}

static bool is_good(const Trireme__MemoryNote *note)
{
    return is(note, TRIREME__MEMORY_NOTE__OUTCOME__adopted) ||
           is(note, TRIREME__MEMORY_NOTE__OUTCOME__claimed);
}

/* Whether the second of two notes of one run about one change is the last word. */
static bool replaces(const Trireme__MemoryNote *note, const Trireme__MemoryNote *newer)
{
    return !(is(note, TRIREME__MEMORY_NOTE__OUTCOME__claimed) && // its adoption is kept later
             is(newer, TRIREME__MEMORY_NOTE__OUTCOME__adopted));
}

static bool of_one_run(const Trireme__MemoryNote *a, const Trireme__MemoryNote *b)
{
    return a->run && b->run && !strcmp(a->run, b->run) &&
           memory_recipe_same(a->recipe, a->n_recipe, b->recipe, b->n_recipe);
}

/* Whether another note has the last word about the same change. */
static bool is_overtaken(const struct memory_notes *notes, size_t i)
{
    for (size_t k = 0; k < notes->n; k++)
        if (k != i && of_one_run(notes->list[i], notes->list[k]) &&
            (k > i ? replaces(notes->list[i], notes->list[k])
                   : !replaces(notes->list[k], notes->list[i])))
            return true;
    return false;
}

/* Whether planners of the run may know of it. */
static bool is_told(const Trireme__MemoryNote *note, const struct about_run *about)
{
    const bool shares = note->run && about_run_shares_gate(about, note);
    switch (note->kind) {
    case TRIREME__MEMORY_NOTE__KIND__planner:
        return note->text && note->text[0];
    case TRIREME__MEMORY_NOTE__KIND__person:
        return note->text && note->text[0] && !shares;
    default:
        return note->n_recipe && (!shares || is_good(note));
    }
}

/* Three digits: more would not be known anyway. */
static double rounded(double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.3g", value);
    return strtod(text, NULL);
}

static void tell_found(Trireme__Known *k, const Trireme__MemoryNote *note)
{
    k->outcome = mem_strdup(memory_outcome_word(note->outcome));
    k->has_tokens = note->has_tokens, k->tokens = note->tokens;
    if (note->of && note->of->has_parameters)
        k->has_parameters = 1, k->parameters = note->of->parameters;
    if (note->kind == TRIREME__MEMORY_NOTE__KIND__claim && note->has_gain) {
        k->has_gain = 1, k->gain = rounded(note->gain);
        k->has_half_width = 1, k->half_width = rounded(note->half_width);
    }
}

static bool is_word(const Trireme__MemoryNote *note)
{
    return note->kind == TRIREME__MEMORY_NOTE__KIND__planner ||
           note->kind == TRIREME__MEMORY_NOTE__KIND__person;
}

static Trireme__Known *tell(const Trireme__MemoryNote *note, const struct about_run *about)
{
    Trireme__Known *k = message_new(&trireme__known__descriptor);
    k->recipe = mem_new(note->n_recipe, sizeof *k->recipe);
    for (; k->n_recipe < note->n_recipe; k->n_recipe++)
        k->recipe[k->n_recipe] = message_copy(note->recipe[k->n_recipe]);
    if (is_word(note))
        k->text = mem_strdup(note->text);
    else if (!about_run_shares_gate(about, note))
        tell_found(k, note);
    return k;
}

static bool is_listed(const struct known *known, const Trireme__Known *k)
{
    for (size_t i = 0; i < known->n; i++)
        if (message_equal(known->list[i], k))
            return true;
    return false;
}

void known_of(struct known *known, const struct memory_notes *notes, const struct about_run *about)
{
    size_t room = 0;
    *known = (struct known){0};
    for (size_t i = 0; i < notes->n; i++) {
        if (about_run_is_own(about, notes->list[i]) || !is_told(notes->list[i], about) ||
            is_overtaken(notes, i))
            continue;
        Trireme__Known *k = tell(notes->list[i], about);
        if (is_listed(known, k)) { // of two runs judged by the same text
            message_free(k);
            continue;
        }
        known->list = mem_grow(known->list, known->n, &room, sizeof *known->list);
        known->list[known->n++] = k;
    }
    const size_t more = known->n > KNOWN_MAX ? known->n - KNOWN_MAX : 0;
    for (size_t i = 0; i < more; i++)
        message_free(known->list[i]);
    if (more) {
        memmove(known->list, known->list + more, KNOWN_MAX * sizeof *known->list);
        known->n = KNOWN_MAX;
    }
}

/* The change alone, fresh: whether it was adopted or claimed is not told either. */
static Trireme__MemoryNote *change_alone(const Trireme__MemoryNote *note)
{
    Trireme__MemoryNote *alone = message_new(&trireme__memory_note__descriptor);
    alone->has_id = 1, alone->id = note->id;
    alone->has_kind = 1, alone->kind = TRIREME__MEMORY_NOTE__KIND__adoption;
    alone->run = mem_strdup(note->run);
    alone->run_name = mem_strdup(note->run_name);
    alone->recipe = mem_new(note->n_recipe, sizeof *alone->recipe);
    for (; alone->n_recipe < note->n_recipe; alone->n_recipe++)
        alone->recipe[alone->n_recipe] = message_copy(note->recipe[alone->n_recipe]);
    return alone;
}

void known_visible(struct memory_notes *notes, const struct about_run *about)
{
    bool *gone = mem_new(notes->n, sizeof *gone);
    size_t kept = 0;
    for (size_t i = 0; i < notes->n; i++)
        gone[i] = !is_told(notes->list[i], about) || is_overtaken(notes, i);
    for (size_t i = 0; i < notes->n; i++) {
        Trireme__MemoryNote *note = notes->list[i];
        const bool is_whole = is_word(note) || !about_run_shares_gate(about, note);
        if (!gone[i])
            notes->list[kept++] = is_whole ? message_copy(note) : change_alone(note);
        message_free(note);
    }
    notes->n = kept;
    free(gone);
}

/* Reads the notes of a run's kind, and what the run is; none where the run keeps none. */
static int read_notes(struct memory_notes *notes, struct about_run *about, const char *run,
                      const Trireme__Config *config, struct err *err)
{
    char *path = memory_path(run, config->experiment->notes);
    *notes = (struct memory_notes){0};
    *about = (struct about_run){0};
    int rc = 0;
    if (path && (rc = about_run_read(about, run, config, err)) == 0) {
        struct memory *memory = memory_open(path, MEMORY_READ, MEMORY_RUN_WAIT_MS, err);
        rc = memory ? memory_of_kind(notes, memory, about->kind, MEMORY_NEWEST, err) : -1;
        memory_close(memory);
    }
    free(path);
    if (rc < 0)
        about_run_clear(about);
    return rc;
}

int known_read(struct known *known, const char *run, const Trireme__Config *config, struct err *err)
{
    struct memory_notes notes;
    struct about_run about;
    *known = (struct known){0};
    if (read_notes(&notes, &about, run, config, err) < 0)
        return -1;
    known_of(known, &notes, &about);
    memory_notes_clear(&notes);
    about_run_clear(&about);
    return 0;
}

/* What a note of a settled change says to somebody who proposes the same; fresh. */
static char *settled_text(const Trireme__MemoryNote *note, const struct about_run *about,
                          bool person)
{
    struct text name = {0};
    value_write_clean(&name, note->run_name ? note->run_name : "");
    const unsigned long long note_id = note->id, parameters = note->of->parameters;
    char *what =
        person || !about_run_shares_gate(about, note)
            ? mem_format("%s, as note %llu tells", memory_outcome_word(note->outcome), note_id)
            : mem_format("note %llu tells persons how, not planners, since it was judged "
                         "by text that judges this run",
                         note_id);
    char *text = mem_format("run '%s' has settled the same change at the same scale (%llu "
                            "parameters, at %llu tokens): %s",
                            name.bytes ? name.bytes : "", parameters,
                            (unsigned long long)note->tokens, what);
    free(what);
    text_clear(&name);
    return text;
}

char *known_answer(const char *answer, const char *sentence)
{
    return mem_format("%s; %s", answer, sentence);
}

int known_settled(char **sentence, const struct known_question *q, struct err *err)
{
    struct memory_notes notes;
    struct about_run about;
    *sentence = NULL;
    if (read_notes(&notes, &about, q->run, q->config, err) < 0)
        return -1;
    Trireme__Change **values = changes_values(q->in_force, q->patch, q->n_patch);
    struct memory_recipe recipe = memory_recipe_of(q->config, values, q->patch, q->n_patch);
    for (size_t i = notes.n; i-- > 0 && !*sentence;) { // the newest word
        const Trireme__MemoryNote *note = notes.list[i];
        if (note->has_outcome && !is(note, TRIREME__MEMORY_NOTE__OUTCOME__adopted) &&
            !about_run_is_own(&about, note) && !is_overtaken(&notes, i) &&
            run_scale_same(note->of, note->tokens, about.kind, q->tokens) &&
            memory_recipe_same(note->recipe, note->n_recipe, recipe.list, recipe.n))
            *sentence = settled_text(note, &about, q->person);
    }
    memory_recipe_clear(&recipe);
    changes_free(values, q->n_patch);
    memory_notes_clear(&notes);
    about_run_clear(&about);
    return 0;
}
