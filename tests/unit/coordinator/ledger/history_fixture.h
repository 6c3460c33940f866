/* Histories of records, each written as YAML. */
#pragma once
#include "tests/unit/coordinator/ledger/record_fixture.h"

#include "base/mem.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/ledger.h"

static inline void add_record(struct history *history, const char *yaml)
{
    Trireme__Record *record = record_fixture(yaml);
    history_add_record(history, record);
    message_free(record);
}

static inline void propose(struct history *history, uint32_t number)
{
    char *yaml =
        mem_format("{kind: proposal, number: %u, step: %u, by: random, proposal: {id: p%u, "
                   "patch: {optimizer.lr: 0.00%u}, hypothesis: faster}}",
                   number, 100 * number, number, number);
    add_record(history, yaml);
    free(yaml);
}

/* Adds a record of the proposal with that number. */
static inline void add_record_of(struct history *history, uint32_t number, const char *rest)
{
    char *yaml = mem_format("{number: %u, %s}", number, rest);
    add_record(history, yaml);
    free(yaml);
}

static inline void begin_rule(struct history *history)
{
    add_record(history, "{kind: rule, rule: {revision: 2, tokens: 1000000}}");
}

/* Adds the records of a hypothesis that is being tried. */
static inline void open_one(struct history *history, uint32_t number)
{
    propose(history, number);
    add_record_of(history, number, "kind: validation, validation: {accepted: true, next: queued}");
    add_record_of(history, number, "kind: hypothesis, plan: {margin: 0.002}");
}

/* The trunk goes on with an open one from step 500 on. */
static inline void promote(struct history *history, uint32_t number, const char *patch)
{
    add_record_of(history, number, "kind: verdict, judgement: {outcome: adopted, pairs: 3}");
    char *yaml = mem_format(
        "kind: promotion, step: 500, promotion: {trial: 4, adopted: true, patch: {%s}}", patch);
    add_record_of(history, number, yaml);
    free(yaml);
}

static inline void adopt(struct history *history, uint32_t number, const char *patch)
{
    if (!history->rule)
        begin_rule(history);
    open_one(history, number);
    promote(history, number, patch);
}

static inline void watch(struct history *history, uint32_t number)
{
    add_record_of(history, number, "kind: hypothesis, plan: {reverse: true}");
}

/* A stretch from a step on of these numbers: {number: 1} or {number: 1, reverse: true}. */
static inline void begin_stretch(struct history *history, uint64_t step, const char *arms)
{
    char *yaml = mem_format("{kind: stretch, step: %llu, stretch: {horizon: 10, tail: 5, windows: "
                            "64, step_tokens: 100, arms: [%s]}}",
                            (unsigned long long)step, arms);
    add_record(history, yaml);
    free(yaml);
}

static inline void observe(struct history *history, uint32_t number, uint64_t tokens)
{
    char *yaml = mem_format("kind: observation, observation: {trunk_loss: 2.5, fork_loss: 2.25, "
                            "tokens: %llu}",
                            (unsigned long long)tokens);
    add_record_of(history, number, yaml);
    free(yaml);
}

static inline void decide(struct history *history, uint64_t step, uint64_t tokens,
                          uint64_t planners)
{
    char *yaml = mem_format(
        "{kind: decision, step: %llu, decision: {tokens: %llu, planners: %llu}}",
        (unsigned long long)step, (unsigned long long)tokens, (unsigned long long)planners);
    add_record(history, yaml);
    free(yaml);
}

static inline void assert_spent(const struct history *history, uint64_t spent, uint64_t since)
{
    if (history->spent != spent || history->since != since)
        fail_msg("found %llu spent and %llu since the last adoption, expected %llu and %llu",
                 (unsigned long long)history->spent, (unsigned long long)history->since,
                 (unsigned long long)spent, (unsigned long long)since);
}

static inline void append(struct ledger *ledger, uint32_t number, uint64_t supersedes)
{
    struct err err = {.text = ""};
    Trireme__Proposal proposal = TRIREME__PROPOSAL__INIT;
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.kind = supersedes ? TRIREME__RECORD_KIND__correction : TRIREME__RECORD_KIND__proposal;
    record.number = number, record.supersedes = supersedes;
    if (!supersedes)
        record.proposal = &proposal;
    if (ledger_append(ledger, &record, &err) < 0)
        fail_msg("%s", err.text);
}
