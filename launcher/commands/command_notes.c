/* trireme notes add, ls, search, lint: the memory of runs, from its file. */
#include "base/file.h"
#include "base/mem.h"
#include "coordinator/ledger/actor.h"
#include "coordinator/ledger/ledger.h"
#include "coordinator/memory/about_run.h"
#include "coordinator/memory/known.h"
#include "coordinator/memory/memory.h"
#include "coordinator/memory/memory_lint.h"
#include "coordinator/memory/memory_recipe.h"
#include "coordinator/proposals/note.h"
#include "launcher/commands/command.h"
#include "launcher/commands/print_text.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include "command.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where notes are: a run's file, or a file. */
struct place {
    char *path;
    Trireme__Config *config; /* of the run; NULL: a file was named */
};

static void clear_place(struct place *place)
{
    message_free(place->config);
    free(place->path);
    *place = (struct place){0};
}

static int find_place(struct place *place, const char *notes, struct err *err)
{
    *place = (struct place){0};
    if (memory_is_there(err) < 0)
        return -1;
    if (!file_is_dir(notes)) {
        place->path = mem_strdup(notes);
        return 0;
    }
    place->config = run_config_of(notes, err);
    if (!place->config)
        return -1;
    place->path = memory_path(notes, place->config->experiment->notes);
    if (place->path)
        return 0;
    clear_place(place);
    return err_set(err, ERR_USAGE, "%s: experiment.notes is \"\": it keeps no notes", notes);
}

/* Opens it to be read; one that nobody has written yet has no notes. */
static struct memory *open_to_read(struct place *place, const char *notes, struct err *err)
{
    if (find_place(place, notes, err) < 0)
        return NULL;
    if (place->config || file_exists(place->path))
        return memory_open(place->path, MEMORY_READ, MEMORY_WAIT_MS, err);
    err_set(err, ERR_USAGE, "%s: found no such file, expected a file of notes, or a run", notes);
    return NULL;
}

/* ---- add ---- */

/* Planners leave so many about a run. */
static int check_room(struct memory *memory, const Trireme__MemoryNote *note, struct err *err)
{
    struct memory_notes notes;
    size_t n = 0;
    if (note->kind != TRIREME__MEMORY_NOTE__KIND__planner)
        return 0;
    if (memory_list(&notes, memory, SIZE_MAX, err) < 0)
        return -1;
    for (size_t i = 0; i < notes.n; i++)
        n += notes.list[i]->kind == note->kind &&
             !strcmp(notes.list[i]->run ? notes.list[i]->run : "", note->run ? note->run : "");
    memory_notes_clear(&notes);
    return n < NOTES_OF_PLANNERS
               ? 0
               : err_set(err, ERR_USAGE,
                         "found %zu notes of planners, expected at most %d about a run: persons "
                         "may leave more",
                         n, NOTES_OF_PLANNERS);
}

/* Record `seq` of the run's ledger, which must hold now. */
static Trireme__Evidence *evidence_of(const char *run, uint64_t seq, struct err *err)
{
    struct ledger *ledger = ledger_open(run, false, err);
    if (!ledger)
        return NULL;
    const size_t n = ledger_records(ledger);
    bool *superseded = ledger_superseded(ledger, n);
    Trireme__Evidence *e = message_new(&trireme__evidence__descriptor);
    int rc = 0;
    e->run = about_run_id(run);
    if (!e->run)
        rc = err_set(err, ERR_USAGE, "%s: found no id, expected a run that was trained", run);
    else if (seq == 0 || seq > n)
        rc = err_set(err, ERR_USAGE, "--evidence: found record %" PRIu64 ", %s has 1 to %zu", seq,
                     run, n);
    else if (superseded[seq - 1])
        rc = err_set(err, ERR_USAGE,
                     "--evidence: record %" PRIu64 " of %s is not in effect any more: a "
                     "correction supersedes it",
                     seq, run);
    if (rc == 0) {
        char head[LEDGER_HEAD_SIZE];
        ledger_head(ledger, (size_t)seq, head);
        e->has_seq = 1, e->seq = seq;
        e->sha256 = mem_strdup(head);
    }
    free(superseded);
    ledger_free(ledger);
    if (rc == 0)
        return e;
    message_free(e);
    return NULL;
}

