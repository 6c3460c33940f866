#include "tests/unit/worker/data/data_fixture.h"

#include "worker/data/shard_list.h"

static void words_of_a_name_decide_and_not_parts_of_words(void **state)
{
    (void)state;
    // clang-format off
    static const struct {
        const char *name;
        enum shard_use use;
    } cases[] = {
        {"train_000.bin",               SHARD_TRAIN},
        {"fineweb_train_000001.bin",    SHARD_TRAIN},
        {"fineweb_val_000000.bin",      SHARD_VAL},
        {"pretrain_train_000.bin",      SHARD_TRAIN},
        {"pretrain_val_000.bin",        SHARD_VAL},
        {"constraint_val.bin",          SHARD_VAL},
        {"trainset_val.bin",            SHARD_VAL},
        {"trainset_valset.bin",         SHARD_VAL},
        {"interval_train.bin",          SHARD_TRAIN},
        {"TRAIN-2.bin",                 SHARD_TRAIN},
        {"Validation.0001.bin",         SHARD_VAL},
        {"code.dev.bin",                SHARD_VAL},
        {"a-eval.bin",                  SHARD_VAL},
        {"val2train.bin",               SHARD_BOTH},
        {"x_validation_of_train_0.bin", SHARD_BOTH},
        {"train_test.bin",              SHARD_BOTH},
        {"a_test_0.bin",                SHARD_TEST},
        {"test_val.bin",                SHARD_VAL},
        {"pretrain_000.bin",            SHARD_TRAIN},
        {"trainset0.bin",               SHARD_TRAIN},
        {"retrieval_000.bin",           SHARD_UNREAD},
        {"latest_000.bin",              SHARD_UNREAD},
        {"shard_000.bin",               SHARD_UNREAD},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char train[SHARD_WORD_SIZE], held[SHARD_WORD_SIZE];
        const enum shard_use use = shard_use_of(cases[i].name, train, held);
        if (use != cases[i].use)
            fail_msg("%s: %d, expected %d", cases[i].name, (int)use, (int)cases[i].use);
    }
}

static void check_list(const char *folder, const char *expected, bool as_before)
{
    struct shard_list list;
    struct err err;
    if (shard_list_read(&list, folder, &err) < 0)
        fail_msg("%s", err.text);
    char text[512] = "";
    for (size_t i = 0; i < list.n; i++) {
        const size_t at = strlen(text);
        snprintf(text + at, sizeof text - at, "%s%c ", list.names[i].name,
                 list.names[i].use == SHARD_TRAIN ? '+'
                 : list.names[i].use == SHARD_VAL ? '?'
                                                  : '-');
    }
    assert_string_equal(text, expected);
    assert_int_equal(list.as_before, as_before);
    shard_list_clear(&list);
}

static void check_refused(const char *folder, const char *sentence)
{
    struct shard_list list;
    struct err err = {0};
    assert_int_equal(shard_list_read(&list, folder, &err), -1);
    assert_int_equal(err.code, ERR_DATA);
    assert_contains(err.text, sentence);
}

static void a_name_that_says_both_is_refused_with_its_words(void **state)
{
    must_write_in(*state, "train_0.bin", "", 0);
    must_write_in(*state, "a_Train_val.bin", "", 0);
    check_refused(*state, "a_Train_val.bin: found the words 'train' and 'val' in its name");
}

static void test_files_are_validation_where_there_is_no_other(void **state)
{
    must_write_in(*state, "train_0.bin", "", 0);
    must_write_in(*state, "test_0.bin", "", 0);
    must_write_in(*state, "other.bin", "", 0);
    must_write_in(*state, "val.txt", "", 0);
    must_write_in(*state, ".val.bin", "", 0);
    check_list(*state, "other.bin- test_0.bin? train_0.bin+ ", false);
    must_write_in(*state, "val_0.bin", "", 0);
    check_list(*state, "other.bin- test_0.bin- train_0.bin+ val_0.bin? ", true);
}

static void a_reading_that_differs_from_that_of_parts_of_words_is_marked(void **state)
{
    must_write_in(*state, "pretrain_train.bin", "", 0);
    check_list(*state, "pretrain_train.bin+ ", true);
    must_write_in(*state, "pretrain_val.bin", "", 0);
    check_list(*state, "pretrain_train.bin+ pretrain_val.bin? ", false);
}

static void arrays_are_read_where_no_bin_file_is_training(void **state)
{
    must_write_in(*state, "train.npy", "", 0);
    must_write_in(*state, "val.npy", "", 0);
    must_write_in(*state, "notes.bin", "", 0);
    check_list(*state, "train.npy+ val.npy? ", false);
    must_write_in(*state, "train.bin", "", 0);
    check_list(*state, "notes.bin- train.bin+ ", true);
}

static void folders_without_training_are_refused_by_what_they_are(void **state)
{
    static const char litdata[] = "{\"chunks\": [{\"chunk_bytes\": 9}], \"config\": {}}",
                      mosaic[] = "{\"shards\": [{\"samples\": 9}], \"version\": 2}";
    must_write_in(*state, "val.bin", "", 0);
    check_refused(*state, "found neither data.yaml nor a file *train*.bin or *train*.npy");
    must_write_in(*state, "index.json", litdata, sizeof litdata - 1);
    check_refused(*state, "a chunk of litdata");
    must_write_in(*state, "index.json", mosaic, sizeof mosaic - 1);
    check_refused(*state, "a shard of MosaicML's streaming");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_a_name_decide_and_not_parts_of_words),
        test_in_folder(a_name_that_says_both_is_refused_with_its_words),
        test_in_folder(test_files_are_validation_where_there_is_no_other),
        test_in_folder(a_reading_that_differs_from_that_of_parts_of_words_is_marked),
        test_in_folder(arrays_are_read_where_no_bin_file_is_training),
        test_in_folder(folders_without_training_are_refused_by_what_they_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
