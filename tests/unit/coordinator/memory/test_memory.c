/* The file of notes: what is added is found, by whomever, and nothing else is taken for it. */
#include "tests/unit/coordinator/memory/memory_fixture.h"

#include "base/random.h"
#include "coordinator/memory/run_kind.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char claim[] =
    "kind: claim\noutcome: claimed\ntext: a higher rate\nby: coordinator\n"
    "time: '2026-01-02T03:04:05Z'\nrun: 0123456789abcdef\nrun_name: low\n"
    "of: {arch: llama, optimizer: adamw, parameters: 123456, tokens: 3072000}\n"
    "recipe: [{path: optimizer.lr, before: 4e-4, after: 4e-3}]\n"
    "tokens: 51200\ngain: 0.125\nhalf_width: 0.0625\ngate: [aa, bb]\n"
    "evidence: [{run: 0123456789abcdef, seq: 17, sha256: ff}]\n";

static struct memory_notes list(struct memory *memory)
{
    struct err err = {.text = ""};
    struct memory_notes notes;
    if (memory_list(&notes, memory, 100, &err) < 0)
        fail_msg("%s", err.text);
    return notes;
}

static size_t n_found(struct memory *memory, const char *query)
{
    struct err err = {.text = ""};
    struct memory_notes notes;
    if (memory_search(&notes, memory, query, 100, &err) < 0)
        fail_msg("%s: %s", query, err.text);
    const size_t n = notes.n;
    memory_notes_clear(&notes);
    return n;
}

static void a_note_reads_back_as_it_was_added_by_the_next_who_opens(void **state)
{
    struct memory *memory = memory_fixture(*state, MEMORY_WRITE);
    assert_int_equal(memory_fixture_add(memory, NULL, claim), 1);
    assert_int_equal(memory_fixture_add(memory, NULL, "kind: person\ntext: by hand"), 2);
    memory_close(memory);
    memory = memory_fixture(*state, MEMORY_READ);
    struct memory_notes notes = list(memory);
    assert_int_equal(notes.n, 2);
    Trireme__MemoryNote *expected = note_fixture(claim);
    expected->has_id = 1, expected->id = 1;
    assert_true(message_equal(notes.list[0], expected));
    assert_int_equal(strlen(notes.list[1]->time), strlen("2026-01-02T03:04:05Z"));
    message_free(expected);
    memory_notes_clear(&notes);
    memory_close(memory);
}

static void the_file_is_its_owners_alone(void **state)
{
    memory_close(memory_fixture(*state, MEMORY_WRITE));
    char *path = file_join(*state, "notes.sqlite");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    free(path);
}

static void a_file_that_is_not_there_has_no_notes_and_is_not_made_by_a_reader(void **state)
{
    struct memory *memory = memory_fixture(*state, MEMORY_READ);
    struct memory_notes notes = list(memory);
    assert_int_equal(notes.n, 0);
    assert_int_equal(n_found(memory, "rate"), 0);
    memory_close(memory);
    char *path = file_join(*state, "notes.sqlite");
    assert_false(file_exists(path));
    free(path);
}

static void what_was_noted_once_is_not_noted_twice(void **state)
{
    struct memory *memory = memory_fixture(*state, MEMORY_WRITE);
    assert_int_equal(memory_fixture_add(memory, "run:17", claim), 1);
    assert_int_equal(memory_fixture_add(memory, "run:17", claim), 0);
    assert_int_equal(memory_fixture_add(memory, "run:18", claim), 2);
    assert_int_equal(n_found(memory, "higher"), 2);
    memory_close(memory);
}

static void a_list_has_the_newest(void **state)
{
    struct memory *memory = memory_fixture(*state, MEMORY_WRITE);
    struct err err = {.text = ""};
    struct memory_notes notes;
    for (int i = 0; i < 5; i++)
        memory_fixture_add(memory, NULL, claim);
    assert_int_equal(memory_list(&notes, memory, 2, &err), 0);
    assert_int_equal(notes.n, 2);
    assert_int_equal(notes.list[0]->id, 4);
    assert_int_equal(notes.list[1]->id, 5);
    memory_notes_clear(&notes);
    memory_close(memory);
}

