#include "tests/unit/support.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "coordinator/run/run.h"
#include "coordinator/run/run_data.h"
#include "coordinator/train/whole_read.h"
#include "proto/schema/message.h"

/* Two files of a source, the second one validation. */
struct files {
    Trireme__ReadFile rows[3], *list[3];
};

static void files_init(struct files *files, const char *train, const char *val)
{
    for (int i = 0; i < 3; i++) {
        Trireme__ReadFile *row = files->list[i] = &files->rows[i];
        trireme__read_file__init(row);
        row->source = (char *)"web";
        row->path = (char *)(i == 0 ? "d/train.bin" : i == 1 ? "d/x.bin" : "d/val.bin");
        row->has_use = 1, row->use = i == 0   ? TRIREME__READ_FILE__USE__training
                                     : i == 1 ? TRIREME__READ_FILE__USE__unread
                                              : TRIREME__READ_FILE__USE__validation;
        row->has_tokens = 1, row->tokens = 100;
        row->has_bytes = 1, row->bytes = 1224;
        row->digest = (char *)(i == 0 ? train : i == 1 ? NULL : val);
    }
}

static bool ready(struct whole_read *w, const char *host)
{
    struct files files;
    files_init(&files, NULL, NULL);
    Trireme__Ready message = TRIREME__READY__INIT;
    message.host = (char *)host;
    message.files = files.list, message.n_files = 3;
    return whole_read_ready(w, &message);
}

static int add(struct whole_read *w, const char *who, const char *train, const char *val,
               struct err *err)
{
    struct files files;
    files_init(&files, train, val);
    Trireme__WasRead message = TRIREME__WAS_READ__INIT;
    message.files = files.list, message.n_files = 3;
    return whole_read_add(w, who, &message, err);
}

static Trireme__Manifest manifest = TRIREME__MANIFEST__INIT;

/* A launch in that folder: the first, or one that continues. */
static struct whole_read *launch(struct run *run, char *folder, bool continues)
{
    struct err err;
    *run = (struct run){.folder = folder, .manifest = continues ? &manifest : NULL};
    struct whole_read *w = whole_read_new(run, &err);
    if (!w)
        fail_msg("%s", err.text);
    return w;
}

