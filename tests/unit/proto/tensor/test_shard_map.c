#include "tests/unit/proto/tensor/shape_fixture.h"

#include "proto/tensor/layout.h"
#include "proto/tensor/model_shape.h"
#include "proto/tensor/shard_map.h"

static void shards_cover_all_blocks_for_every_number_of_servers(void **state)
{
    (void)state;
    Trireme__Model model = TRIREME__MODEL__INIT;
    shape_fixture_set(&model, TRIREME__MODEL__ARCH__gpt2);
    struct layout *layout = layout_new(&model);
    struct shard shards[100];
    struct err err;
    for (size_t n = 1; n <= layout->n_blocks; n++) {
        assert_int_equal(shard_map(shards, n, layout, &err), 0);
        size_t block = 0;
        for (size_t s = 0; s < n; s++) {
            assert_int_equal(shards[s].first_block, block);
            assert_true(shards[s].n_blocks > 0);
            block += shards[s].n_blocks;
        }
        assert_int_equal(block, layout->n_blocks);
    }
    assert_int_equal(shard_map(shards, layout->n_blocks + 1, layout, &err), -1);
    assert_contains(err.text, "servers: found");
    layout_free(layout);
}

static void shards_of_a_large_model_are_even_within_one_block(void **state)
{
    (void)state;
    Trireme__Model model = TRIREME__MODEL__INIT;
    struct err err;
    assert_int_equal(model_shape_resolve(&model, &err), 0);
    struct layout *layout = layout_new(&model);
    struct shard shards[7];
    assert_int_equal(shard_map(shards, 7, layout, &err), 0);
    for (size_t s = 0; s < 7; s++)
        assert_true(shards[s].count > layout->n_params / 7 - 2 * BLOCK_ELEMENTS &&
                    shards[s].count < layout->n_params / 7 + 2 * BLOCK_ELEMENTS);
    layout_free(layout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_cover_all_blocks_for_every_number_of_servers),
        cmocka_unit_test(shards_of_a_large_model_are_even_within_one_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
