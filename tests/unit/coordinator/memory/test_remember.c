/* What a ledger leaves to the runs after it, and what these are told of it. */
#include "tests/unit/coordinator/memory/ledger_run_fixture.h"

#include "coordinator/memory/about_run.h"
#include "coordinator/memory/known.h"
#include "coordinator/memory/memory_recipe.h"
#include "coordinator/memory/remember.h"
#include "proto/config/run_config.h"
#include "proto/schema/write.h"

#include <sys/stat.h>
#include <unistd.h>

static Trireme__Config *config_with(const char *one, const char *other)
{
    struct err err = {.text = ""};
    char *settings[] = {"data.sources=[{name: code}, {name: prose, weight: 2}]", (char *)one,
                        (char *)other};
    Trireme__Config *config = run_config_read(NULL, settings, 3, &err);
    if (!config)
        fail_msg("%s", err.text);
    return config;
}

static Trireme__Config *config_of_all(void)
{
    return config_with("train.steps=500", "optimizer.lr=0.001");
}

/* Writes what the run's ledger tells into its notes. */
static void remember(const char *run, const Trireme__Config *config)
{
    struct err err = {.text = ""};
    struct ledger *ledger = ledger_open(run, false, &err);
    struct remember *r = remember_new(run, config);
    if (!ledger || remember_turn(r, ledger, &err) < 0 || remember_turn(r, ledger, &err) < 0)
        fail_msg("%s", err.text);
    remember_free(r);
    ledger_free(ledger);
}

/* The run `first`, whose notes are written. */
static void make_first(const char *folder, const Trireme__Config *config)
{
    memory_close(memory_fixture(folder, MEMORY_READ)); // skips without SQLite
    char *run = run_fixture(folder, "first", "aaaa", "d1");
    ledger_fixture(run, campaign_fixture_records, CAMPAIGN_FIXTURE_RECORDS);
    remember(run, config);
    free(run);
}

static struct memory_notes notes_in(const char *folder)
{
    struct err err = {.text = ""};
    struct memory_notes notes;
    struct memory *memory = memory_fixture(folder, MEMORY_READ);
    if (memory_list(&notes, memory, 100, &err) < 0)
        fail_msg("%s", err.text);
    memory_close(memory);
    return notes;
}

static void a_ledger_leaves_a_note_of_each_thing_that_was_settled(void **state)
{
    static const struct {
        const char *outcome, *recipe;
        uint64_t tokens, line;
    } expected[] = {
        {"beaten",              "data.sources.prose.weight 2 -> 0.5", 40000, BEATEN_LINE },
        {"claimed",             "optimizer.lr 0.001 -> 0.004",        40000, CLAIMED_LINE},
        {"adopted (screening)", "optimizer.lr 0.001 -> 0.004",        40000, KEPT_LINE   },
        {"taken back",          "optimizer.lr 0.004 -> 0.008",        60000, BACK_LINE   },
    };
    Trireme__Config *config = config_of_all();
    make_first(*state, config);
    struct memory_notes notes = notes_in(*state);
    assert_int_equal(notes.n, sizeof expected / sizeof *expected);
    for (size_t i = 0; i < notes.n; i++) {
        const Trireme__MemoryNote *note = notes.list[i];
        const bool claimed = i == 1;
        char *recipe = memory_recipe_text(note->recipe, note->n_recipe);
        assert_string_equal(memory_outcome_word(note->outcome), expected[i].outcome);
        assert_string_equal(recipe, expected[i].recipe);
        assert_int_equal(note->tokens, expected[i].tokens);
        assert_int_equal(note->evidence[0]->seq, expected[i].line);
        assert_string_equal(note->evidence[0]->run, "aaaa");
        assert_int_equal(note->kind, claimed ? TRIREME__MEMORY_NOTE__KIND__claim
                                             : TRIREME__MEMORY_NOTE__KIND__adoption);
        assert_int_equal(note->has_gain, claimed);
        assert_string_equal(note->run_name, "first");
        assert_int_equal(note->n_gate, 1);
        assert_string_equal(note->gate[0], "d1");
        assert_string_equal(note->by, "coordinator");
        free(recipe);
    }
    assert_true(notes.list[1]->gain == 0.25 && notes.list[1]->half_width == 0.125);
    assert_string_equal(notes.list[1]->text, "it is low");
    memory_notes_clear(&notes);
    message_free(config);
}

static void another_launch_notes_nothing_twice(void **state)
{
    Trireme__Config *config = config_of_all();
    make_first(*state, config);
    char *run = file_join(*state, "first");
    remember(run, config);
    struct memory_notes notes = notes_in(*state);
    assert_int_equal(notes.n, 4);
    memory_notes_clear(&notes);
    free(run);
    message_free(config);
}

