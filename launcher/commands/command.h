/* The commands: one row each, its options and its reply messages of the schema
 * (proto/command.proto). The command line and the server of tools (launcher/mcp) are loops over
 * this table. */
#pragma once
#include "launcher/command_row.h"

#include "command.pb-c.h"

extern const struct command commands[];
extern const size_t n_commands;

/* First words that commands had once; they still work. */
struct command_alias {
    const char *word, *means;
};
extern const struct command_alias command_aliases[];
extern const size_t n_command_aliases;

int command_data_prepare(const void *request, void *reply, struct err *err);
int command_train(const void *request, void *reply, struct err *err);
int command_resume(const void *request, void *reply, struct err *err);
int command_stop(const void *request, void *reply, struct err *err);
int command_submit(const void *request, void *reply, struct err *err);
int command_eval(const void *request, void *reply, struct err *err);
int command_sample(const void *request, void *reply, struct err *err);
int command_ckpt_ls(const void *request, void *reply, struct err *err);
int command_ckpt_verify(const void *request, void *reply, struct err *err);
int command_ckpt_hash(const void *request, void *reply, struct err *err);
int command_export(const void *request, void *reply, struct err *err);
int command_config(const void *request, void *reply, struct err *err);
int command_config_show(const void *request, void *reply, struct err *err);
int command_propose(const void *request, void *reply, struct err *err);
int command_price(const void *request, void *reply, struct err *err);
int command_queue(const void *request, void *reply, struct err *err);
int command_briefing(const void *request, void *reply, struct err *err);
int command_proposals_ls(const void *request, void *reply, struct err *err);
int command_proposals_show(const void *request, void *reply, struct err *err);
int command_proposals_diff(const void *request, void *reply, struct err *err);
int command_proposals_approve(const void *request, void *reply, struct err *err);
int command_proposals_veto(const void *request, void *reply, struct err *err);
int command_proposals_kill(const void *request, void *reply, struct err *err);
int command_proposals_takeback(const void *request, void *reply, struct err *err);
int command_ledger_verify(const void *request, void *reply, struct err *err);
int command_ledger_replay(const void *request, void *reply, struct err *err);
int command_ledger_show(const void *request, void *reply, struct err *err);
int command_wait(const void *request, void *reply, struct err *err);
int command_done(const void *request, void *reply, struct err *err);
int command_curve(const void *request, void *reply, struct err *err);
int command_compare(const void *request, void *reply, struct err *err);
int command_diagnose(const void *request, void *reply, struct err *err);
int command_note(const void *request, void *reply, struct err *err);
int command_ledger_notes(const void *request, void *reply, struct err *err);
int command_plan(const void *request, void *reply, struct err *err);
int command_ledger_export(const void *request, void *reply, struct err *err);
int command_mcp(const void *request, void *reply, struct err *err);
int command_notes_add(const void *request, void *reply, struct err *err);
int command_notes_ls(const void *request, void *reply, struct err *err);
int command_notes_search(const void *request, void *reply, struct err *err);
int command_notes_lint(const void *request, void *reply, struct err *err);
int command_doctor(const void *request, void *reply, struct err *err);
int command_bench_gemm(const void *request, void *reply, struct err *err);
int command_bench_step(const void *request, void *reply, struct err *err);
int command_report(const void *request, void *reply, struct err *err);
int command_bench_planner(const void *request, void *reply, struct err *err);

/* As `eval`, of a look that is not counted: for the bench, which reads a run once at its end. */
int command_eval_uncounted(const void *request, void *reply, struct err *err);

/* Checks what `train` would check before it writes anything. request: a TrainRequest. *threads: of
 * each rank. */
int command_train_check(unsigned *threads, const void *request, struct err *err);

/* Asks a running coordinator and fills in the answer, a refusal being an error: as a planner; or as
 * a person, and where this user cannot and anybody may ask for it, as a planner. Where nobody
 * answers within `wait` seconds the request waits, and the reply says so. */
int command_propose_ask(Trireme__Answer *reply, const char *run, const Trireme__Request *request,
                        Trireme__As as, double wait, struct err *err);

/* What a language model that proposes would be given now: the briefing, cut so that its text has
 * the size of experiment.briefing. since: the step of its turn before; NULL: there was none. */
Trireme__Briefing *command_briefing_make(const char *run, const uint64_t *since, struct err *err);

int speak_sample(const void *request, struct err *err);
int speak_briefing(const void *request, struct err *err);
int speak_plan(const void *request, struct err *err);

/* Print a reply for people, to stdout, where YAML would not do. */
void print_nothing(const void *reply);
void print_stop(const void *reply);
void print_replay(const void *reply);
void print_submit(const void *reply);
void print_ckpt_ls(const void *reply);
void print_ckpt_verify(const void *reply);
void print_ckpt_hash(const void *reply);
void print_config(const void *reply);
void print_answer(const void *reply);
void print_queue(const void *reply);
void print_proposals_ls(const void *reply);
void print_proposals_show(const void *reply);
void print_proposals_diff(const void *reply);
void print_ledger_verify(const void *reply);
void print_ledger_show(const void *reply);
void print_ledger_notes(const void *reply);
void print_notes_add(const void *reply);
void print_notes(const void *reply);
void print_notes_lint(const void *reply);
void print_doctor(const void *reply);
void print_bench_gemm(const void *reply);
void print_bench_step(const void *reply);
void print_bench_planner(const void *reply);
