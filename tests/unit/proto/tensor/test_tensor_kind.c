#include "tests/unit/proto/tensor/shape_fixture.h"

#include "proto/tensor/layout.h"
#include "proto/tensor/tensor_kind.h"

static const struct {
    const char *name;
    enum tensor_kind kind;
    int layer;
} expected[] = {
  // clang-format off
    {"embed.token.weight",     TENSOR_EMBEDDING,    -1},
    {"embed.position.weight",  TENSOR_EMBEDDING,    -1},
    {"layers.0.norm1.weight",  TENSOR_NORM,         0 },
    {"layers.11.attn.qkv.bias", TENSOR_ATTENTION,   11},
    {"layers.1.attn.out.weight", TENSOR_ATTENTION,  1 },
    {"layers.2.norm2.bias",    TENSOR_NORM,         2 },
    {"layers.1.mlp.up.weight", TENSOR_FEED_FORWARD, 1 },
    {"layers.1.mlp.down.bias", TENSOR_FEED_FORWARD, 1 },
    {"norm.weight",            TENSOR_NORM,         -1},
    {"head.weight",            TENSOR_OUTPUT,       -1},
  // clang-format on
};

static void a_tensor_is_of_the_kind_and_layer_that_its_name_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        struct tensor tensor = {0};
        int layer = 7;
        snprintf(tensor.name, sizeof tensor.name, "%s", expected[i].name);
        const enum tensor_kind kind = tensor_kind_of(&tensor, &layer);
        if (kind != expected[i].kind || layer != expected[i].layer)
            fail_msg("%s: found kind %d of layer %d", tensor.name, (int)kind, layer);
    }
}

/* Of every layout: each kind has elements, each layer those of three kinds. */
static void every_tensor_of_a_layout_has_one(void **state)
{
    (void)state;
    for (int arch = 0; arch < 2; arch++) {
        Trireme__Model model = TRIREME__MODEL__INIT;
        shape_fixture_set(&model, (Trireme__Model__Arch)arch);
        model.tied = false;
        struct layout *layout = layout_new(&model);
        size_t n[N_TENSOR_KINDS] = {0}, of_layers = 0;
        for (size_t i = 0; i < layout->n_tensors; i++) {
            int layer;
            n[tensor_kind_of(&layout->tensors[i], &layer)]++;
            assert_in_range(layer + 1, 0, model.layers);
            of_layers += layer >= 0;
        }
        for (int k = 0; k < N_TENSOR_KINDS; k++)
            assert_true(n[k] > 0);
        assert_int_equal(n[TENSOR_ATTENTION] + n[TENSOR_FEED_FORWARD] + n[TENSOR_NORM],
                         of_layers + (arch == (int)TRIREME__MODEL__ARCH__gpt2 ? 2 : 1));
        layout_free(layout);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tensor_is_of_the_kind_and_layer_that_its_name_says),
        cmocka_unit_test(every_tensor_of_a_layout_has_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
