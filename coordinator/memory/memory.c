#include "coordinator/memory/memory.h"

#include "base/mem.h"
#include "base/text.h"
#include "coordinator/memory/memory_internal.h"
#include "coordinator/memory/run_kind.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

void memory_notes_clear(struct memory_notes *notes)
{
    for (size_t i = 0; i < notes->n; i++)
        message_free(notes->list[i]);
    free(notes->list);
    *notes = (struct memory_notes){0};
}

#ifdef TRIREME_SQLITE

static int prepare(struct memory *m, sqlite3_stmt **statement, const char *sql, const char *what,
                   struct err *err)
{
    memory_begin(m);
    const int answer = sqlite3_prepare_v2(m->db, sql, -1, statement, NULL);
    return answer == SQLITE_OK ? 0 : memory_failed(m, answer, what, err);
}

static void bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    if (text)
        sqlite3_bind_text(statement, place, text, -1, SQLITE_TRANSIENT);
}

/* Runs a statement that answers nothing. */
static int step(const struct memory *m, sqlite3_stmt *statement, const char *what, struct err *err)
{
    const int answer = sqlite3_step(statement);
    return answer == SQLITE_DONE ? 0 : memory_failed(m, answer, what, err);
}

static int run(struct memory *m, const char *sql, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = prepare(m, &statement, sql, "add a note", err);
    rc = rc == 0 ? step(m, statement, "add a note", err) : rc;
    sqlite3_finalize(statement);
    return rc;
}

/* The texts of a note that are searched. */
static char *words_of(const Trireme__MemoryNote *note)
{
    struct text text = {0};
    text_printf(&text, "%s\n", note->text ? note->text : "");
    if (note->has_outcome)
        text_printf(&text, "%s\n",
                    protobuf_c_enum_descriptor_get_value(&trireme__memory_note__outcome__descriptor,
                                                         (int)note->outcome)
                        ->name);
    for (size_t i = 0; i < note->n_recipe; i++)
        text_printf(&text, "%s %s %s\n", note->recipe[i]->path, note->recipe[i]->before,
                    note->recipe[i]->after);
    text_printf(&text, "%s\n", note->run_name ? note->run_name : "");
    if (note->of && note->of->arch)
        text_printf(&text, "%s %s\n", note->of->arch, note->of->optimizer);
    return text_take(&text);
}

static int add_note(struct memory *m, uint64_t *id, const char *json, const char *once,
                    struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = prepare(m, &statement,
                     "INSERT INTO note(once, note) VALUES(?1, ?2) ON CONFLICT(once) DO NOTHING",
                     "add a note", err);
    if (rc == 0) {
        bind_text(statement, 1, once);
        bind_text(statement, 2, json);
        rc = step(m, statement, "add a note", err);
    }
    sqlite3_finalize(statement);
    *id = rc == 0 && sqlite3_changes(m->db) ? (uint64_t)sqlite3_last_insert_rowid(m->db) : 0;
    return rc;
}

static int add_words(struct memory *m, uint64_t id, const char *words, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int rc =
        prepare(m, &statement, "INSERT INTO words(rowid, text) VALUES(?1, ?2)", "add a note", err);
    if (rc == 0) {
        sqlite3_bind_int64(statement, 1, (sqlite3_int64)id);
        bind_text(statement, 2, words);
        rc = step(m, statement, "add a note", err);
    }
    sqlite3_finalize(statement);
    return rc;
}

/* A note as it is kept: with its time, without a number. Fresh. */
static char *kept(const Trireme__MemoryNote *note)
{
    char when[sizeof "2000-01-01T00:00:00Z"];
    const time_t now = time(NULL);
    struct tm utc;
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
    Trireme__MemoryNote dated = *note;
    dated.has_id = 0;
    dated.time = note->time ? note->time : when;
    return json_write(&dated);
}

int memory_add(struct memory *m, uint64_t *id, const Trireme__MemoryNote *note, const char *once,
               struct err *err)
{
    uint64_t added = 0;
    struct err unread;
    if (!m->db)
        return err_set(err, ERR_USAGE, "%s: it was opened to be read", m->path);
    char *json = kept(note), *words = words_of(note);
    int rc = run(m, "BEGIN IMMEDIATE", err);
    if (rc == 0) {
        rc = add_note(m, &added, json, once, err);
        if (rc == 0 && added)
            rc = add_words(m, added, words, err);
        rc = rc == 0 ? run(m, "COMMIT", err) : rc;
        if (rc < 0)
            run(m, "ROLLBACK", &unread);
    }
    free(words);
    free(json);
    if (rc == 0 && id)
        *id = added;
    return rc;
}

/* The note of a row (id, note); NULL with a sentence. */
static Trireme__MemoryNote *read_row(const struct memory *m, sqlite3_stmt *row, struct err *err)
{
    Trireme__MemoryNote *note = message_new(&trireme__memory_note__descriptor);
    const sqlite3_int64 id = sqlite3_column_int64(row, 0);
    const char *json = (const char *)sqlite3_column_text(row, 1);
    char *where = mem_format("%s: note %lld", m->path, (long long)id);
    int rc = json_read(note, json ? json : "", (size_t)sqlite3_column_bytes(row, 1), where,
                       ERR_DATA, err);
    free(where);
    if (rc < 0) {
        message_free(note);
        return NULL;
    }
    note->has_id = 1, note->id = (uint64_t)id;
    return note;
}