/* The folder of RUN:SEQ, or of SEQ that of the run itself, fresh, and the number; NULL with a
 * sentence. */
static char *split(const Trireme__NotesAddRequest *r, const char *word, uint64_t *seq,
                   struct err *err)
{
    const char *colon = strrchr(word, ':'), *digits = colon ? colon + 1 : word;
    char *end = NULL;
    *seq = strtoull(digits, &end, 10);
    const bool is_number = digits[0] >= '0' && digits[0] <= '9' && !*end;
    if (is_number && colon > word && r->as != TRIREME__AS__planner)
        return mem_format("%.*s", (int)(colon - word), word);
    if (is_number && !colon && file_is_dir(r->notes))
        return mem_strdup(r->notes);
    if (r->as == TRIREME__AS__planner)
        err_set(err, ERR_USAGE, "evidence: found '%s', expected SEQ, the number of a record of %s",
                word, r->notes);
    else
        err_set(err, ERR_USAGE,
                "--evidence: found '%s', expected RUN:SEQ, a run and a record's number", word);
    return NULL;
}

static int add_evidence(Trireme__MemoryNote *note, const Trireme__NotesAddRequest *r,
                        struct err *err)
{
    note->evidence = mem_new(r->n_evidence, sizeof *note->evidence);
    for (size_t i = 0; i < r->n_evidence; i++) {
        uint64_t seq;
        char *run = split(r, r->evidence[i], &seq, err);
        Trireme__Evidence *e =
            run && run_config_exists(run, err) == 0 ? evidence_of(run, seq, err) : NULL;
        free(run);
        if (!e)
            return -1;
        note->evidence[note->n_evidence++] = e;
    }
    return 0;
}

/* Fills in which run it is about: that whose notes they are, or that of its first evidence. */
static int tell_run(Trireme__MemoryNote *note, const struct place *place,
                    const Trireme__NotesAddRequest *r, struct err *err)
{
    struct about_run about;
    uint64_t seq;
    char *run = place->config   ? mem_strdup(r->notes)
                : r->n_evidence ? split(r, r->evidence[0], &seq, err)
                                : NULL;
    if (!run)
        return 0;
    Trireme__Config *config = run_config_of(run, err);
    int rc = config ? about_run_read(&about, run, config, err) : -1;
    if (rc == 0) {
        about_run_tell(note, &about);
        about_run_clear(&about);
    }
    message_free(config);
    free(run);
    return rc;
}

static char *by_of(bool planner)
{
    const struct actor actor = {.person = !planner,
                                .uid = (uint32_t)geteuid(),
                                .pid = (uint32_t)getpid(),
                                .unseparated = !planner}; // nothing is asked for
    return actor_write(&actor);
}

int command_notes_add(const void *request, void *reply, struct err *err)
{
    const Trireme__NotesAddRequest *r = request;
    Trireme__NotesAddReply *out = reply;
    const bool planner = r->as == TRIREME__AS__planner;
    struct place place = {0};
    if (note_check(r->text, err) < 0 || find_place(&place, r->notes, err) < 0)
        return -1;
    Trireme__MemoryNote *note = message_new(&trireme__memory_note__descriptor);
    note->has_kind = 1,
    note->kind = planner ? TRIREME__MEMORY_NOTE__KIND__planner : TRIREME__MEMORY_NOTE__KIND__person;
    note->text = mem_strdup(r->text);
    note->by = by_of(planner);
    uint64_t id = 0;
    int rc = add_evidence(note, r, err);
    rc = rc == 0 ? tell_run(note, &place, r, err) : rc;
    struct memory *memory =
        rc == 0 ? memory_open(place.path, MEMORY_WRITE, MEMORY_WAIT_MS, err) : NULL;
    rc = memory ? check_room(memory, note, err) : -1;
    rc = rc == 0 ? memory_add(memory, &id, note, NULL, err) : rc;
    memory_close(memory);
    if (rc == 0) {
        out->has_id = 1, out->id = id;
        out->has_evidence = 1, out->evidence = (uint32_t)note->n_evidence;
    }
    message_free(note);
    clear_place(&place);
    return rc;
}

