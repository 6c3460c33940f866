#include "tests/unit/proto/file/model_fixture.h"

#include "base/mem.h"
#include "proto/config/first_weights.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"

#include "control.pb-c.h"

static void first_weights_come_from_a_run_of_the_same_tensors_only(void **state)
{
    struct err err;
    struct model_fixture f = model_fixture_new();
    write_checkpoint(&f, *state, 2, 3);
    Trireme__Start *start = message_new(&trireme__start__descriptor);
    message_free(start->manifest);
    start->manifest = NULL;
    message_free(start->config);
    start->config = message_copy(f.config);
    size_t n = f.layout->n_params;
    float *found = mem_floats(n), *zero = mem_floats(n),
          *moments[2] = {mem_floats(n), mem_floats(n)};
    assert_int_equal(first_weights_read(start, f.layout, 0, n, found, moments, 2, &err), 0);
    check_bits(found, zero, n); // to be drawn
    free(start->config->init->from);
    start->config->init->from = mem_format("%s@2", (char *)*state);
    if (first_weights_read(start, f.layout, 100, n - 200, found, moments, 2, &err) < 0)
        fail_msg("%s", err.text);
    check_bits(found, f.weights + 100, n - 200);
    check_bits(moments[0], zero, n);
    start->config->model->ffn *= 2;
    struct layout *wider = layout_new(start->config->model);
    assert_int_equal(first_weights_read(start, wider, 0, 10, found, moments, 2, &err), -1);
    assert_contains(err.text, "its model has other tensors than this one");
    layout_free(wider);
    free(found);
    free(zero);
    free(moments[0]);
    free(moments[1]);
    message_free(start);
    model_fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(first_weights_come_from_a_run_of_the_same_tensors_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
