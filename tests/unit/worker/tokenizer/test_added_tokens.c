#include "tests/unit/support.h"

#include "worker/tokenizer/added_tokens.h"

static void add(struct added_tokens *added, const char *name, uint32_t id, bool is_special)
{
    added_tokens_add(added, name, strlen(name), id, is_special);
}

static struct added_tokens *make(void)
{
    struct added_tokens *added = calloc(1, sizeof *added);
    add(added, "<a>", 1, true);
    add(added, "<a><b>", 2, true);
    add(added, "<b>", 3, false);
    add(added, "x", 4, false);
    add(added, "xyz", 5, false);
    add(added, "<a", 6, false);
    added_tokens_end(added);
    return added;
}

/* "place:id place:id .." */
static void assert_found(const char *text, bool with_specials, const char *expected)
{
    struct added_tokens *added = make();
    char found[200] = "";
    size_t at, from = 0, size = strlen(text);
    const struct added_token *token;
    while ((token = added_tokens_find(added, &at, (const unsigned char *)text, size, from,
                                      with_specials)) != NULL) {
        snprintf(found + strlen(found), sizeof found - strlen(found), "%zu:%u ", at, token->id);
        from = at + token->size;
    }
    assert_string_equal(found, expected);
    added_tokens_clear(added);
    free(added);
}

static void the_longest_name_at_a_place_wins(void **state)
{
    (void)state;
    assert_found("<a><b><a>-<a", true, "0:2 6:1 10:6 ");
    assert_found("xyxyzx", true, "0:4 2:5 5:4 ");
    assert_found("", true, "");
    assert_found("<", true, "");
}

static void a_special_name_is_passed_over_with_all_its_bytes(void **state)
{
    (void)state;
    assert_found("<a><b>x<a> <a<b>", false, "6:4 11:6 13:3 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_name_at_a_place_wins),
        cmocka_unit_test(a_special_name_is_passed_over_with_all_its_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
