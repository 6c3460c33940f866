#include "tests/unit/support.h"

#include "coordinator/train/roster.h"

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
        cmocka_unit_test(workers_that_are_not_alike_are_refused),
        cmocka_unit_test(the_token_files_must_be_those_of_the_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
