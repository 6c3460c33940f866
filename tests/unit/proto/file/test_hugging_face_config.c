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
                  "one of: null gelu_new gelu_pytorch_tanh gelu_fast");
    check_refused(root, 0, "\"gelu_new\"", "\"\"", "activation_function");
    check_refused(root, 0, "\"gelu_new\"", "\"gelu_new\", \"scale_attn_weights\": false",
                  "scale_attn_weights false");
    check_refused(root, 1, "\"silu\"", "\"relu\"", "hidden_act relu");
    check_refused(root, 1, "\"silu\"", "\"silu\", \"head_dim\": 15",
                  "model.head_dim: found 15, expected an even number");
    check_refused(root, 0, "\"gpt2\"", "\"gpt2\", \"head_dim\": 16",
                  "model.head_dim: found with arch gpt2, expected arch llama");
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

/* A config.json of either architecture with more keys, and a text before it. */
static Trireme__Model *shape_of(const char *root, bool llama, const char *before, const char *more,
                                struct err *err)
{
    char *path = file_join(root, "config.json");
    char *json = llama
                     ? mem_format("%s{\"model_type\": \"llama\", \"hidden_size\": 32, "
                                  "\"intermediate_size\": 96, \"num_hidden_layers\": 2, "
                                  "\"num_attention_heads\": 4, \"max_position_embeddings\": 16%s}",
                                  before, more)
                     : mem_format("%s{\"model_type\": \"gpt2\", \"n_embd\": 32, \"n_layer\": 2, "
                                  "\"n_head\": 4, \"n_positions\": 16%s}",
                                  before, more);
    must_write(path, json, strlen(json));
    Trireme__Model *model = message_new(&trireme__model__descriptor);
    if (hugging_face_shape(model, root, err) < 0) {
        message_free(model);
        model = NULL;
    }
    free(json);
    free(path);
    return model;
}

static void check_added_refused(const char *root, bool llama, const char *more,
                                const char *sentence)
{
    struct err err;
    if (shape_of(root, llama, "", more, &err))
        fail_msg("taken, expected a refusal with \"%s\"", sentence);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "config.json");
    assert_contains(err.text, sentence);
}

static void check_theta(const char *root, const char *more, double theta)
{
    struct err err;
    char *keys = mem_format(", \"vocab_size\": 61%s", more);
    Trireme__Model *model = shape_of(root, true, "", keys, &err);
    if (!model)
        fail_msg("%s: %s", more, err.text);
    assert_true(model->rope_theta == theta);
    message_free(model);
    free(keys);
}

static void theta_is_read_where_old_and_new_writers_put_it(void **state)
{
    const char *root = *state;
    check_theta(root, "", 10000);
    check_theta(root, ", \"rope_theta\": 500000", 5e5);
    check_theta(root, ", \"rope_theta\": 5e5, \"rope_scaling\": null", 5e5);
    check_theta(root, ", \"rope_theta\": 5e5, \"rope_scaling\": {\"type\": \"default\"}", 5e5);
    check_theta(root, ", \"rope_parameters\": {\"rope_theta\": 5e5, \"rope_type\": \"default\"}",
                5e5);
    check_theta(root, ", \"rope_parameters\": {\"rope_theta\": 500000.0}", 5e5);
    check_theta(root, ", \"rope_theta\": 5e5, \"rope_parameters\": {\"rope_theta\": 500000}", 5e5);
    check_theta(
        root, ", \"rope_parameters\": {\"rope_theta\": 5e5, \"partial_rotary_factor\": 1.0}", 5e5);
}

static void check_rotary_refused(const char *root, const char *more, const char *sentence)
{
    char *keys = mem_format(", \"vocab_size\": 61%s", more);
    check_added_refused(root, true, keys, sentence);
    free(keys);
}

static void other_rotary_positions_are_refused_by_the_name_of_their_type(void **state)
{
    const char *root = *state;
    check_rotary_refused(root, ", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.0}",
                         "found rope_scaling of type 'linear' under the key 'type', which is not "
                         "computed here, expected rope_type");
    check_rotary_refused(root,
                         ", \"rope_parameters\": {\"rope_theta\": 5e5, \"rope_type\": \"dynamic\"}",
                         "found rope_parameters of type 'dynamic', which is not computed here, "
                         "expected default, linear or llama3");
    check_rotary_refused(root,
                         ", \"rope_scaling\": {\"rope_type\": \"yarn\", \"type\": \"default\"}",
                         "rope_scaling of type 'yarn'");
    check_rotary_refused(root,
                         ", \"rope_scaling\": {\"rope_type\": \"linear\", \"type\": \"dynamic\"}",
                         "found rope_type 'linear' and type 'dynamic' in rope_scaling");
    check_rotary_refused(root, ", \"rope_scaling\": {\"factor\": 2}",
                         "found rope_scaling with a factor and no type, expected rope_type");
    check_rotary_refused(root, ", \"rope_parameters\": {\"full_attention\": {\"rope_theta\": 1e4}}",
                         "rope_parameters for 'full_attention' apart");
    check_rotary_refused(root, ", \"rope_scaling\": \"linear\"", "found rope_scaling linear");
    check_rotary_refused(
        root, ", \"rope_theta\": 1e4, \"rope_parameters\": {\"rope_theta\": 5e5}",
        "found rope_theta 500000 in rope_parameters and 10000 in the outer object, "
        "expected one of them");
    check_rotary_refused(root,
                         ", \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2}, "
                         "\"rope_parameters\": {\"rope_theta\": 1e4}",
                         "found rope_type linear in rope_scaling and default in rope_parameters");
    check_rotary_refused(root,
                         ", \"rope_scaling\": {\"rope_type\": \"default\"}, "
                         "\"rope_parameters\": {\"rope_theta\": 5e5}",
                         "found rope_theta missing in rope_scaling and 500000 in rope_parameters");
    check_rotary_refused(root, ", \"rope_parameters\": {\"partial_rotary_factor\": 0.5}",
                         "partial_rotary_factor 0.5");
    check_rotary_refused(root, ", \"partial_rotary_factor\": 0.25", "partial_rotary_factor 0.25");
}

