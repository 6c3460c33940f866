#include "tests/unit/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

static const char folder_name[] = "trireme-test-";

/* Removes the folders of tests that were killed: their names carry a process's number. */
static void sweep_folders(void)
{
    struct err err;
    size_t n = 0;
    char **names = file_names(P_tmpdir, &n, ERR_USAGE, &err);
    for (size_t i = 0; names && i < n; i++) {
        const size_t length = sizeof folder_name - 1;
        char *end = NULL;
        const long pid =
            strncmp(names[i], folder_name, length) ? 0 : strtol(names[i] + length, &end, 10);
        if (pid <= 0 || *end != '-' || kill((pid_t)pid, 0) == 0 || errno != ESRCH)
            continue;
        test_folder_free(file_join(P_tmpdir, names[i]));
    }
    file_names_free(names);
}

char *test_folder_new(void)
{
    static bool swept;
    if (!swept)
        sweep_folders();
    swept = true;
    char *folder = mem_format("%s/%s%ld-XXXXXX", P_tmpdir, folder_name, (long)getpid());
    if (!mkdtemp(folder))
        fail_msg("cannot make a temporary folder");
    return folder;
}

void test_folder_free(char *folder)
{
    struct err err;
    file_remove_tree(folder, ERR_USAGE, &err);
    free(folder);
}

int test_folder_set_up(void **state)
{
    *state = test_folder_new();
    return 0;
}

int test_folder_tear_down(void **state)
{
    test_folder_free(*state);
    return 0;
}

void must_write(const char *path, const void *bytes, size_t size)
{
    struct err err;
    if (file_write_atomic(path, bytes, size, ERR_USAGE, &err) < 0)
        fail_msg("%s", err.text);
}

void must_write_in(const char *folder, const char *name, const void *bytes, size_t size)
{
    struct err err;
    if (file_make_dirs(folder, ERR_USAGE, &err) < 0)
        fail_msg("%s", err.text);
    char *path = file_join(folder, name);
    must_write(path, bytes, size);
    free(path);
}

char *must_read(const char *path, size_t *size)
{
    struct err err;
    char *bytes = file_read(path, size, ERR_USAGE, &err);
    if (!bytes)
        fail_msg("%s", err.text);
    return bytes;
}

char *must_read_in(const char *folder, const char *name, size_t *size)
{
    char *path = file_join(folder, name), *bytes = must_read(path, size);
    free(path);
    return bytes;
}

float *random_floats(uint64_t key, size_t n)
{
    float *floats = mem_floats(n);
    for (size_t i = 0; i < n; i++)
        floats[i] = (float)random_normal(key, i);
    return floats;
}

void fail_on_warning(void *context, const char *sentence)
{
    (void)context;
    fail_msg("unexpected: %s", sentence);
}

void assert_contains(const char *whole, const char *part)
{
    if (!strstr(whole, part))
        fail_msg("expected \"%s\" in:\n%s", part, whole);
}

void assert_floats_near(const float *a, const float *b, size_t n, double absolute, double relative)
{
    for (size_t i = 0; i < n; i++) {
        double x = (double)a[i], y = (double)b[i];
        if (!(fabs(x - y) <= absolute + relative * fabs(y)))
            fail_msg("at %zu of %zu: found %.9g, expected %.9g", i, n, x, y);
    }
}