static void one_worker_a_host_is_asked_and_all_must_find_the_same(void **state)
{
    struct run run;
    struct err err = {0};
    struct whole_read *w = launch(&run, *state, false);
    assert_true(ready(w, "node1"));
    assert_false(ready(w, "node1"));
    assert_true(ready(w, "node2"));
    assert_int_equal(add(w, "worker 0", "aa", "bb", &err), 0);
    assert_false(whole_read_done(w));
    assert_int_equal(add(w, "worker 2", "aa", "cc", &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_string_equal(err.text,
                        "worker 2: d/val.bin: found digest cc, expected bb as in what worker 0 "
                        "reads: the hosts have different token files");
    assert_int_equal(add(w, "worker 2", "aa", "bb", &err), 0);
    assert_true(whole_read_done(w));
    assert_int_equal(add(w, "worker 2", "aa", "bb", &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    whole_read_free(w);
}

static void a_launch_that_continues_compares_with_the_record(void **state)
{
    struct run run;
    struct err err = {0};
    struct whole_read *w = launch(&run, *state, false);
    assert_false(whole_read_is_first(w));
    ready(w, "node1");
    assert_int_equal(add(w, "worker 0", "aa", "bb", &err), 0);
    whole_read_free(w);
    w = launch(&run, *state, true);
    assert_true(whole_read_compares(w) && !whole_read_is_first(w));
    ready(w, "node1");
    assert_int_equal(add(w, "worker 0", "ab", "bb", &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_string_equal(err.text, "d/train.bin: found digest ab, expected aa as in the run's "
                                  "data.yaml: the token files are not those of the checkpoint");
    assert_int_equal(add(w, "worker 0", "aa", "bb", &err), 0);
    whole_read_free(w);
    w = launch(&run, *state, false); // without a checkpoint other files may take their place
    ready(w, "node1");
    assert_int_equal(add(w, "worker 0", "ab", "bb", &err), 0);
    whole_read_free(w);
    w = launch(&run, *state, true);
    ready(w, "node1");
    assert_int_equal(add(w, "worker 0", "ab", "bb", &err), 0);
    whole_read_free(w);
}

/* An answer with a tokenizer of that meaning, and its file if `sends`. */
static int add_tokenizer(struct whole_read *w, const char *meaning, bool sends, struct err *err)
{
    struct files files;
    files_init(&files, "aa", "bb");
    char hex[DIGEST_HEX_SIZE];
    digest_hex(hex, digest_of("{}", 2));
    Trireme__TokenizerFile file = TRIREME__TOKENIZER_FILE__INIT, *list = &file;
    file.file = (char *)"tokenizer.json", file.digest = hex;
    Trireme__Vocabulary vocabulary = TRIREME__VOCABULARY__INIT;
    vocabulary.digest = (char *)meaning;
    vocabulary.n_files = 1, vocabulary.files = &list;
    ProtobufCBinaryData bytes = {2, (uint8_t *)"{}"};
    Trireme__WasRead message = TRIREME__WAS_READ__INIT;
    message.files = files.list, message.n_files = 3;
    message.vocabulary = &vocabulary;
    message.tokenizer_files = &bytes, message.n_tokenizer_files = sends;
    return whole_read_add(w, "worker 0", &message, err);
}

static void one_worker_sends_the_tokenizer_where_the_run_does_not_keep_it(void **state)
{
    struct run run;
    struct err err = {0};
    struct whole_read *w = launch(&run, *state, false);
    ready(w, "node1");
    assert_true(whole_read_wants_tokenizer(w));
    ready(w, "node2");
    assert_false(whole_read_wants_tokenizer(w));
    assert_int_equal(add_tokenizer(w, "cc", true, &err), 0);
    char *folder = file_join(*state, "tokenizer"),
         *kept = must_read_in(folder, "tokenizer.json", NULL);
    assert_string_equal(kept, "{}");
    assert_int_equal(add_tokenizer(w, "dd", false, &err), -1);
    assert_contains(err.text,
                    "tokens of a tokenizer of digest dd, expected cc as in what worker 0");
    assert_int_equal(add_tokenizer(w, "cc", false, &err), 0);
    assert_true(whole_read_done(w));
    whole_read_free(w);
    w = launch(&run, *state, true);
    ready(w, "node1");
    assert_false(whole_read_wants_tokenizer(w));
    assert_int_equal(add_tokenizer(w, "dd", false, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, "tokenizer of digest dd, expected cc as in the run's data.yaml");
    whole_read_free(w);
    assert_int_equal(file_remove_tree(folder, ERR_USAGE, &err), 0);
    w = launch(&run, *state, true);
    ready(w, "node1");
    assert_true(whole_read_wants_tokenizer(w));
    whole_read_free(w);
    free(kept);
    free(folder);
}

static void a_run_without_a_record_is_completed_once(void **state)
{
    struct run run;
    struct err err = {0};
    struct whole_read *w = launch(&run, *state, true);
    assert_true(!whole_read_compares(w) && whole_read_is_first(w));
    ready(w, "node1");
    assert_int_equal(add(w, "worker 0", "aa", "bb", &err), 0);
    whole_read_free(w);
    w = launch(&run, *state, true);
    assert_true(whole_read_compares(w) && !whole_read_is_first(w));
    whole_read_free(w);
}

static void a_damaged_record_is_refused(void **state)
{
    struct err err = {0};
    char *path = file_join(*state, "data.yaml");
    static const char *const texts[] = {"format: 2\n", "files: [{path: 3, bytes: many}]\n", "{"};
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(file_write_atomic(path, texts[i], strlen(texts[i]), ERR_USAGE, &err), 0);
        struct run run = {.folder = *state, .manifest = &manifest};
        assert_null(whole_read_new(&run, &err));
        assert_int_equal(err.code, ERR_DATA);
        assert_contains(err.text, path);
    }
    free(path);
}

static void files_that_come_or_go_change_size_or_use_are_named(void **state)
{
    (void)state;
    struct err err = {0};
    struct files now, before;
    Trireme__RunData a = TRIREME__RUN_DATA__INIT, b = TRIREME__RUN_DATA__INIT;
    files_init(&now, "aa", "bb");
    files_init(&before, "aa", "bb");
    a.files = now.list, a.n_files = 3, b.files = before.list, b.n_files = 3;
    now.rows[0].path = (char *)"moved/train.bin";
    now.rows[1].path = (char *)"another.bin";
    assert_int_equal(run_data_compare(&a, &b, "it", &err), 0);
    a.n_files = 2;
    assert_int_equal(run_data_compare(&a, &b, "it", &err), -1);
    assert_string_equal(err.text,
                        "source 'web': found no file for d/val.bin, expected it as in it");
    assert_int_equal(run_data_compare(&b, &a, "it", &err), -1);
    assert_contains(err.text, "d/val.bin: found a file more in source 'web'");
    a.n_files = 3;
    now.rows[2].bytes = 1226;
    assert_int_equal(run_data_compare(&a, &b, "it", &err), -1);
    assert_string_equal(err.text,
                        "d/val.bin: found 1226 bytes of digest bb, expected 1224 of bb as in it");
    now.rows[2].use = TRIREME__READ_FILE__USE__training;
    assert_int_equal(run_data_compare(&a, &b, "it", &err), -1);
    assert_contains(err.text, "that source 'web' reads as training, expected d/val.bin, which "
                              "'web' reads as validation");
}

static void what_is_read_as_what_is_one_sentence_a_source(void **state)
{
    (void)state;
    struct files files;
    files_init(&files, NULL, NULL);
    Trireme__RunData data = TRIREME__RUN_DATA__INIT;
    data.files = files.list, data.n_files = 3;
    char *sentence = run_data_sentence(&data, "web");
    assert_string_equal(sentence, "source 'web': training d/train.bin (100 tokens), validation "
                                  "d/val.bin (100 tokens), not read d/x.bin");
    free(sentence);
    files.rows[2].use = TRIREME__READ_FILE__USE__training;
    files.list[1] = files.list[2];
    data.n_files = 2;
    sentence = run_data_sentence(&data, "web");
    assert_string_equal(sentence, "source 'web': training d/train.bin to d/val.bin (2 files, 200 "
                                  "tokens), no validation");
    free(sentence);
    assert_null(run_data_sentence(&data, "code"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(one_worker_a_host_is_asked_and_all_must_find_the_same),
        test_in_folder(a_launch_that_continues_compares_with_the_record),
        test_in_folder(one_worker_sends_the_tokenizer_where_the_run_does_not_keep_it),
        test_in_folder(a_run_without_a_record_is_completed_once),
        test_in_folder(a_damaged_record_is_refused),
        cmocka_unit_test(files_that_come_or_go_change_size_or_use_are_named),
        cmocka_unit_test(what_is_read_as_what_is_one_sentence_a_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
