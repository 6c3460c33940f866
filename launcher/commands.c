#include "launcher/commands/command.h"

#include "command.pb-c.h"
#include "files.pb-c.h"
#include "planner.pb-c.h"

/* A row: the words of the command, its noun in the names of its request and its handler, its reply,
 * and how that is printed. */
#define ROW(words, noun, reply, print, speak, kind)                                                \
    {                                                                                              \
        words, &trireme__##noun##_request__descriptor, &trireme__##reply##__descriptor,            \
            command_##noun, print, speak, kind                                                     \
    }
#define ALONE(words, noun, reply, print)  ROW(words, noun, reply, print, NULL, COMMAND_ALONE)
#define RANKS(words, noun, reply, print)  ROW(words, noun, reply, print, NULL, COMMAND_OF_RANKS)
#define REPORT(words, noun, reply, print) ROW(words, noun, reply, print, NULL, COMMAND_REPORTS)
#define SPEAKS(words, noun, reply)        ROW(words, noun, reply, NULL, speak_##noun, COMMAND_ALONE)

// clang-format off
const struct command commands[] = {
    ALONE(  "data prepare",       data_prepare,       data_set,             NULL),
    RANKS(  "train",              train,              train_reply,          print_nothing),
    RANKS(  "resume",             resume,             train_reply,          print_nothing),
    ALONE(  "stop",               stop,               stop_reply,           print_stop),
    ALONE(  "submit",             submit,             submit_reply,         print_submit),
    ALONE(  "eval",               eval,               eval_reply,           NULL),
    SPEAKS( "sample",             sample,             sample_reply),
    ALONE(  "ckpt ls",            ckpt_ls,            ckpt_ls_reply,        print_ckpt_ls),
    ALONE(  "ckpt verify",        ckpt_verify,        ckpt_verify_reply,    print_ckpt_verify),
    ALONE(  "ckpt hash",          ckpt_hash,          ckpt_hash_reply,      print_ckpt_hash),
    ALONE(  "export",             export,             export_reply,         NULL),
    ALONE(  "propose",            propose,            answer,               print_answer),
    SPEAKS( "briefing",           briefing,           briefing),
    ALONE(  "proposals ls",       proposals_ls,       proposals_ls_reply,   print_proposals_ls),
    ALONE(  "proposals show",     proposals_show,     proposals_show_reply, print_proposals_show),
    ALONE(  "proposals diff",     proposals_diff,     proposals_diff_reply, print_proposals_diff),
    ALONE(  "proposals approve",  proposals_approve,  answer,               print_answer),
    ALONE(  "proposals veto",     proposals_veto,     answer,               print_answer),
    ALONE(  "proposals kill",     proposals_kill,     answer,               print_answer),
    ALONE(  "proposals takeback", proposals_takeback, answer,               print_answer),
    ALONE(  "ledger verify",      ledger_verify,      ledger_verify_reply,  print_ledger_verify),
    ALONE(  "ledger show",        ledger_show,        ledger_show_reply,    print_ledger_show),
    RANKS(  "ledger replay",      ledger_replay,      train_reply,          print_replay),
    ALONE(  "config",             config,             config_reply,         print_config),
    ALONE(  "bench gemm",         bench_gemm,         bench_gemm_reply,     print_bench_gemm),
    ALONE(  "bench step",         bench_step,         bench_step_reply,     print_bench_step),
    REPORT( "doctor",             doctor,             doctor_reply,         print_doctor),
};
// clang-format on
const size_t n_commands = sizeof commands / sizeof *commands;

const struct command_alias command_aliases[] = {
    {"brief",  "briefing" },
    {"trials", "proposals"},
};
const size_t n_command_aliases = sizeof command_aliases / sizeof *command_aliases;
