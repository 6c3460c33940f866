/* The local transport, and what stands on any transport: control messages, links, the loop that
 * turns a role. */
#include "tests/unit/support.h"

#include "base/clock.h"
#include "base/err.h"
#include "proto/net/endpoint.h"
#include "proto/net/frame.h"
#include "proto/net/link.h"
#include "proto/net/local_transport.h"
#include "proto/net/role.h"
#include "proto/schema/message.h"

#include "control.pb-c.h"

enum { RANKS = 3 };

static struct endpoint *ranks[RANKS];

static int open_room(int room)
{
    local_transport_open(ranks, RANKS, room);
    return 0;
}

static int set_up(void **state)
{
    (void)state;
    return open_room(2);
}

static int tear_down(void **state)
{
    (void)state;
    for (int r = 0; r < RANKS; r++)
        endpoint_free(ranks[r]);
    return 0;
}

static void send_note(int from, int to, const char *text)
{
    Trireme__Note note = TRIREME__NOTE__INIT;
    note.text = (char *)text;
    endpoint_send(ranks[from], to, TAG_NOTE, &note);
}

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

static void every_tag_has_a_name_and_the_control_ones_a_type(void **state)
{
    (void)state;
    for (int tag = TAG_START; tag <= TAG_WEIGHTS; tag++) {
        assert_string_not_equal(tag_name(tag), "unknown");
        assert_true((tag_type(tag) == NULL) == (tag == TAG_PUSH || tag == TAG_WEIGHTS));
    }
    assert_null(tag_type(0));
    assert_null(tag_type(-5));
    assert_null(tag_type(TAG_WEIGHTS + 1));
}

static int take_note(void *role, int from, const void *message, struct err *err)
{
    (void)role, (void)from, (void)message, (void)err;
    return 0;
}

static const struct handler note_only[] = {
    {TAG_NOTE, take_note}
};

static void send_end(uint32_t code)
{
    Trireme__End end = TRIREME__END__INIT;
    end.code = code;
    endpoint_send(ranks[0], 1, TAG_END, &end);
}

static void a_coordinator_that_is_silent_for_too_long_is_a_failure(void **state)
{
    (void)state;
    struct link link;
    struct err err = {0};
    link_init(&link, ranks[1]);
    assert_true(link.patience == LINK_START_PATIENCE);
    assert_int_equal(link_keep(&link, &err), 0);
    link.patience = 0.5;
    link.heard -= 1;
    assert_int_equal(link_keep(&link, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_string_equal(err.text, "rank 1: the coordinator has been silent for 1 s");
    link_started(&link, 0.5);
    send_note(2, 1, "from a worker");
    assert_int_equal(link_read(&link, note_only, 1, NULL, &err), -1); // no sign of the coordinator
    assert_string_equal(err.text, "rank 1: the coordinator has been silent for 1 s");
    Trireme__Beat beat = TRIREME__BEAT__INIT;
    endpoint_send(ranks[0], 1, TAG_BEAT, &beat);
    assert_int_equal(link_read(&link, note_only, 1, NULL, &err), 1);
    assert_int_equal(link.work, 1); // the note; a beat is no work
    assert_int_equal(link_read(&link, note_only, 1, NULL, &err), 0);
}

static void before_start_nothing_but_start_is_taken(void **state)
{
    (void)state;
    struct link link;
    struct err err = {0};
    link_init(&link, ranks[1]);
    send_note(2, 1, "too early");
    assert_int_equal(link_read(&link, note_only, 1, NULL, &err), -1);
    assert_string_equal(err.text, "rank 2 sent a message before the run was known");
    send_end(ERR_DATA);
    assert_int_equal(link_read(&link, note_only, 1, NULL, &err), 1);
    assert_true(link.over);
    assert_int_equal(link.code, ERR_DATA);
}

static void a_link_beats_once_a_second_with_its_work(void **state)
{
    (void)state;
    struct link link;
    struct err err;
    struct parcel parcel;
    link_init(&link, ranks[1]);
    link.work = 42;
    assert_int_equal(link_keep(&link, &err), 0);
    assert_false(endpoint_poll(ranks[0], &parcel));
    link.beaten -= 1.5;
    assert_int_equal(link_keep(&link, &err), 0);
    assert_int_equal(link_keep(&link, &err), 0);
    assert_true(endpoint_poll(ranks[0], &parcel));
    assert_int_equal(parcel.tag, TAG_BEAT);
    Trireme__Beat *beat = trireme__beat__unpack(NULL, parcel.size, parcel.bytes);
    assert_int_equal(beat->n, 42);
    trireme__beat__free_unpacked(beat, NULL);
    assert_false(endpoint_poll(ranks[0], &parcel));
}

struct acted {
    struct link link;
    int turns;
};

static enum turn turn_fails(void *role, struct err *err)
{
    ((struct acted *)role)->turns++;
    err_set(err, ERR_DATA, "a sentence");
    return TURN_FAILED;
}

static void a_role_that_fails_tells_the_coordinator_and_awaits_the_end(void **state)
{
    (void)state;
    struct acted acted = {0};
    link_init(&acted.link, ranks[1]);
    send_note(0, 1, "passed over");
    send_end(ERR_DATA);
    assert_int_equal(role_run(turn_fails, &acted, &acted.link), ERR_DATA);
    assert_int_equal(acted.turns, 1);
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
    struct acted acted = {0};
    link_init(&acted.link, ranks[1]);
    acted.link.patience = 0.05;
    double began = clock_now();
    assert_int_equal(role_run(turn_fails, &acted, &acted.link), -1);
    double seconds = clock_now() - began;
    assert_true(seconds >= 0.05 && seconds < 5);
}

static enum turn turn_counts(void *role, struct err *err)
{
    (void)err;
    struct acted *acted = role;
    if (++acted->turns == 200)
        acted->link.over = true, acted->link.code = ERR_STOPPED;
    return acted->link.over ? TURN_OVER : acted->turns % 3 ? TURN_IDLE : TURN_BUSY;
}

static void a_role_is_turned_until_the_end_and_gives_its_code(void **state)
{
    (void)state;
    struct acted acted = {0};
    link_init(&acted.link, ranks[1]);
    assert_int_equal(role_run(turn_counts, &acted, &acted.link), ERR_STOPPED);
    assert_int_equal(acted.turns, 200);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(messages_arrive_whole_and_in_the_order_of_sending),
        test(bulk_has_so_much_room_and_control_always_has),
        test(control_messages_of_every_field_come_back_equal),
        test(a_control_message_without_a_required_field_is_refused),
        test(what_is_sent_to_a_rank_that_has_left_is_dropped),
        test(every_tag_has_a_name_and_the_control_ones_a_type),
        test(a_coordinator_that_is_silent_for_too_long_is_a_failure),
        test(before_start_nothing_but_start_is_taken),
        test(a_link_beats_once_a_second_with_its_work),
        test(a_role_that_fails_tells_the_coordinator_and_awaits_the_end),
        test(a_role_that_failed_awaits_the_end_no_longer_than_its_patience),
        test(a_role_is_turned_until_the_end_and_gives_its_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
