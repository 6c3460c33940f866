#include "tests/unit/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "proto/file/hugging_face_config.h"
#include "proto/schema/message.h"

static const char *const fixtures[] = {FIXTURES "/gpt2", FIXTURES "/llama"};

/* A folder whose config.json is that of the fixture with one text in place of another. */
static char *changed_config(const char *root, int fixture, const char *old, const char *new)
{
    struct err err;
    char *path = mem_format("%s/hf/config.json", fixtures[fixture]),
         *folder = file_join(root, "changed");
    size_t size = 0;
    char *json = must_read(path, &size), *at = strstr(json, old);
    assert_non_null(at);
    char *changed = mem_format("%.*s%s%s", (int)(at - json), json, new, at + strlen(old));
    assert_int_equal(file_make_dirs(folder, ERR_USAGE, &err), 0);
    char *out = file_join(folder, "config.json");
    must_write(out, changed, strlen(changed));
    free(out);
    free(changed);
    free(json);
    free(path);
    return folder;
}

static void check_refused(const char *root, int fixture, const char *old, const char *new,
                          const char *sentence)
{
    struct err err;
    char *folder = changed_config(root, fixture, old, new);
    Trireme__Model *model = message_new(&trireme__model__descriptor), *before = message_copy(model);
    if (hugging_face_shape(model, folder, &err) == 0)
        fail_msg("taken, expected a refusal with \"%s\"", sentence);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "changed/config.json");
    assert_contains(err.text, sentence);
    assert_true(message_equal(model, before));
    message_free(before);
    message_free(model);
    free(folder);
}

static void settings_that_are_not_computed_here_are_refused(void **state)
{
    const char *root = *state;
    check_refused(root, 0, "\"gelu_new\"", "\"gelu\"",
                  "found activation_function gelu, which is not computed here, expected "
                  "one of: null gelu_new gelu_pytorch_tanh");
    check_refused(root, 0, "\"gelu_new\"", "\"\"", "activation_function");
    check_refused(root, 0, "\"gelu_new\"", "\"gelu_new\", \"scale_attn_weights\": false",
                  "scale_attn_weights false");
    check_refused(root, 1, "\"silu\"", "\"relu\"", "hidden_act relu");
    check_refused(root, 1, "\"silu\"", "\"silu\", \"attention_bias\": true", "attention_bias true");
    check_refused(root, 1, "\"silu\"", "\"silu\", \"rope_scaling\": {\"type\": \"linear\"}",
                  "rope_scaling {...}");
    check_refused(root, 1, "\"silu\"", "\"silu\", \"rope_parameters\": {\"rope_theta\": 5e5}",
                  "rope_parameters {...}");
    check_refused(root, 1, "\"silu\"", "\"silu\", \"head_dim\": 16",
                  "found head_dim 16 with 4 heads, expected 32 / 4");
    check_refused(root, 0, "\"gpt2\"", "\"bert\"",
                  "found model_type 'bert', expected gpt2 or llama");
}

static void fields_that_are_missing_or_none_are_refused(void **state)
{
    const char *root = *state;
    check_refused(root, 0, "\"n_layer\": 2", "\"other\": 2", "'n_layer' is missing");
    check_refused(root, 0, "\"n_layer\": 2", "\"n_layer\": null", "'n_layer' is missing");
    check_refused(root, 1, "\"intermediate_size\": 96", "\"other\": 2",
                  "'intermediate_size' is missing");
    check_refused(root, 0, "\"n_layer\": 2", "\"n_layer\": 0", "layers");
    check_refused(root, 0, "\"n_layer\": 2", "\"n_layer\": \"many\"", "layers");
    check_refused(root, 0, "\"n_layer\": 2", "\"n_layer\": [2]", "layers");
    check_refused(root, 0, "{", "", "config.json");
    check_refused(root, 0, "\"gpt2\"", "5", "model_type '5'");
}

static void a_shape_that_was_given_and_disagrees_is_refused_with_its_field(void **state)
{
    (void)state;
    struct err err;
    char *from = file_join(fixtures[1], "hf");
    Trireme__Model *model = message_new(&trireme__model__descriptor);
    model->has_arch = 1, model->arch = TRIREME__MODEL__ARCH__llama;
    model->has_width = 1, model->width = 64;
    assert_int_equal(hugging_face_shape(model, from, &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "model.width: the value given is not the one in ");
    assert_contains(err.text, "leave it out, or make them agree");
    assert_int_equal(model->width, 64);
    model->width = 32;
    model->has_ffn = 1, model->ffn = 0; // open sizes agree with anything
    assert_int_equal(hugging_face_shape(model, from, &err), 0);
    assert_int_equal(model->ffn, 96);
    message_free(model);
    free(from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(settings_that_are_not_computed_here_are_refused),
        test_in_folder(fields_that_are_missing_or_none_are_refused),
        test_in_folder(a_shape_that_was_given_and_disagrees_is_refused_with_its_field),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