static void what_a_correction_supersedes_leaves_none(void **state)
{
    static const char *const correction[] = {"{kind: correction, step: 50, supersedes: 18}"};
    Trireme__Config *config = config_of_all();
    memory_close(memory_fixture(*state, MEMORY_READ));
    char *run = run_fixture(*state, "first", "aaaa", "d1");
    ledger_fixture(run, campaign_fixture_records, CAMPAIGN_FIXTURE_RECORDS);
    ledger_fixture(run, correction, 1);
    remember(run, config);
    struct memory_notes notes = notes_in(*state);
    assert_int_equal(notes.n, 1);
    assert_int_equal(notes.list[0]->outcome, TRIREME__MEMORY_NOTE__OUTCOME__beaten);
    memory_notes_clear(&notes);
    free(run);
    message_free(config);
}

static void without_notes_or_token_files_nothing_is_written(void **state)
{
    Trireme__Config *config = config_with("experiment.notes=", "optimizer.lr=0.001");
    make_first(*state, config);
    char *path = file_join(*state, "notes.sqlite"), *run = file_join(*state, "first"),
         *data = file_join(run, "data.yaml");
    assert_false(file_exists(path));
    assert_int_equal(unlink(data), 0);
    message_free(config);
    config = config_of_all();
    remember(run, config);
    assert_false(file_exists(path));
    free(path), free(run), free(data);
    message_free(config);
}

/* What `second` is told; its validation file has that digest. As JSON, the caller's. */
static char *told(const char *folder, const char *digest, const char *setting, size_t n)
{
    struct err err = {.text = ""};
    struct known known;
    char *run = run_fixture(folder, "second", "bbbb", digest);
    Trireme__Config *config = config_with(setting, "optimizer.lr=0.001");
    Trireme__Briefing *b = message_new(&trireme__briefing__descriptor);
    if (known_read(&known, run, config, &err) < 0)
        fail_msg("%s", err.text);
    assert_int_equal(known.n, n);
    b->known = known.list, b->n_known = known.n;
    char *json = json_write_public(b);
    message_free(b);
    message_free(config);
    free(run);
    return json;
}

static void a_run_judged_by_other_text_is_told_words_scales_and_claimed_gains(void **state)
{
    Trireme__Config *config = config_of_all();
    make_first(*state, config);
    char *json = told(*state, "d2", "train.steps=400", 3);
    assert_contains(json, "\"known\":[{\"recipe\":[{\"path\":\"data.sources.prose.weight\","
                          "\"before\":\"2\",\"after\":\"0.5\"}],\"outcome\":\"beaten\"");
    assert_contains(json, "\"outcome\":\"claimed\"");
    assert_contains(json, "\"gain\":0.25,\"half_width\":0.125");
    assert_contains(json, "\"outcome\":\"taken back\"");
    assert_contains(json, "\"tokens\":40000");
    assert_null(strstr(json, "adopted"));
    assert_null(strstr(json, *state));
    assert_null(strstr(json, "first"));
    free(json);
    message_free(config);
}

static void a_run_judged_by_the_same_text_is_told_adopted_changes_alone(void **state)
{
    Trireme__Config *config = config_of_all();
    make_first(*state, config);
    char *json = told(*state, "d1", "train.steps=400", 1);
    assert_contains(json, "\"known\":[{\"recipe\":[{\"path\":\"optimizer.lr\",\"before\":"
                          "\"0.001\",\"after\":\"0.004\"}]}]");
    free(json);
    message_free(config);
}

static void a_run_of_another_kind_is_told_nothing(void **state)
{
    Trireme__Config *config = config_of_all();
    make_first(*state, config);
    free(told(*state, "d2", "train.steps=50", 0));
    free(told(*state, "d2", "optimizer.name=sgd", 0));
    message_free(config);
}

static void a_run_is_not_told_its_own_notes(void **state)
{
    struct err err = {.text = ""};
    struct known known;
    Trireme__Config *config = config_of_all();
    make_first(*state, config);
    char *run = file_join(*state, "first");
    assert_int_equal(known_read(&known, run, config, &err), 0);
    assert_int_equal(known.n, 0);
    free(run);
    message_free(config);
}

