#include "tests/unit/proto/net/frame_fixture.h"
#include "tests/unit/proto/net/net_harness.h"

#include "proto/net/endpoint.h"
#include "proto/net/frame.h"
#include "proto/schema/message.h"

#include "control.pb-c.h"

static void control_messages_of_every_field_come_back_equal(void **state)
{
    (void)state;
    Trireme__Losses sent = TRIREME__LOSSES__INIT;
    double sums[] = {1.0 / 3, -0.0, 1e300, 5e-324};
    sent.step = UINT64_MAX;
    sent.first_leaf = UINT32_MAX;
    sent.eval = 1;
    sent.n_sums = 4, sent.sums = sums;
    endpoint_send(ranks[2], 1, TAG_LOSSES, &sent);
    struct parcel parcel;
    assert_true(endpoint_poll(ranks[1], &parcel));
    struct err err = {.text = ""};
    Trireme__Losses *found = endpoint_open(&parcel, &err);
    assert_non_null(found);
    assert_true(found->step == UINT64_MAX && found->first_leaf == UINT32_MAX && found->eval &&
                found->n_sums == 4);
    assert_memory_equal(found->sums, sums, sizeof sums);
    message_free(found);
    Trireme__Ready empty = TRIREME__READY__INIT;
    endpoint_send(ranks[2], 1, TAG_READY, &empty);
    assert_true(endpoint_poll(ranks[1], &parcel));
    assert_int_equal(parcel.size, 0);
}

static void a_control_message_without_a_required_field_is_refused(void **state)
{
    (void)state;
    struct err err;
    const struct parcel no_step = {.from = 3, .tag = TAG_LEASE, .bytes = "\x08\x01", .size = 2};
    assert_null(endpoint_open(&no_step, &err));
    assert_int_equal(err.code, ERR_MACHINE);
    assert_string_equal(err.text, "rank 3: a message 'lease' of 2 bytes cannot be read: are all "
                                  "ranks of one build?");
    // part: 9, which the schema does not know
    const struct parcel bad_enum = {
        .from = 3, .tag = TAG_LEASE, .bytes = "\x08\x01\x10\x02\x48\x09", .size = 6};
    assert_null(endpoint_open(&bad_enum, &err));
    const struct parcel good = {
        .from = 3, .tag = TAG_LEASE, .bytes = "\x08\x01\x10\x02\x48\x01", .size = 6};
    Trireme__Lease *lease = endpoint_open(&good, &err);
    assert_true(lease && lease->trial == 1 && lease->step == 2);
    message_free(lease);
}

struct seen {
    int n, from;
    uint64_t step;
    float number;
};

static int on_pull(void *role, int from, const void *message, struct err *err)
{
    (void)err;
    *(struct seen *)role =
        (struct seen){.n = 1, .from = from, .step = ((const Trireme__Pull *)message)->step};
    return 0;
}

static int on_push(void *role, int from, const void *message, struct err *err)
{
    (void)err;
    const struct frame *frame = message;
    *(struct seen *)role =
        (struct seen){.n = 2, .from = from, .step = frame->step, .number = frame->numbers[0]};
    return 0;
}

static int on_end(void *role, int from, const void *message, struct err *err)
{
    (void)role, (void)from, (void)message;
    return err_set(err, ERR_DATA, "the handler's own");
}

static const struct handler table[] = {
    {TAG_PULL, on_pull},
    {TAG_PUSH, on_push},
    {TAG_END,  on_end }
};

static int dispatch(struct seen *seen, int tag, const void *message, size_t size, struct err *err)
{
    *seen = (struct seen){0};
    struct parcel parcel = {.from = 4, .tag = tag, .bytes = message, .size = size};
    return endpoint_dispatch(table, 3, seen, &parcel, err);
}

static void a_parcel_reaches_the_handler_of_its_tag(void **state)
{
    (void)state;
    struct err err;
    struct seen seen;
    struct frame *frame = frame_fixture(1);
    frame->step = 77, frame->numbers[0] = 1.5f;
    assert_int_equal(dispatch(&seen, TAG_PUSH, frame_bytes, 68, &err), 0);
    assert_true(seen.n == 2 && seen.from == 4 && seen.step == 77 && seen.number == 1.5f);
    const unsigned char pull[] = {0x08, 1, 0x10, 9}; // field 2, varint 9
    assert_int_equal(dispatch(&seen, TAG_PULL, pull, sizeof pull, &err), 0);
    assert_true(seen.n == 1 && seen.step == 9);
    assert_int_equal(dispatch(&seen, TAG_END, "\x08\x05", 2, &err), -1);
    assert_string_equal(err.text, "the handler's own");
}

static void parcels_of_no_use_or_damaged_ones_are_refused_with_their_sender(void **state)
{
    (void)state;
    struct err err;
    struct seen seen;
    assert_int_equal(dispatch(&seen, TAG_READY, NULL, 0, &err), -1);
    assert_string_equal(err.text, "rank 4 sent a message 'ready' that this rank has no use for");
    const int foreign[] = {0, -1, TAG_WEIGHTS + 1, 1000000, INT32_MIN};
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        assert_int_equal(dispatch(&seen, foreign[i], NULL, 0, &err), -1);
        assert_contains(err.text, "a message 'unknown'");
    }
    const unsigned char damaged[] = {0x10, 0xff};
    assert_int_equal(dispatch(&seen, TAG_PULL, damaged, sizeof damaged, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(err.text, "rank 4: a message 'pull' of 2 bytes cannot be read");
    frame_fixture(1);
    assert_int_equal(dispatch(&seen, TAG_PUSH, frame_bytes, 64, &err), -1);
    assert_int_equal(seen.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_ranks(control_messages_of_every_field_come_back_equal),
        test_with_ranks(a_control_message_without_a_required_field_is_refused),
        cmocka_unit_test(a_parcel_reaches_the_handler_of_its_tag),
        cmocka_unit_test(parcels_of_no_use_or_damaged_ones_are_refused_with_their_sender),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
