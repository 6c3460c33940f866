#include "tests/unit/support.h"

#include "base/mem.h"

static void memory_is_zeroed_and_floats_stand_on_64_bytes(void **state)
{
    (void)state;
    for (size_t n = 0; n < 100; n += 33) {
        float *floats = mem_floats(n);
        assert_int_equal((uintptr_t)floats % 64, 0);
        for (size_t i = 0; i < n; i++)
            assert_true(floats[i] == 0);
        free(floats);
    }
    int *vector = NULL;
    size_t room = 0;
    for (size_t n = 0; n < 100; n++) {
        vector = mem_grow(vector, n, &room, sizeof *vector);
        assert_true(n < room);
        vector[n] = (int)n;
    }
    for (int i = 0; i < 100; i++)
        assert_int_equal(vector[i], i);
    free(vector);
    assert_null(mem_strdup(NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_and_floats_stand_on_64_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
