#include "tests/unit/support.h"

#include "base/file.h"
#include "base/sha256.h"
#include "base/text.h"
#include "coordinator/ledger/ledger.h"

#include <unistd.h>

static char *path_of(const char *run)
{
    return file_join(run, "ledger.jsonl");
}

static char *content(const char *run, size_t *size)
{
    return must_read_in(run, "ledger.jsonl", size);
}

static void put(const char *run, const char *bytes, size_t size)
{
    must_write_in(run, "ledger.jsonl", bytes, size);
}

static struct ledger *open_good(const char *run, bool for_writing)
{
    struct err err = {.text = ""};
    struct ledger *ledger = ledger_open(run, for_writing, &err);
    if (!ledger)
        fail_msg("%s", err.text);
    return ledger;
}

static void append(struct ledger *ledger, uint32_t number)
{
    struct err err = {.text = ""};
    Trireme__Change change = TRIREME__CHANGE__INIT, *patch[] = {&change};
    change.path = "optimizer.lr", change.value = "5e-4";
    Trireme__Proposal proposal = TRIREME__PROPOSAL__INIT;
    proposal.id = "a \"name\"\n", proposal.patch = patch, proposal.n_patch = 1;
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.kind = TRIREME__RECORD_KIND__proposal;
    record.step = 10 * number, record.by = "random", record.number = number,
    record.proposal = &proposal;
    if (ledger_append(ledger, &record, &err) < 0)
        fail_msg("%s", err.text);
}

/* A ledger of n records on disk. */
static void make(const char *run, uint32_t n)
{
    struct ledger *ledger = open_good(run, true);
    for (uint32_t i = 1; i <= n; i++)
        append(ledger, i);
    ledger_free(ledger);
}

static void a_run_without_a_ledger_has_no_records_and_gets_no_file(void **state)
{
    char *path = path_of(*state), head[LEDGER_HEAD_SIZE];
    struct ledger *ledger = open_good(*state, true);
    assert_int_equal(ledger_records(ledger), 0);
    ledger_head(ledger, 0, head);
    assert_string_equal(head, "0000000000000000000000000000000000000000000000000000000000000000");
    assert_false(file_exists(path));
    ledger_free(ledger);
    put(*state, "", 0);
    ledger = open_good(*state, false);
    assert_int_equal(ledger_records(ledger), 0);
    ledger_free(ledger);
    free(path);
}

static void records_read_back_as_they_were_appended(void **state)
{
    make(*state, 2);
    struct ledger *ledger = open_good(*state, true); // the next launch appends to it
    append(ledger, 3);
    for (int again = 0; again < 2; again++) {
        assert_int_equal(ledger_records(ledger), 3);
        for (uint32_t i = 0; i < 3; i++) {
            const Trireme__Record *record = ledger_record(ledger, i);
            assert_int_equal(record->seq, i + 1);
            assert_int_equal(record->number, i + 1);
            assert_int_equal(record->step, 10 * (i + 1));
            assert_int_equal(record->kind, TRIREME__RECORD_KIND__proposal);
            assert_string_equal(record->by, "random");
            assert_string_equal(record->proposal->id, "a \"name\"\n");
            assert_string_equal(record->proposal->patch[0]->value, "5e-4");
            assert_int_equal(strlen(record->time), 20);
            assert_true(record->time[10] == 'T' && record->time[19] == 'Z');
        }
        ledger_free(ledger);
        ledger = open_good(*state, false);
    }
    ledger_free(ledger);
}

static void prev_is_what_sha256sum_says_of_the_line_before_with_its_end(void **state)
{
    make(*state, 3);
    struct ledger *ledger = open_good(*state, false);
    size_t size = 0, at = 0;
    char *bytes = content(*state, &size), head[LEDGER_HEAD_SIZE];
    for (size_t i = 0; i < 3; i++) {
        size_t length = (size_t)((char *)memchr(bytes + at, '\n', size - at) + 1 - (bytes + at));
        char hex[SHA256_HEX_SIZE];
        sha256_hex(hex, bytes + at, length);
        ledger_head(ledger, i + 1, head);
        assert_string_equal(head, hex);
        if (i < 2)
            assert_string_equal(ledger_record(ledger, i + 1)->prev, hex);
        at += length;
    }
    assert_int_equal(at, size);
    free(bytes);
    ledger_free(ledger);
}

static void every_flipped_byte_of_a_line_is_found_or_changes_the_head(void **state)
{
    make(*state, 3);
    size_t size = 0, found = 0, last = 0;
    char *bytes = content(*state, &size), head[LEDGER_HEAD_SIZE], changed[LEDGER_HEAD_SIZE];
    for (size_t i = 0; i + 1 < size; i++)
        last = bytes[i] == '\n' ? i + 1 : last; // where the last line begins
    struct ledger *ledger = open_good(*state, false);
    ledger_head(ledger, 3, head);
    ledger_free(ledger);
    for (size_t i = 0; i < size; i++) {
        struct err err = {.text = ""};
        bytes[i] ^= (char)(1 << i % 7);
        put(*state, bytes, size);
        bytes[i] ^= (char)(1 << i % 7);
        ledger = ledger_open(*state, false, &err);
        if (!ledger) {
            assert_int_equal(err.code, ERR_DATA);
            assert_contains(err.text, "ledger.jsonl:");
            found++;
            continue;
        }
        // only the last line can pass, since nothing follows it: then the head is another one
        assert_true(i >= last);
        size_t n = ledger_records(ledger);
        ledger_head(ledger, n, changed);
        assert_true(n < 3 || strcmp(head, changed) != 0);
        ledger_free(ledger);
    }
    assert_true(found >= last);
    free(bytes);
}

