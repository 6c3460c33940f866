/* The key: which files are taken, and that it is handed over once and hidden. */
#include "tests/unit/support.h"

#include "base/file.h"
#include "launcher/llm/llm_key.h"

#include <sys/stat.h>
#include <unistd.h>

static const char secret[] = "sk-test-0123456789";

static void refuses(const char *path, const char *part)
{
    struct err err = {.text = ""};
    assert_null(llm_key_read(path, &err));
    assert_contains(err.text, part);
    assert_null(strstr(err.text, secret));
}

static void a_file_that_others_can_read_is_refused(void **state)
{
    struct err err;
    char *path = file_join(*state, "key"), *link = file_join(*state, "link");
    must_write(path, "sk-test-0123456789\n", 19);
    chmod(path, 0640);
    refuses(path, "found mode 0640, expected 0600");
    chmod(path, 0600);
    struct llm_key *key = llm_key_read(path, &err);
    assert_string_equal(llm_key_text(key), secret);
    llm_key_free(key);
    assert_int_equal(symlink(path, link), 0);
    refuses(link, "it is a link");
    refuses(*state, "expected a regular file");
    must_write(path, "two words\n", 10);
    chmod(path, 0600);
    refuses(path, "found no key");
    must_write(path, "", 0);
    chmod(path, 0600);
    refuses(path, "found no key");
    free(link);
    free(path);
}

static void it_is_handed_over_once(void **state)
{
    struct err err;
    struct stat st;
    char *path = file_join(*state, "secret.llm");
    struct llm_key *key = llm_key_new(secret, strlen(secret), "key", &err);
    assert_int_equal(llm_key_hand_over(key, *state, &err), 0);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    llm_key_free(key);
    key = llm_key_take(*state, &err);
    assert_string_equal(llm_key_text(key), secret);
    llm_key_free(key);
    assert_false(file_exists(path));
    assert_null(llm_key_take(*state, &err));
    free(path);
}

static void each_place_that_quotes_it_is_hidden(void **state)
{
    (void)state;
    struct err err;
    struct llm_key *key = llm_key_new(secret, strlen(secret), "key", &err);
    char text[] = "sk-test-0123456789 and sk-test-0123456789sk-test-0123456789.";
    llm_key_hide(text, strlen(text), key);
    assert_null(strstr(text, "sk-"));
    assert_contains(text, " and ***");
    llm_key_hide(text, strlen(text), NULL);
    llm_key_free(key);
    llm_key_free(NULL);
}

static void a_quotation_in_escapes_of_json_is_hidden(void **state)
{
    (void)state;
    struct err err;
    struct llm_key *key = llm_key_new("sk/ab+cd==", 10, "key", &err);
    char text[] =
        "{\"a\":\"sk\\/ab+cd==\",\"b\":\"\\u0073k\\u002Fab\\u002bcd==\",\"c\":\"sk/ab\\u\"}";
    llm_key_hide(text, strlen(text), key);
    assert_string_equal(text, "{\"a\":\"***********\",\"b\":\"*************************\","
                              "\"c\":\"sk/ab\\u\"}");
    llm_key_free(key);
}

static void a_word_that_is_no_secret_is_left(void **state)
{
    (void)state;
    struct err err;
    struct llm_key *key = llm_key_new("null", 4, "key", &err);
    char text[] = "{\"refusal\":null}";
    llm_key_hide(text, strlen(text), key);
    assert_string_equal(text, "{\"refusal\":null}");
    llm_key_free(key);
}

/* The flags of the mapping that an address is in, as the kernel tells them; the caller's. */
static char *flags_at(const void *address)
{
    FILE *f = fopen("/proc/self/smaps", "r");
    char *line = NULL, *flags = NULL;
    size_t room = 0;
    bool inside = false;
    assert_non_null(f);
    while (!flags && getline(&line, &room, f) > 0) {
        unsigned long long from, to;
        if (sscanf(line, "%llx-%llx ", &from, &to) == 2)
            inside = (uintptr_t)address >= from && (uintptr_t)address < to;
        else if (inside && !strncmp(line, "VmFlags:", 8))
            flags = strdup(line);
    }
    fclose(f);
    free(line);
    assert_non_null(flags);
    return flags;
}

static void its_page_is_in_no_dump_and_no_child(void **state)
{
    (void)state;
    struct err err;
    struct llm_key *key = llm_key_new(secret, strlen(secret), "key", &err);
    char *flags = flags_at(llm_key_text(key));
    assert_contains(flags, " dd"); // do not dump
    assert_contains(flags, " wf"); // wiped on fork
    free(flags);
    llm_key_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_file_that_others_can_read_is_refused),
        test_in_folder(it_is_handed_over_once),
        cmocka_unit_test(each_place_that_quotes_it_is_hidden),
        cmocka_unit_test(a_quotation_in_escapes_of_json_is_hidden),
        cmocka_unit_test(a_word_that_is_no_secret_is_left),
        cmocka_unit_test(its_page_is_in_no_dump_and_no_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
