#include "tests/unit/support.h"

#include "base/mem.h"
#include "base/random.h"
#include "math/reduce.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/shard_map.h"
#include "ps/gather.h"

enum { COUNT = 37, LEAVES_MAX = 12 };

/* Blocks of COUNT numbers, three of them, of which a server holds the last two. */
static struct block blocks[3] = {
    {.offset = 0,         .count = COUNT},
    {.offset = COUNT,     .count = COUNT},
    {.offset = 2 * COUNT, .count = COUNT}
};
static const struct layout layout = {.n_blocks = 3, .n_params = 3 * COUNT, .blocks = blocks};
static const struct shard shard = {
    .first_block = 1, .n_blocks = 2, .offset = COUNT, .count = 2 * COUNT};

/* Gradient of a leaf: magnitudes so different that every order of adding has its own bits. */
static void leaf(float out[COUNT], uint32_t index)
{
    for (size_t i = 0; i < COUNT; i++)
        out[i] = (float)random_normal(index, i) * (float)(1 << (index * 7 % 12));
}

/* The sum by its definition: of the left and the right child. */
static void node_sum(float out[COUNT], struct tree_node node)
{
    if (node.count == 1) {
        leaf(out, node.first);
        return;
    }
    float right[COUNT];
    uint32_t left = sum_tree_left(node.count);
    node_sum(out, (struct tree_node){node.first, left});
    node_sum(right, (struct tree_node){node.first + left, node.count - left});
    for (size_t i = 0; i < COUNT; i++)
        out[i] += right[i];
}

static void push(struct gather *g, size_t block, struct tree_node node)
{
    struct err err;
    float numbers[COUNT];
    node_sum(numbers, node);
    if (gather_push(g, block, node, numbers, COUNT, &err) < 0)
        fail_msg("%s", err.text);
}

static void check_sum(struct gather *g, uint32_t n_leaves)
{
    float expected[COUNT];
    node_sum(expected, (struct tree_node){0, n_leaves});
    assert_true(gather_complete(g));
    for (size_t block = 1; block <= 2; block++) {
        assert_memory_equal(gather_sum(g, block), expected, sizeof expected);
        assert_true(gather_squares(g)[block - 1] == reduce_squares(expected, COUNT));
    }
}

static void push_in_order(struct gather *g, const struct tree_node *nodes, size_t n,
                          uint32_t n_leaves)
{
    gather_begin(g, n_leaves);
    for (size_t i = 0; i < n; i++) {
        assert_false(gather_complete(g));
        push(g, 1, nodes[i]);
        push(g, 2, nodes[n - 1 - i]); // another order for the other block
    }
    check_sum(g, n_leaves);
}

static void every_order(struct gather *g, struct tree_node *nodes, size_t n, size_t fixed,
                        uint32_t n_leaves)
{
    if (fixed == n)
        push_in_order(g, nodes, n, n_leaves);
    for (size_t i = fixed; i < n; i++) {
        struct tree_node node = nodes[fixed];
        nodes[fixed] = nodes[i], nodes[i] = node;
        every_order(g, nodes, n, fixed + 1, n_leaves);
        nodes[i] = nodes[fixed], nodes[fixed] = node;
    }
}

static void every_order_of_arrival_gives_the_bits_of_the_recursive_sum(void **state)
{
    (void)state;
    struct gather *g = gather_new(&layout, &shard);
    for (uint32_t n = 1; n <= 5; n++)
        for (uint32_t cut = 0; cut < n;
             cut++) { // leaf by leaf, and as a worker with the leaves before `cut` sends them
            struct tree_node nodes[SUM_TREE_COVER_MAX];
            size_t n_nodes = sum_tree_cover(nodes, n, 0, cut);
            for (uint32_t i = cut; i < n; i++)
                nodes[n_nodes++] = (struct tree_node){i, 1};
            every_order(g, nodes, n_nodes, 0, n);
        }
    gather_free(g);
}

