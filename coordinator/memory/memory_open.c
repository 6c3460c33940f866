/* The file of the memory: opened, made, its format checked. */
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "coordinator/memory/memory_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { STEPS_BETWEEN_LOOKS = 10000 /* of SQLite's machine */ };

char *memory_path(const char *run, const char *notes)
{
    if (!notes || !notes[0])
        return NULL;
    if (notes[0] == '/')
        return mem_strdup(notes);
    char *real = realpath(run, NULL); // "." has no name
    const char *folder = real ? real : run, *slash = strrchr(folder, '/');
    char *path =
        slash ? mem_format("%.*s/%s", (int)(slash - folder), folder, notes) : mem_strdup(notes);
    free(real);
    return path;
}

#ifdef TRIREME_SQLITE

/* SQLite's answers that say that the file is not what it should be. */
static enum err_code code_of(int answer)
{
    switch (answer & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_INTERRUPT:
        return ERR_MACHINE;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return ERR_DATA;
    default:
        return ERR_USAGE;
    }
}

int memory_failed(const struct memory *m, int answer, const char *what, struct err *err)
{
    if ((answer & 0xff) == SQLITE_INTERRUPT)
        return err_set(err, ERR_MACHINE, "%s: cannot %s within %d ms", m->path, what,
                       MEMORY_STATEMENT_MS);
    return err_set(err, code_of(answer), "%s: cannot %s: %s", m->path, what,
                   m->db ? sqlite3_errmsg(m->db) : sqlite3_errstr(answer));
}

void memory_begin(struct memory *m)
{
    m->give_up_at = clock_now() + MEMORY_STATEMENT_MS / 1000.0;
}

static int is_over(void *context)
{
    const struct memory *m = context;
    return clock_now() > m->give_up_at;
}

/* File systems of one host, whose processes can share memory. */
static bool is_of_one_host(const char *path)
{
    static const unsigned magics[] = {0xef53 /* ext */,       0x58465342 /* xfs */,
                                      0x9123683e /* btrfs */, 0x2fc12fc1 /* zfs */,
                                      0x01021994 /* tmpfs */, 0x794c7630 /* overlay */};
    struct statfs s;
    if (statfs(path, &s) == 0)
        for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
            if ((unsigned)s.f_type == magics[i])
                return true;
    return false;
}

/* The file is its owner's alone; SQLite gives its journals the same mode. */
static int make_file(const struct memory *m, struct err *err)
{
    int fd = open(m->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno != EEXIST)
        return err_set(err, ERR_USAGE, "%s: cannot make the file of notes: %s", m->path,
                       strerror(errno));
    if (fd >= 0)
        close(fd);
    return 0;
}

/* Runs one statement that has at most one number as its answer. */
static int run(const struct memory *m, int64_t *number, const char *sql, struct err *err)
{
    sqlite3_stmt *statement = NULL;
    int answer = sqlite3_prepare_v2(m->db, sql, -1, &statement, NULL);
    if (answer == SQLITE_OK)
        answer = sqlite3_step(statement);
    if (answer == SQLITE_ROW && number)
        *number = sqlite3_column_int64(statement, 0);
    const bool good = answer == SQLITE_ROW || answer == SQLITE_DONE;
    int rc = good ? 0 : memory_failed(m, answer, number ? "read its format" : "write it", err);
    sqlite3_finalize(statement);
    return rc;
}

/* In this order: who finds tables finds the numbers that were written with them. */
static int read_format(const struct memory *m, int64_t *tables, int64_t *file, int64_t *format,
                       struct err *err)
{
    return run(m, tables, "SELECT count(*) FROM sqlite_schema", err) < 0 ||
                   run(m, file, "PRAGMA application_id", err) < 0 ||
                   run(m, format, "PRAGMA user_version", err) < 0
               ? -1
               : 0;
}

/* Whether the file has the format of notes: 1; it is empty: 0. */
static int check_format(const struct memory *m, struct err *err)
{
    int64_t tables = 0, file = 0, format = 0;
    if (read_format(m, &tables, &file, &format, err) < 0)
        return -1;
    if (!tables && !file)
        return 0;
    if (file != MEMORY_FILE)
        return err_set(err, ERR_DATA,
                       "%s: found a database of another program, expected notes, or no file",
                       m->path);
    if (format != MEMORY_FORMAT)
        return err_set(err, ERR_USAGE,
                       "%s: found notes of format %lld, expected %d: a newer version of trireme "
                       "wrote them",
                       m->path, (long long)format, MEMORY_FORMAT);
    return 1;
}

