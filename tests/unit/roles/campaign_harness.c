#include "tests/unit/roles/campaign_harness.h"

#include "base/text.h"
#include "coordinator/inbox/inbox.h"
#include "coordinator/inbox/seal.h"
#include "coordinator/proposals/planner.h"
#include "coordinator/run/secret.h"
#include "proto/schema/write.h"

volatile sig_atomic_t harness_stop;
uint64_t harness_stop_step;

void plan_stop_at(bool *active, size_t n_workers, uint32_t trial, uint64_t step)
{
    (void)active, (void)n_workers;
    // the update after `step` is leased: the trunk can rest behind it
    if (trial == 0 && step + 1 >= harness_stop_step)
        harness_stop = 1;
}

int campaign_set_up(void **state)
{
    struct campaign_fixture *f = mem_new(1, sizeof *f);
    f->root = test_folder_new();
    f->data = file_join(f->root, "data");
    role_harness_write_source(f->data, "a", 1, 4001, true);
    role_harness_write_source(f->data, "b", 3, 3001, true);
    harness_stop = 0;
    *state = f;
    return 0;
}

int campaign_tear_down(void **state)
{
    struct campaign_fixture *f = *state;
    test_folder_free(f->root);
    free(f->data);
    free(f);
    return 0;
}

const char *campaign_folder(const struct campaign_fixture *f, const char *name)
{
    static char folder[512];
    snprintf(folder, sizeof folder, "%s/%s", f->root, name);
    return folder;
}

struct scripted_planner {
    struct planner base;
    const struct scripted_proposal *script;
    Trireme__Proposals *answer; /* NULL: nothing was asked */
};

Trireme__Proposal *campaign_proposal(const char *words, const char *id)
{
    struct err err;
    struct text yaml = {0}, patch = {0};
    Trireme__Proposal *proposal = message_new(&trireme__proposal__descriptor);
    char *copy = mem_strdup(words), *save = NULL;
    text_printf(&yaml, "{id: %s, hypothesis: it helps, ", id);
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        const int path = (int)strcspn(word, "=");
        const bool is_change = memchr(word, '.', (size_t)path);
        if (is_change)
            text_printf(&patch, "%.*s: '%s', ", path, word, word + path + 1);
        else
            text_printf(&yaml, "%.*s: %s, ", path, word, word + path + 1);
    }
    text_printf(&yaml, "patch: {%s}}", patch.bytes);
    if (yaml_read(proposal, yaml.bytes, yaml.size, "script", ERR_USAGE, &err) < 0)
        fail_msg("%s", err.text);
    free(copy);
    text_clear(&patch);
    text_clear(&yaml);
    return proposal;
}

static Trireme__Proposal *proposal_of(const struct scripted_proposal *scripted, size_t n)
{
    char id[32];
    snprintf(id, sizeof id, "scripted%zu", n);
    return campaign_proposal(scripted->patch, id);
}

static void scripted_ask(struct planner *planner, const Trireme__Briefing *briefing)
{
    struct scripted_planner *p = (struct scripted_planner *)planner;
    size_t known = briefing->n_tried, n = known;
    for (size_t i = 0; i < known; i++)
        assert_non_null(p->script[i].patch);
    while (p->script[n].patch && p->script[n].step <= briefing->step)
        n++;
    p->answer = message_new(&trireme__proposals__descriptor);
    p->answer->proposals = mem_new(n - known, sizeof *p->answer->proposals);
    for (size_t i = known; i < n; i++)
        p->answer->proposals[p->answer->n_proposals++] = proposal_of(&p->script[i], i);
}

static enum planner_answer scripted_poll(struct planner *planner, Trireme__Proposals **proposals,
                                         struct err *err)
{
    struct scripted_planner *p = (struct scripted_planner *)planner;
    (void)err;
    if (!p->answer)
        return PLANNER_NOTHING;
    *proposals = p->answer;
    p->answer = NULL;
    return PLANNER_PROPOSALS;
}

static void scripted_free(struct planner *planner)
{
    message_free(((struct scripted_planner *)planner)->answer);
    free(planner);
}

struct planner *scripted_planner_new(const struct scripted_proposal *script)
{
    static const struct planner_ops ops = {
        .name = "script", .ask = scripted_ask, .poll = scripted_poll, .free = scripted_free};
    struct scripted_planner *p = mem_new(1, sizeof *p);
    *p = (struct scripted_planner){.base = {.ops = &ops}, .script = script};
    return &p->base;
}

static bool run_with(struct run *run, const struct scripted_proposal *script,
                     const struct harness_launch *launch, struct err *how)
{
    struct harness_launch with = *launch;
    with.planner = script ? scripted_planner_new(script) : NULL;
    return role_harness_run(run, &with, how);
}

