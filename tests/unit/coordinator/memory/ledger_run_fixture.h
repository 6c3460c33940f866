/* A run's folder with an id, token files and a ledger, as a campaign leaves it. */
#pragma once
#include "tests/unit/coordinator/ledger/record_fixture.h"
#include "tests/unit/coordinator/memory/memory_fixture.h"

#include "coordinator/ledger/ledger.h"

#include <sys/stat.h>

/* Makes FOLDER/NAME; digest: of its validation file. The caller frees the path. */
static inline char *run_fixture(const char *folder, const char *name, const char *id,
                                const char *digest)
{
    char *run = file_join(folder, name), data[400], line[40];
    snprintf(data, sizeof data,
             "files:\n- {source: a, path: x, use: training, digest: '1'}\n"
             "- {source: a, path: y, use: validation, digest: '%s'}\n",
             digest);
    snprintf(line, sizeof line, "%s\n", id);
    must_write_in(run, "id", line, strlen(line));
    must_write_in(run, "data.yaml", data, strlen(data));
    return run;
}

/* Appends records, each as YAML. */
static inline void ledger_fixture(const char *run, const char *const *records, size_t n)
{
    struct err err = {.text = ""};
    struct ledger *ledger = ledger_open(run, true, &err);
    if (!ledger)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < n; i++) {
        Trireme__Record *record = record_fixture(records[i]);
        if (ledger_append(ledger, record, &err) < 0)
            fail_msg("%s", err.text);
        message_free(record);
    }
    ledger_free(ledger);
}

/* 1 is adopted, kept and claimed; 2 is beaten; 3 is adopted and taken back; 4 is killed. */
static const char *const campaign_fixture_records[] = {
    "{kind: rule, step: 40, rule: {revision: 2, tokens: 1000000}}",
    "{kind: proposal, step: 10, number: 1, by: planner, proposal: {patch: {optimizer.lr: 0.004}, "
    "hypothesis: it is low}}",
    "{kind: validation, step: 10, number: 1, validation: {accepted: true, next: queued}}",
    "{kind: proposal, step: 10, number: 2, by: planner, proposal: {patch: "
    "{data.sources.1.weight: 0.5}}}",
    "{kind: validation, step: 10, number: 2, validation: {accepted: true, next: queued}}",
    "{kind: hypothesis, step: 40, number: 1, plan: {slow: true}}",
    "{kind: hypothesis, step: 40, number: 2, plan: {slow: false}}",
    "{kind: stretch, step: 40, stretch: {horizon: 10, trained: 40000, step_tokens: 1000, arms: "
    "[{number: 1}, {number: 2}]}}",
    "{kind: observation, step: 50, number: 1, observation: {pair: 0, tokens: 5}}",
    "{kind: observation, step: 50, number: 2, observation: {pair: 0, tokens: 5}}",
    "{kind: decision, step: 50, decision: {tokens: 5}}",
    "{kind: verdict, step: 50, number: 2, judgement: {outcome: closed, cause: beaten, pairs: 1}}",
    "{kind: verdict, step: 50, number: 1, judgement: {outcome: adopted, cause: gains, pairs: 1}}",
    "{kind: promotion, step: 50, number: 1, promotion: {adopted: true, patch: "
    "{optimizer.lr: 0.004}, before: {optimizer.lr: 0.001}}}",
    "{kind: hypothesis, step: 50, number: 1, plan: {slow: true, reverse: true}}",
    "{kind: claim, step: 50, number: 1, claim: {t: 1, answer: open}}",
    "{kind: stretch, step: 50, stretch: {horizon: 10, trained: 50000, step_tokens: 1000, arms: "
    "[{number: 1, reverse: true}]}}",
    "{kind: claim, step: 60, number: 1, claim: {t: 1, answer: claimed, pairs: 3, mean: 0.25, "
    "half_width: 0.125}}",
    "{kind: verdict, step: 60, number: 1, judgement: {outcome: kept, cause: gains, pairs: 3}}",
    "{kind: proposal, step: 60, number: 3, by: planner, proposal: {patch: {optimizer.lr: 0.008}}}",
    "{kind: validation, step: 60, number: 3, validation: {accepted: true, next: queued}}",
    "{kind: hypothesis, step: 60, number: 3, plan: {slow: true}}",
    "{kind: stretch, step: 60, stretch: {horizon: 10, trained: 60000, step_tokens: 1000, arms: "
    "[{number: 3}]}}",
    "{kind: promotion, step: 70, number: 3, promotion: {adopted: true, patch: "
    "{optimizer.lr: 0.008}, before: {optimizer.lr: 0.004}}}",
    "{kind: hypothesis, step: 70, number: 3, plan: {slow: true, reverse: true}}",
    "{kind: verdict, step: 80, number: 3, judgement: {outcome: taken_back, cause: gains}}",
    "{kind: rollback, step: 80, number: 3, promotion: {patch: {optimizer.lr: 0.004}, before: "
    "{optimizer.lr: 0.008}}}",
    "{kind: proposal, step: 90, number: 4, by: planner, proposal: {patch: {optimizer.beta2: 0.9}}}",
    "{kind: validation, step: 90, number: 4, validation: {accepted: true, next: queued}}",
    "{kind: verdict, step: 90, number: 4, judgement: {outcome: closed, cause: killed}}",
};
enum {
    CAMPAIGN_FIXTURE_RECORDS = sizeof campaign_fixture_records / sizeof *campaign_fixture_records,
    BEATEN_LINE = 12, /* numbers of these records */
    CLAIMED_LINE = 18,
    KEPT_LINE = 19,
    BACK_LINE = 26
};
