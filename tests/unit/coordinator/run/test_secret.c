/* The secret of a run. The values of tokens and of what a passphrase gives were computed with
 * Python's hmac and hashlib. */
#include "tests/unit/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "coordinator/run/secret.h"

#include <sys/stat.h>
#include <unistd.h>

static const char key_text[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
                  id_text[] = "00112233445566778899aabbccddeeff\n";

static void put(const char *run, const char *name, const char *text, mode_t mode)
{
    char *path = file_join(run, name);
    must_write(path, text, strlen(text));
    assert_int_equal(chmod(path, mode), 0);
    free(path);
}

static struct secret *make(const char *run, const char *where)
{
    struct err err = {.text = ""};
    struct secret *secret = NULL;
    if (secret_make(&secret, run, where, &err) < 0)
        fail_msg("%s", err.text);
    return secret;
}

static void refused(const char *run, const char *where, const char *part)
{
    struct err err = {.text = ""};
    struct secret *secret = NULL;
    assert_int_equal(secret_make(&secret, run, where, &err), -1);
    assert_null(secret);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, part);
}

static char *token_of(const struct secret *secret)
{
    char *token = mem_new(SECRET_TOKEN_SIZE, 1);
    secret_token(token, secret, "mcp", "propose");
    return token;
}

static mode_t mode_of(const char *run, const char *name)
{
    struct stat st;
    char *path = file_join(run, name);
    assert_int_equal(stat(path, &st), 0);
    free(path);
    return st.st_mode & 07777;
}

static void the_first_launch_makes_it_and_all_later_ones_find_the_same(void **state)
{
    const mode_t before = umask(0);
    struct secret *first = make(*state, "");
    umask(before);
    assert_int_equal(mode_of(*state, "secret"), 0600);
    struct secret *second = make(*state, "");
    char *a = token_of(first), *b = token_of(second), *text = must_read_in(*state, "secret", NULL);
    assert_string_equal(a, b);
    assert_int_equal(strlen(text), 65);
    assert_false(secret_separates(first));
    struct err err = {.text = ""};
    struct secret *client = NULL;
    assert_int_equal(secret_open(&client, *state, "", &err), 1);
    char *c = token_of(client);
    assert_string_equal(a, c);
    secret_free(client);
    secret_free(second);
    secret_free(first);
    free(c);
    free(text);
    free(b);
    free(a);
}

static void two_runs_have_two_secrets_and_two_names(void **state)
{
    char *other = file_join(*state, "other");
    assert_int_equal(mkdir(other, 0700), 0);
    secret_free(make(*state, ""));
    secret_free(make(other, ""));
    for (int i = 0; i < 2; i++) {
        char *a = must_read_in(*state, i ? "id" : "secret", NULL),
             *b = must_read_in(other, i ? "id" : "secret", NULL);
        assert_string_not_equal(a, b);
        free(b);
        free(a);
    }
    free(other);
}

static void a_token_follows_from_purpose_role_run_and_secret(void **state)
{
    put(*state, "secret", key_text, 0600);
    put(*state, "id", id_text, 0600);
    struct secret *secret = make(*state, "");
    char token[SECRET_TOKEN_SIZE], *propose = token_of(secret);
    assert_string_equal(propose,
                        "08a86dd01717f9ae88089d1a1502422adce18e73192c9e95ea62366cdcc0ac98");
    secret_token(token, secret, "mcp", "approve");
    assert_string_equal(token, "7b6f3033aa0e1da91decbe4ba9437115349c1fb6a962f3b195a7d173f4eca445");
    assert_true(secret_token_fits(secret, "mcp", "propose", propose));
    assert_false(secret_token_fits(secret, "mcp", "approve", propose));
    assert_false(secret_token_fits(secret, "page", "propose", propose));
    assert_false(secret_token_fits(secret, "mcp", "propose", NULL));
    assert_false(secret_token_fits(secret, "mcp", "propose", ""));
    propose[63] ^= 1;
    assert_false(secret_token_fits(secret, "mcp", "propose", propose));
    unsigned char mac[HMAC_SIZE];
    char hex[2 * HMAC_SIZE + 1];
    secret_mac(mac, secret, "request", "{}");
    hmac_hex(hex, mac, sizeof mac);
    assert_string_equal(hex, "2d3e15d5d59958e9bd68467518eeebfcc59247e87b5b92f7630adb1e35c56db6");
    secret_free(secret);
    free(propose);
}