static void a_kind_has_its_own_notes_and_those_of_none(void **state)
{
    struct memory *memory = memory_fixture(*state, MEMORY_WRITE);
    struct err err = {.text = ""};
    struct memory_notes notes;
    memory_fixture_add(memory, NULL, claim);
    memory_fixture_add(memory, NULL, "kind: person\ntext: about all");
    memory_fixture_add(memory, NULL,
                       "kind: planner\ntext: about gpt2\n"
                       "of: {arch: gpt2, optimizer: adamw, parameters: 123456, tokens: 3072000}");
    Trireme__MemoryNote *of = note_fixture(claim);
    assert_int_equal(memory_of_kind(&notes, memory, of->of, 100, &err), 0);
    assert_int_equal(notes.n, 2);
    assert_int_equal(notes.list[0]->id, 1);
    assert_int_equal(notes.list[1]->id, 2);
    message_free(of);
    memory_notes_clear(&notes);
    memory_close(memory);
}

static void a_search_finds_words_of_text_recipe_and_run(void **state)
{
    struct memory *memory = memory_fixture(*state, MEMORY_WRITE);
    memory_fixture_add(memory, NULL, claim);
    memory_fixture_add(memory, NULL, "kind: person\ntext: 'NOT a \"rate\" AND é'");
    assert_int_equal(n_found(memory, "rate"), 2);
    assert_int_equal(n_found(memory, "RATE higher"), 1);
    assert_int_equal(n_found(memory, "optimizer.lr"), 1);
    assert_int_equal(n_found(memory, "low claimed llama"), 1);
    assert_int_equal(n_found(memory, "é"), 1);
    assert_int_equal(n_found(memory, "absent"), 0);
    memory_close(memory);
}

static void nothing_in_a_query_is_an_operator(void **state)
{
    static const char *const odd[] = {"\"",
                                      "\"\"",
                                      "rate\"",
                                      "*",
                                      "ra*",
                                      "text:rate",
                                      "{text}:rate",
                                      "rate OR absent",
                                      "NEAR(rate higher)",
                                      "NEAR",
                                      "AND",
                                      "NOT rate absent",
                                      "(",
                                      ")",
                                      "-rate",
                                      "^rate",
                                      "rate + absent",
                                      "'; DROP TABLE note; --",
                                      "\\",
                                      "%",
                                      "\x80\xff",
                                      "\xe2\x82",
                                      ",",
                                      "\"*"};
    struct memory *memory = memory_fixture(*state, MEMORY_WRITE);
    memory_fixture_add(memory, NULL, claim);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
        n_found(memory, odd[i]); // no error
    assert_int_equal(n_found(memory, "ra*"), 0);
    assert_int_equal(n_found(memory, "rate OR absent"), 0);
    assert_int_equal(n_found(memory, "\"rate\""), 1);
    assert_int_equal(n_found(memory, "rate"), 1); // the table is there
    memory_close(memory);
}

/* Pieces of queries: words that are there and are not, FTS5's operators, quotes, broken UTF-8. */
static const char *const pieces[] = {
    "rate", "higher", "absent", "AND",  "OR",   "NOT",  "NEAR", "(",    ")",     "\"", "*",
    ":",    "^",      "-",      "+",    "{",    "}",    ",",    ";",    "'",     "\\", "%",
    " ",    "\t",     "\xff",   "\xc3", "\xa9", "\x01", "text", "rank", "words", "."};

static void queries_drawn_at_random_are_answered_and_change_nothing(void **state)
{
    enum { QUERIES = 3000, PIECES_MAX = 12 };
    struct memory *memory = memory_fixture(*state, MEMORY_WRITE);
    memory_fixture_add(memory, NULL, claim);
    for (uint64_t q = 0; q < QUERIES; q++) {
        char query[200] = "";
        const size_t n = 1 + random_u64(1, 2 * q) % PIECES_MAX;
        for (size_t i = 0; i < n; i++) {
            const uint64_t drawn = random_u64(2, q * PIECES_MAX + i);
            strcat(query, pieces[drawn % (sizeof pieces / sizeof *pieces)]);
            strcat(query, drawn >> 60 < 8 ? " " : "");
        }
        struct err err = {.text = ""};
        struct memory_notes notes;
        const bool is_blank = strspn(query, " \t") == strlen(query);
        if ((memory_search(&notes, memory, query, 10, &err) == 0) == is_blank)
            fail_msg("query '%s': %s", query, err.text);
        memory_notes_clear(&notes);
    }
    assert_int_equal(n_found(memory, "rate"), 1);
    memory_close(memory);
}

