#include "coordinator/memory/ledger_sqlite.h"

#include "base/file.h"
#include "base/mem.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/ledger.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/schema/message_path.h"
#include "proto/schema/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef TRIREME_SQLITE
#include <sqlite3.h>

static const char schema[] =
    "CREATE TABLE run(id INTEGER PRIMARY KEY, folder TEXT NOT NULL, seed, steps, tokens, spent,"
    " records, head TEXT, config TEXT);"
    "CREATE TABLE record(run, seq, time TEXT, kind TEXT, step, number, by TEXT, in_effect,"
    " json TEXT, PRIMARY KEY(run, seq));"
    "CREATE TABLE proposal(run, number, by TEXT, step, hypothesis TEXT, outcome TEXT, reason TEXT,"
    " calm, slow, pairs, gain REAL, deviation REAL, probability REAL, adopted_at, claim TEXT,"
    " claim_gain REAL, claim_half_width REAL, PRIMARY KEY(run, number));"
    "CREATE TABLE change(run, number, path TEXT, value TEXT, before TEXT,"
    " PRIMARY KEY(run, number, path));"
    "CREATE TABLE pair(run, number, reverse, pair, step, trunk_loss REAL, fork_loss REAL,"
    " gain REAL, window_variance REAL, tokens, PRIMARY KEY(run, number, reverse, pair, step));"
    "CREATE TABLE config(run, path TEXT, value TEXT, PRIMARY KEY(run, path));";

enum table { RUN, RECORD, PROPOSAL, CHANGE, PAIR, CONFIG, N_TABLES };

static const char *const inserts[N_TABLES] = {
    [RUN] = "INSERT INTO run VALUES(?,?,?,?,?,?,?,?,?)",
    [RECORD] = "INSERT INTO record VALUES(?,?,?,?,?,?,?,?,?)",
    [PROPOSAL] = "INSERT INTO proposal VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [CHANGE] = "INSERT OR REPLACE INTO change VALUES(?,?,?,?,?)",
    [PAIR] = "INSERT OR REPLACE INTO pair VALUES(?,?,?,?,?,?,?,?,?,?)",
    [CONFIG] = "INSERT OR REPLACE INTO config VALUES(?,?,?)",
};

struct writer {
    const char *path; /* borrowed */
    sqlite3 *db;
    sqlite3_stmt *insert[N_TABLES];
    int64_t run;      /* id */
    int answer;       /* the first that is no success; SQLITE_OK */
    enum table table; /* of the row under way */
    int column;       /* last one that was bound */
};

static void keep(struct writer *w, int answer)
{
    if (w->answer == SQLITE_OK && answer != SQLITE_OK && answer != SQLITE_DONE)
        w->answer = answer;
}

/* A row: begun with its run, its columns in order, ended. */
static void row_begin(struct writer *w, enum table table)
{
    w->table = table, w->column = 1;
    sqlite3_clear_bindings(w->insert[table]);
    keep(w, sqlite3_bind_int64(w->insert[table], 1, w->run));
}

static void add_null(struct writer *w)
{
    w->column++;
}

static void add_int(struct writer *w, uint64_t value)
{
    keep(w, sqlite3_bind_int64(w->insert[w->table], ++w->column, (int64_t)value));
}

static void add_real(struct writer *w, bool has, double value)
{
    w->column++;
    if (has)
        keep(w, sqlite3_bind_double(w->insert[w->table], w->column, value));
}

static void add_text(struct writer *w, const char *text)
{
    w->column++;
    if (text)
        keep(w, sqlite3_bind_text(w->insert[w->table], w->column, text, -1, SQLITE_TRANSIENT));
}

static void row_end(struct writer *w)
{
    keep(w, sqlite3_step(w->insert[w->table]));
    sqlite3_reset(w->insert[w->table]);
}

static const char *name_of(const ProtobufCEnumDescriptor *type, int value)
{
    return protobuf_c_enum_descriptor_get_value(type, value)->name;
}