static void a_file_that_others_can_read_is_refused(void **state)
{
    static const mode_t modes[] = {0640, 0604, 0620, 0660, 0644, 0601};
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
        put(*state, "secret", key_text, modes[i]);
        refused(*state, "", "expected 0600");
    }
    put(*state, "secret", key_text, 0400);
    secret_free(make(*state, ""));
}

static void a_file_with_other_bytes_a_link_or_a_folder_is_refused(void **state)
{
    static const char *const others[] = {"", "\n", "0011\n",
                                         "X00102030405060708090a0b0c0d0e0f101112"
                                         "131415161718191a1b1c1d1e1f\n"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        put(*state, "secret", others[i], 0600);
        refused(*state, "", "expected 64 hexadecimal digits");
    }
    char *path = file_join(*state, "secret"), *real = file_join(*state, "real");
    unlink(path);
    put(*state, "real", key_text, 0600);
    assert_int_equal(symlink(real, path), 0);
    refused(*state, "", "it is a link");
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    refused(*state, "", "expected a regular file");
    free(real);
    free(path);
}

static void a_file_of_another_user_is_refused_unless_it_is_named(void **state)
{
    if (geteuid() != 0)
        skip(); // only root can give a file away
    char *run = file_join(*state, "run"), *path = file_join(run, "secret");
    assert_int_equal(mkdir(run, 0700), 0);
    put(run, "secret", key_text, 0600);
    assert_int_equal(chown(path, 4711, (gid_t)-1), 0);
    refused(run, "", "found a file of user 4711, expected one of user 0");
    unlink(path);
    put(*state, "kept", key_text, 0600);
    char *kept = file_join(*state, "kept");
    assert_int_equal(chown(kept, 4711, (gid_t)-1), 0);
    struct secret *secret = make(run, kept);
    assert_true(secret_separates(secret));
    assert_false(file_exists(path));
    secret_free(secret);
    free(kept);
    free(path);
    free(run);
}

static void a_named_file_lies_outside_of_the_run_and_is_as_private(void **state)
{
    char *run = file_join(*state, "run"), *inside = file_join(run, "mine"),
         *outside = file_join(*state, "mine");
    assert_int_equal(mkdir(run, 0700), 0);
    refused(run, "mine", "expected an absolute path, or ask");
    refused(run, outside, "cannot open: No such file");
    put(run, "mine", key_text, 0600);
    refused(run, inside, "is in the run's folder");
    put(*state, "mine", key_text, 0644);
    refused(run, outside, "expected 0600");
    put(*state, "mine", key_text, 0600);
    put(run, "id", id_text, 0600);
    struct secret *secret = make(run, outside);
    char *token = token_of(secret);
    assert_string_equal(token, "08a86dd01717f9ae88089d1a1502422adce18e73192c9e95ea62366cdcc0ac98");
    secret_free(secret);
    free(token);
    free(outside);
    free(inside);
    free(run);
}

static void who_cannot_read_it_is_told_so_and_no_error_is_made_of_it(void **state)
{
    struct err err = {.text = ""};
    struct secret *secret = NULL;
    assert_int_equal(secret_open(&secret, *state, "", &err), 0);
    assert_contains(err.text, "train it once");
    assert_null(secret);
    assert_int_equal(secret_open(&secret, *state, "/nowhere/at/all", &err), 0);
    put(*state, "secret", key_text, 0644);
    assert_int_equal(secret_open(&secret, *state, "", &err), -1);
    assert_null(secret);
}