static void a_query_without_a_word_or_too_long_a_one_is_refused(void **state)
{
    struct memory *memory = memory_fixture(*state, MEMORY_WRITE);
    struct err err = {.text = ""};
    struct memory_notes notes;
    char query[MEMORY_QUERY_MAX + 2];
    memset(query, 'a', sizeof query - 1);
    query[sizeof query - 1] = 0;
    assert_int_equal(memory_search(&notes, memory, " \t\n", 10, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "no word");
    assert_int_equal(memory_search(&notes, memory, query, 10, &err), -1);
    assert_contains(err.text, "1001 bytes");
    memory_close(memory);
}

/* Overwrites the bytes of SQLite's header that hold a number. */
static void set_header(const char *folder, long at, unsigned value)
{
    char *path = file_join(folder, "notes.sqlite");
    FILE *f = fopen(path, "r+b");
    const unsigned char bytes[] = {(unsigned char)(value >> 24), (unsigned char)(value >> 16),
                                   (unsigned char)(value >> 8), (unsigned char)value};
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, 4, f), 4);
    fclose(f);
    free(path);
}

static void refuse(const char *folder, enum memory_use use, enum err_code code, const char *part)
{
    struct err err = {.text = ""};
    char *path = file_join(folder, "notes.sqlite");
    assert_null(memory_open(path, use, MEMORY_WAIT_MS, &err));
    assert_int_equal(err.code, code);
    assert_contains(err.text, part);
    assert_contains(err.text, path);
    free(path);
}

static void a_newer_format_is_refused_in_one_sentence(void **state)
{
    enum { USER_VERSION = 60 }; // of SQLite's header
    memory_close(memory_fixture(*state, MEMORY_WRITE));
    set_header(*state, USER_VERSION, 2);
    refuse(*state, MEMORY_READ, ERR_USAGE, "format 2, expected 1: a newer version");
    refuse(*state, MEMORY_WRITE, ERR_USAGE, "format 2, expected 1: a newer version");
}

static void what_is_no_file_of_notes_is_refused(void **state)
{
    enum { APPLICATION_ID = 68 };
    memory_close(memory_fixture(*state, MEMORY_WRITE));
    set_header(*state, APPLICATION_ID, 1);
    refuse(*state, MEMORY_READ, ERR_DATA, "another program");
    must_write_in(*state, "notes.sqlite",
                  "this is text, and long enough to be read as a header "
                  "of a database, which it is not, not at all, no",
                  98);
    refuse(*state, MEMORY_READ, ERR_DATA, "not a database");
    refuse(*state, MEMORY_WRITE, ERR_DATA, "not a database");
    char *path = file_join(*state, "notes.sqlite");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    free(path);
    refuse(*state, MEMORY_READ, ERR_USAGE, "cannot");
}

static void a_statement_without_an_end_is_given_up(void **state)
{
    static const char script[] =
        "import sqlite3, sys\n"
        "d = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "d.execute('DROP TABLE note')\n"
        "d.execute('CREATE VIEW note AS WITH RECURSIVE n(id, note) AS '\n"
        "          '(SELECT 1, 2 UNION ALL SELECT id + 1, note FROM n) SELECT * FROM n')\n";
    struct err err = {.text = ""};
    struct memory_notes notes;
    int status = 1;
    memory_close(memory_fixture(*state, MEMORY_WRITE));
    char *path = file_join(*state, "notes.sqlite");
    const pid_t pid = fork();
    if (pid == 0) {
        execlp("python3", "python3", "-c", script, path, (char *)NULL);
        _exit(127);
    }
    waitpid(pid, &status, 0);
    if (status == 0) {
        struct memory *memory = memory_open(path, MEMORY_READ, 50, &err);
        assert_non_null(memory);
        assert_int_equal(memory_list(&notes, memory, 100, &err), -1);
        assert_int_equal(err.code, ERR_MACHINE);
        assert_contains(err.text, "cannot read its notes within 5000 ms");
        memory_close(memory);
    }
    free(path);
    if (status != 0) {
        print_message("skipped: python3 with sqlite3 is not installed\n");
        skip();
    }
}

