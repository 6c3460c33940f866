#include "tests/unit/proto/net/net_harness.h"

#include "base/clock.h"
#include "proto/net/endpoint.h"
#include "proto/net/link.h"
#include "proto/net/role.h"

#include "control.pb-c.h"

/* A role that counts its turns. */
struct counting_role {
    struct link link;
    int turns;
};

static enum turn turn_fails(void *role, struct err *err)
{
    ((struct counting_role *)role)->turns++;
    err_set(err, ERR_DATA, "a sentence");
    return TURN_FAILED;
}

static void a_role_that_fails_tells_the_coordinator_and_awaits_the_end(void **state)
{
    (void)state;
    struct counting_role role = {0};
    link_init(&role.link, ranks[1]);
    send_note(0, 1, "passed over");
    send_end(ERR_DATA);
    assert_int_equal(role_run(turn_fails, &role, &role.link), ERR_DATA);
    assert_int_equal(role.turns, 1);
    struct parcel parcel;
    assert_true(endpoint_poll(ranks[0], &parcel));
    assert_int_equal(parcel.tag, TAG_FAULT);
    Trireme__Fault *fault = trireme__fault__unpack(NULL, parcel.size, parcel.bytes);
    assert_int_equal(fault->code, ERR_DATA);
    assert_string_equal(fault->text, "a sentence");
    trireme__fault__free_unpacked(fault, NULL);
}

static void a_role_that_failed_awaits_the_end_no_longer_than_its_patience(void **state)
{
    (void)state;
    struct counting_role role = {0};
    link_init(&role.link, ranks[1]);
    role.link.patience = 0.05;
    double began = clock_now();
    assert_int_equal(role_run(turn_fails, &role, &role.link), -1);
    double seconds = clock_now() - began;
    assert_true(seconds >= 0.05 && seconds < 5);
}

static enum turn turn_counts(void *role, struct err *err)
{
    (void)err;
    struct counting_role *counting = role;
    if (++counting->turns == 200)
        counting->link.over = true, counting->link.code = ERR_STOPPED;
    return counting->link.over ? TURN_OVER : counting->turns % 3 ? TURN_IDLE : TURN_BUSY;
}

static void a_role_is_turned_until_the_end_and_gives_its_code(void **state)
{
    (void)state;
    struct counting_role role = {0};
    link_init(&role.link, ranks[1]);
    assert_int_equal(role_run(turn_counts, &role, &role.link), ERR_STOPPED);
    assert_int_equal(role.turns, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_ranks(a_role_that_fails_tells_the_coordinator_and_awaits_the_end),
        test_with_ranks(a_role_that_failed_awaits_the_end_no_longer_than_its_patience),
        test_with_ranks(a_role_is_turned_until_the_end_and_gives_its_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
