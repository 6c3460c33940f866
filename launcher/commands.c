#include "launcher/commands/command.h"

#include "command.pb-c.h"
#include "files.pb-c.h"
#include "planner.pb-c.h"

/* A row: the words of the command, and its noun in the names of its request and its handler. */
#define COMMAND(words, noun, reply, print)                                                         \
    {                                                                                              \
        words, &trireme__##noun##_request__descriptor, &trireme__##reply##__descriptor,            \
            command_##noun, print, NULL                                                            \
    }
/* One that writes while it works. */
#define SPEAKING(words, noun)                                                                      \
    {                                                                                              \
        words, &trireme__##noun##_request__descriptor, &trireme__##noun##_reply__descriptor,       \
            command_##noun, NULL, speak_##noun                                                     \
    }

// clang-format off
const struct command commands[] = {
    COMMAND("data prepare",      data_prepare,      data_set,            NULL),
    COMMAND("train",             train,             train_reply,         print_nothing),
    COMMAND("resume",            resume,            train_reply,         print_nothing),
    COMMAND("eval",              eval,              eval_reply,          NULL),
    SPEAKING("sample",           sample),
    COMMAND("ckpt ls",           ckpt_ls,           ckpt_ls_reply,       print_ckpt_ls),
    COMMAND("ckpt verify",       ckpt_verify,       ckpt_verify_reply,   print_ckpt_verify),
    COMMAND("ckpt hash",         ckpt_hash,         ckpt_hash_reply,     print_ckpt_hash),
    COMMAND("export",            export,            export_reply,        NULL),
    COMMAND("propose",           propose,           answer,              print_answer),
    COMMAND("briefing",          briefing,          briefing,            NULL),
    COMMAND("proposals ls",      proposals_ls,      proposals_ls_reply,  print_proposals_ls),
    COMMAND("proposals show",    proposals_show,    proposals_show_reply,print_proposals_show),
    COMMAND("proposals diff",    proposals_diff,    proposals_diff_reply,print_proposals_diff),
    COMMAND("proposals approve", proposals_approve, answer,              print_answer),
    COMMAND("proposals veto",    proposals_veto,    answer,              print_answer),
    COMMAND("proposals kill",    proposals_kill,    answer,              print_answer),
    COMMAND("ledger verify",     ledger_verify,     ledger_verify_reply, print_ledger_verify),
    COMMAND("ledger show",       ledger_show,       ledger_show_reply,   print_ledger_show),
    COMMAND("ledger replay",     ledger_replay,     train_reply,         print_replay),
    COMMAND("config",            config,            config_reply,        print_config),
    COMMAND("bench gemm",        bench_gemm,        bench_gemm_reply,    print_bench_gemm),
    COMMAND("bench step",        bench_step,        bench_step_reply,    print_bench_step),
};
// clang-format on
const size_t n_commands = sizeof commands / sizeof *commands;

const struct command_alias command_aliases[] = {
    {"brief",  "briefing" },
    {"trials", "proposals"},
};
const size_t n_command_aliases = sizeof command_aliases / sizeof *command_aliases;
