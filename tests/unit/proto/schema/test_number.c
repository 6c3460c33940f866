#include "tests/unit/support.h"

#include "proto/schema/number.h"

static void numbers_are_written_with_the_fewest_digits(void **state)
{
    (void)state;
    static const struct {
        double value;
        bool single;
        const char *text;
    } numbers[] = {
        {10000,              false, "10000"              },
        {0.001,              false, "0.001"              },
        {1e-5,               false, "1.0e-5"             },
        {6e-4,               false, "0.0006"             },
        {-2.5e-7,            false, "-2.5e-7"            },
        {1e9,                false, "1000000000"         },
        {1e20,               false, "1.0e+20"            },
        {0.1 + 0.2,          false, "0.30000000000000004"},
        {(double)0.1f,       true,  "0.1"                },
        {(double)0.1f,       false, "0.10000000149011612"},
        {(double)16777216.f, true,  "16777216"           },
        {0,                  false, "0"                  },
        {-0.0,               false, "-0.0"               }
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        char text[NUMBER_SIZE];
        number_write(text, numbers[i].value, numbers[i].single);
        assert_string_equal(text, numbers[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_written_with_the_fewest_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
