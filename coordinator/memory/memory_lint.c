#include "coordinator/memory/memory_lint.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "coordinator/memory/about_run.h"
#include "coordinator/memory/memory_recipe.h"
#include "coordinator/memory/run_kind.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"

#include "ledger.pb-c.h"

#include <stdlib.h>
#include <string.h>

/* A ledger as it lies there, whether its chain holds or not. */
struct raw_ledger {
    char *id; /* of its run */
    char *bytes;
    struct raw_line {
        const char *text; /* borrowed from bytes */
        size_t size;      /* with the line end */
        bool superseded;
    } * lines;
    size_t n;
};

struct linting {
    const char *const *folders;
    size_t n_folders;
    struct raw_ledger *ledgers; /* those that were looked at */
    size_t n_ledgers, room;
    struct memory_faults faults;
    size_t room_faults;
};

void memory_faults_clear(struct memory_faults *faults)
{
    for (size_t i = 0; i < faults->n; i++)
        message_free(faults->list[i]);
    free(faults->list);
    *faults = (struct memory_faults){0};
}

/* The text is taken over. */
static void add_fault(struct linting *l, const Trireme__MemoryNote *note,
                      Trireme__MemoryFault__Kind kind, char *text)
{
    Trireme__MemoryFault *fault = message_new(&trireme__memory_fault__descriptor);
    fault->has_id = 1, fault->id = note->id;
    fault->has_kind = 1, fault->kind = kind;
    fault->text = text;
    l->faults.list = mem_grow(l->faults.list, l->faults.n, &l->room_faults, sizeof *l->faults.list);
    l->faults.list[l->faults.n++] = fault;
}

/* ---- ledgers ---- */

static bool has_id(const char *folder, const char *id)
{
    char *found = about_run_id(folder);
    const bool same = found && !strcmp(found, id);
    free(found);
    return same;
}

char *memory_lint_find_run(const char *id, const char *const *folders, size_t n_folders)
{
    struct err unread;
    for (size_t i = 0; i < n_folders; i++) {
        char *found = has_id(folders[i], id) ? mem_strdup(folders[i]) : NULL;
        size_t n = 0;
        char **names = found ? NULL : file_names(folders[i], &n, ERR_USAGE, &unread);
        for (size_t k = 0; names && k < n && !found; k++) {
            char *folder = file_join(folders[i], names[k]);
            if (has_id(folder, id))
                found = folder;
            else
                free(folder);
        }
        if (names)
            file_names_free(names);
        if (found)
            return found;
    }
    return NULL;
}

/* A correction takes the lines from the one that it names up to itself out of effect. */
static void supersede(struct raw_ledger *ledger)
{
    struct err unread;
    for (size_t i = 0; i < ledger->n; i++) {
        Trireme__Record *record = message_new(&trireme__record__descriptor);
        const struct raw_line *line = &ledger->lines[i];
        if (json_read(record, line->text, line->size - 1, "ledger", ERR_DATA, &unread) == 0)
            for (size_t k = i; record->supersedes && k-- > 0 && k + 1 >= record->supersedes;)
                ledger->lines[k].superseded = true;
        message_free(record);
    }
}

/* Reads what there is of it; a run without a ledger has no lines. */
static void read_lines(struct raw_ledger *ledger, const char *run)
{
    struct err unread;
    char *path = file_join(run, "ledger.jsonl");
    size_t size = 0, at = 0, room = 0;
    ledger->bytes = file_read(path, &size, ERR_DATA, &unread);
    free(path);
    if (!ledger->bytes)
        return;
    for (const char *end; (end = memchr(ledger->bytes + at, '\n', size - at));) {
        const char *text = ledger->bytes + at;
        ledger->lines = mem_grow(ledger->lines, ledger->n, &room, sizeof *ledger->lines);
        ledger->lines[ledger->n++] = (struct raw_line){text, (size_t)(end + 1 - text), false};
        at += (size_t)(end + 1 - text);
    }
    supersede(ledger);
}

/* The ledger of a run; one that is not there has no lines. Borrowed until the next call. */
static const struct raw_ledger *ledger_of(struct linting *l, const char *id)
{
    for (size_t i = 0; i < l->n_ledgers; i++)
        if (!strcmp(l->ledgers[i].id, id))
            return &l->ledgers[i];
    l->ledgers = mem_grow(l->ledgers, l->n_ledgers, &l->room, sizeof *l->ledgers);
    struct raw_ledger *ledger = &l->ledgers[l->n_ledgers++];
    *ledger = (struct raw_ledger){.id = mem_strdup(id)};
    char *run = memory_lint_find_run(id, l->folders, l->n_folders);
    if (run)
        read_lines(ledger, run);
    free(run);
    return ledger;
}

