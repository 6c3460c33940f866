#include "tests/unit/support.h"

#include "proto/tensor/sum_tree.h"

static void left_child_is_the_largest_power_of_two_below_the_count(void **state)
{
    (void)state;
    const uint32_t expected[] = {0, 0, 1, 2, 2, 4, 4, 4, 4, 8};
    for (uint32_t n = 2; n < 10; n++)
        assert_int_equal(sum_tree_left(n), expected[n]);
    assert_int_equal(sum_tree_left(64), 32);
    assert_int_equal(sum_tree_left(65), 64);
}

static void cover_takes_each_leaf_once_with_nodes_of_the_tree(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 40; n++)
        for (uint32_t first = 0; first < n; first++)
            for (uint32_t count = 1; count <= n - first; count++) {
                struct tree_node nodes[SUM_TREE_COVER_MAX], sibling, parent;
                size_t n_nodes = sum_tree_cover(nodes, n, first, count);
                uint32_t next = first;
                for (size_t i = 0; i < n_nodes; i++) {
                    assert_int_equal(nodes[i].first, next);
                    assert_true(sum_tree_family(&sibling, &parent, n, nodes[i]));
                    next += nodes[i].count;
                }
                assert_int_equal(next, first + count);
            }
}

static void siblings_make_their_parent_up_to_the_root(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 40; n++)
        for (uint32_t leaf = 0; leaf < n; leaf++) {
            struct tree_node at = {leaf, 1}, sibling, parent;
            while (at.count < n) {
                assert_true(sum_tree_family(&sibling, &parent, n, at));
                assert_int_equal(parent.count, at.count + sibling.count);
                assert_true(sibling.first == at.first + at.count ||
                            at.first == sibling.first + sibling.count);
                at = parent;
            }
        }
}

static void what_is_no_node_of_the_tree_is_refused(void **state)
{
    (void)state;
    struct tree_node sibling, parent;
    assert_false(sum_tree_family(&sibling, &parent, 6, (struct tree_node){1, 2}));
    assert_false(sum_tree_family(&sibling, &parent, 6, (struct tree_node){0, 0}));
    assert_false(sum_tree_family(&sibling, &parent, 6, (struct tree_node){4, 3}));
    assert_false(sum_tree_family(&sibling, &parent, 6, (struct tree_node){6, 1}));
    assert_false(sum_tree_family(&sibling, &parent, 6, (struct tree_node){0, UINT32_MAX}));
    assert_true(sum_tree_family(&sibling, &parent, 6, (struct tree_node){4, 2}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(left_child_is_the_largest_power_of_two_below_the_count),
        cmocka_unit_test(cover_takes_each_leaf_once_with_nodes_of_the_tree),
        cmocka_unit_test(siblings_make_their_parent_up_to_the_root),
        cmocka_unit_test(what_is_no_node_of_the_tree_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