static struct secret *derive(const char *run, const char *passphrase, bool new)
{
    struct err err = {.text = ""};
    struct secret *secret = NULL;
    if (secret_derive(&secret, run, passphrase, new, &err) < 0)
        fail_msg("%s", err.text);
    return secret;
}

static void a_passphrase_gives_the_launch_and_its_clients_the_same_secret(void **state)
{
    struct err err = {.text = ""};
    struct secret *secret = NULL;
    assert_true(secret_is_asked("ask") && !secret_is_asked("") && !secret_is_asked("/ask"));
    assert_true(secret_is_new(*state));
    refused(*state, "ask", "nobody asked for the passphrase");
    assert_int_equal(secret_derive(&secret, *state, "long enough", false, &err), -1);
    assert_int_equal(secret_derive(&secret, *state, "short", true, &err), -1);
    assert_contains(err.text, "expected at least 8");
    secret = derive(*state, "long enough", true);
    assert_false(secret_is_new(*state));
    assert_int_equal(secret_hand_over(secret, *state, &err), 0);
    assert_int_equal(mode_of(*state, "secret.once"), 0600);
    secret_free(secret);
    secret = make(*state, "ask");
    assert_true(secret_separates(secret));
    char *once = file_join(*state, "secret.once"), *kept = file_join(*state, "secret");
    assert_false(file_exists(once));
    assert_false(file_exists(kept));
    struct secret *client = derive(*state, "long enough", false);
    char *a = token_of(secret), *b = token_of(client);
    assert_string_equal(a, b);
    secret_free(client);
    secret_free(secret);
    assert_int_equal(secret_derive(&secret, *state, "long enougH", false, &err), -1);
    assert_contains(err.text, "not the passphrase of the run");
    free(kept);
    free(once);
    free(b);
    free(a);
}

static void a_passphrase_is_derived_by_pbkdf2(void **state)
{
    put(*state, "secret.salt",
        "2 000102030405060708090a0b0c0d0e0f "
        "0fbdf4ce52bb99f17da3a781ba58de6c32a27c2de35ee2445b380a5cc5cda7c0\n",
        0600);
    put(*state, "id", id_text, 0600);
    struct secret *secret = derive(*state, "correct horse", false);
    char *token = token_of(secret);
    assert_string_equal(token, "c12e6d6a9ab61b9c366070f3af4358f0f901430d71def003b308f6e1ebc666f3");
    free(token);
    secret_free(secret);
    struct err err;
    put(*state, "secret.salt", "2 0001", 0600);
    assert_int_equal(secret_derive(&secret, *state, "correct horse", true, &err), -1);
    assert_contains(err.text, "expected rounds, a salt and a check");
}

static void what_was_handed_over_by_another_launch_is_refused(void **state)
{
    secret_free(derive(*state, "long enough", true));
    put(*state, "secret.once", key_text, 0600);
    refused(*state, "ask", "another launch");
    put(*state, "secret.once", key_text, 0600);
    secret_take_away(*state);
    refused(*state, "ask", "nobody asked");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(the_first_launch_makes_it_and_all_later_ones_find_the_same),
        test_in_folder(two_runs_have_two_secrets_and_two_names),
        test_in_folder(a_token_follows_from_purpose_role_run_and_secret),
        test_in_folder(a_file_that_others_can_read_is_refused),
        test_in_folder(a_file_with_other_bytes_a_link_or_a_folder_is_refused),
        test_in_folder(a_file_of_another_user_is_refused_unless_it_is_named),
        test_in_folder(a_named_file_lies_outside_of_the_run_and_is_as_private),
        test_in_folder(who_cannot_read_it_is_told_so_and_no_error_is_made_of_it),
        test_in_folder(a_passphrase_gives_the_launch_and_its_clients_the_same_secret),
        test_in_folder(a_passphrase_is_derived_by_pbkdf2),
        test_in_folder(what_was_handed_over_by_another_launch_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
