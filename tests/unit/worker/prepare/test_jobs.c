#include "tests/unit/worker/data/data_fixture.h"

#include "base/file.h"
#include "base/random.h"
#include "base/text.h"
#include "proto/schema/message.h"
#include "worker/prepare/jobs.h"
#include "worker/prepare/prepare.h"
#include "worker/prepare/watch.h"

#include <pthread.h>

struct work {
    pthread_mutex_t lock;
    unsigned times[1000];
    size_t jobs;      /* numbers of threads seen are below */
    size_t fail_from; /* every item from here on fails */
};

static int count(void *context, size_t job, size_t item, struct err *err)
{
    struct work *work = context;
    pthread_mutex_lock(&work->lock);
    work->times[item]++;
    work->jobs = job < work->jobs ? work->jobs : job + 1;
    pthread_mutex_unlock(&work->lock);
    return item >= work->fail_from ? err_set(err, ERR_DATA, "item %zu", item) : 0;
}

static void every_item_is_worked_at_once(void **state)
{
    (void)state;
    for (size_t jobs = 1; jobs < 20; jobs += 3)
        for (size_t n = 0; n <= 1000; n = n * 7 + 1) {
            struct work work = {.lock = PTHREAD_MUTEX_INITIALIZER, .fail_from = SIZE_MAX};
            struct err err;
            assert_int_equal(jobs_run(n, jobs, count, &work, &err), 0);
            for (size_t i = 0; i < 1000; i++)
                assert_int_equal(work.times[i], i < n);
            assert_true(work.jobs <= jobs && (work.jobs > 0) == (n > 0));
        }
}

static void the_error_is_that_of_the_first_item_that_fails(void **state)
{
    (void)state;
    for (size_t jobs = 1; jobs < 20; jobs += 3)
        for (int again = 0; again < 20; again++) {
            struct work work = {.lock = PTHREAD_MUTEX_INITIALIZER, .fail_from = 300};
            struct err err;
            assert_int_equal(jobs_run(1000, jobs, count, &work, &err), -1);
            assert_string_equal(err.text, "item 300");
            for (size_t i = 0; i < 1000; i++)
                assert_true(i <= 300 ? work.times[i] == 1 : i < 300 + jobs || !work.times[i]);
        }
}

static void write_inputs(const char *in, const char *last_line)
{
    for (int file = 0; file < 40; file++) {
        struct text lines = {0};
        for (int line = 0; line < 1 + file % 9; line++) { // one in nine is a duplicate
            const int number = line == 3 ? 7 : file * 100 + line;
            text_printf(&lines, "{\"text\": \"");
            for (int k = 0; k < 100 + file * 50; k++)
                text_printf(&lines, "%c", (int)('a' + random_u64((uint64_t)number, k) % 26));
            text_printf(&lines, "\"}\n");
        }
        text_add(&lines, file == 11 || file == 30 ? last_line : "\n");
        char *name = mem_format("%02d.jsonl", file);
        must_write_in(in, name, lines.bytes, lines.size);
        free(name);
        text_clear(&lines);
    }
}

/* What was told last, and whether it ever went back. */
struct told {
    uint64_t done, of;
    bool back;
};

static void hear(void *context, const char *doing, uint64_t done, uint64_t of)
{
    struct told *told = context;
    told->back = told->back || done > of || (done < told->done && strcmp(doing, "wrote"));
    told->done = done;
    told->of = of;
}

static int prepare_with(const char *in, const char *out, unsigned jobs, struct err *err)
{
    Trireme__DataPrepareRequest request = TRIREME__DATA_PREPARE_REQUEST__INIT;
    request.input = (char **)&in;
    request.n_input = 1;
    request.out = (char *)out;
    request.name = "text";
    request.field = "text";
    request.jobs = jobs;
    struct told told = {0};
    struct watch watch;
    Trireme__DataSet *set = message_new(&trireme__data_set__descriptor);
    watch_init(&watch, hear, &told);
    int rc = prepare_in_files(&request, set, NULL, &watch, 20000, err);
    watch_clear(&watch);
    message_free(set);
    assert_false(told.back);
    assert_true(rc < 0 || told.done == told.of);
    return rc;
}

static void any_number_of_threads_writes_the_same_bytes(void **state)
{
    char *in = file_join(*state, "in"), *one = file_join(*state, "1");
    struct err err;
    write_inputs(in, "\n");
    if (prepare_with(in, one, 1, &err) < 0)
        fail_msg("%s", err.text);
    size_t n;
    char **names = file_names(one, &n, ERR_USAGE, &err);
    assert_true(n > 5);
    for (unsigned jobs = 2; jobs < 9; jobs += 3) {
        char *out = mem_format("%s/%u", (const char *)*state, jobs);
        if (prepare_with(in, out, jobs, &err) < 0)
            fail_msg("%s", err.text);
        for (size_t i = 0; i < n; i++) {
            size_t a_size, b_size;
            char *a = must_read_in(one, names[i], &a_size),
                 *b = must_read_in(out, names[i], &b_size);
            assert_int_equal(a_size, b_size);
            assert_memory_equal(a, b, a_size);
            free(a);
            free(b);
        }
        free(out);
    }
    file_names_free(names);
    free(one);
    free(in);
}

static void any_number_of_threads_refuses_the_same_line(void **state)
{
    char *in = file_join(*state, "in"), *out = file_join(*state, "out");
    write_inputs(in, "bad");
    for (unsigned jobs = 1; jobs < 20; jobs += 3) {
        struct err err;
        assert_int_equal(prepare_with(in, out, jobs, &err), -1);
        assert_contains(err.text, "in/11.jsonl: line 4:1: not JSON");
        assert_false(file_exists(out));
    }
    free(out);
    free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_is_worked_at_once),
        cmocka_unit_test(the_error_is_that_of_the_first_item_that_fails),
        test_in_folder(any_number_of_threads_writes_the_same_bytes),
        test_in_folder(any_number_of_threads_refuses_the_same_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
