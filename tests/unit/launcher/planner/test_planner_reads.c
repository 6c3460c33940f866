#include "tests/unit/support.h"

#include "base/file.h"
#include "launcher/planner/planner_reads.h"

#include <sys/stat.h>
#include <unistd.h>

/* A run, data and a home in a folder, where it looks for them. */
struct harness {
    char *folder, *run, *data, *home_before;
    struct planner_secrets secrets;
    struct planner_reads reads;
    struct err err;
};

static char *in(const struct harness *h, const char *name)
{
    return file_join(h->folder, name);
}

static struct harness *harness_new(void)
{
    struct harness *h = calloc(1, sizeof *h);
    char *folder = test_folder_new(), *home;
    h->folder = realpath(folder, NULL); // as it will be found
    free(folder);
    h->run = in(h, "runs/a");
    h->data = in(h, "data");
    home = in(h, "home");
    mkdir(h->data, 0700);
    mkdir(home, 0700);
    h->home_before = strdup(getenv("HOME") ? getenv("HOME") : "/");
    setenv("HOME", home, 1);
    free(home);
    h->secrets = (struct planner_secrets){.run = h->run, .data = &h->data, .n_data = 1};
    return h;
}

static void harness_free(struct harness *h)
{
    setenv("HOME", h->home_before, 1);
    free(h->home_before);
    planner_reads_clear(&h->reads);
    test_folder_free(h->folder);
    free(h->run);
    free(h->data);
    free(h);
}

static char *write_program(const struct harness *h, const char *folder, const char *name,
                           const char *text)
{
    struct err err;
    char *at = in(h, folder), *path = file_join(at, name);
    assert_int_equal(file_make_dirs(at, ERR_USAGE, &err), 0);
    must_write(path, text, strlen(text));
    chmod(path, 0700);
    free(at);
    return path;
}

/* Of a command of that program and up to one argument. */
static int find(struct harness *h, const char *program, const char *argument)
{
    char *words[] = {strdup(program), argument ? strdup(argument) : NULL}, *path = strdup(program);
    planner_reads_clear(&h->reads);
    int rc = planner_reads_find(&h->reads, &path, words, argument ? 2 : 1, &h->secrets, &h->err);
    free(words[0]);
    free(words[1]);
    free(path);
    return rc;
}

static bool reads(const struct harness *h, const char *path)
{
    for (size_t i = 0; i < h->reads.n; i++) {
        size_t size = strlen(h->reads.paths[i]);
        if (!strncmp(h->reads.paths[i], path, size) && (path[size] == 0 || path[size] == '/'))
            return true;
    }
    return false;
}

static bool reads_in(const struct harness *h, const char *name)
{
    char *path = in(h, name);
    bool found = reads(h, path);
    free(path);
    return found;
}

static void a_program_reads_its_folder_and_the_system_and_no_more(void **state)
{
    (void)state;
    struct harness *h = harness_new();
    char *path = write_program(h, "mine", "planner", "#!/bin/sh\n");
    assert_int_equal(find(h, path, NULL), 0);
    assert_true(reads_in(h, "mine/beside.py"));
    assert_true(reads(h, "/usr/lib"));
    assert_false(reads_in(h, "data"));
    assert_false(reads_in(h, "home"));
    assert_false(reads(h, "/etc/passwd"));
    assert_false(reads(h, "/proc"));
    free(path);
    harness_free(h);
}

static void a_link_reads_what_it_leads_to(void **state)
{
    (void)state;
    struct harness *h = harness_new();
    char *path = write_program(h, "far", "planner", "#!/bin/sh\n"), *link = in(h, "planner");
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(find(h, link, NULL), 0);
    assert_true(reads_in(h, "far/beside"));
    assert_false(reads_in(h, "planner"));
    free(path);
    free(link);
    harness_free(h);
}

static void an_interpreter_reads_its_installation_through_its_links(void **state)
{
    (void)state;
    struct harness *h = harness_new();
    char *real = write_program(h, "real/bin", "python3", "\177ELF"), *lib, *venv = in(h, "venv");
    lib = write_program(h, "real/lib", "os.py", "");
    free(lib);
    free(write_program(h, "real/share", "private", ""));
    free(write_program(h, "venv/lib", "site.py", ""));
    free(write_program(h, "venv/bin", "activate", ""));
    char *link = in(h, "venv/bin/python3"), line[1200];
    assert_int_equal(symlink(real, link), 0);
    snprintf(line, sizeof line, "#!%s -u\n", link);
    char *path = write_program(h, "mine", "planner", line);
    assert_int_equal(find(h, path, NULL), 0);
    assert_true(reads_in(h, "mine/planner"));
    assert_true(reads_in(h, "venv/bin/python3"));
    assert_true(reads_in(h, "venv/lib/site.py"));
    assert_true(reads_in(h, "real/bin/python3"));
    assert_true(reads_in(h, "real/lib/os.py"));
    assert_false(reads_in(h, "real/share"));
    // the same where it is the command, and the script its argument
    assert_int_equal(find(h, link, path), 0);
    assert_true(reads_in(h, "mine/beside.py"));
    assert_true(reads_in(h, "real/lib/os.py"));
    free(real);
    free(venv);
    free(link);
    free(path);
    harness_free(h);
}

