#include "tests/unit/proto/net/frame_fixture.h"

#include "proto/net/frame.h"

static void check_refused(size_t size, const char *sentence)
{
    struct err err;
    assert_null(frame_open(frame_bytes, size, &err));
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(err.text, sentence);
}

static void a_frame_is_opened_where_it_lies(void **state)
{
    (void)state;
    struct err err;
    frame_fixture(5);
    assert_ptr_equal(frame_open(frame_bytes, 64 + 20, &err), frame_bytes);
    frame_fixture(0);
    assert_ptr_equal(frame_open(frame_bytes, 64, &err), frame_bytes);
}

static void the_header_has_the_places_that_its_description_says(void **state)
{
    (void)state;
    *(struct frame *)(void *)frame_bytes = (struct frame){.magic = FRAME_MAGIC,
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
        assert_int_equal(frame_bytes[places[i]], i + 2);
    assert_memory_equal(frame_bytes, "TRRM\1", 5);
}

static void frames_that_are_none_are_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < 64; size++) {
        frame_fixture(0);
        check_refused(size, "has no header");
    }
    frame_fixture(0)->magic ^= 1;
    check_refused(64, "are all ranks of one build?");
    frame_fixture(5);
    check_refused(64 + 16, "frame of block 3: found 80 bytes for 5 numbers of type 1");
    check_refused(64 + 24, "for 5 numbers");
    check_refused(64 + 21, "for 5 numbers");
    frame_fixture(5)->dtype = 2;
    check_refused(64 + 20, "type 2");
    frame_fixture(UINT64_MAX / 4 + 1); // whose bytes are 0 modulo 2^64
    check_refused(64, "frame of block 3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_opened_where_it_lies),
        cmocka_unit_test(the_header_has_the_places_that_its_description_says),
        cmocka_unit_test(frames_that_are_none_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
