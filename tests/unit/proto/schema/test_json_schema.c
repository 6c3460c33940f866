#include "tests/unit/proto/schema/schema_fixture.h"

#include "proto/schema/node.h"
#include "proto/schema/write.h"

#include "planner.pb-c.h"

/* The node that the keys of a path lead to, which are separated by /. */
static const struct node *get(const struct node *node, const char *path)
{
    while (*path) {
        size_t n = strcspn(path, "/"), i = 0;
        while (i < node->n &&
               (strncmp(node->children[i].key, path, n) != 0 || node->children[i].key[n]))
            i++;
        if (i == node->n)
            fail_msg("there is no %s", path);
        node = &node->children[i];
        path += n + (path[n] == '/');
    }
    return node;
}

static void json_schema_tells_types_bounds_defaults_units_and_when(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    char *json = json_schema_write(&trireme__config__descriptor);
    struct node *root = json_node_read(json, strlen(json), "schema", ERR_USAGE, &err);
    if (!root)
        fail_msg("%s", err.text);
    // clang-format off
    static const char *const expected[][2] = {
        {"$schema", "https://json-schema.org/draft/2020-12/schema"},
        {"additionalProperties", "false"},
        {"properties/optimizer/$ref", "#/$defs/Optimizer"},
        {"$defs/Optimizer/additionalProperties", "false"},
        {"$defs/Optimizer/properties/lr/type", "number"},
        {"$defs/Optimizer/properties/lr/minimum", "0"},
        {"$defs/Optimizer/properties/lr/maximum", "100"},
        {"$defs/Optimizer/properties/lr/default", "0.001"},
        {"$defs/Optimizer/properties/lr/description", "Learning rate at its highest."},
        {"$defs/Optimizer/properties/lr/x-unit", "1/step"},
        {"$defs/Optimizer/properties/lr/x-when", "live"},
        {"$defs/Model/properties/layers/type", "integer"},
        {"$defs/Model/properties/layers/minimum", "1"},
        {"$defs/Model/properties/layers/maximum", "1000"},
        {"$defs/Model/properties/layers/default", "6"},
        {"$defs/Model/properties/layers/x-when", "growth"},
        {"$defs/Model/properties/width/x-when", "never"},
        {"$defs/Model/properties/tied/type", "boolean"},
        {"$defs/Model/properties/arch/default", "gpt2"},
        {"$defs/Model/properties/arch/x-values/gpt2",
         "Learned positions, LayerNorm, GELU, biases, tied head."},
        {"$defs/Data/properties/sources/type", "array"},
        {"$defs/Data/properties/sources/items/$ref", "#/$defs/Source"},
        {"$defs/Source/properties/weight/x-when", "checkpoint"},
        {"$defs/Train/properties/seed/minimum", "0"},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_string_equal(get(root, expected[i][0])->text, expected[i][1]);
    const struct node *names = get(root, "$defs/Schedule/properties/kind/enum");
    assert_int_equal(names->n, 3);
    assert_string_equal(names->children[2].text, "constant");
    node_free(root);
    free(json);
}

static void json_schema_tells_of_an_object_with_any_keys(void **state)
{
    (void)state;
    struct err err = {.text = ""};
    char *json = json_schema_write(&trireme__proposals__descriptor);
    struct node *root = json_node_read(json, strlen(json), "schema", ERR_USAGE, &err);
    if (!root)
        fail_msg("%s", err.text);
    const struct node *defs = get(root, "$defs");
    const struct node *patch = get(defs, "Proposal/properties/patch");
    assert_string_equal(get(patch, "type")->text, "object");
    assert_int_equal(get(patch, "additionalProperties/type")->n, 3);
    assert_int_equal(defs->n, 1); // Change is no type of the JSON
    node_free(root);
    free(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_schema_tells_types_bounds_defaults_units_and_when),
        cmocka_unit_test(json_schema_tells_of_an_object_with_any_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
