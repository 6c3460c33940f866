#include "tests/unit/support.h"

#include "base/mem.h"
#include "proto/net/endpoint.h"
#include "proto/net/frame.h"

#include "control.pb-c.h"

static _Alignas(64) unsigned char bytes[64 + 5 * 4 + 8];

static struct frame *sample(uint64_t count)
{
    struct frame *frame = (struct frame *)(void *)bytes;
    *frame = (struct frame){.magic = FRAME_MAGIC, .dtype = FRAME_FP32, .block = 3, .count = count};
    return frame;
}

static void check_refused(size_t size, const char *sentence)
{
    struct err err;
    assert_null(frame_open(bytes, size, &err));
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(err.text, sentence);
}

static void a_frame_is_opened_where_it_lies(void **state)
{
    (void)state;
    struct err err;
    sample(5);
    assert_ptr_equal(frame_open(bytes, 64 + 20, &err), bytes);
    sample(0);
    assert_ptr_equal(frame_open(bytes, 64, &err), bytes);
}

static void the_header_has_the_places_that_its_description_says(void **state)
{
    (void)state;
    *(struct frame *)(void *)bytes = (struct frame){.magic = FRAME_MAGIC,
                                                    .dtype = 1,
                                                    .incarnation = 2,
                                                    .step = 3,
                                                    .block = 4,
                                                    .trial = 5,
                                                    .zero32 = 6,
                                                    .node_first = 7,
                                                    .node_count = 8,
                                                    .count = 9};
    const size_t places[] = {8, 16, 24, 32, 36, 40, 44, 48};
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(bytes[places[i]], i + 2);
    assert_memory_equal(bytes, "TRRM\1", 5);
}

static void frames_that_are_none_are_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < 64; size++) {
        sample(0);
        check_refused(size, "has no header");
    }
    sample(0)->magic ^= 1;
    check_refused(64, "are all ranks of one build?");
    sample(5);
    check_refused(64 + 16, "frame of block 3: found 80 bytes for 5 numbers of type 1");
    check_refused(64 + 24, "for 5 numbers");
    check_refused(64 + 21, "for 5 numbers");
    sample(5)->dtype = 2;
    check_refused(64 + 20, "type 2");
    sample(UINT64_MAX / 4 + 1); // whose bytes are 0 modulo 2^64
    check_refused(64, "frame of block 3");
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
    struct frame *frame = sample(1);
    frame->step = 77, frame->numbers[0] = 1.5f;
    assert_int_equal(dispatch(&seen, TAG_PUSH, bytes, 68, &err), 0);
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
    sample(1);
    assert_int_equal(dispatch(&seen, TAG_PUSH, bytes, 64, &err), -1);
    assert_int_equal(seen.n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_opened_where_it_lies),
        cmocka_unit_test(the_header_has_the_places_that_its_description_says),
        cmocka_unit_test(frames_that_are_none_are_refused),
        cmocka_unit_test(a_parcel_reaches_the_handler_of_its_tag),
        cmocka_unit_test(parcels_of_no_use_or_damaged_ones_are_refused_with_their_sender),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