/* rope_scaling of llama3 with these four numbers. */
static char *llama3(const char *factor, const char *low, const char *high, const char *original)
{
    return mem_format(", \"vocab_size\": 61, \"rope_scaling\": {\"rope_type\": \"llama3\", "
                      "\"factor\": %s, \"low_freq_factor\": %s, \"high_freq_factor\": %s, "
                      "\"original_max_position_embeddings\": %s}",
                      factor, low, high, original);
}

static void check_llama3_refused(const char *root, const char *factor, const char *low,
                                 const char *high, const char *original, const char *sentence)
{
    char *more = llama3(factor, low, high, original);
    check_added_refused(root, true, more, sentence);
    free(more);
}

static void numbers_of_rotary_types_are_refused_with_what_was_found_and_expected(void **state)
{
    const char *root = *state;
    check_added_refused(root, true,
                        ", \"vocab_size\": 61, \"rope_parameters\": {\"rope_type\": \"linear\"}",
                        "found rotary positions of type 'linear' with factor missing, expected a "
                        "number of at least 1");
    check_llama3_refused(root, "null", "1", "4", "8", "with factor missing");
    check_llama3_refused(root, "NaN", "1", "4", "8",
                         "found factor 'NaN' in rope_scaling, expected a number");
    check_llama3_refused(root, "Infinity", "1", "4", "8", "found factor 'Infinity' in");
    check_llama3_refused(root, "0.5", "1", "4", "8", "with factor 0.5, expected");
    check_llama3_refused(root, "8", "0", "4", "8", "with low_freq_factor 0, expected a number ab");
    check_llama3_refused(root, "8", "1", "[4]", "8", "with high_freq_factor {...}");
    check_llama3_refused(root, "8", "1", "4", "null",
                         "with original_max_position_embeddings missing, expected a whole number");
    check_llama3_refused(root, "8", "1", "4", "8.5", "with original_max_position_embeddings 8.5");
    check_llama3_refused(root, "8", "4", "4.0", "8",
                         "with high_freq_factor 4, expected more than low_freq_factor 4");
    check_llama3_refused(root, "8", "1", "4", "16",
                         "with original_max_position_embeddings 16, expected less than "
                         "max_position_embeddings 16: they would stretch nothing");
    check_llama3_refused(root, "8", "1", "4",
                         "8, \"rope_theta\": 5e5}, \"rope_parameters\": "
                         "{\"rope_type\": \"llama3\", \"factor\": 4",
                         "found factor 8 in rope_scaling and 4 in rope_parameters");
    check_llama3_refused(root, "8", "1", "4",
                         "8}, \"original_max_position_embeddings\": 4, \"x\": {",
                         "found original_max_position_embeddings 8 in rope_scaling and 4 in the "
                         "outer object");
}

static void rotary_types_are_read_where_old_and_new_writers_put_them(void **state)
{
    struct err err;
    for (int i = 0; i < 3; i++) {
        char *more = llama3("8.0", "0.5", "4", "8");
        char *at = strstr(more, "rope_scaling");
        char *json = i == 0   ? mem_strdup(more)
                     : i == 1 ? mem_format("%.*srope_parameters%s", (int)(at - more), more,
                                           at + strlen("rope_scaling"))
                              : mem_format("%s, \"rope_theta\": 5e5, \"rope_parameters\": "
                                           "{\"rope_theta\": 500000.0, "
                                           "\"rope_type\": \"llama3\", \"factor\": 8}",
                                           more);
        Trireme__Model *model = shape_of(*state, true, "", json, &err);
        if (!model)
            fail_msg("%s", err.text);
        assert_int_equal(model->rope_type, TRIREME__MODEL__ROPE_TYPE__llama3);
        assert_true(model->rope_factor == 8 && model->rope_low_freq_factor == 0.5 &&
                    model->rope_high_freq_factor == 4);
        assert_int_equal(model->rope_original_context, 8);
        assert_true(model->rope_theta == (i == 2 ? 5e5 : 1e4));
        message_free(model);
        free(json);
        free(more);
    }
    Trireme__Model *model =
        shape_of(*state, true, "",
                 ", \"vocab_size\": 61, \"rope_scaling\": {\"rope_type\": \"linear\", \"type\": "
                 "\"linear\", \"factor\": 2.5}",
                 &err);
    if (!model)
        fail_msg("%s", err.text);
    assert_int_equal(model->rope_type, TRIREME__MODEL__ROPE_TYPE__linear);
    assert_true(model->rope_factor == 2.5);
    message_free(model);
}

