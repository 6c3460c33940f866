#include "tests/unit/proto/net/net_harness.h"

#include "proto/net/endpoint.h"
#include "proto/net/frame.h"

#include "control.pb-c.h"

static void send_number(int from, int to, float number)
{
    struct frame header = {.magic = FRAME_MAGIC, .dtype = FRAME_FP32, .count = 1};
    endpoint_send_frame(ranks[from], to, TAG_PUSH, &header, &number);
}

static void check_note(int rank, int from, const char *text)
{
    struct parcel parcel;
    assert_true(endpoint_poll(ranks[rank], &parcel));
    assert_int_equal(parcel.from, from);
    assert_int_equal(parcel.tag, TAG_NOTE);
    Trireme__Note *note = trireme__note__unpack(NULL, parcel.size, parcel.bytes);
    assert_string_equal(note->text, text);
    trireme__note__free_unpacked(note, NULL);
}

static void messages_arrive_whole_and_in_the_order_of_sending(void **state)
{
    (void)state;
    struct parcel parcel;
    assert_false(endpoint_poll(ranks[0], &parcel));
    send_note(1, 0, "first");
    send_number(1, 0, 2.5f);
    send_note(2, 0, "other");
    send_note(1, 0, "last");
    send_note(0, 0, "own");
    check_note(0, 1, "first");
    assert_true(endpoint_poll(ranks[0], &parcel));
    struct err err;
    const struct frame *frame = frame_open(parcel.bytes, parcel.size, &err);
    assert_non_null(frame);
    assert_int_equal((uintptr_t)frame->numbers % 64, 0);
    assert_true(parcel.tag == TAG_PUSH && frame->numbers[0] == 2.5f);
    check_note(0, 2, "other");
    check_note(0, 1, "last");
    check_note(0, 0, "own");
    assert_false(endpoint_poll(ranks[0], &parcel));
    assert_false(endpoint_poll(ranks[1], &parcel));
}

static void bulk_has_so_much_room_and_control_always_has(void **state)
{
    (void)state;
    struct parcel parcel;
    send_number(1, 0, 1);
    assert_true(endpoint_room(ranks[2], 0));
    send_number(2, 0, 2);
    assert_false(endpoint_room(ranks[1], 0));
    assert_true(endpoint_room(ranks[1], 2)); // each rank has its own
    for (int i = 0; i < 100; i++)
        send_note(1, 0, "control");
    assert_true(endpoint_poll(ranks[0], &parcel));
    assert_true(endpoint_room(ranks[1], 0));
}

static void what_is_sent_to_a_rank_that_has_left_is_dropped(void **state)
{
    (void)state;
    send_note(0, 2, "never read");
    endpoint_free(ranks[2]);
    ranks[2] = NULL;
    send_note(0, 2, "too late");
    assert_true(endpoint_room(ranks[0], 2));
    send_number(0, 2, 1);
    send_note(0, 1, "still works");
    check_note(1, 0, "still works");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_ranks(messages_arrive_whole_and_in_the_order_of_sending),
        test_with_ranks(bulk_has_so_much_room_and_control_always_has),
        test_with_ranks(what_is_sent_to_a_rank_that_has_left_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