static void random_orders_and_shares_of_more_leaves_give_the_same_bits(void **state)
{
    (void)state;
    struct gather *g = gather_new(&layout, &shard);
    const uint32_t numbers[] = {6, 7, 12};
    for (size_t k = 0; k < 3; k++)
        for (uint64_t round = 0; round < 200; round++) {
            uint32_t n = numbers[k];
            struct tree_node nodes[SUM_TREE_COVER_MAX + LEAVES_MAX];
            size_t n_nodes = 0;
            for (uint32_t first = 0; first < n;) { // some workers with some consecutive leaves each
                uint32_t count = 1 + (uint32_t)(random_u64(round, 100 + first) % (n - first));
                n_nodes += sum_tree_cover(nodes + n_nodes, n, first, count);
                first += count;
            }
            for (size_t i = n_nodes; i > 1; i--) {
                size_t j = random_u64(round, i) % i;
                struct tree_node node = nodes[i - 1];
                nodes[i - 1] = nodes[j], nodes[j] = node;
            }
            push_in_order(g, nodes, n_nodes, n);
        }
    gather_free(g);
}

static void check_refused(struct gather *g, size_t block, struct tree_node node, size_t count,
                          const char *sentence)
{
    struct err err;
    float numbers[2 * COUNT] = {0};
    assert_int_equal(gather_push(g, block, node, numbers, count, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(err.text, sentence);
}

static void pushes_that_are_wrong_are_refused_and_leave_the_sums(void **state)
{
    (void)state;
    struct gather *g = gather_new(&layout, &shard);
    gather_begin(g, 6);
    push(g, 1, (struct tree_node){2, 2});
    push(g, 2, (struct tree_node){2, 2});
    const struct tree_node free_node = {0, 2};
    check_refused(g, 0, free_node, COUNT, "a push of block 0, expected blocks 1 to 2");
    check_refused(g, 3, free_node, COUNT, "a push of block 3, expected");
    check_refused(g, SIZE_MAX, free_node, COUNT, "expected blocks 1 to 2");
    check_refused(g, 1, free_node, COUNT - 1, "with 36 numbers, expected 37");
    check_refused(g, 1, free_node, COUNT + 1, "with 38 numbers, expected 37");
    check_refused(g, 1, (struct tree_node){1, 2}, COUNT,
                  "leaves 1 to 2, which are no node of a tree of 6");
    check_refused(g, 1, (struct tree_node){0, 0}, COUNT, "no node");
    check_refused(g, 1, (struct tree_node){6, 1}, COUNT, "no node");
    check_refused(g, 1, (struct tree_node){0, 7}, COUNT, "no node");
    check_refused(g, 1, (struct tree_node){UINT32_MAX, UINT32_MAX}, COUNT, "no node");
    check_refused(g, 1, (struct tree_node){2, 2}, COUNT,
                  "block 1, leaves 2 to 3, which were pushed before");
    check_refused(g, 1, (struct tree_node){3, 1}, COUNT, "which were pushed before");
    check_refused(g, 1, (struct tree_node){0, 4}, COUNT, "which were pushed before");
    check_refused(g, 1, (struct tree_node){0, 6}, COUNT, "which were pushed before");
    for (size_t block = 1; block <= 2; block++) {
        push(g, block, (struct tree_node){4, 2});
        push(g, block, (struct tree_node){0, 2});
    }
    check_sum(g, 6);
    check_refused(g, 1, (struct tree_node){0, 6}, COUNT, "which were pushed before");
    check_sum(g, 6);
    gather_free(g);
}

static void what_a_step_left_is_forgotten_by_the_next(void **state)
{
    (void)state;
    struct gather *g = gather_new(&layout, &shard);
    gather_begin(g, 5);
    push(g, 1, (struct tree_node){0, 5});
    push(g, 2, (struct tree_node){1, 1});
    push(g, 2, (struct tree_node){4, 1});
    const struct tree_node nodes[] = {
        {2, 1},
        {0, 2}
    };
    push_in_order(g, nodes, 2, 3);
    gather_free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_order_of_arrival_gives_the_bits_of_the_recursive_sum),
        cmocka_unit_test(random_orders_and_shares_of_more_leaves_give_the_same_bits),
        cmocka_unit_test(pushes_that_are_wrong_are_refused_and_leave_the_sums),
        cmocka_unit_test(what_a_step_left_is_forgotten_by_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