static void heads_and_biases_are_read_and_what_says_nothing_is_no_setting(void **state)
{
    struct err err;
    Trireme__Model *model = shape_of(*state, true, "",
                                     ", \"vocab_size\": 61, \"head_dim\": 10, "
                                     "\"attention_bias\": true, \"mlp_bias\": true",
                                     &err);
    if (!model)
        fail_msg("%s", err.text);
    assert_int_equal(model->head_dim, 10);
    assert_true(model->attention_bias && model->mlp_bias);
    message_free(model);
    model = shape_of(*state, true, "",
                     ", \"vocab_size\": 61, \"head_dim\": 8, \"attention_bias\": false, "
                     "\"mlp_bias\": null, \"rope_scaling\": {\"rope_type\": \"default\"}",
                     &err);
    if (!model)
        fail_msg("%s", err.text);
    assert_false(model->has_head_dim || model->has_attention_bias || model->has_mlp_bias ||
                 model->has_rope_type);
    message_free(model);
    check_added_refused(*state, true, ", \"vocab_size\": 61, \"attention_bias\": 2",
                        "attention_bias");
}

static void names_of_one_function_are_all_taken(void **state)
{
    static const char *const gelu[] = {"gelu_new", "gelu_pytorch_tanh", "gelu_fast",
                                       "gelu_accurate", "gelu_python_tanh"};
    static const char *const silu[] = {"silu", "swish"};
    struct err err;
    for (int llama = 0; llama < 2; llama++)
        for (size_t i = 0; i < (llama ? 2 : 5); i++) {
            char *more = llama ? mem_format(", \"vocab_size\": 61, \"hidden_act\": \"%s\"", silu[i])
                               : mem_format(", \"vocab_size\": 61, \"activation_function\": \"%s\"",
                                            gelu[i]);
            Trireme__Model *model = shape_of(*state, llama, "", more, &err);
            if (!model)
                fail_msg("%s", err.text);
            message_free(model);
            free(more);
        }
    check_added_refused(*state, false, ", \"activation_function\": \"gelu\"",
                        "activation_function gelu");
    check_added_refused(*state, true, ", \"hidden_act\": \"gelu\"", "hidden_act gelu");
    check_added_refused(*state, true, ", \"hidden_act\": \"si\\nlu\"", "hidden_act si?lu");
}

static void what_would_change_the_model_is_refused_by_name(void **state)
{
    const char *root = *state;
    check_added_refused(root, true, ", \"quantization_config\": {\"bits\": 4}",
                        "quantization_config");
    check_added_refused(root, true, ", \"transformers_weights\": \"other.safetensors\"",
                        "transformers_weights other.safetensors");
}

static void whole_numbers_with_a_point_a_mark_and_nan_are_read_where_they_are_certain(void **state)
{
    struct err err;
    Trireme__Model *model =
        shape_of(*state, true, "\xef\xbb\xbf",
                 ", \"vocab_size\": 61.0, \"initializer_range\": NaN, \"a\": [-Infinity, 1], "
                 "\"b\": \"it is \\\"NaN\\\" here\", \"head_dim\": 8.0",
                 &err);
    if (!model)
        fail_msg("%s", err.text);
    assert_int_equal(model->vocab, 61);
    message_free(model);
    check_added_refused(*state, true, ", \"vocab_size\": 61.5", "61.5");
    check_added_refused(*state, true, ", \"vocab_size\": 61, \"rms_norm_eps\": NaN", "NaN");
    check_added_refused(*state, true, ", \"vocab_size\": NaNN", "not JSON");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(settings_that_are_not_computed_here_are_refused),
        test_in_folder(fields_that_are_missing_or_none_are_refused),
        test_in_folder(a_shape_that_was_given_and_disagrees_is_refused_with_its_field),
        test_in_folder(theta_is_read_where_old_and_new_writers_put_it),
        test_in_folder(other_rotary_positions_are_refused_by_the_name_of_their_type),
        test_in_folder(numbers_of_rotary_types_are_refused_with_what_was_found_and_expected),
        test_in_folder(rotary_types_are_read_where_old_and_new_writers_put_them),
        test_in_folder(heads_and_biases_are_read_and_what_says_nothing_is_no_setting),
        test_in_folder(names_of_one_function_are_all_taken),
        test_in_folder(what_would_change_the_model_is_refused_by_name),
        test_in_folder(whole_numbers_with_a_point_a_mark_and_nan_are_read_where_they_are_certain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