void print_notes_add(const void *reply)
{
    const Trireme__NotesAddReply *r = reply;
    printf("note %" PRIu64 ", which rests on %u records\n", r->id, r->evidence);
}

/* ---- ls, search ---- */

/* Lists the notes that may be seen: all of them, or what planners of the run may know. */
static int list_seen(struct memory_notes *notes, const struct place *place, struct memory *memory,
                     const char *run, Trireme__As as, struct err *err)
{
    struct about_run about;
    if (memory_list(notes, memory, SIZE_MAX, err) < 0)
        return -1;
    if (as != TRIREME__AS__planner)
        return 0;
    int rc = place->config ? about_run_read(&about, run, place->config, err)
                           : err_set(err, ERR_USAGE,
                                     "%s: found a file, expected a run: of which "
                                     "planners are shown what they may know",
                                     run);
    if (rc == 0) {
        known_visible(notes, &about);
        about_run_clear(&about);
    } else {
        memory_notes_clear(notes);
    }
    return rc;
}

static void give(Trireme__NotesLsReply *out, struct memory_notes *notes)
{
    out->notes = notes->list, out->n_notes = notes->n;
}

int command_notes_ls(const void *request, void *reply, struct err *err)
{
    const Trireme__NotesLsRequest *r = request;
    struct place place;
    struct memory_notes notes = {0};
    struct memory *memory = open_to_read(&place, r->notes, err);
    int rc = memory ? list_seen(&notes, &place, memory, r->notes, r->as, err) : -1;
    if (rc == 0)
        give(reply, &notes);
    memory_close(memory);
    clear_place(&place);
    return rc;
}

/* What a search must not tell by what it finds either is not searched. */
static int search_seen(struct memory_notes *found, const struct place *place, struct memory *memory,
                       const Trireme__NotesSearchRequest *r, struct err *err)
{
    struct memory_notes seen;
    if (r->as != TRIREME__AS__planner)
        return memory_search(found, memory, r->query, r->max, err);
    if (list_seen(&seen, place, memory, r->notes, r->as, err) < 0)
        return -1;
    int rc = memory_search_among(found, &seen, r->query, r->max, err);
    memory_notes_clear(&seen);
    return rc;
}

int command_notes_search(const void *request, void *reply, struct err *err)
{
    const Trireme__NotesSearchRequest *r = request;
    struct place place;
    struct memory_notes notes = {0};
    struct memory *memory = open_to_read(&place, r->notes, err);
    int rc = memory ? search_seen(&notes, &place, memory, r, err) : -1;
    if (rc == 0)
        give(reply, &notes);
    memory_close(memory);
    clear_place(&place);
    return rc;
}

/* Which run it is about, of what kind, and where in it the change was tried. */
static void print_about(const Trireme__MemoryNote *note)
{
    const Trireme__RunKind *of = note->of;
    printf("%10srun ", "");
    print_text(note->run_name, SIZE_MAX);
    if (of && of->arch) {
        if (note->has_tokens)
            printf(", tried at %" PRIu64 " of %" PRIu64 " tokens", note->tokens, of->tokens);
        else
            printf(", %" PRIu64 " tokens", of->tokens);
        printf("; %s, %" PRIu64 " parameters, %s", of->arch, of->parameters, of->optimizer);
    }
    printf("\n");
}

static void print_source(const Trireme__MemoryNote *note)
{
    printf("%10sby ", "");
    print_text(note->by, SIZE_MAX);
    printf(", %s", note->time);
    for (size_t i = 0; i < note->n_evidence; i++)
        printf("%s%" PRIu64, i ? ", " : "; rests on ledger lines ", note->evidence[i]->seq);
    printf("\n");
}