static void write_record(struct writer *w, const Trireme__Record *r, bool in_effect)
{
    char *json = json_write(r);
    row_begin(w, RECORD);
    add_int(w, r->seq);
    add_text(w, r->time);
    add_text(w, name_of(&trireme__record_kind__descriptor, (int)r->kind));
    add_int(w, r->step);
    r->number ? add_int(w, r->number) : add_null(w);
    add_text(w, r->by);
    add_int(w, in_effect);
    add_text(w, json);
    row_end(w);
    free(json);
}

static void write_pair(struct writer *w, const Trireme__Record *r, bool reverse)
{
    const Trireme__Observation *o = r->observation;
    const bool measured = !o->diverged && !o->trunk_diverged;
    const double gain = o->trunk_loss - o->fork_loss;
    row_begin(w, PAIR);
    add_int(w, r->number);
    add_int(w, reverse);
    add_int(w, o->pair);
    add_int(w, o->step);
    add_real(w, measured, o->trunk_loss);
    add_real(w, measured, o->fork_loss);
    add_real(w, measured, reverse ? -gain : gain);
    add_real(w, measured, o->window_variance);
    add_int(w, o->tokens);
    row_end(w);
}

static const char *before_of(const struct entry *e, const char *path)
{
    for (size_t i = 0; e->promotion && i < e->promotion->n_before; i++)
        if (!strcmp(e->promotion->before[i]->path, path))
            return e->promotion->before[i]->value;
    return NULL;
}

static void write_changes(struct writer *w, const struct entry *e)
{
    for (size_t i = 0; i < e->proposal->n_patch; i++) {
        const Trireme__Change *c = e->proposal->patch[i];
        row_begin(w, CHANGE);
        add_int(w, e->number);
        add_text(w, c->path);
        add_text(w, c->value);
        add_text(w, before_of(e, c->path));
        row_end(w);
    }
}

static void write_claim(struct writer *w, const Trireme__Claim *c)
{
    add_text(w, c ? name_of(&trireme__claim__answer__descriptor, (int)c->answer) : NULL);
    add_real(w, c && c->has_mean, c ? c->mean : 0);
    add_real(w, c && c->has_half_width, c ? c->half_width : 0);
}

static void write_proposal(struct writer *w, const struct entry *e)
{
    const Trireme__Plan *plan = e->forward.plan;
    const Trireme__Judgement *j = e->forward.judgement;
    row_begin(w, PROPOSAL);
    add_int(w, e->number);
    add_text(w, e->by);
    add_int(w, e->step);
    add_text(w, e->proposal ? e->proposal->hypothesis : NULL);
    add_text(w, entry_word(e));
    add_text(w, entry_reason(e));
    plan ? add_int(w, plan->calm) : add_null(w);
    plan ? add_int(w, plan->slow) : add_null(w);
    add_int(w, e->forward.n_pairs + e->forward.n_before);
    add_real(w, j && j->has_mean, j ? j->mean : 0);
    add_real(w, j && j->has_deviation, j ? j->deviation : 0);
    add_real(w, j && j->has_probability, j ? j->probability : 0);
    e->promotion ? add_int(w, e->promoted_at) : add_null(w);
    write_claim(w, e->claim);
    row_end(w);
    if (e->proposal)
        write_changes(w, e);
}

static void write_value(void *context, const struct message_path *leaf)
{
    struct writer *w = context;
    row_begin(w, CONFIG);
    add_text(w, leaf->path);
    add_text(w, leaf->text);
    row_end(w);
}

static void write_run(struct writer *w, const char *folder, const Trireme__Config *config,
                      const struct ledger *ledger, const struct history *h)
{
    char head[LEDGER_HEAD_SIZE], *json = json_write(config);
    ledger_head(ledger, ledger_records(ledger), head);
    w->run++;
    row_begin(w, RUN);
    add_text(w, folder);
    add_int(w, config->train->seed);
    add_int(w, config->train->steps);
    h->rule ? add_int(w, h->rule->tokens)
            : add_int(w, config->train->steps * run_config_step_tokens(config));
    add_int(w, h->spent);
    add_int(w, ledger_records(ledger));
    add_text(w, head);
    add_text(w, json);
    row_end(w);
    message_path_visit(config, write_value, w);
    free(json);
}

