#include "tests/unit/support.h"

#include "launcher/batch/slurm_time.h"

static void each_form_of_slurm_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t seconds;
    } cases[] = {
        {"1",          60                          },
        {"90",         5400                        },
        {"1:30",       90                          },
        {"1:30:00",    5400                        },
        {"100:00:00",  360000                      },
        {"2-12",       2 * 86400 + 12 * 3600       },
        {"2-12:30",    2 * 86400 + 12 * 3600 + 1800},
        {"1-06:00:05", 86400 + 6 * 3600 + 5        },
        {"0-1",        3600                        },
        {"0-0:1",      60                          },
        {"0-0:0:1",    1                           },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct err err = {0};
        uint64_t seconds = 0;
        if (slurm_time_read(&seconds, "--time", cases[i].text, &err) < 0)
            fail_msg("%s: %s", cases[i].text, err.text);
        if (seconds != cases[i].seconds)
            fail_msg("%s: found %llu, expected %llu", cases[i].text, (unsigned long long)seconds,
                     (unsigned long long)cases[i].seconds);
    }
}

static void what_is_no_limit_is_refused_with_the_option_and_the_forms(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",         "0",      "0:00",  "0-0",   "UNLIMITED",
        "infinite", "-5",     "1:",    ":30",   "1::2",
        "1:2:3:4",  "1-",     "-1:00", "1-2-3", "1.5",
        "1h",       " 5",     "5 ",    "0x10",  "1-2:3:4:5",
        "99999999", "9999-0", "1-+2",  "+5",    "18446744073709551617",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct err err = {0};
        uint64_t seconds = 7;
        if (slurm_time_read(&seconds, "--time", texts[i], &err) == 0)
            fail_msg("'%s' was read as %llu s", texts[i], (unsigned long long)seconds);
        assert_int_equal(err.code, ERR_USAGE);
        assert_int_equal(seconds, 7);
        assert_non_null(strstr(err.text, "--time: found '"));
        assert_non_null(strstr(err.text, "1-06:00:00"));
    }
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    static const uint64_t seconds[] = {1, 59, 60, 3599, 3600, 86399, 86400, 90061, 365 * 86400};
    for (size_t i = 0; i < sizeof seconds / sizeof *seconds; i++) {
        char text[SLURM_TIME_SIZE];
        struct err err = {0};
        uint64_t back = 0;
        slurm_time_write(text, seconds[i]);
        assert_int_equal(slurm_time_read(&back, "--time", text, &err), 0);
        if (back != seconds[i])
            fail_msg("%s: found %llu, expected %llu", text, (unsigned long long)back,
                     (unsigned long long)seconds[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_of_slurm_is_read),
        cmocka_unit_test(what_is_no_limit_is_refused_with_the_option_and_the_forms),
        cmocka_unit_test(what_is_written_is_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
