#include "tests/unit/coordinator/briefing/briefing_fixture.h"

#include "coordinator/patch/patch.h"
#include "coordinator/proposals/planner.h"
#include "proto/config/changes.h"
#include "proto/schema/message.h"

/* The answer of a new planner, which depends on seed and briefing alone; the caller's. */
static Trireme__Proposals *answer_of(uint64_t seed, const Trireme__Briefing *briefing)
{
    struct planner *planner = planner_random_new(seed);
    Trireme__Proposals *proposals = NULL;
    struct err err;
    assert_int_equal(planner->ops->poll(planner, &proposals, &err), PLANNER_NOTHING);
    planner->ops->ask(planner, briefing);
    assert_int_equal(planner->ops->poll(planner, &proposals, &err), PLANNER_PROPOSALS);
    Trireme__Proposals *again = NULL;
    assert_int_equal(planner->ops->poll(planner, &again, &err), PLANNER_NOTHING);
    planner->ops->free(planner);
    return proposals;
}

/* Adds a proposal to what the briefing says was tried. */
static void remember(Trireme__Briefing *briefing, const Trireme__Proposal *proposal)
{
    Trireme__Tried *tried = message_new(&trireme__tried__descriptor);
    tried->number = (uint32_t)briefing->n_tried + 1;
    tried->patch = malloc(sizeof *tried->patch);
    tried->patch[tried->n_patch++] = message_copy(proposal->patch[0]);
    briefing->tried = realloc(briefing->tried, (briefing->n_tried + 1) * sizeof *briefing->tried);
    briefing->tried[briefing->n_tried++] = tried;
}

static void whatever_it_proposes_is_legal_and_new(void **state)
{
    (void)state;
    const char *const settings[] = {NULL,
                                    "optimizer.name=sgd",
                                    "schedule.kind=constant",
                                    "train.context=64",
                                    "schedule.warmup=0",
                                    "optimizer.clip=0",
                                    "optimizer.lr=1e-4",
                                    "optimizer.weight_decay=0",
                                    "optimizer.beta1=0",
                                    "model.context=96",
                                    "data.sources.1.weight=0"};
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        Trireme__Config *config = fixture_config(settings[i]);
        Trireme__Briefing *briefing = fixture_briefing(config, NULL, NULL, 1);
        for (unsigned k = 0; k < 40; k++) {
            Trireme__Proposals *answer = answer_of(k % 3, briefing);
            assert_int_equal(answer->n_proposals, 1);
            const Trireme__Proposal *p = answer->proposals[0];
            struct err err;
            char *text = changes_text(p->patch, p->n_patch), id[32];
            Trireme__Config *changed = patch_apply(config, p->patch, p->n_patch, NULL, &err);
            if (!changed || patch_check_proposal(p, &err) < 0)
                fail_msg("%s: %s", text, err.text);
            snprintf(id, sizeof id, "random-%u", k + 1);
            assert_string_equal(p->id, id);
            assert_contains(p->hypothesis, p->patch[0]->path);
            for (size_t t = 0; t < briefing->n_tried; t++)
                assert_false(changes_equal(p->patch, 1, briefing->tried[t]->patch, 1));
            remember(briefing, p);
            message_free(changed);
            message_free(answer);
            free(text);
        }
        message_free(briefing);
        message_free(config);
    }
}

static void the_same_seed_and_briefing_give_the_same_proposal(void **state)
{
    (void)state;
    Trireme__Config *config = fixture_config(NULL);
    Trireme__Briefing *briefing = fixture_briefing(config, NULL, NULL, 1);
    unsigned differ = 0;
    for (uint64_t seed = 0; seed < 10; seed++) {
        Trireme__Proposals *a = answer_of(seed, briefing), *b = answer_of(seed, briefing);
        Trireme__Proposals *c = answer_of(seed + 1, briefing);
        assert_true(message_equal(a, b));
        differ += !message_equal(a, c);
        message_free(a);
        message_free(b);
        message_free(c);
    }
    assert_true(differ >= 8);
    message_free(briefing);
    message_free(config);
}

static void it_keeps_to_narrow_bounds_and_stops_where_all_is_tried(void **state)
{
    (void)state;
    Trireme__Config *config = fixture_config(NULL);
    Trireme__Briefing *briefing = fixture_briefing(config, NULL, NULL, 1);
    for (size_t i = 0; i < briefing->n_may_change; i++)
        message_free(briefing->may_change[i]);
    Trireme__MayChange *may = message_new(&trireme__may_change__descriptor);
    may->path = strdup("optimizer.lr"), may->value = strdup("0.001");
    may->has_min = may->has_max = 1, may->min = 0.0007, may->max = 0.002;
    briefing->may_change[0] = may, briefing->n_may_change = 1;
    const char *expected[] = {"0.00071", "0.00141", "0.002"};
    bool seen[3] = {false};
    for (int k = 0; k < 3; k++) {
        Trireme__Proposals *answer = answer_of(5, briefing);
        assert_int_equal(answer->n_proposals, 1);
        for (int e = 0; e < 3; e++)
            seen[e] = seen[e] || !strcmp(answer->proposals[0]->patch[0]->value, expected[e]);
        remember(briefing, answer->proposals[0]);
        message_free(answer);
    }
    assert_true(seen[0] && seen[1] && seen[2]);
    Trireme__Proposals *answer = answer_of(5, briefing);
    assert_int_equal(answer->n_proposals, 0);
    message_free(answer);
    message_free(briefing);
    message_free(config);
}

static void without_room_it_proposes_nothing(void **state)
{
    (void)state;
    Trireme__Config *config = fixture_config(NULL);
    Trireme__Briefing *briefing = fixture_briefing(config, NULL, NULL, 1);
    briefing->room = 0;
    Trireme__Proposals *answer = answer_of(1, briefing);
    assert_int_equal(answer->n_proposals, 0);
    message_free(answer);
    message_free(briefing);
    message_free(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_it_proposes_is_legal_and_new),
        cmocka_unit_test(the_same_seed_and_briefing_give_the_same_proposal),
        cmocka_unit_test(it_keeps_to_narrow_bounds_and_stops_where_all_is_tried),
        cmocka_unit_test(without_room_it_proposes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