static void write_ledger(struct writer *w, const struct ledger *ledger, const struct history *h)
{
    const size_t n = ledger_records(ledger);
    bool *gone = ledger_superseded(ledger, n), *adopted = mem_new(h->n + 1, sizeof *adopted);
    for (size_t i = 0; i < n; i++) {
        const Trireme__Record *r = ledger_record(ledger, i);
        write_record(w, r, !gone[i]);
        if (gone[i] || r->number > h->n)
            continue;
        if (r->kind == TRIREME__RECORD_KIND__promotion)
            adopted[r->number] = true;
        else if (r->kind == TRIREME__RECORD_KIND__observation)
            write_pair(w, r, adopted[r->number]);
    }
    for (size_t i = 0; i < h->n; i++)
        write_proposal(w, &h->entries[i]);
    free(adopted);
    free(gone);
}

static int add_run(struct writer *w, uint64_t *records, const char *folder, struct err *err)
{
    Trireme__Config *config = run_config_of(folder, err);
    struct ledger *ledger = config ? ledger_open(folder, false, err) : NULL;
    struct history history = {0};
    if (ledger) {
        history_read(&history, ledger, ledger_records(ledger));
        write_run(w, folder, config, ledger, &history);
        write_ledger(w, ledger, &history);
        *records += ledger_records(ledger);
        history_clear(&history);
    }
    const int rc = ledger ? 0 : -1;
    ledger_free(ledger);
    message_free(config);
    return rc;
}

static void begin(struct writer *w)
{
    char *sql = mem_format("PRAGMA journal_mode = OFF; PRAGMA application_id = %d; "
                           "PRAGMA user_version = %d; BEGIN; %s",
                           LEDGER_SQLITE_FILE, LEDGER_SQLITE_FORMAT, schema);
    keep(w, sqlite3_open_v2(w->path, &w->db, SQLITE_OPEN_READWRITE, NULL));
    if (w->answer == SQLITE_OK)
        keep(w, sqlite3_exec(w->db, sql, NULL, NULL, NULL));
    for (int i = 0; w->answer == SQLITE_OK && i < N_TABLES; i++)
        keep(w, sqlite3_prepare_v2(w->db, inserts[i], -1, &w->insert[i], NULL));
    free(sql);
}

static int end(struct writer *w, int rc, struct err *err)
{
    if (rc == 0 && w->answer == SQLITE_OK)
        keep(w, sqlite3_exec(w->db, "COMMIT", NULL, NULL, NULL));
    if (rc == 0 && w->answer != SQLITE_OK)
        rc = err_set(err, ERR_USAGE, "%s: cannot be written: %s", w->path,
                     w->db ? sqlite3_errmsg(w->db) : sqlite3_errstr(w->answer));
    for (int i = 0; i < N_TABLES; i++)
        sqlite3_finalize(w->insert[i]);
    sqlite3_close(w->db);
    return rc;
}

int ledger_sqlite_write(uint64_t *records, const char *path, char *const *runs, size_t n_runs,
                        struct err *err)
{
    char *new = mem_format("%s.new", path);
    struct writer w = {.path = new};
    uint64_t n = 0;
    int rc = 0;
    unlink(new);
    const int fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        rc = err_set(err, ERR_USAGE, "%s: cannot be written: %s", new, strerror(errno));
    else
        close(fd);
    if (rc == 0)
        begin(&w);
    for (size_t i = 0; rc == 0 && w.answer == SQLITE_OK && i < n_runs; i++)
        rc = add_run(&w, &n, runs[i], err);
    rc = end(&w, rc, err);
    if (rc == 0 && rename(new, path) < 0)
        rc = err_set(err, ERR_USAGE, "%s: cannot be written: %s", path, strerror(errno));
    if (rc < 0 && fd >= 0)
        unlink(new);
    if (rc == 0)
        *records = n;
    free(new);
    return rc;
}

#else

int ledger_sqlite_write(uint64_t *records, const char *path, char *const *runs, size_t n_runs,
                        struct err *err)
{
    (void)records, (void)runs, (void)n_runs;
    return err_set(err, ERR_USAGE,
                   "%s: cannot be written: this program was built without SQLite (libsqlite3-dev)",
                   path);
}

#endif
