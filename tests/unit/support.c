#include "tests/unit/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"

#include <math.h>

char *test_folder_new(void)
{
    char *folder = mem_strdup(P_tmpdir "/trireme-test-XXXXXX");
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
