#include "launcher/command.h"

#include "launcher/print.h"

#include "command.pb-c.h"
#include "files.pb-c.h"
#include "planner.pb-c.h"

#define TYPES(request, reply) &trireme__##request##__descriptor, &trireme__##reply##__descriptor

// clang-format off
const struct command commands[] = {
    {"data prepare",   TYPES(data_prepare_request, data_set),             command_data_prepare,   NULL},
    {"train",          TYPES(train_request, train_reply),                 command_train,          print_nothing},
    {"resume",         TYPES(resume_request, train_reply),                command_resume,         print_nothing},
    {"eval",           TYPES(eval_request, eval_reply),                   command_eval,           NULL},
    {"sample",         TYPES(sample_request, sample_reply),               command_sample,         print_sample},
    {"ckpt ls",        TYPES(ckpt_ls_request, ckpt_ls_reply),             command_ckpt_ls,        print_ckpt_ls},
    {"ckpt verify",    TYPES(ckpt_verify_request, ckpt_verify_reply),     command_ckpt_verify,    print_ckpt_verify},
    {"ckpt hash",      TYPES(ckpt_hash_request, ckpt_hash_reply),         command_ckpt_hash,      print_ckpt_hash},
    {"export",         TYPES(export_request, export_reply),               command_export,         NULL},
    {"propose",        TYPES(propose_request, answer),                    command_propose,        print_answer},
    {"brief",          TYPES(brief_request, briefing),                    command_brief,          NULL},
    {"trials ls",      TYPES(trials_ls_request, trials_ls_reply),         command_trials_ls,      print_trials_ls},
    {"trials show",    TYPES(trials_show_request, trials_show_reply),     command_trials_show,    print_trials_show},
    {"trials diff",    TYPES(trials_diff_request, trials_diff_reply),     command_trials_diff,    print_trials_diff},
    {"trials approve", TYPES(trials_approve_request, answer),             command_trials_approve, print_answer},
    {"trials veto",    TYPES(trials_veto_request, answer),                command_trials_veto,    print_answer},
    {"trials kill",    TYPES(trials_kill_request, answer),                command_trials_kill,    print_answer},
    {"ledger verify",  TYPES(ledger_verify_request, ledger_verify_reply), command_ledger_verify,  print_ledger_verify},
    {"ledger show",    TYPES(ledger_show_request, ledger_show_reply),     command_ledger_show,    print_ledger_show},
    {"ledger replay",  TYPES(ledger_replay_request, train_reply),         command_ledger_replay,  print_replay},
    {"config",         TYPES(config_request, config_reply),               command_config,         print_config},
    {"bench gemm",     TYPES(bench_gemm_request, bench_gemm_reply),       command_bench_gemm,     print_bench_gemm},
    {"bench step",     TYPES(bench_step_request, bench_step_reply),       command_bench_step,     print_bench_step},
};
// clang-format on
const size_t n_commands = sizeof commands / sizeof *commands;
