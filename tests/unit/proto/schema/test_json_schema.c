#include "tests/unit/proto/schema/schema_fixture.h"

#include "base/mem.h"
#include "proto/schema/message.h"
#include "proto/schema/node.h"
#include "proto/schema/walk.h"
#include "proto/schema/write.h"

#include "command.pb-c.h"
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
    assert_int_equal(defs->n, 2); // Proposal and Call; Change is no type of the JSON
    node_free(root);
    free(json);
}

static bool has(const struct node *node, const char *key)
{
    return node_get(node, key) != NULL;
}

static struct node *must_read_schema(char *json)
{
    struct err err = {.text = ""};
    assert_null(strchr(json, '\n')); // one line
    struct node *root = json_node_read(json, strlen(json), "schema", ERR_USAGE, &err);
    if (!root)
        fail_msg("%s", err.text);
    free(json);
    return root;
}

static void the_schema_of_a_tools_request_leaves_out_what_the_server_knows(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *type = &trireme__proposals_show_request__descriptor;
    const struct field_doc *run =
        field_doc(type, protobuf_c_message_descriptor_get_field_by_name(type, "run"));
    struct node *all = must_read_schema(json_schema_request(type, NULL)),
                *tool = must_read_schema(json_schema_request(type, run));
    assert_true(has(node_get(all, "properties"), "run"));
    assert_int_equal(node_get(all, "required")->n, 2);
    assert_false(has(node_get(tool, "properties"), "run"));
    assert_int_equal(node_get(tool, "required")->n, 1);
    assert_string_equal(node_get(tool, "required")->children[0].text, "number");
    assert_string_equal(get(tool, "properties/number/minimum")->text, "1");
    assert_false(has(tool, "$schema"));
    assert_false(has(get(tool, "properties/number"), "x-when"));
    assert_false(has(tool, "$defs")); // nothing is below it
    node_free(all);
    node_free(tool);
}

static void the_schema_of_a_public_reply_knows_no_private_field(void **state)
{
    (void)state;
    const ProtobufCMessageDescriptor *type = &trireme__proposals_show_reply__descriptor;
    struct node *all = must_read_schema(json_schema_reply(type, false)),
                *some = must_read_schema(json_schema_reply(type, true));
    assert_true(has(get(all, "$defs/PairRow/properties"), "trunk_loss"));
    assert_false(has(get(some, "$defs/PairRow/properties"), "trunk_loss"));
    assert_true(has(get(some, "$defs/PairRow/properties"), "step"));
    assert_true(has(get(all, "$defs/Judgement/properties"), "mean"));
    assert_false(has(get(some, "$defs/Judgement/properties"), "mean"));
    assert_string_equal(get(all, "$defs/PairRow/properties/trunk_loss/type")->children[1].text,
                        "null"); // as json_write writes nan
    node_free(all);
    node_free(some);
}

static void public_json_leaves_out_private_fields_at_every_depth(void **state)
{
    (void)state;
    Trireme__ProposalsShowReply *reply = message_new(&trireme__proposals_show_reply__descriptor);
    Trireme__Attempt *attempt = reply->forward;
    attempt->n_pairs = 1;
    attempt->pairs = mem_new(1, sizeof *attempt->pairs);
    attempt->pairs[0] = message_new(&trireme__pair_row__descriptor);
    attempt->pairs[0]->has_step = true, attempt->pairs[0]->step = 7;
    attempt->pairs[0]->has_gain = true, attempt->pairs[0]->gain = 0.125;
    attempt->judgement->has_mean = true, attempt->judgement->mean = 0.0625;
    reply->reason = mem_strdup("/a/path");
    char *all = json_write(reply), *some = json_write_public(reply);
    assert_contains(all, "0.125");
    assert_contains(all, "0.0625");
    assert_contains(all, "/a/path");
    assert_contains(some, "\"pairs\":[{\"step\":7}]");
    assert_null(strstr(some, "0.125"));
    assert_null(strstr(some, "0.0625"));
    assert_null(strstr(some, "/a/path"));
    free(all);
    free(some);
    message_free(reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_schema_tells_types_bounds_defaults_units_and_when),
        cmocka_unit_test(json_schema_tells_of_an_object_with_any_keys),
        cmocka_unit_test(the_schema_of_a_tools_request_leaves_out_what_the_server_knows),
        cmocka_unit_test(the_schema_of_a_public_reply_knows_no_private_field),
        cmocka_unit_test(public_json_leaves_out_private_fields_at_every_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
