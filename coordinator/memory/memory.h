/* The memory of runs: notes in one SQLite file, which runs leave to the runs after them
 * (experiment.notes).
 *
 * The file, format MEMORY_FORMAT (SQLite's user_version; its application_id is MEMORY_FILE):
 *   note(id INTEGER PRIMARY KEY, once TEXT UNIQUE, note TEXT)
 *       note is message MemoryNote as JSON, without the id. once tells what must not be noted twice
 *       (NULL: anything may); the second time it is passed over, whoever comes second.
 *   words(text), FTS5 without content: the texts that are searched, rowid = id of the note.
 * Rows are only ever added. A file of a newer format, and one that is not such a file, is refused.
 *
 * Many processes may use it at once, also of several hosts: its journal is a write-ahead log on
 * file systems of one host, SQLite's rollback journal elsewhere (there a log would need shared
 * memory). Whoever finds it locked waits for at most wait_ms; then the call fails with ERR_MACHINE.
 * Every statement is prepared, and its values are bound. All functions are local. */
#pragma once
#include "base/err.h"

#include "memory.pb-c.h"

#include <stddef.h>
#include <stdint.h>

struct memory;

enum {
    MEMORY_FORMAT = 1,
    MEMORY_FILE = 0x54724e6f,   /* "TrNo" */
    MEMORY_WAIT_MS = 5000,      /* of a command */
    MEMORY_RUN_WAIT_MS = 250,   /* of a run, whose training waits meanwhile */
    MEMORY_STATEMENT_MS = 5000, /* of a statement: a file of others may have one without an end */
    MEMORY_QUERY_MAX = 1000,    /* bytes */
    MEMORY_NEWEST = 2000        /* notes that a run looks at */
};

enum memory_use { MEMORY_READ, MEMORY_WRITE };

/* Opens the file. To read, one that is not there has no notes; to write, it is made, for its owner
 * alone (0600). ERR_USAGE: it cannot be opened or is of a newer format; ERR_DATA: it is no such
 * file, or damaged. */
struct memory *memory_open(const char *path, enum memory_use use, int wait_ms, struct err *err);
void memory_close(struct memory *memory); /* accepts NULL */

/* Adds a copy of a note. Its id is filled in here, and its time where it has none. *id (NULL: not
 * wanted) is 0 where `once` was noted before. once: NULL, or what must not be noted twice. */
int memory_add(struct memory *memory, uint64_t *id, const Trireme__MemoryNote *note,
               const char *once, struct err *err);

struct memory_notes {
    Trireme__MemoryNote **list; /* owned */
    size_t n;
};
void memory_notes_clear(struct memory_notes *notes);

/* The newest notes, at most max, the oldest of these first. *notes is written on success alone. */
int memory_list(struct memory_notes *notes, struct memory *memory, size_t max, struct err *err);

/* Those that hold all words of the query, the best first, at most max. Words are what blanks
 * separate; nothing in a query is an operator. ERR_USAGE for one without a word, or of more than
 * MEMORY_QUERY_MAX bytes. */
int memory_search(struct memory_notes *notes, struct memory *memory, const char *query, size_t max,
                  struct err *err);

/* The same of these notes alone, of whatever file. */
int memory_search_among(struct memory_notes *found, const struct memory_notes *notes,
                        const char *query, size_t max, struct err *err);

/* Those of the newest `max` that are about runs of this kind (run_kind.h), or about none. */
int memory_of_kind(struct memory_notes *notes, struct memory *memory, const Trireme__RunKind *kind,
                   size_t max, struct err *err);

/* The file that a run's configuration names: a relative path is from the folder that holds the run.
 * Fresh; NULL: none. */
char *memory_path(const char *run, const char *notes);

/* Whether this program can keep notes: it was built with SQLite. */
int memory_is_there(struct err *err);
