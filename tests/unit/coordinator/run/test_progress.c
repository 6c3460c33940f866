/* The line that a person sees of a step. */
#include "tests/unit/support.h"

#include "coordinator/run/progress.h"

static void says(uint64_t step, uint64_t line_tokens, uint64_t tokens, uint64_t all,
                 const char *expected)
{
    Trireme__TrainLine line = TRIREME__TRAIN_LINE__INIT;
    line.step = step, line.tokens = line_tokens, line.lr = 1e-3, line.grad_norm = 0.5;
    const struct progress_pace pace = {.loss = 2.5, .token_seconds = 1e-4, .step_tokens = 1024};
    char text[256];
    progress_text(text, sizeof text, &pace, &line, tokens, all, 0);
    if (!strstr(text, expected))
        fail_msg("found %s, expected %s", text, expected);
}

static void steps_of_one_size_are_counted_and_the_rest_is_timed(void **state)
{
    (void)state;
    says(10, 1024, 10240, 102400, "step 10/100  loss 2.5000  10000 tok/s  lr 1.00e-03");
    says(10, 1024, 10240, 102400, "norm 0.50  ETA 9s");
    says(100, 1024, 102400, 102400, "step 100/100 ");
    says(100, 1024, 102400, 102400, "ETA 0s");
}

/* Half the batch from step 50 on: 100 further steps. */
static void after_a_change_of_batch_tokens_say_how_far_it_is(void **state)
{
    (void)state;
    says(51, 512, 51712, 102400, "step 51  51.7k of 102k tokens  loss");
    says(51, 512, 51712, 102400, "ETA 5s");
    says(149, 512, 101888, 102400, "step 149  102k of 102k tokens");
    says(149, 512, 101888, 102400, "ETA 0s");
}

static void a_step_past_what_was_planned_has_no_time_left_and_not_a_wrapped_one(void **state)
{
    (void)state;
    says(130, 1024, 103000, 102400, "ETA 0s");
    says(130, 512, 103000, 102400, "ETA 0s");
}

static void tokens_have_three_digits(void **state)
{
    (void)state;
    says(1, 2, 0, 999, "0 of 999 tokens");
    says(1, 2, 1000, 9990, "1.00k of 9.99k tokens");
    says(1, 2, 12345, 999499, "12.3k of 999k tokens");
    says(1, 2, 999999, 3072000, "1.00M of 3.07M tokens");
    says(1, 2, 99960, 5000000000000, "100k of 5.00T tokens");
}

static void what_others_wrote_does_not_control_the_log_or_the_terminal(void **state)
{
    struct progress *progress = progress_new(*state, false, 0, 0, 1024);
    progress_log(progress, "%s", "a\x1b[2J\nb\x7f \xc2\x9b \xe2\x80\xae \xff \xc3\xa4\t");
    progress_free(progress);
    char *text = must_read_in(*state, "log.txt", NULL);
    assert_contains(text, "Z a?[2J?b? ? ? ? \xc3\xa4?\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_of_one_size_are_counted_and_the_rest_is_timed),
        cmocka_unit_test(after_a_change_of_batch_tokens_say_how_far_it_is),
        cmocka_unit_test(a_step_past_what_was_planned_has_no_time_left_and_not_a_wrapped_one),
        cmocka_unit_test(tokens_have_three_digits),
        test_in_folder(what_others_wrote_does_not_control_the_log_or_the_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
