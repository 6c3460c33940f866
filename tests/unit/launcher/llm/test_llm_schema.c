/* The schema of one answer: enums of what may change now, and nothing else. */
#include "tests/unit/launcher/llm/llm_fixture.h"
#include "tests/unit/support.h"

#include "launcher/llm/llm_schema.h"
#include "proto/schema/node.h"

/* The schemas of changes. */
static const struct node *changes_of(const struct node *root)
{
    static const char *const path[] = {"properties", "proposals", "items", "properties",
                                       "changes",    "items",     "anyOf"};
    for (size_t i = 0; i < sizeof path / sizeof *path; i++)
        root = node_get(root, path[i]);
    assert_non_null(root);
    return root;
}

static struct node *schema_of(const Trireme__Briefing *b, Trireme__Llm__Api api)
{
    struct err err;
    char *text = llm_schema_write(b, api, 2);
    struct node *root = json_node_read(text, strlen(text), "schema", ERR_DATA, &err);
    assert_non_null(root);
    free(text);
    return root;
}

static void assert_change(const struct node *change, const char *path, const char *values)
{
    const struct node *properties = node_get(change, "properties"),
                      *list = node_get(node_get(properties, "value"), "enum");
    char *found = mem_strdup("");
    assert_string_equal(node_get(node_get(properties, "path"), "enum")->children[0].text, path);
    for (size_t i = 0; i < list->n; i++) {
        char *more = mem_format("%s%s ", found, list->children[i].text);
        free(found);
        found = more;
    }
    assert_string_equal(found, values);
    free(found);
    assert_string_equal(node_get(change, "additionalProperties")->text, "false");
}

static void paths_words_and_numbers_are_enums_without_the_present_value(void **state)
{
    (void)state;
    Trireme__Briefing *b = llm_briefing();
    for (int api = 0; api < 2; api++) {
        struct node *root = schema_of(b, (Trireme__Llm__Api)api);
        const struct node *changes = changes_of(root);
        assert_int_equal(changes->n, 3);
        assert_change(&changes->children[0], "optimizer.lr", "0.00025 0.0005 0.002 0.004 ");
        assert_change(&changes->children[1], "schedule.kind", "linear constant ");
        assert_change(&changes->children[2], "optimizer.clip", "2 "); // of .25 .5 2 4 from .5 to 3
        node_free(root);
    }
    message_free(b);
}

/* Whether a key stands anywhere below. */
static bool has_key(const struct node *node, const char *key)
{
    for (size_t i = 0; i < node->n; i++)
        if ((node->children[i].key && !strcmp(node->children[i].key, key)) ||
            has_key(&node->children[i], key))
            return true;
    return false;
}

static void anthropics_has_no_keyword_that_its_decoder_does_not_know(void **state)
{
    (void)state;
    static const char *const foreign[] = {"maxItems",  "minimum", "maximum",
                                          "maxLength", "pattern", "oneOf"};
    Trireme__Briefing *b = llm_briefing();
    struct node *root = schema_of(b, TRIREME__LLM__API__anthropic);
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        assert_false(has_key(root, foreign[i]));
    node_free(root);
    root = schema_of(b, TRIREME__LLM__API__openai);
    assert_true(has_key(root, "maxItems"));
    node_free(root);
    message_free(b);
}

static void a_setting_without_values_is_not_offered(void **state)
{
    (void)state;
    Trireme__Briefing *b = llm_briefing();
    add_setting(b, "data.skip", "0"); // no ladder, and no multiple of 0
    struct node *root = schema_of(b, TRIREME__LLM__API__openai);
    assert_int_equal(changes_of(root)->n, 3);
    node_free(root);
    message_free(b);
    b = message_new(&trireme__briefing__descriptor);
    root = schema_of(b, TRIREME__LLM__API__openai); // nothing may change: still a schema
    assert_int_equal(changes_of(root)->n, 1);
    node_free(root);
    message_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_words_and_numbers_are_enums_without_the_present_value),
        cmocka_unit_test(anthropics_has_no_keyword_that_its_decoder_does_not_know),
        cmocka_unit_test(a_setting_without_values_is_not_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
