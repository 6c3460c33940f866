#include "tests/unit/support.h"

#include "coordinator/train/roster.h"
#include "coordinator/train/step_result.h"
#include "proto/schema/message.h"

#include <math.h>

static void the_gradient_is_clipped_as_torch_does(void **state)
{
    (void)state;
    Trireme__Config *config = message_new(&trireme__config__descriptor);
    Trireme__StepDecision decision;
    Trireme__TrainLine line;
    struct err err;
    assert_int_equal(step_result_decide(&decision, &line, config, 0, 3e-4, 2.5, 4, &err), 0);
    assert_true(decision.scale == (float)(1 / (4 + 1e-6)));
    assert_true(line.loss == 2.5 && line.grad_norm == 4 && line.step == 1 &&
                line.lr == decision.lr);
    assert_true(decision.lr == 3e-4);
    assert_int_equal(line.tokens, 32 * 256);
    assert_int_equal(step_result_decide(&decision, &line, config, 0, 3e-4, 2.5, 0.5, &err), 0);
    assert_true(decision.scale == 1);
    config->optimizer->clip = 0;
    assert_int_equal(step_result_decide(&decision, &line, config, 0, 3e-4, 2.5, 1e9, &err), 0);
    assert_true(decision.scale == 1);
    message_free(config);
}

static void what_is_not_finite_is_divergence(void **state)
{
    (void)state;
    Trireme__Config *config = message_new(&trireme__config__descriptor);
    Trireme__StepDecision decision;
    Trireme__TrainLine line;
    const double bad[][2] = {
        {NAN,      1       },
        {1,        NAN     },
        {INFINITY, 1       },
        {1,        INFINITY}
    };
    for (size_t i = 0; i < 4; i++) {
        struct err err = {0};
        assert_int_equal(
            step_result_decide(&decision, &line, config, 6, 3e-4, bad[i][0], bad[i][1], &err), -1);
        assert_int_equal(err.code, ERR_TRAIN);
        assert_contains(err.text, "step 7: the loss is");
        assert_contains(err.text, "training has diverged");
    }
    message_free(config);
}

static void workers_that_are_not_alike_are_refused(void **state)
{
    (void)state;
    struct roster roster = {0};
    struct err err;
    Trireme__Ready ready = TRIREME__READY__INIT;
    assert_int_equal(roster_add(&roster, NULL, "worker 0", &ready, &err), -1);
    ready.fingerprint = (char *)"kernels", ready.data_digest = (char *)"data";
    assert_int_equal(roster_add(&roster, NULL, "worker 0", &ready, &err), 0);
    assert_int_equal(roster_add(&roster, NULL, "worker 1", &ready, &err), 0);
    ready.data_digest = (char *)"other";
    assert_int_equal(roster_add(&roster, NULL, "worker 2", &ready, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_string_equal(
        err.text,
        "worker 2 sees other token files than the first worker: found digest other, expected data");
    ready.data_digest = (char *)"data", ready.fingerprint = (char *)"old kernels";
    assert_int_equal(roster_add(&roster, NULL, "worker 3", &ready, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(
        err.text, "worker 3 computes with other kernels than the first worker: found old kernels");
    roster_clear(&roster);
}

static void the_token_files_must_be_those_of_the_checkpoint(void **state)
{
    (void)state;
    struct roster roster = {0};
    struct err err;
    Trireme__Manifest manifest = TRIREME__MANIFEST__INIT;
    manifest.data_digest = (char *)"before";
    Trireme__Ready ready = TRIREME__READY__INIT;
    ready.fingerprint = (char *)"kernels", ready.data_digest = (char *)"now";
    assert_int_equal(roster_add(&roster, &manifest, "worker 0", &ready, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "found digest now, expected before");
    roster_clear(&roster);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_is_clipped_as_torch_does),
        cmocka_unit_test(what_is_not_finite_is_divergence),
        cmocka_unit_test(workers_that_are_not_alike_are_refused),
        cmocka_unit_test(the_token_files_must_be_those_of_the_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
