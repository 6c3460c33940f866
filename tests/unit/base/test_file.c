#include "tests/unit/support.h"

#include "base/file.h"
#include "base/mem.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static size_t names_in(const char *folder)
{
    struct err err;
    size_t n = 0;
    char **names = file_names(folder, &n, ERR_DATA, &err);
    assert_non_null(names);
    file_names_free(names);
    return n;
}

static void check_content(const char *path, const char *expected)
{
    size_t size = 0;
    char *bytes = must_read(path, &size);
    assert_int_equal(size, strlen(expected));
    assert_string_equal(bytes, expected);
    free(bytes);
}

static void what_was_written_is_read_back_and_leaves_no_temporary(void **state)
{
    struct err err;
    char *path = file_join(*state, "a");
    assert_int_equal(file_write_atomic(path, "one", 3, ERR_USAGE, &err), 0);
    assert_int_equal(file_write_atomic(path, "second", 6, ERR_USAGE, &err), 0);
    check_content(path, "second");
    assert_int_equal(names_in(*state), 1);
    free(path);
}

static void a_file_may_come_in_pieces_and_may_be_empty(void **state)
{
    struct err err;
    char *path = file_join(*state, "a");
    struct file_writer *writer = file_writer_open(path, ERR_USAGE, &err);
    file_writer_add(writer, "ab", 2);
    file_writer_add(writer, "", 0);
    file_writer_add(writer, "c", 1);
    assert_false(file_exists(path)); // not before the end
    assert_int_equal(file_writer_end(writer, &err), 0);
    check_content(path, "abc");
    assert_int_equal(file_write_atomic(path, NULL, 0, ERR_USAGE, &err), 0);
    check_content(path, "");
    free(path);
}

/* Permissions do not stop the superuser, so a limit on file sizes makes the write fail. */
static void a_write_that_fails_leaves_the_old_file_and_no_temporary(void **state)
{
    struct err err;
    char *path = file_join(*state, "a"), *large = mem_new(100000, 1);
    assert_int_equal(file_write_atomic(path, "old", 3, ERR_USAGE, &err), 0);
    struct rlimit before, tight;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight = (struct rlimit){.rlim_cur = 1000, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    int rc = file_write_atomic(path, large, 100000, ERR_TRAIN, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(rc, -1);
    assert_int_equal(err.code, ERR_TRAIN);
    assert_contains(err.text, path);
    assert_contains(err.text, "cannot write 100000 bytes: File too large");
    check_content(path, "old");
    assert_int_equal(names_in(*state), 1);
    free(large);
    free(path);
}

static void a_writer_that_is_dropped_leaves_no_trace(void **state)
{
    struct err err;
    char *path = file_join(*state, "a");
    struct file_writer *writer = file_writer_open(path, ERR_USAGE, &err);
    file_writer_add(writer, "x", 1);
    file_writer_drop(writer);
    file_writer_drop(NULL);
    assert_int_equal(names_in(*state), 0);
    free(path);
}

static void a_file_that_cannot_be_renamed_into_place_leaves_no_temporary(void **state)
{
    struct err err;
    char *path = file_join(*state, "taken"), *inside = file_join(path, "b");
    assert_int_equal(file_make_dirs(inside, ERR_USAGE, &err), 0);
    assert_int_equal(file_write_atomic(path, "x", 1, ERR_USAGE, &err), -1);
    assert_contains(err.text, "cannot rename into place");
    assert_int_equal(names_in(*state), 1);
    assert_true(file_is_dir(inside));
    free(inside);
    free(path);
}

static void errors_name_path_and_reason_and_have_the_callers_code(void **state)
{
    struct err err;
    char *path = file_join(*state, "none"), *below = file_join(path, "x");
    assert_null(file_read(path, NULL, ERR_DATA, &err));
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, path);
    assert_contains(err.text, "cannot open: No such file or directory");
    assert_null(file_read(*state, NULL, ERR_USAGE, &err));
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "expected a regular file");
    assert_int_equal(file_write_atomic(below, "x", 1, ERR_USAGE, &err), -1);
    assert_contains(err.text, "cannot write: No such file");
    struct file_map map = {0};
    assert_int_equal(file_map_open(&map, path, ERR_DATA, &err), -1);
    assert_null(map.bytes);
    size_t n = 0;
    assert_null(file_names(path, &n, ERR_DATA, &err));
    assert_int_equal(file_sync_dir(path, ERR_DATA, &err), -1);
    free(below);
    free(path);
}

static void a_file_in_the_way_of_a_folder_is_an_error(void **state)
{
    struct err err;
    char *path = file_join(*state, "a"), *below = file_join(path, "b/c");
    assert_int_equal(file_write_atomic(path, "x", 1, ERR_USAGE, &err), 0);
    assert_int_equal(file_make_dirs(below, ERR_USAGE, &err), -1);
    assert_contains(err.text, "cannot make the folder");
    assert_int_equal(file_make_dirs(path, ERR_USAGE, &err), -1);
    check_content(path, "x");
    free(below);
    free(path);
}

static void folders_are_made_all_the_way_and_may_be_there(void **state)
{
    struct err err;
    char *path = file_join(*state, "a/b/c/");
    assert_int_equal(file_make_dirs(path, ERR_USAGE, &err), 0);
    assert_int_equal(file_make_dirs(path, ERR_USAGE, &err), 0);
    assert_true(file_is_dir(path));
    free(path);
}

