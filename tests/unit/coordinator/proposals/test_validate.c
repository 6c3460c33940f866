/* Whether a proposal may be made. */
#include "tests/unit/coordinator/briefing/briefing_fixture.h"

#include "base/mem.h"
#include "coordinator/proposals/validate.h"

/* A proposal of one change, the caller's. */
static Trireme__Proposal *proposal_of(const char *path, const char *value)
{
    Trireme__Proposal *p = message_new(&trireme__proposal__descriptor);
    p->patch = mem_new(1, sizeof *p->patch);
    p->patch[p->n_patch++] = message_new(&trireme__change__descriptor);
    p->patch[0]->path = mem_strdup(path);
    p->patch[0]->value = mem_strdup(value);
    return p;
}

struct fixture {
    Trireme__Config *config;
    struct entry entry; /* a queued one of optimizer.lr=0.004 */
    struct history history;
    struct prospect prospect;
    struct validate validate;
};

static void set_up(struct fixture *f)
{
    *f = (struct fixture){
        .config = fixture_config("train.steps=100000"),
        .entry = {.number = 7, .step = 20, .fate = FATE_QUEUED, .by = "person"}
    };
    f->entry.proposal = proposal_of("optimizer.lr", "0.004");
    f->history = (struct history){.entries = &f->entry, .n = 1};
    f->prospect = prospect_of(f->config, f->config, &f->history, 20, 20, 0);
    f->validate = (struct validate){.prospect = &f->prospect};
}

static void tear_down(struct fixture *f)
{
    message_free(f->entry.proposal);
    message_free(f->config);
}

/* Checks the proposal of a change; *found.after is freed. */
static int check(struct fixture *f, struct validated *found, const char *path, const char *value,
                 struct err *err)
{
    Trireme__Proposal *proposal = proposal_of(path, value);
    int rc = validate_proposal(found, &f->validate, proposal, NULL, 20, false, err);
    message_free(proposal);
    message_free(found->after);
    return rc;
}

static void what_says_the_same_in_other_words_is_a_duplicate_and_its_number_is_told(void **state)
{
    (void)state;
    struct fixture f;
    struct validated found;
    struct err err;
    set_up(&f);
    assert_int_equal(check(&f, &found, "optimizer.lr", "4e-3", &err), -1);
    assert_string_equal(err.text, "duplicate: proposal 7 says the same, and is queued");
    assert_ptr_equal(found.duplicate, &f.entry);
    assert_non_null(found.after); // it is a legal change all the same
    assert_int_equal(check(&f, &found, "optimizer.lr", "2e-3", &err), 0);
    assert_null(found.duplicate);
    // none is its own duplicate
    assert_int_equal(
        validate_proposal(&found, &f.validate, f.entry.proposal, &f.entry, 20, false, &err), 0);
    message_free(found.after);
    tear_down(&f);
}

static void what_was_vetoed_beside_another_recipe_is_no_duplicate(void **state)
{
    (void)state;
    struct fixture f;
    struct validated found;
    struct err err;
    set_up(&f);
    f.entry.fate = FATE_VETOED;
    assert_int_equal(check(&f, &found, "optimizer.lr", "4e-3", &err), -1);
    f.history.changed_at = 30;
    assert_int_equal(check(&f, &found, "optimizer.lr", "4e-3", &err), 0);
    tear_down(&f);
}

static void an_illegal_change_makes_no_recipe_and_a_run_without_a_gate_takes_none(void **state)
{
    (void)state;
    struct fixture f;
    struct validated found;
    struct err err;
    set_up(&f);
    assert_int_equal(check(&f, &found, "train.seed", "1", &err), -1);
    assert_null(found.after);
    assert_non_null(strstr(err.text, "train.seed: no experiment may change this"));
    f.validate.off = "experiments are off: here is why";
    assert_int_equal(check(&f, &found, "optimizer.lr", "2e-3", &err), -1);
    assert_string_equal(err.text, f.validate.off);
    tear_down(&f);
}

static void what_follows_is_told_by_the_runs_mode(void **state)
{
    (void)state;
    struct fixture f;
    set_up(&f);
    assert_int_equal(validate_next(f.config, false, false), TRIREME__VALIDATION__NEXT__queued);
    f.config->experiment->mode = TRIREME__EXPERIMENT__MODE__approve;
    assert_int_equal(validate_next(f.config, true, false), TRIREME__VALIDATION__NEXT__queued);
    assert_int_equal(validate_next(f.config, false, false), TRIREME__VALIDATION__NEXT__waiting);
    assert_string_equal(validate_says(TRIREME__VALIDATION__NEXT__waiting),
                        "legal; it waits for approval");
    f.config->experiment->mode = TRIREME__EXPERIMENT__MODE__observe;
    assert_int_equal(validate_next(f.config, true, false), TRIREME__VALIDATION__NEXT__observed);
    tear_down(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_says_the_same_in_other_words_is_a_duplicate_and_its_number_is_told),
        cmocka_unit_test(what_was_vetoed_beside_another_recipe_is_no_duplicate),
        cmocka_unit_test(an_illegal_change_makes_no_recipe_and_a_run_without_a_gate_takes_none),
        cmocka_unit_test(what_follows_is_told_by_the_runs_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