static void a_file_that_it_is_given_is_read_alone(void **state)
{
    (void)state;
    struct harness *h = harness_new();
    char *path = write_program(h, "mine", "planner", "#!/bin/sh\n");
    char *prices = write_program(h, "other", "prices", "1");
    assert_int_equal(find(h, path, prices), 0);
    assert_true(reads_in(h, "other/prices"));
    assert_false(reads_in(h, "other/more"));
    assert_int_equal(find(h, path, "no-such-file"), 0);
    free(path);
    free(prices);
    harness_free(h);
}

static void refuse(struct harness *h, const char *folder, const char *part)
{
    char *path = write_program(h, folder, "planner", "#!/bin/sh\n");
    assert_int_equal(find(h, path, NULL), -1);
    assert_int_equal(h->err.code, ERR_USAGE);
    assert_contains(h->err.text, part);
    unlink(path);
    free(path);
}

static void what_would_give_the_run_or_the_data_away_is_refused(void **state)
{
    (void)state;
    struct harness *h = harness_new();
    refuse(h, "runs", "holds"); // where the run will be
    refuse(h, "runs/a", "lies in");
    refuse(h, "runs/a/deep", "lies in");
    refuse(h, "data", "lies in");
    refuse(h, "data/../data", "lies in");
    refuse(h, "home", "all of which the planner could read");
    refuse(h, ".", "all of which the planner could read");
    char *path = write_program(h, "mine", "planner", "#!/bin/sh\n");
    char *tokens = write_program(h, "data", "val_000000.bin", "x"), *link = in(h, "mine/link");
    assert_int_equal(find(h, path, tokens), -1);
    assert_contains(h->err.text, "a file that it is given, lies in");
    assert_int_equal(symlink(tokens, link), 0);
    assert_int_equal(find(h, path, link), -1);
    free(path);
    free(tokens);
    free(link);
    harness_free(h);
}

static void what_would_give_the_secret_of_persons_away_is_refused(void **state)
{
    (void)state;
    struct harness *h = harness_new();
    char *path = write_program(h, "mine", "planner", "#!/bin/sh\n");
    char *secret = write_program(h, "mine", "secret", ""), *link = in(h, "away");
    assert_int_equal(symlink(secret, link), 0);
    assert_int_equal(find(h, path, NULL), 0);
    for (int i = 0; i < 2; i++) {
        h->secrets.file = i ? link : secret;
        assert_int_equal(find(h, path, NULL), -1);
        assert_int_equal(h->err.code, ERR_USAGE);
        assert_contains(h->err.text, "the folder of the program, holds");
    }
    free(secret);
    h->secrets.file = secret = in(h, "elsewhere");
    assert_int_equal(find(h, path, NULL), 0);
    must_write(secret, "", 0);
    assert_int_equal(find(h, path, secret), -1);
    assert_contains(h->err.text, "a file that it is given, lies in");
    free(path);
    free(secret);
    free(link);
    harness_free(h);
}

static void an_interpreter_in_the_home_folder_does_not_give_that_away(void **state)
{
    (void)state;
    struct harness *h = harness_new();
    char *interpreter = write_program(h, "home", "shell", "\177ELF"), line[1200];
    snprintf(line, sizeof line, "#!%s\n", interpreter);
    char *path = write_program(h, "mine", "planner", line);
    assert_int_equal(find(h, path, NULL), -1);
    assert_contains(h->err.text, "home, all of which the planner could read");
    free(interpreter);
    free(path);
    harness_free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_reads_its_folder_and_the_system_and_no_more),
        cmocka_unit_test(a_link_reads_what_it_leads_to),
        cmocka_unit_test(an_interpreter_reads_its_installation_through_its_links),
        cmocka_unit_test(a_file_that_it_is_given_is_read_alone),
        cmocka_unit_test(what_would_give_the_run_or_the_data_away_is_refused),
        cmocka_unit_test(what_would_give_the_secret_of_persons_away_is_refused),
        cmocka_unit_test(an_interpreter_in_the_home_folder_does_not_give_that_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
