#include "tests/unit/support.h"

#include "proto/schema/option.h"

#include "command.pb-c.h"
#include "config.pb-c.h"

static void help_tells_usage_comment_and_each_option(void **state)
{
    (void)state;
    char *help = options_help("trireme sample", &trireme__sample_request__descriptor);
    assert_string_equal(
        help, "usage: trireme sample RUN[@STEP] --prompt TEXT [--tokens N] [--temperature NUMBER] "
              "[--top-k N]\n"
              "       [--seed N]\n"
              "Lets a checkpoint write text.\n"
              "\n"
              "  RUN[@STEP]              The run, or one of its checkpoints.\n"
              "  --prompt TEXT           The text to go on from.\n"
              "  --tokens N              Tokens to write. (tokens, 1 to 1048576; default 200)\n"
              "  --temperature NUMBER    Divides the logits; 0: always the likeliest token. (0 to "
              "100; default 0.8)\n"
              "  --top-k N               Only so many of the likeliest tokens are drawn from; 0: "
              "all. (at most\n"
              "                          1048576; default 0)\n"
              "  --seed N                Seed of the draws. (default 1)\n"
              "  --help                  Prints this.\n");
    free(help);
}

static void help_tells_what_each_name_of_an_enum_means(void **state)
{
    (void)state;
    char *help = options_help("x", &trireme__data__descriptor);
    assert_contains(
        help, "  --order NAME            Order of the samples of a source. (default shuffled)\n"
              "      shuffled            A keyed permutation of each source's samples, another one "
              "in each epoch.\n"
              "      sequential          One window after the other.\n");
    free(help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(help_tells_usage_comment_and_each_option),
        cmocka_unit_test(help_tells_what_each_name_of_an_enum_means),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