static void free_ledgers(struct linting *l)
{
    for (size_t i = 0; i < l->n_ledgers; i++) {
        free(l->ledgers[i].id);
        free(l->ledgers[i].bytes);
        free(l->ledgers[i].lines);
    }
    free(l->ledgers);
}

/* ---- notes ---- */

/* Returns whether a fault was found. */
static bool look_at_evidence(struct linting *l, const Trireme__MemoryNote *note,
                             const Trireme__Evidence *e)
{
    const struct raw_ledger *ledger = ledger_of(l, e->run ? e->run : "");
    const unsigned long long seq = e->seq;
    const char *name = note->run_name ? note->run_name : "", *id = e->run ? e->run : "";
    char head[SHA256_HEX_SIZE];
    if (e->seq == 0 || e->seq > ledger->n) {
        char *text = ledger->n ? mem_format("the ledger of run %s (%s) has %zu lines, expected "
                                            "line %llu, on which it rests",
                                            name, id, ledger->n, seq)
                               : mem_format("found no ledger of run %s (%s) in the folders of runs "
                                            "(--runs), expected that on whose line %llu it rests",
                                            name, id, seq);
        add_fault(l, note, TRIREME__MEMORY_FAULT__KIND__gone, text);
        return true;
    }
    const struct raw_line *line = &ledger->lines[e->seq - 1];
    sha256_hex(head, line->text, line->size);
    if (!e->sha256 || strcmp(head, e->sha256)) {
        add_fault(l, note, TRIREME__MEMORY_FAULT__KIND__altered,
                  mem_format("line %llu of run %s (%s): found SHA-256 %s, expected %s", seq, name,
                             id, head, e->sha256 ? e->sha256 : "one"));
        return true;
    }
    if (line->superseded)
        add_fault(
            l, note, TRIREME__MEMORY_FAULT__KIND__superseded,
            mem_format("line %llu of run %s (%s) is not in effect: a correction supersedes it", seq,
                       name, id));
    return line->superseded;
}

/* 1: the change is good; -1: it is not; 0: that is not said. */
static int side_of(const Trireme__MemoryNote *note)
{
    if (!note->has_outcome)
        return 0;
    switch (note->outcome) {
    case TRIREME__MEMORY_NOTE__OUTCOME__adopted:
    case TRIREME__MEMORY_NOTE__OUTCOME__claimed:
        return 1;
    case TRIREME__MEMORY_NOTE__OUTCOME__taken_back:
    case TRIREME__MEMORY_NOTE__OUTCOME__beaten:
    case TRIREME__MEMORY_NOTE__OUTCOME__diverged:
        return -1;
    default:
        return 0;
    }
}

static bool contradicts(const Trireme__MemoryNote *later, const Trireme__MemoryNote *note)
{
    return side_of(later) * side_of(note) < 0 &&
           run_scale_same(later->of, later->tokens, note->of, note->tokens) &&
           memory_recipe_same(later->recipe, later->n_recipe, note->recipe, note->n_recipe);
}

static void look_at_later(struct linting *l, const struct memory_notes *notes, size_t i)
{
    const Trireme__MemoryNote *note = notes->list[i];
    for (size_t k = notes->n; k-- > i + 1;) { // the newest
        const Trireme__MemoryNote *later = notes->list[k];
        if (!contradicts(later, note))
            continue;
        char *recipe = memory_recipe_text(note->recipe, note->n_recipe);
        add_fault(l, note, TRIREME__MEMORY_FAULT__KIND__contradicted,
                  mem_format("%s: it says %s, note %llu says %s at the same scale", recipe,
                             memory_outcome_word(note->outcome), (unsigned long long)later->id,
                             memory_outcome_word(later->outcome)));
        free(recipe);
        return;
    }
}

int memory_lint(struct memory_faults *faults, const struct memory_notes *notes,
                const char *const *folders, size_t n_folders, struct err *err)
{
    struct linting l = {.folders = folders, .n_folders = n_folders};
    for (size_t i = 0; i < n_folders; i++) {
        size_t n;
        char **names = file_names(folders[i], &n, ERR_USAGE, err);
        if (!names)
            return -1;
        file_names_free(names);
    }
    for (size_t i = 0; i < notes->n; i++) {
        const Trireme__MemoryNote *note = notes->list[i];
        for (size_t k = 0; k < note->n_evidence; k++)
            if (look_at_evidence(&l, note, note->evidence[k]))
                break;
        look_at_later(&l, notes, i);
    }
    free_ledgers(&l);
    *faults = l.faults;
    return 0;
}