bool campaign_run_to(const struct campaign_fixture *f, const char *name,
                     const char *const *settings, const struct scripted_proposal *script,
                     const struct harness_launch *launch, struct err *how)
{
    static const char *const common[] = {
        "train.steps=160", "schedule.warmup=4", "checkpoint.every=0", "checkpoint.keep=2",
        "gate.stake=0.4",  "gate.share=0.4",    "gate.windows=36",    "gate.claims=none"};
    const char *all[32];
    size_t n = 0;
    struct run run;
    struct err err;
    for (; n < sizeof common / sizeof *common; n++)
        all[n] = common[n];
    for (; *settings; settings++)
        all[n++] = *settings;
    all[n] = NULL;
    if (run_plan_train(&run, campaign_folder(f, name), role_harness_config(f->data, all), &err) < 0)
        fail_msg("%s", err.text);
    return run_with(&run, script, launch, how);
}

bool campaign_run(const struct campaign_fixture *f, const char *name, const char *const *settings,
                  const struct scripted_proposal *script, const struct harness_launch *launch)
{
    struct err how;
    return campaign_run_to(f, name, settings, script, launch, &how);
}

void campaign_resume(const struct campaign_fixture *f, const char *name, char *const *settings,
                     size_t n_settings, const struct scripted_proposal *script,
                     const struct harness_launch *launch)
{
    struct run run;
    struct err err;
    if (run_plan_resume(&run, campaign_folder(f, name), settings, n_settings, &err) < 0)
        fail_msg("%s", err.text);
    run_with(&run, script, launch, &err);
}

static const Trireme__TrainLine *find_line(const struct lines *lines, const char *trial,
                                           uint64_t step)
{
    for (size_t i = 0; i < lines->n; i++)
        if (lines->items[i]->step == step && !strcmp(lines->items[i]->trial, trial))
            return lines->items[i];
    return NULL;
}

struct lines lines_read(const struct campaign_fixture *f, const char *name)
{
    struct err err;
    struct lines lines = {0};
    char *path = file_join(campaign_folder(f, name), "metrics.jsonl"), *save = NULL;
    char *text = file_read(path, NULL, ERR_DATA, &err);
    assert_non_null(text);
    uint64_t evaluated = 0;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        if (strstr(line, "\"kind\":\"eval\"")) {
            uint64_t step = strtoull(strstr(line, "\"step\":") + 7, NULL, 10);
            if (step <= evaluated)
                fail_msg("%s: an evaluation of step %llu stands behind one of step %llu", name,
                         (unsigned long long)step, (unsigned long long)evaluated);
            evaluated = step;
            lines.n_evals++;
        }
        if (!strstr(line, "\"kind\":\"train\""))
            continue;
        Trireme__TrainLine *t = message_new(&trireme__train_line__descriptor);
        if (json_read(t, line, strlen(line), "metrics.jsonl", ERR_DATA, &err) < 0)
            fail_msg("%s", err.text);
        if (find_line(&lines, t->trial, t->step))
            fail_msg("%s: step %llu of %s is there twice", name, (unsigned long long)t->step,
                     t->trial);
        lines.items = mem_resize(lines.items, lines.n + 1, sizeof *lines.items);
        lines.items[lines.n++] = t;
    }
    free(text);
    free(path);
    return lines;
}

void lines_free(struct lines *lines)
{
    for (size_t i = 0; i < lines->n; i++)
        message_free(lines->items[i]);
    free(lines->items);
}

const Trireme__TrainLine *lines_at(const struct lines *lines, const char *trial, uint64_t step)
{
    const Trireme__TrainLine *line = find_line(lines, trial, step);
    if (!line)
        fail_msg("there is no line of step %llu of %s", (unsigned long long)step, trial);
    return line;
}

size_t lines_count(const struct lines *lines, const char *trial)
{
    size_t n = 0;
    for (size_t i = 0; i < lines->n; i++)
        n += !strcmp(lines->items[i]->trial, trial);
    return n;
}

void lines_check_equal(const struct lines *found, const char *found_trial,
                       const struct lines *expected, const char *expected_trial, uint64_t first,
                       uint64_t last)
{
    for (uint64_t step = first; step <= last; step++) {
        const Trireme__TrainLine *a = lines_at(found, found_trial, step);
        const Trireme__TrainLine *b = lines_at(expected, expected_trial, step);
        if (a->loss != b->loss || a->grad_norm != b->grad_norm || a->lr != b->lr ||
            a->tokens != b->tokens)
            fail_msg("step %llu: %s has loss %.17g, norm %.17g, rate %.17g, %llu tokens; %s has "
                     "loss %.17g, norm %.17g, "
                     "rate %.17g, %llu tokens",
                     (unsigned long long)step, found_trial, a->loss, a->grad_norm, a->lr,
                     (unsigned long long)a->tokens, expected_trial, b->loss, b->grad_norm, b->lr,
                     (unsigned long long)b->tokens);
    }
}