static void persons_notes_about_a_run_judged_by_the_same_text_are_not_told(void **state)
{
    static const char of[] = "of: {arch: gpt2, optimizer: adamw, parameters: 10000000, tokens: "
                             "4000000}\nrun: cccc\ngate: [d1]\n";
    struct memory *memory = memory_fixture(*state, MEMORY_WRITE);
    char person[300], planner[300];
    snprintf(person, sizeof person, "kind: person\ntext: it gained .3\n%s", of);
    snprintf(planner, sizeof planner, "kind: planner\ntext: warm up longer\n%s", of);
    memory_fixture_add(memory, NULL, person);
    memory_fixture_add(memory, NULL, planner);
    memory_close(memory);
    char *same = told(*state, "d1", "train.steps=400", 1),
         *other = told(*state, "d2", "train.steps=400", 2);
    assert_contains(same, "\"known\":[{\"recipe\":[],\"text\":\"warm up longer\"}]");
    assert_contains(other, "it gained .3");
    free(same), free(other);
}

/* Asks as a person whether a change of `second` at that many tokens is settled, or as a planner;
 * the caller's. */
static char *settled_for(bool person, const char *folder, const char *path, const char *value,
                         const char *lr, uint64_t tokens)
{
    struct err err = {.text = ""};
    char *run = run_fixture(folder, "second", "bbbb", "d1"), *sentence = NULL, in_force[40];
    snprintf(in_force, sizeof in_force, "optimizer.lr=%s", lr);
    Trireme__Config *config = config_with("train.steps=400", "optimizer.lr=0.5"),
                    *now = config_with("train.steps=400", in_force);
    Trireme__Change change = TRIREME__CHANGE__INIT, *patch = &change;
    change.path = (char *)path, change.value = (char *)value;
    const struct known_question q = {.run = run,
                                     .config = config,
                                     .in_force = now,
                                     .tokens = tokens,
                                     .patch = &patch,
                                     .n_patch = 1,
                                     .person = person};
    if (known_settled(&sentence, &q, &err) < 0)
        fail_msg("%s", err.text);
    message_free(config), message_free(now);
    free(run);
    return sentence;
}

static char *settled(const char *folder, const char *path, const char *value, const char *lr,
                     uint64_t tokens)
{
    return settled_for(true, folder, path, value, lr, tokens);
}

static void the_same_change_at_the_same_scale_is_settled_and_others_are_not(void **state)
{
    Trireme__Config *config = config_of_all();
    make_first(*state, config);
    char *claimed = settled(*state, "optimizer.lr", "4e-3", "0.001", 100000),
         *back = settled(*state, "optimizer.lr", "0.008", "0.004", 60000),
         *beaten = settled(*state, "data.sources.1.weight", "0.5", "0.001", 40000);
    assert_contains(claimed, "run 'first' has settled the same change at the same scale (");
    assert_contains(claimed, "at 40000 tokens): claimed, as note 2 tells");
    assert_contains(back, ": taken back, as note 4 tells");
    assert_contains(beaten, ": beaten, as note 1 tells");
    free(claimed), free(back), free(beaten);
    assert_null(settled(*state, "optimizer.lr", "0.004", "0.002", 40000));  // from another value
    assert_null(settled(*state, "optimizer.lr", "0.0041", "0.001", 40000)); // to another
    assert_null(settled(*state, "optimizer.lr", "0.004", "0.001", 160000)); // four times later
    assert_null(settled(*state, "optimizer.beta2", "0.004", "0.001", 40000));
    message_free(config);
}

static void planners_are_not_told_how_text_that_judges_their_run_has_settled_it(void **state)
{
    Trireme__Config *config = config_of_all();
    make_first(*state, config);
    char *beaten = settled_for(false, *state, "data.sources.1.weight", "0.5", "0.001", 40000);
    assert_contains(beaten, "run 'first' has settled the same change");
    assert_contains(beaten, "note 1 tells persons how");
    assert_null(strstr(beaten, "beaten"));
    free(beaten);
    message_free(config);
}

/* What planners of a run see whose validation file has that digest. */
static struct memory_notes visible(const char *folder, const char *digest, const char *setting)
{
    struct err err = {.text = ""};
    struct memory_notes notes = notes_in(folder);
    struct about_run about;
    char *run = run_fixture(folder, "second", "bbbb", digest);
    Trireme__Config *config = config_with(setting, "optimizer.lr=0.001");
    if (about_run_read(&about, run, config, &err) < 0)
        fail_msg("%s", err.text);
    known_visible(&notes, &about);
    about_run_clear(&about);
    message_free(config);
    free(run);
    return notes;
}