static void print_note(const Trireme__MemoryNote *note)
{
    const Trireme__MemoryNote__Kind kind =
        note->has_outcome || note->n_recipe ? TRIREME__MEMORY_NOTE__KIND__adoption : note->kind;
    printf("%4" PRIu64 "  ", note->id);
    if (note->has_outcome)
        printf("%s", memory_outcome_word(note->outcome));
    else if (kind == TRIREME__MEMORY_NOTE__KIND__adoption)
        printf("was part of the recipe"); // that it was is all that is told
    else
        print_text(note->text ? note->text : "", SIZE_MAX);
    if (note->has_gain)
        printf(", gains %.4f +- %.4f nats", note->gain, note->half_width);
    printf("\n");
    for (size_t i = 0; i < note->n_recipe; i++) {
        char *value = memory_recipe_text(note->recipe + i, 1);
        printf("%10s", "");
        print_text(value, SIZE_MAX);
        printf("\n");
        free(value);
    }
    if (kind == TRIREME__MEMORY_NOTE__KIND__adoption && note->text && note->text[0]) {
        printf("%10swhy: ", "");
        print_text(note->text, SIZE_MAX);
        printf("\n");
    }
    if (note->run_name)
        print_about(note);
    if (note->by && note->time)
        print_source(note);
}

void print_notes(const void *reply)
{
    const Trireme__NotesLsReply *r = reply;
    for (size_t i = 0; i < r->n_notes; i++)
        print_note(r->notes[i]);
    if (!r->n_notes)
        printf("there are no such notes\n");
}

/* ---- lint ---- */

static char *folder_of(const char *path)
{
    char *real = realpath(path, NULL);
    const char *whole = real ? real : path, *slash = strrchr(whole, '/');
    char *folder = slash ? mem_format("%.*s", slash == whole ? 1 : (int)(slash - whole), whole)
                         : mem_strdup(".");
    free(real);
    return folder;
}

/* Whether a folder is a run or holds one: otherwise all notes would seem to have lost theirs. */
static int check_runs(const char *folder, struct err *err)
{
    size_t n = 0;
    char *id = about_run_id(folder), **names = file_names(folder, &n, ERR_USAGE, err);
    if (!names) {
        free(id);
        return -1;
    }
    for (size_t i = 0; i < n && !id; i++) {
        char *run = file_join(folder, names[i]);
        id = about_run_id(run);
        free(run);
    }
    file_names_free(names);
    const bool has = id != NULL;
    free(id);
    return has ? 0
               : err_set(err, ERR_USAGE,
                         "--runs: found no run in %s, expected a run, or a folder of runs", folder);
}

int command_notes_lint(const void *request, void *reply, struct err *err)
{
    const Trireme__NotesLintRequest *r = request;
    Trireme__NotesLintReply *out = reply;
    struct place place;
    struct memory_notes notes = {0};
    struct memory_faults faults = {0};
    struct memory *memory = open_to_read(&place, r->notes, err);
    int rc = memory ? memory_list(&notes, memory, SIZE_MAX, err) : -1;
    memory_close(memory);
    for (size_t i = 0; rc == 0 && i < r->n_runs; i++)
        rc = check_runs(r->runs[i], err);
    if (rc == 0) {
        const char **folders = mem_new(r->n_runs + 2, sizeof *folders);
        char *beside = folder_of(place.path);
        size_t n = 0;
        folders[n++] = beside;
        if (place.config)
            folders[n++] = r->notes;
        for (size_t i = 0; i < r->n_runs; i++)
            folders[n++] = r->runs[i];
        rc = memory_lint(&faults, &notes, folders, n, err);
        free(folders);
        free(beside);
    }
    if (rc == 0) {
        out->has_notes = 1, out->notes = notes.n;
        out->faults = faults.list, out->n_faults = faults.n;
        if (faults.n)
            rc = err_set(err, ERR_DATA, "%s: found %zu faults in %zu notes, expected none",
                         place.path, faults.n, notes.n);
    }
    memory_notes_clear(&notes);
    clear_place(&place);
    return rc;
}

void print_notes_lint(const void *reply)
{
    const Trireme__NotesLintReply *r = reply;
    for (size_t i = 0; i < r->n_faults; i++) {
        const Trireme__MemoryFault *f = r->faults[i];
        printf("note %" PRIu64 ": %s: ", f->id,
               protobuf_c_enum_descriptor_get_value(&trireme__memory_fault__kind__descriptor,
                                                    (int)f->kind)
                   ->name);
        print_text(f->text, SIZE_MAX);
        printf("\n");
    }
    if (r->has_notes && !r->notes)
        printf("there are no notes\n");
    else if (r->has_notes && !r->n_faults)
        printf("%" PRIu64 " notes were looked at: all hold\n", r->notes);
}