#define TEXT(x)   #x
#define NUMBER(x) TEXT(x)

/* In a transaction that another process may have been faster with. */
static int make_tables(const struct memory *m, struct err *err)
{
    static const char *const statements[] = {
        "CREATE TABLE note(id INTEGER PRIMARY KEY, once TEXT UNIQUE, "
        "note TEXT NOT NULL)",
        "CREATE VIRTUAL TABLE words USING fts5(text, content='')",
    };
    char *format = mem_format("PRAGMA user_version = %d", MEMORY_FORMAT),
         *file = mem_format("PRAGMA application_id = %d", MEMORY_FILE);
    struct err unread;
    int rc = run(m, NULL, "BEGIN IMMEDIATE", err);
    const bool begun = rc == 0;
    const int there = begun ? check_format(m, err) : -1;
    rc = there < 0 ? -1 : 0;
    for (size_t i = 0; !rc && !there && i < sizeof statements / sizeof *statements; i++)
        rc = run(m, NULL, statements[i], err);
    if (!rc && !there && (run(m, NULL, format, err) < 0 || run(m, NULL, file, err) < 0))
        rc = -1;
    if (!rc)
        rc = run(m, NULL, "COMMIT", err);
    if (rc && begun)
        run(m, NULL, "ROLLBACK", &unread);
    free(format);
    free(file);
    return rc;
}

/* The journal is a property of the file; where it cannot be changed now, it stays. */
static void choose_journal(const struct memory *m)
{
    struct err unread;
    int64_t ignored;
    run(m, &ignored,
        is_of_one_host(m->path) ? "PRAGMA journal_mode = WAL" : "PRAGMA journal_mode = DELETE",
        &unread);
}

static int open_file(struct memory *m, enum memory_use use, int wait_ms, struct err *err)
{
    const int answer =
        sqlite3_open_v2(m->path, &m->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (answer != SQLITE_OK)
        return memory_failed(m, answer, "open it", err);
    sqlite3_extended_result_codes(m->db, 1);
    sqlite3_busy_timeout(m->db, wait_ms);
    memory_begin(m);
    sqlite3_progress_handler(m->db, STEPS_BETWEEN_LOOKS, is_over, m);
    sqlite3_db_config(m->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(m->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    const int there = check_format(m, err);
    if (there < 0)
        return -1;
    if (use == MEMORY_WRITE) {
        if (!there)
            choose_journal(m);
        return there ? 0 : make_tables(m, err);
    }
    if (!there) { // somebody makes it just now
        sqlite3_close(m->db);
        m->db = NULL;
    }
    return 0;
}

int memory_is_there(struct err *err)
{
    (void)err;
    return 0;
}

struct memory *memory_open(const char *path, enum memory_use use, int wait_ms, struct err *err)
{
    struct memory *m = mem_new(1, sizeof *m);
    m->path = mem_strdup(path);
    if (use == MEMORY_READ && !file_exists(path))
        return m;
    if ((use == MEMORY_READ || make_file(m, err) == 0) && open_file(m, use, wait_ms, err) == 0)
        return m;
    memory_close(m);
    return NULL;
}

struct memory *memory_open_empty(struct err *err)
{
    struct memory *m = mem_new(1, sizeof *m);
    m->path = mem_strdup(":memory:");
    if (open_file(m, MEMORY_WRITE, 0, err) == 0)
        return m;
    memory_close(m);
    return NULL;
}

void memory_close(struct memory *m)
{
    if (!m)
        return;
    sqlite3_close(m->db);
    free(m->path);
    free(m);
}

#else

int memory_is_there(struct err *err)
{
    return err_set(err, ERR_USAGE, "this program was built without SQLite: it keeps no notes");
}

struct memory *memory_open(const char *path, enum memory_use use, int wait_ms, struct err *err)
{
    (void)path, (void)use, (void)wait_ms;
    memory_is_there(err);
    return NULL;
}

void memory_close(struct memory *m)
{
    (void)m;
}

#endif
