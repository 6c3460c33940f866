#include "tests/unit/proto/file/file_support.h"

#include "proto/file/hugging_face_config.h"
#include "proto/schema/message.h"

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

static void check_refused(const char *root, bool llama, const char *more, const char *sentence)
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

static void other_rotary_positions_are_refused_by_the_name_of_their_type(void **state)
{
    const char *root = *state;
    check_refused(root, true, ", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.0}",
                  "found rope_scaling of type 'linear', which is not computed here");
    check_refused(root, true,
                  ", \"rope_parameters\": {\"rope_theta\": 5e5, \"rope_type\": \"llama3\"}",
                  "found rope_parameters of type 'llama3', which is not computed here");
    check_refused(root, true,
                  ", \"rope_scaling\": {\"rope_type\": \"yarn\", \"type\": \"default\"}",
                  "rope_scaling of type 'yarn'");
    check_refused(root, true, ", \"rope_parameters\": {\"full_attention\": {\"rope_theta\": 1e4}}",
                  "rope_parameters for 'full_attention' apart");
    check_refused(root, true, ", \"rope_scaling\": \"linear\"", "found rope_scaling linear");
    check_refused(root, true, ", \"rope_theta\": 1e4, \"rope_parameters\": {\"rope_theta\": 5e5}",
                  "found rope_theta 10000 and 500000, expected one of them");
    check_refused(root, true, ", \"rope_parameters\": {\"partial_rotary_factor\": 0.5}",
                  "partial_rotary_factor 0.5");
    check_refused(root, true, ", \"partial_rotary_factor\": 0.25", "partial_rotary_factor 0.25");
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
    check_refused(*state, false, ", \"activation_function\": \"gelu\"", "activation_function gelu");
    check_refused(*state, true, ", \"hidden_act\": \"gelu\"", "hidden_act gelu");
    check_refused(*state, true, ", \"hidden_act\": \"si\\nlu\"", "hidden_act si?lu");
}

static void what_would_change_the_model_is_refused_by_name(void **state)
{
    const char *root = *state;
    check_refused(root, true, ", \"attention_bias\": true", "attention_bias true");
    check_refused(root, true, ", \"mlp_bias\": true", "mlp_bias true");
    check_refused(root, true, ", \"vocab_size\": 61, \"head_dim\": 16",
                  "found head_dim 16 with 4 heads, expected 32 / 4");
    check_refused(root, true, ", \"quantization_config\": {\"bits\": 4}", "quantization_config");
    check_refused(root, true, ", \"transformers_weights\": \"other.safetensors\"",
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
    check_refused(*state, true, ", \"vocab_size\": 61.5", "61.5");
    check_refused(*state, true, ", \"vocab_size\": 61, \"rms_norm_eps\": NaN", "NaN");
    check_refused(*state, true, ", \"vocab_size\": NaNN", "not JSON");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(theta_is_read_where_old_and_new_writers_put_it),
        test_in_folder(other_rotary_positions_are_refused_by_the_name_of_their_type),
        test_in_folder(names_of_one_function_are_all_taken),
        test_in_folder(what_would_change_the_model_is_refused_by_name),
        test_in_folder(whole_numbers_with_a_point_a_mark_and_nan_are_read_where_they_are_certain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