static void a_line_that_is_missing_doubled_or_moved_is_found(void **state)
{
    make(*state, 3);
    size_t size = 0;
    char *bytes = content(*state, &size), *at[4] = {bytes};
    for (int i = 0; i < 3; i++)
        at[i + 1] = strchr(at[i], '\n') + 1;
    static const int orders[][4] = {
        {1,  2,  -1},
        { 0, 2, -1  },
        { 0, 0, 1,   -1},
        { 1, 0, 2,   -1},
        { 0, 1,  1,   2}
    };
    for (size_t k = 0; k < sizeof orders / sizeof *orders; k++) {
        struct err err = {.text = ""};
        struct text text = {0};
        for (int i = 0; i < 4 && orders[k][i] >= 0; i++)
            text_add_bytes(&text, at[orders[k][i]],
                           (size_t)(at[orders[k][i] + 1] - at[orders[k][i]]));
        put(*state, text.bytes, text.size);
        assert_null(ledger_open(*state, true, &err));
        assert_int_equal(err.code, ERR_DATA);
        assert_contains(err.text, "found ");
        text_clear(&text);
    }
    free(bytes);
}

static void a_line_without_its_end_is_passed_over_and_cut_off_for_writing(void **state)
{
    make(*state, 3);
    size_t size = 0, last = 0, now = 0;
    char *bytes = content(*state, &size);
    for (size_t i = 0; i + 1 < size; i++)
        last = bytes[i] == '\n' ? i + 1 : last;
    for (size_t end = last + 1; end < size; end += 7) {
        put(*state, bytes, end);
        struct ledger *ledger = open_good(*state, false); // reading changes nothing
        assert_int_equal(ledger_records(ledger), 2);
        ledger_free(ledger);
        free(content(*state, &now));
        assert_int_equal(now, end);
        ledger = open_good(*state, true);
        assert_int_equal(ledger_records(ledger), 2);
        free(content(*state, &now));
        assert_int_equal(now, last);
        append(ledger, 3);
        ledger_free(ledger);
        ledger = open_good(*state, false);
        assert_int_equal(ledger_records(ledger), 3);
        ledger_free(ledger);
    }
    free(bytes);
}

static void nothing_follows_an_append_that_failed(void **state)
{
    make(*state, 1);
    struct err err = {.text = ""};
    struct ledger *ledger = open_good(*state, true);
    char *path = path_of(*state);
    FILE *file = fopen(path, "a");
    fputs("foreign", file);
    fclose(file);
    Trireme__Record record = TRIREME__RECORD__INIT;
    assert_int_equal(ledger_append(ledger, &record, &err), -1);
    assert_contains(err.text, "somebody else wrote to it");
    assert_int_equal(ledger_records(ledger), 1);
    assert_int_equal(ledger_append(ledger, &record, &err), -1);
    assert_contains(err.text, "none may follow");
    ledger_free(ledger);
    ledger = open_good(*state, true);
    assert_int_equal(ledger_records(ledger), 1);
    ledger_free(ledger);
    free(path);
}

static void a_record_that_could_not_be_read_again_is_not_written(void **state)
{
    struct err err = {.text = ""};
    struct ledger *ledger = open_good(*state, true);
    append(ledger, 1);
    size_t before = 0, after = 0;
    free(content(*state, &before));
    Trireme__Change change = TRIREME__CHANGE__INIT, *patch[] = {&change, &change}; // one key twice
    change.path = "optimizer.lr", change.value = "1";
    Trireme__Promotion promotion = TRIREME__PROMOTION__INIT;
    promotion.patch = patch, promotion.n_patch = 2;
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.promotion = &promotion;
    assert_int_equal(ledger_append(ledger, &record, &err), -1);
    assert_contains(err.text, "duplicate");
    free(content(*state, &after));
    assert_int_equal(before, after);
    append(ledger, 2);
    ledger_free(ledger);
    ledger = open_good(*state, false);
    assert_int_equal(ledger_records(ledger), 2);
    ledger_free(ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_run_without_a_ledger_has_no_records_and_gets_no_file),
        test_in_folder(records_read_back_as_they_were_appended),
        test_in_folder(prev_is_what_sha256sum_says_of_the_line_before_with_its_end),
        test_in_folder(every_flipped_byte_of_a_line_is_found_or_changes_the_head),
        test_in_folder(a_line_that_is_missing_doubled_or_moved_is_found),
        test_in_folder(a_line_without_its_end_is_passed_over_and_cut_off_for_writing),
        test_in_folder(nothing_follows_an_append_that_failed),
        test_in_folder(a_record_that_could_not_be_read_again_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