static void a_locked_file_is_a_sentence_after_the_wait(void **state)
{
    static const char script[] = "import sqlite3, sys\n"
                                 "d = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
                                 "d.execute('BEGIN IMMEDIATE')\n"
                                 "print('locked', flush=True)\n"
                                 "sys.stdin.read()\n";
    struct err err = {.text = ""};
    memory_close(memory_fixture(*state, MEMORY_WRITE));
    char *path = file_join(*state, "notes.sqlite");
    int to[2], from[2];
    char byte;
    assert_int_equal(pipe(to) | pipe(from), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        dup2(to[0], 0), dup2(from[1], 1);
        close(to[0]), close(to[1]), close(from[0]), close(from[1]);
        execlp("python3", "python3", "-c", script, path, (char *)NULL);
        _exit(127);
    }
    close(to[0]), close(from[1]);
    const bool locked = read(from[0], &byte, 1) == 1;
    if (locked) {
        struct memory *memory = memory_open(path, MEMORY_WRITE, 50, &err);
        Trireme__MemoryNote *note = note_fixture(claim);
        assert_non_null(memory);
        assert_int_equal(memory_add(memory, NULL, note, NULL, &err), -1);
        assert_int_equal(err.code, ERR_MACHINE);
        assert_contains(err.text, "locked");
        message_free(note);
        memory_close(memory);
    }
    close(to[1]), close(from[0]);
    waitpid(pid, NULL, 0);
    free(path);
    if (!locked) {
        print_message("skipped: python3 with sqlite3 is not installed\n");
        skip();
    }
}

static void processes_that_write_at_once_lose_nothing(void **state)
{
    enum { PROCESSES = 4, NOTES = 25 };
    pid_t pids[PROCESSES];
    struct err ignored;
    if (memory_is_there(&ignored) < 0)
        skip();
    for (int p = 0; p < PROCESSES; p++) // the first to come makes the file
        if ((pids[p] = fork()) == 0) {
            struct memory *memory = memory_fixture(*state, MEMORY_WRITE);
            for (int i = 0; i < NOTES; i++) {
                char own[32], common[32];
                snprintf(own, sizeof own, "own %d %d", p, i);
                snprintf(common, sizeof common, "common %d", i);
                memory_fixture_add(memory, own, claim);
                memory_fixture_add(memory, common, claim);
            }
            memory_close(memory);
            _exit(0);
        }
    for (int p = 0; p < PROCESSES; p++) {
        int status = 1;
        waitpid(pids[p], &status, 0);
        assert_int_equal(status, 0);
    }
    struct err err = {.text = ""};
    struct memory_notes notes;
    struct memory *memory = memory_fixture(*state, MEMORY_READ);
    assert_int_equal(memory_list(&notes, memory, 1000, &err), 0);
    assert_int_equal(notes.n, PROCESSES * NOTES + NOTES);
    memory_notes_clear(&notes);
    assert_int_equal(memory_search(&notes, memory, "higher", 1000, &err), 0);
    assert_int_equal(notes.n, PROCESSES * NOTES + NOTES);
    memory_notes_clear(&notes);
    memory_close(memory);
}

static void a_relative_path_is_from_the_folder_that_holds_the_run(void **state)
{
    char *run = file_join(*state, "run"), *expected = file_join(*state, "notes.sqlite");
    assert_int_equal(mkdir(run, 0700), 0);
    char *here = memory_path(run, "notes.sqlite"), *there = memory_path(run, "/x/n.sqlite");
    char *real = realpath(*state, NULL), *path = file_join(real, "notes.sqlite");
    assert_string_equal(here, path);
    assert_string_equal(there, "/x/n.sqlite");
    assert_null(memory_path(run, ""));
    free(here), free(there), free(real), free(path), free(run), free(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_note_reads_back_as_it_was_added_by_the_next_who_opens),
        test_in_folder(the_file_is_its_owners_alone),
        test_in_folder(a_file_that_is_not_there_has_no_notes_and_is_not_made_by_a_reader),
        test_in_folder(what_was_noted_once_is_not_noted_twice),
        test_in_folder(a_list_has_the_newest),
        test_in_folder(a_kind_has_its_own_notes_and_those_of_none),
        test_in_folder(a_search_finds_words_of_text_recipe_and_run),
        test_in_folder(nothing_in_a_query_is_an_operator),
        test_in_folder(queries_drawn_at_random_are_answered_and_change_nothing),
        test_in_folder(a_query_without_a_word_or_too_long_a_one_is_refused),
        test_in_folder(a_newer_format_is_refused_in_one_sentence),
        test_in_folder(what_is_no_file_of_notes_is_refused),
        test_in_folder(a_statement_without_an_end_is_given_up),
        test_in_folder(a_locked_file_is_a_sentence_after_the_wait),
        test_in_folder(processes_that_write_at_once_lose_nothing),
        test_in_folder(a_relative_path_is_from_the_folder_that_holds_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