static void a_tree_is_removed_but_not_what_its_links_point_to(void **state)
{
    struct err err;
    char *tree = file_join(*state, "tree"), *deep = file_join(tree, "a/b"),
         *file = file_join(deep, "f");
    char *kept = file_join(*state, "kept"), *inside = file_join(kept, "f"),
         *link_path = file_join(deep, "link");
    assert_int_equal(file_make_dirs(deep, ERR_USAGE, &err), 0);
    assert_int_equal(file_make_dirs(kept, ERR_USAGE, &err), 0);
    assert_int_equal(file_write_atomic(file, "x", 1, ERR_USAGE, &err), 0);
    assert_int_equal(file_write_atomic(inside, "x", 1, ERR_USAGE, &err), 0);
    assert_int_equal(symlink(kept, link_path), 0);
    assert_int_equal(file_remove_tree(tree, ERR_USAGE, &err), 0);
    assert_false(file_exists(tree));
    assert_true(file_exists(inside));
    assert_int_equal(file_remove_tree(tree, ERR_USAGE, &err), 0); // what is not there is no error
    free(link_path);
    free(inside);
    free(kept);
    free(file);
    free(deep);
    free(tree);
}

/* Exchanges two names until it is killed. */
static pid_t exchange_for_ever(const char *a, const char *b)
{
    const pid_t child = fork();
    if (child == 0)
        for (;;)
            renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
    return child;
}

static void a_link_that_takes_a_folders_place_meanwhile_is_not_followed(void **state)
{
    enum { TRIES = 3000 };
    struct err err;
    char *tree = file_join(*state, "swapped"), *a = file_join(tree, "a"), *b = file_join(tree, "b"),
         *kept = file_join(*state, "outside"), *file = file_join(kept, "f");
    assert_int_equal(file_make_dirs(kept, ERR_USAGE, &err), 0);
    assert_int_equal(file_write_atomic(file, "x", 1, ERR_USAGE, &err), 0);
    const pid_t child = exchange_for_ever(a, b);
    int tried = 0;
    for (int i = 0; i < TRIES && file_exists(file); i++) {
        tried += file_make_dirs(a, ERR_USAGE, &err) == 0 && symlink(kept, b) == 0;
        file_remove_tree(tree, ERR_USAGE, &err); // what is exchanged meanwhile may stay
        file_remove_tree(tree, ERR_USAGE, &err);
    }
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(tried > TRIES / 2);
    assert_true(file_exists(file));
    free(file);
    free(kept);
    free(b);
    free(a);
    free(tree);
}

static void a_folder_that_may_not_be_read_is_removed_where_it_is_empty(void **state)
{
    struct err err;
    char *tree = file_join(*state, "closed"), *inside = file_join(tree, "a");
    assert_int_equal(file_make_dirs(tree, ERR_USAGE, &err), 0);
    assert_int_equal(mkdir(inside, 0), 0);
    assert_int_equal(file_remove_tree(tree, ERR_USAGE, &err), 0);
    assert_false(file_exists(tree));
    free(inside);
    free(tree);
}

static void names_are_sorted_by_bytes_and_leave_the_dots_out(void **state)
{
    struct err err;
    const char *const made[] = {"b", "B", "a10", "a9", ".hidden"};
    for (size_t i = 0; i < 5; i++) {
        char *path = file_join(*state, made[i]);
        assert_int_equal(file_write_atomic(path, "", 0, ERR_USAGE, &err), 0);
        free(path);
    }
    size_t n = 0;
    char **names = file_names(*state, &n, ERR_DATA, &err);
    const char *const expected[] = {".hidden", "B", "a10", "a9", "b"};
    assert_int_equal(n, 5);
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(names[i], expected[i]);
    assert_null(names[5]);
    file_names_free(names);
}

static void a_map_shows_the_bytes_and_an_empty_file_has_none(void **state)
{
    struct err err;
    struct file_map map;
    char *path = file_join(*state, "a");
    assert_int_equal(file_write_atomic(path, "bytes", 5, ERR_USAGE, &err), 0);
    assert_int_equal(file_map_open(&map, path, ERR_DATA, &err), 0);
    assert_int_equal(map.size, 5);
    assert_memory_equal(map.bytes, "bytes", 5);
    file_map_close(&map);
    assert_int_equal(file_write_atomic(path, "", 0, ERR_USAGE, &err), 0);
    assert_int_equal(file_map_open(&map, path, ERR_DATA, &err), 0);
    assert_true(map.bytes == NULL && map.size == 0);
    file_map_close(&map);
    free(path);
}

static void a_name_ends_with_what_stands_behind_something_else(void **state)
{
    (void)state;
    assert_true(file_name_ends("a.json", ".json"));
    assert_false(file_name_ends(".json", ".json"));
    assert_false(file_name_ends("a.json.tmp", ".json"));
    assert_false(file_name_ends("n", ".json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_ends_with_what_stands_behind_something_else),
        test_in_folder(what_was_written_is_read_back_and_leaves_no_temporary),
        test_in_folder(a_file_may_come_in_pieces_and_may_be_empty),
        test_in_folder(a_write_that_fails_leaves_the_old_file_and_no_temporary),
        test_in_folder(a_writer_that_is_dropped_leaves_no_trace),
        test_in_folder(a_file_that_cannot_be_renamed_into_place_leaves_no_temporary),
        test_in_folder(errors_name_path_and_reason_and_have_the_callers_code),
        test_in_folder(a_file_in_the_way_of_a_folder_is_an_error),
        test_in_folder(folders_are_made_all_the_way_and_may_be_there),
        test_in_folder(a_tree_is_removed_but_not_what_its_links_point_to),
        test_in_folder(a_link_that_takes_a_folders_place_meanwhile_is_not_followed),
        test_in_folder(a_folder_that_may_not_be_read_is_removed_where_it_is_empty),
        test_in_folder(names_are_sorted_by_bytes_and_leave_the_dots_out),
        test_in_folder(a_map_shows_the_bytes_and_an_empty_file_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