static void planners_see_of_text_that_judges_their_run_the_adopted_change_alone(void **state)
{
    Trireme__Config *config = config_of_all();
    make_first(*state, config);
    struct memory_notes notes = visible(*state, "d1", "train.steps=400");
    assert_int_equal(notes.n, 1);
    char *json = json_write(notes.list[0]);
    assert_string_equal(json,
                        "{\"id\":2,\"kind\":\"adoption\",\"run\":\"aaaa\","
                        "\"run_name\":\"first\",\"of\":{},\"recipe\":[{\"path\":\"optimizer.lr\","
                        "\"before\":\"0.001\",\"after\":\"0.004\"}],\"gate\":[],"
                        "\"evidence\":[]}");
    free(json);
    memory_notes_clear(&notes);
    message_free(config);
}

static void planners_see_the_last_word_of_other_text_whole_also_of_other_kinds_of_run(void **state)
{
    Trireme__Config *config = config_of_all();
    make_first(*state, config);
    struct memory_notes notes = visible(*state, "d2", "train.steps=50");
    assert_int_equal(notes.n, 3);
    assert_int_equal(notes.list[0]->outcome, TRIREME__MEMORY_NOTE__OUTCOME__beaten);
    assert_int_equal(notes.list[1]->outcome, TRIREME__MEMORY_NOTE__OUTCOME__claimed);
    assert_int_equal(notes.list[2]->outcome, TRIREME__MEMORY_NOTE__OUTCOME__taken_back);
    assert_string_equal(notes.list[1]->text, "it is low");
    memory_notes_clear(&notes);
    message_free(config);
}

static void a_search_of_what_they_see_finds_no_other_words(void **state)
{
    struct err err = {.text = ""};
    struct memory_notes found;
    Trireme__Config *config = config_of_all();
    make_first(*state, config);
    struct memory_notes notes = visible(*state, "d1", "train.steps=400");
    assert_int_equal(memory_search_among(&found, &notes, "optimizer", 10, &err), 0);
    assert_int_equal(found.n, 1);
    assert_int_equal(found.list[0]->id, 2);
    assert_null(found.list[0]->time);
    memory_notes_clear(&found);
    for (size_t i = 0; i < 4; i++) {
        static const char *const hidden[] = {"claimed", "adopted", "low", "prose"};
        assert_int_equal(memory_search_among(&found, &notes, hidden[i], 10, &err), 0);
        assert_int_equal(found.n, 0);
        memory_notes_clear(&found);
    }
    memory_notes_clear(&notes);
    message_free(config);
}

/* Each step would wait for a file that is locked for long. */
static void after_a_try_in_vain_the_next_calls_try_nothing(void **state)
{
    const char *folder = *state;
    struct err err = {.text = ""};
    memory_close(memory_fixture(folder, MEMORY_READ)); // skips without SQLite
    Trireme__Config *config = config_of_all();
    char *run = run_fixture(folder, "first", "aaaa", "d1"),
         *notes = file_join(folder, "notes.sqlite");
    ledger_fixture(run, campaign_fixture_records, CAMPAIGN_FIXTURE_RECORDS);
    remove(notes);
    assert_int_equal(mkdir(notes, 0700), 0);
    struct ledger *ledger = ledger_open(run, false, &err);
    int again = -1; // a machine may be busy for as long as the pause
    for (int i = 0; i < 50 && again < 0; i++) {
        struct remember *r = remember_new(run, config);
        assert_int_equal(remember_turn(r, ledger, &err), -1);
        again = remember_turn(r, ledger, &err);
        remember_free(r);
    }
    assert_int_equal(again, 0);
    ledger_free(ledger);
    free(notes);
    free(run);
    message_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_ledger_leaves_a_note_of_each_thing_that_was_settled),
        test_in_folder(another_launch_notes_nothing_twice),
        test_in_folder(after_a_try_in_vain_the_next_calls_try_nothing),
        test_in_folder(what_a_correction_supersedes_leaves_none),
        test_in_folder(without_notes_or_token_files_nothing_is_written),
        test_in_folder(a_run_judged_by_other_text_is_told_words_scales_and_claimed_gains),
        test_in_folder(a_run_judged_by_the_same_text_is_told_adopted_changes_alone),
        test_in_folder(a_run_of_another_kind_is_told_nothing),
        test_in_folder(a_run_is_not_told_its_own_notes),
        test_in_folder(persons_notes_about_a_run_judged_by_the_same_text_are_not_told),
        test_in_folder(the_same_change_at_the_same_scale_is_settled_and_others_are_not),
        test_in_folder(planners_are_not_told_how_text_that_judges_their_run_has_settled_it),
        test_in_folder(planners_see_of_text_that_judges_their_run_the_adopted_change_alone),
        test_in_folder(planners_see_the_last_word_of_other_text_whole_also_of_other_kinds_of_run),
        test_in_folder(a_search_of_what_they_see_finds_no_other_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
