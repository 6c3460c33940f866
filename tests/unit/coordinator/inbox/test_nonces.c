#include "tests/unit/support.h"

#include "base/file.h"
#include "coordinator/inbox/nonces.h"

#include <sys/stat.h>
#include <unistd.h>

static struct nonces *opened(const char *run)
{
    struct err err = {.text = ""};
    struct nonces *nonces = nonces_open(run, &err);
    if (!nonces)
        fail_msg("%s", err.text);
    return nonces;
}

static int take(struct nonces *nonces, uint64_t time, unsigned n, struct err *err)
{
    char nonce[33];
    snprintf(nonce, sizeof nonce, "%032x", n);
    return nonces_take(nonces, time, nonce, err);
}

static void must_take(struct nonces *nonces, uint64_t time, unsigned n)
{
    struct err err = {.text = ""};
    if (take(nonces, time, n, &err) < 0)
        fail_msg("%s", err.text);
}

static void must_refuse(struct nonces *nonces, uint64_t time, unsigned n, const char *part)
{
    struct err err = {.text = ""};
    assert_int_equal(take(nonces, time, n, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, part);
}

static void a_nonce_is_taken_once_also_by_a_later_launch(void **state)
{
    struct nonces *nonces = opened(*state);
    must_take(nonces, 100, 1);
    must_take(nonces, 100, 2); // another one of that time
    must_take(nonces, 50, 3);  // of a clock that is behind
    must_refuse(nonces, 100, 1, "taken before");
    must_refuse(nonces, 101, 1, "taken before");
    nonces_free(nonces);
    nonces = opened(*state);
    for (unsigned n = 1; n <= 3; n++)
        must_refuse(nonces, n == 3 ? 50 : 100, n, "taken before");
    must_take(nonces, 100, 4);
    nonces_free(nonces);
}

static void so_many_are_remembered_and_what_is_older_is_refused(void **state)
{
    struct nonces *nonces = opened(*state);
    for (unsigned n = 1; n <= NONCES_MAX; n++)
        must_take(nonces, 1000 + n, n);
    must_take(nonces, 1, 5000); // older than all, and forgotten at once
    must_refuse(nonces, 1, 5000, "older than the newest 1024");
    must_refuse(nonces, 1, 5001, "older than the newest 1024");
    must_take(nonces, 2, 5002);
    must_take(nonces, 3000, 5003); // forgets that of 1001
    for (int again = 0; again < 2; again++) {
        must_refuse(nonces, 1001, 1, "older than the newest 1024");
        must_refuse(nonces, 1001, 6000, "older than the newest 1024");
        must_refuse(nonces, 1002, 2, "taken before");
        must_refuse(nonces, 1000 + NONCES_MAX, NONCES_MAX, "taken before");
        must_refuse(nonces, 3000, 5003, "taken before");
        nonces_free(nonces);
        nonces = opened(*state);
    }
    must_take(nonces, 1500, 7000);
    nonces_free(nonces);
    char *text = must_read_in(*state, "nonces", NULL);
    size_t lines = 0;
    for (const char *s = text; *s; s++)
        lines += *s == '\n';
    assert_int_equal(lines, 1 + NONCES_MAX);
    free(text);
}

static void what_cannot_be_written_down_is_not_taken(void **state)
{
    if (geteuid() == 0) { // nobody keeps root from writing, but there is no folder any more
        char *gone = file_join(*state, "gone");
        assert_int_equal(mkdir(gone, 0700), 0);
        struct nonces *nonces = opened(gone);
        struct err err = {.text = ""};
        assert_int_equal(rmdir(gone), 0);
        assert_int_equal(take(nonces, 5, 1, &err), -1);
        assert_int_equal(err.code, ERR_TRAIN);
        assert_int_equal(mkdir(gone, 0700), 0);
        must_take(nonces, 5, 1);
        nonces_free(nonces);
        free(gone);
        return;
    }
    struct nonces *nonces = opened(*state);
    struct err err = {.text = ""};
    assert_int_equal(chmod(*state, 0500), 0);
    assert_int_equal(take(nonces, 5, 1, &err), -1);
    assert_int_equal(err.code, ERR_TRAIN);
    assert_int_equal(chmod(*state, 0700), 0);
    must_take(nonces, 5, 1);
    nonces_free(nonces);
}

static void a_damaged_file_is_refused(void **state)
{
    static const char *const others[] = {
        "",
        "x\n",
        "5 6\n",
        "5\n7\n",
        "5\n7 0123\n",
        "5\n7 00000000000000000000000000000001 x\n",
        "5\nx 00000000000000000000000000000001\n",
        "5\n7 00000000000000000000000000000001\n8\n",
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        struct err err = {.text = ""};
        must_write_in(*state, "nonces", others[i], strlen(others[i]));
        assert_null(nonces_open(*state, &err));
        assert_int_equal(err.code, ERR_DATA);
        assert_contains(err.text, "expected a time and a nonce");
    }
    static const char good[] = "5\n7 00000000000000000000000000000001\n";
    must_write_in(*state, "nonces", good, strlen(good));
    struct nonces *nonces = opened(*state);
    must_refuse(nonces, 7, 1, "taken before");
    must_refuse(nonces, 5, 2, "older");
    nonces_free(nonces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_nonce_is_taken_once_also_by_a_later_launch),
        test_in_folder(so_many_are_remembered_and_what_is_older_is_refused),
        test_in_folder(what_cannot_be_written_down_is_not_taken),
        test_in_folder(a_damaged_file_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
