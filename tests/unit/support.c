#include "tests/unit/support.h"

#include "base/file.h"
#include "base/mem.h"

#include <math.h>
#include <stdio.h>

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