static void forget_chance(Trireme__Record *record)
{
    free(record->prev);
    free(record->time);
    record->prev = record->time = NULL;
    record->application->has_pause_ms = record->application->has_trial =
        record->promotion->has_trial = false;
    record->application->pause_ms = 0;
    record->application->trial = record->promotion->trial = 0;
}

static char *record_text(const struct ledger *ledger, size_t i)
{
    if (i >= ledger_records(ledger))
        return mem_strdup("nothing");
    Trireme__Record *record = message_copy(ledger_record(ledger, i));
    forget_chance(record);
    char *json = json_write(record);
    message_free(record);
    return json;
}

static struct ledger *ledger_of(const struct campaign_fixture *f, const char *name)
{
    struct err err;
    struct ledger *ledger = ledger_open(campaign_folder(f, name), false, &err);
    if (!ledger)
        fail_msg("%s", err.text);
    return ledger;
}

void ledgers_check_equal(const struct campaign_fixture *f, const char *found_name,
                         const char *expected_name)
{
    struct ledger *found = ledger_of(f, found_name), *expected = ledger_of(f, expected_name);
    for (size_t i = 0; i < ledger_records(found) || i < ledger_records(expected); i++) {
        char *a = record_text(found, i), *b = record_text(expected, i);
        if (strcmp(a, b))
            fail_msg("line %zu of the ledger of %s: found\n%s\nexpected\n%s", i + 1, found_name, a,
                     b);
        free(a);
        free(b);
    }
    ledger_free(found);
    ledger_free(expected);
}

void ledger_check_sums(const struct campaign_fixture *f, const char *name)
{
    struct ledger *ledger = ledger_of(f, name);
    for (size_t i = 0; i < ledger_records(ledger); i++) {
        const Trireme__Record *r = ledger_record(ledger, i);
        struct history history = {0};
        if (r->kind != TRIREME__RECORD_KIND__stretch)
            continue;
        history_read(&history, ledger, i);
        if (history.spent != r->stretch->spent || history.since != r->stretch->since)
            fail_msg("line %zu of the ledger of %s: found %llu tokens, %llu since the last "
                     "adoption; the records before it have %llu and %llu",
                     i + 1, name, (unsigned long long)r->stretch->spent,
                     (unsigned long long)r->stretch->since, (unsigned long long)history.spent,
                     (unsigned long long)history.since);
        history_clear(&history);
    }
    ledger_free(ledger);
}

struct history ledger_history(const struct campaign_fixture *f, const char *name)
{
    struct history history = {0};
    struct ledger *ledger = ledger_of(f, name);
    history_read(&history, ledger, ledger_records(ledger));
    ledger_free(ledger);
    return history;
}

void campaign_check_same(const struct campaign_fixture *f, const char *found_name,
                         const char *expected_name, uint64_t step)
{
    struct checkpoint_state found = checkpoint_state_read(campaign_folder(f, found_name), step);
    struct checkpoint_state expected =
        checkpoint_state_read(campaign_folder(f, expected_name), step);
    checkpoint_state_check_equal(&found, &expected);
    checkpoint_state_free(&found);
    checkpoint_state_free(&expected);
    struct lines found_lines = lines_read(f, found_name),
                 expected_lines = lines_read(f, expected_name);
    assert_int_equal(lines_count(&found_lines, "trunk"), step);
    assert_int_equal(lines_count(&expected_lines, "trunk"), step);
    lines_check_equal(&found_lines, "trunk", &expected_lines, "trunk", 1, step);
    lines_free(&found_lines);
    lines_free(&expected_lines);
}

void campaign_ask(const char *folder, const Trireme__Request *request)
{
    struct err err;
    Trireme__Answer *answer = NULL;
    Trireme__Request asked = *request;
    struct secret *secret = NULL;
    if (secret_open(&secret, folder, "", &err) <= 0)
        fail_msg("%s", err.text);
    asked.by = "person";
    Trireme__Request *sealed = seal_put(&asked, secret, &err);
    if (!sealed || inbox_ask(&answer, folder, sealed, 0, &err) < 0)
        fail_msg("%s", err.text);
    message_free(sealed);
    secret_free(secret);
    assert_null(answer);
    // the coordinator reads the inbox a few times a second, and all steps here are faster than that
    clock_sleep(0.3);
}

void campaign_order(const char *folder, Trireme__Order order, uint32_t number)
{
    Trireme__Request request = TRIREME__REQUEST__INIT;
    request.has_order = 1, request.order = order;
    request.has_number = 1, request.number = number;
    campaign_ask(folder, &request);
}
