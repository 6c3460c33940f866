/* The commands: one row each, its options and its reply messages of the schema
 * (proto/command.proto). The command line is a loop over this table. */
#pragma once
#include "base/err.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

/* Does what the request says. Returns 0 with the reply filled in, or -1 with the sentence. */
typedef int (*command_fn)(const void *request, void *reply, struct err *err);

/* Does the same and writes to stdout meanwhile, for people who wait for it. */
typedef int (*command_speak_fn)(const void *request, struct err *err);

enum command_kind {
    COMMAND_ALONE,    /* it speaks wherever it runs */
    COMMAND_OF_RANKS, /* in an MPI job it is the work of all ranks together, and rank 0 speaks;
                       * it takes the signals that ask to stop (stop_request.h) */
    COMMAND_REPORTS   /* alone, and the reply is printed also where the command fails */
};

struct command {
    const char *name; /* one word, or two */
    const ProtobufCMessageDescriptor *request, *reply;
    command_fn run;
    void (*print)(const void *reply); /* for people; NULL: the reply as YAML */
    command_speak_fn speak;           /* for people, in the place of both; or NULL */
    enum command_kind kind;
};

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
int command_propose(const void *request, void *reply, struct err *err);
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
int command_doctor(const void *request, void *reply, struct err *err);
int command_bench_gemm(const void *request, void *reply, struct err *err);
int command_bench_step(const void *request, void *reply, struct err *err);

/* Checks what `train` would check before it writes anything. request: a TrainRequest. *threads: of
 * each rank. */
int command_train_check(unsigned *threads, const void *request, struct err *err);

int speak_sample(const void *request, struct err *err);
int speak_briefing(const void *request, struct err *err);

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
void print_proposals_ls(const void *reply);
void print_proposals_show(const void *reply);
void print_proposals_diff(const void *reply);
void print_ledger_verify(const void *reply);
void print_ledger_show(const void *reply);
void print_doctor(const void *reply);
void print_bench_gemm(const void *reply);
void print_bench_step(const void *reply);
