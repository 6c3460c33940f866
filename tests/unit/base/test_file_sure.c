/* Reads that tell wrong bytes from a machine that cannot read. */
#include "tests/unit/support.h"

#include "base/file.h"
#include "base/file_sure.h"
#include "base/mem.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = (1 << 20) + 77 };

static void what_is_in_a_file_is_read_in_parts_whole_and_at_an_offset(void **state)
{
    struct err err;
    char *path = file_join(*state, "f"), *bytes = mem_new(SIZE, 1), part[5];
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (char)(i * 31 >> 3);
    must_write(path, bytes, SIZE);
    size_t size = 0;
    uint64_t there = 0;
    char *found = file_sure_read(path, &size, &err);
    assert_int_equal(size, SIZE);
    assert_memory_equal(found, bytes, SIZE);
    int fd = -1;
    assert_int_equal(file_sure_open(&fd, &there, path, &err), 0);
    assert_int_equal(there, SIZE);
    assert_int_equal(file_sure_at(fd, path, part, SIZE - 5, 5, &err), 0);
    assert_memory_equal(part, bytes + SIZE - 5, 5);
    assert_int_equal(file_sure_at(fd, path, part, SIZE - 4, 5, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "found its end at byte ");
    close(fd);
    free(found);
    free(bytes);
    free(path);
}

static void check(const char *path, enum err_code code, const char *part)
{
    struct err err;
    assert_null(file_sure_read(path, NULL, &err));
    assert_int_equal(err.code, code);
    assert_contains(err.text, path);
    assert_contains(err.text, part);
}

static void what_is_missing_or_no_file_is_data_and_what_cannot_be_read_is_the_machines(void **state)
{
    struct err err;
    bool there = true;
    char *path = file_join(*state, "f"), *below = file_join(path, "g");
    check(path, ERR_DATA, "cannot open: No such file");
    assert_int_equal(file_sure_there(&there, path, &err), 0);
    assert_false(there);
    must_write(path, "x", 1);
    check(below, ERR_DATA, "cannot open: Not a directory");
    assert_int_equal(file_sure_there(&there, below, &err), 0);
    assert_false(there);
    assert_int_equal(file_sure_there(&there, path, &err), 0);
    assert_true(there);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    check(path, ERR_DATA, "expected a regular file"); // and nobody waits for a writer
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/proc/self/mem", path), 0);
    check(path, ERR_MACHINE, "cannot read: Input/output error");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("f", path), 0);
    check(path, ERR_MACHINE, "cannot open: Too many levels");
    assert_int_equal(file_sure_there(&there, path, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    free(below);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(what_is_in_a_file_is_read_in_parts_whole_and_at_an_offset),
        test_in_folder(what_is_missing_or_no_file_is_data_and_what_cannot_be_read_is_the_machines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
