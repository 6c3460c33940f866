#include "launcher/commands/command.h"

#include "command.pb-c.h"
#include "files.pb-c.h"
#include "planner.pb-c.h"

/* A row: the words of the command, the role that may call it as a tool, its noun in the names of
 * its request and its handler, its reply, and how that is printed. */
#define ROW(words, tool, noun, reply, print, speak, kind)                                          \
    {                                                                                              \
        words, &trireme__##noun##_request__descriptor, &trireme__##reply##__descriptor,            \
            command_##noun, print, speak, kind, TOOL_##tool                                        \
    }
#define ALONE(words, tool, noun, reply, print)                                                     \
    ROW(words, tool, noun, reply, print, NULL, COMMAND_ALONE)
#define RANKS(words, tool, noun, reply, print)                                                     \
    ROW(words, tool, noun, reply, print, NULL, COMMAND_OF_RANKS)
#define REPORT(words, tool, noun, reply, print)                                                    \
    ROW(words, tool, noun, reply, print, NULL, COMMAND_REPORTS)
#define SPEAKS(words, tool, noun, reply)                                                           \
    ROW(words, tool, noun, reply, NULL, speak_##noun, COMMAND_ALONE)

// clang-format off
const struct command commands[] = {
    ALONE(  "data prepare",       NONE,    data_prepare,       data_set,             NULL),
    RANKS(  "train",              NONE,    train,              train_reply,          print_nothing),
    RANKS(  "resume",             NONE,    resume,             train_reply,          print_nothing),
    ALONE(  "stop",               APPROVE, stop,               stop_reply,           print_stop),
    ALONE(  "submit",             NONE,    submit,             submit_reply,         print_submit),
    ALONE(  "eval",               NONE,    eval,               eval_reply,           NULL),
    SPEAKS( "sample",             READ,    sample,             sample_reply),
    ALONE(  "ckpt ls",            READ,    ckpt_ls,            ckpt_ls_reply,        print_ckpt_ls),
    ALONE(  "ckpt verify",        NONE,    ckpt_verify,        ckpt_verify_reply,    print_ckpt_verify),
    ALONE(  "ckpt hash",          NONE,    ckpt_hash,          ckpt_hash_reply,      print_ckpt_hash),
    ALONE(  "export",             NONE,    export,             export_reply,         NULL),
    ALONE(  "propose",            PROPOSE, propose,            answer,               print_answer),
    ALONE(  "briefing",           READ,    briefing,           briefing,             NULL),
    ALONE(  "proposals ls",       READ,    proposals_ls,       proposals_ls_reply,   print_proposals_ls),
    ALONE(  "proposals show",     READ,    proposals_show,     proposals_show_reply, print_proposals_show),
    ALONE(  "proposals diff",     READ,    proposals_diff,     proposals_diff_reply, print_proposals_diff),
    ALONE(  "proposals approve",  APPROVE, proposals_approve,  answer,               print_answer),
    ALONE(  "proposals veto",     APPROVE, proposals_veto,     answer,               print_answer),
    ALONE(  "proposals kill",     APPROVE, proposals_kill,     answer,               print_answer),
    ALONE(  "proposals takeback", APPROVE, proposals_takeback, answer,               print_answer),
    ALONE(  "ledger verify",      READ,    ledger_verify,      ledger_verify_reply,  print_ledger_verify),
    ALONE(  "ledger show",        READ,    ledger_show,        ledger_show_reply,    print_ledger_show),
    RANKS(  "ledger replay",      NONE,    ledger_replay,      train_reply,          print_replay),
    ALONE(  "config show",        READ,    config_show,        config,               NULL),
    ALONE(  "config",             NONE,    config,             config_reply,         print_config),
    ALONE(  "bench gemm",         NONE,    bench_gemm,         bench_gemm_reply,     print_bench_gemm),
    ALONE(  "bench step",         NONE,    bench_step,         bench_step_reply,     print_bench_step),
    REPORT( "doctor",             NONE,    doctor,             doctor_reply,         print_doctor),
};
// clang-format on
const size_t n_commands = sizeof commands / sizeof *commands;

const struct command_alias command_aliases[] = {
    {"brief",  "briefing" },
    {"trials", "proposals"},
};
const size_t n_command_aliases = sizeof command_aliases / sizeof *command_aliases;