/* Reads the rows of a statement, and ends it. */
static int read_rows(struct memory_notes *notes, const struct memory *m, sqlite3_stmt *statement,
                     struct err *err)
{
    struct memory_notes found = {0};
    size_t room = 0;
    int rc = 0, answer;
    while (rc == 0 && (answer = sqlite3_step(statement)) != SQLITE_DONE) {
        Trireme__MemoryNote *note = NULL;
        if (answer != SQLITE_ROW)
            rc = memory_failed(m, answer, "read its notes", err);
        else if (!(note = read_row(m, statement, err)))
            rc = -1;
        if (rc < 0)
            break;
        found.list = mem_grow(found.list, found.n, &room, sizeof *found.list);
        found.list[found.n++] = note;
    }
    sqlite3_finalize(statement);
    if (rc < 0)
        memory_notes_clear(&found);
    else
        *notes = found;
    return rc;
}

static sqlite3_int64 bound(size_t max)
{
    return max < INT32_MAX ? (sqlite3_int64)max : INT32_MAX;
}

int memory_list(struct memory_notes *notes, struct memory *m, size_t max, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    *notes = (struct memory_notes){0};
    if (!m->db)
        return 0;
    if (prepare(m, &statement,
                "SELECT id, note FROM (SELECT id, note FROM note ORDER BY id DESC LIMIT ?1) "
                "ORDER BY id",
                "read its notes", err) < 0)
        return -1;
    sqlite3_bind_int64(statement, 1, bound(max));
    return read_rows(notes, m, statement, err);
}

/* The query as FTS5's strings, which have no operators: each word in quotes. NULL: it has none. */
static char *quoted(const char *query)
{
    static const char blanks[] = " \t\r\n\v\f";
    struct text text = {0};
    for (query += strspn(query, blanks); *query; query += strspn(query, blanks)) {
        text_add(&text, text.size ? " \"" : "\"");
        for (; *query && !strchr(blanks, *query); query++)
            text_add_bytes(&text, *query == '"' ? "\"\"" : query, *query == '"' ? 2 : 1);
        text_add(&text, "\"");
    }
    return text.size ? text_take(&text) : NULL;
}

int memory_search(struct memory_notes *notes, struct memory *m, const char *query, size_t max,
                  struct err *err)
{
    sqlite3_stmt *statement = NULL;
    *notes = (struct memory_notes){0};
    if (strlen(query) > MEMORY_QUERY_MAX)
        return err_set(err, ERR_USAGE, "query: found %zu bytes, expected at most %d", strlen(query),
                       MEMORY_QUERY_MAX);
    char *words = quoted(query);
    if (!words)
        return err_set(err, ERR_USAGE, "query: found no word, expected at least one");
    int rc = 0;
    if (m->db) {
        rc = prepare(m, &statement,
                     "SELECT note.id, note.note FROM words JOIN note ON note.id = words.rowid "
                     "WHERE words MATCH ?1 ORDER BY words.rank, note.id DESC LIMIT ?2",
                     "search its notes", err);
        if (rc == 0) {
            bind_text(statement, 1, words);
            sqlite3_bind_int64(statement, 2, bound(max));
            rc = read_rows(notes, m, statement, err);
        }
    }
    free(words);
    return rc;
}

int memory_search_among(struct memory_notes *found, const struct memory_notes *notes,
                        const char *query, size_t max, struct err *err)
{
    struct memory *m = memory_open_empty(err);
    int rc = m ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < notes->n; i++) // so i + 1 is its number there
        rc = memory_add(m, NULL, notes->list[i], NULL, err);
    rc = rc == 0 ? memory_search(found, m, query, max, err) : rc;
    for (size_t i = 0; rc == 0 && i < found->n; i++) {
        const uint64_t number = found->list[i]->id;
        message_free(found->list[i]);
        found->list[i] = message_copy(notes->list[number - 1]);
    }
    memory_close(m);
    return rc;
}

#else

int memory_add(struct memory *m, uint64_t *id, const Trireme__MemoryNote *note, const char *once,
               struct err *err)
{
    (void)m, (void)id, (void)note, (void)once;
    return memory_is_there(err);
}

int memory_list(struct memory_notes *notes, struct memory *m, size_t max, struct err *err)
{
    (void)notes, (void)m, (void)max;
    return memory_is_there(err);
}

int memory_search(struct memory_notes *notes, struct memory *m, const char *query, size_t max,
                  struct err *err)
{
    (void)notes, (void)m, (void)query, (void)max;
    return memory_is_there(err);
}

int memory_search_among(struct memory_notes *found, const struct memory_notes *notes,
                        const char *query, size_t max, struct err *err)
{
    (void)found, (void)notes, (void)query, (void)max;
    return memory_is_there(err);
}

#endif

int memory_of_kind(struct memory_notes *notes, struct memory *m, const Trireme__RunKind *kind,
                   size_t max, struct err *err)
{
    struct memory_notes all;
    if (memory_list(&all, m, max, err) < 0)
        return -1;
    size_t kept_ones = 0;
    for (size_t i = 0; i < all.n; i++) {
        const Trireme__RunKind *of = all.list[i]->of;
        if (!of || !of->arch || run_kind_same(of, kind))
            all.list[kept_ones++] = all.list[i];
        else
            message_free(all.list[i]);
    }
    all.n = kept_ones;
    *notes = all;
    return 0;
}
