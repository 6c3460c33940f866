#include "tests/unit/proto/net/net_harness.h"

#include "proto/net/endpoint.h"
#include "proto/net/link.h"
#include "proto/schema/message.h"

#include "control.pb-c.h"

static int take_note(void *role, int from, const void *message, struct err *err)
{
    (void)role, (void)from, (void)message, (void)err;
    return 0;
}

static const struct handler note_only[] = {
    {TAG_NOTE, take_note}
};

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

static void start_is_awaited_and_then_read_by_the_role(void **state)
{
    (void)state;
    struct link link, roles;
    struct parcel parcel;
    struct err err = {0};
    Trireme__Beat beat = TRIREME__BEAT__INIT;
    Trireme__Start start = TRIREME__START__INIT;
    Trireme__Config *config = message_new(&trireme__config__descriptor);
    start.incarnation = 7, start.servers = 1, start.run = (char *)"run", start.config = config;
    link_init(&link, ranks[1]);
    endpoint_send(ranks[0], 1, TAG_BEAT, &beat);
    endpoint_send(ranks[0], 1, TAG_START, &start);
    assert_int_equal(link_await_start(&link, &parcel, &err), 1);
    assert_int_equal(parcel.tag, TAG_START);
    link_init(&roles, ranks[1]);
    roles.first = &parcel;
    static const struct handler start_only[] = {
        {TAG_START, take_note}
    };
    assert_int_equal(link_read(&roles, start_only, 1, NULL, &err), 1);
    assert_null(roles.first);
    assert_int_equal(link_read(&roles, start_only, 1, NULL, &err), 0);
    send_end(ERR_USAGE);
    assert_int_equal(link_await_start(&link, &parcel, &err), 0);
    assert_int_equal(link.code, ERR_USAGE);
    link_init(&link, ranks[1]);
    link.patience = 0.05;
    assert_int_equal(link_await_start(&link, &parcel, &err), -1);
    assert_contains(err.text, "the coordinator has been silent");
    message_free(config);
}

static void a_number_of_servers_out_of_bounds_is_refused(void **state)
{
    (void)state;
    struct link link; // of rank 1 of 3
    struct err err = {0};
    Trireme__Start start = TRIREME__START__INIT;
    link_init(&link, ranks[1]);
    start.servers = 1;
    assert_int_equal(link_check_start(&link, &start, true, &err), 0);
    assert_int_equal(link_check_start(&link, &start, false, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    static const uint32_t wrong[] = {0, 2, 3, UINT32_MAX};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        start.servers = wrong[i];
        assert_int_equal(link_check_start(&link, &start, true, &err), -1);
        assert_contains(err.text, "servers of 3 ranks: expected 1 to 1");
    }
    link_init(&link, ranks[2]);
    start.servers = 1;
    assert_int_equal(link_check_start(&link, &start, false, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_with_ranks(a_coordinator_that_is_silent_for_too_long_is_a_failure),
        test_with_ranks(before_start_nothing_but_start_is_taken),
        test_with_ranks(a_link_beats_once_a_second_with_its_work),
        test_with_ranks(start_is_awaited_and_then_read_by_the_role),
        test_with_ranks(a_number_of_servers_out_of_bounds_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
