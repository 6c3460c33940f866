#include "launcher/commands/command.h"

#include "command.pb-c.h"
#include "files.pb-c.h"
#include "planner.pb-c.h"

/* A row: the words of the command, the role that may call it as a tool, its noun in the names of
 * its request and its handler, its reply, and what prints that. */
#define ROW(words, tool, noun, reply, print, speak, kind)                                          \
    {                                                                                              \
        words, &trireme__##noun##_request__descriptor, &trireme__##reply##__descriptor,            \
            command_##noun, print, speak, kind, TOOL_##tool                                        \
    }
#define ALONE(words, tool, noun, reply, print)                                                     \
    ROW(words, tool, noun, reply, print_##print, NULL, COMMAND_ALONE)
#define RANKS(words, tool, noun, reply, print)                                                     \
    ROW(words, tool, noun, reply, print_##print, NULL, COMMAND_OF_RANKS)
#define REPORT(words, tool, noun, reply, print)                                                    \
    ROW(words, tool, noun, reply, print_##print, NULL, COMMAND_REPORTS)
#define SPEAKS(words, tool, noun, reply)                                                           \
    ROW(words, tool, noun, reply, NULL, speak_##noun, COMMAND_ALONE)
#define print_yaml NULL

// clang-format off
const struct command commands[] = {
    ALONE( "data prepare",       NONE,    data_prepare,       data_set,             yaml),
    RANKS( "train",              NONE,    train,              train_reply,          nothing),
    RANKS( "resume",             NONE,    resume,             train_reply,          nothing),
    ALONE( "stop",               APPROVE, stop,               stop_reply,           stop),
    ALONE( "submit",             NONE,    submit,             submit_reply,         submit),
    ALONE( "eval",               NONE,    eval,               eval_reply,           yaml),
    SPEAKS("sample",             READ,    sample,             sample_reply),
    ALONE( "ckpt ls",            READ,    ckpt_ls,            ckpt_ls_reply,        ckpt_ls),
    ALONE( "ckpt verify",        NONE,    ckpt_verify,        ckpt_verify_reply,    ckpt_verify),
    ALONE( "ckpt hash",          NONE,    ckpt_hash,          ckpt_hash_reply,      ckpt_hash),
    ALONE( "export",             NONE,    export,             export_reply,         yaml),
    ALONE( "propose",            PROPOSE, propose,            answer,               answer),
    ALONE( "price",              READ,    price,              price_reply,          yaml),
    ALONE( "queue",              PROPOSE, queue,              queue_reply,          queue),
    SPEAKS("briefing",           READ,    briefing,           briefing),
    ALONE( "proposals ls",       READ,    proposals_ls,       proposals_ls_reply,   proposals_ls),
    ALONE( "proposals show",     READ,    proposals_show,     proposals_show_reply, proposals_show),
    ALONE( "proposals diff",     READ,    proposals_diff,     proposals_diff_reply, proposals_diff),
    ALONE( "proposals approve",  APPROVE, proposals_approve,  answer,               answer),
    ALONE( "proposals veto",     APPROVE, proposals_veto,     answer,               answer),
    ALONE( "proposals kill",     PROPOSE, proposals_kill,     answer,               answer),
    ALONE( "proposals takeback", APPROVE, proposals_takeback, answer,               answer),
    ALONE( "ledger verify",      READ,    ledger_verify,      ledger_verify_reply,  ledger_verify),
    ALONE( "ledger show",        READ,    ledger_show,        ledger_show_reply,    ledger_show),
    RANKS( "ledger replay",      NONE,    ledger_replay,      train_reply,          replay),
    ALONE( "ledger notes",       READ,    ledger_notes,       ledger_notes_reply,   ledger_notes),
    ALONE( "ledger export",      NONE,    ledger_export,      ledger_export_reply,  yaml),
    ALONE( "config show",        READ,    config_show,        config,               yaml),
    ALONE( "config",             NONE,    config,             config_reply,         config),
    ALONE( "bench gemm",         NONE,    bench_gemm,         bench_gemm_reply,     bench_gemm),
    ALONE( "bench step",         NONE,    bench_step,         bench_step_reply,     bench_step),
    ALONE( "bench planner",      NONE,    bench_planner,      bench_planner_reply,  bench_planner),
    ALONE( "report",             NONE,    report,             report_reply,         yaml),
    ALONE( "wait",               READ,    wait,               wait_reply,           yaml),
    ALONE( "done",               PROPOSE, done,               answer,               answer),
    ALONE( "curve",              READ,    curve,              curve_reply,          yaml),
    ALONE( "compare",            READ,    compare,            compare_reply,        yaml),
    ALONE( "diagnose",           READ,    diagnose,           diagnose_reply,       yaml),
    ALONE( "note",               PROPOSE, note,               answer,               answer),
    ALONE( "mcp",                NONE,    mcp,                mcp_reply,            nothing),
    SPEAKS("plan",               NONE,    plan,               plan_reply),
    ALONE( "notes add",          PROPOSE, notes_add,          notes_add_reply,      notes_add),
    ALONE( "notes ls",           READ,    notes_ls,           notes_ls_reply,       notes),
    ALONE( "notes search",       READ,    notes_search,       notes_ls_reply,       notes),
    REPORT("notes lint",         NONE,    notes_lint,         notes_lint_reply,     notes_lint),
    REPORT("doctor",             NONE,    doctor,             doctor_reply,         doctor),
};
// clang-format on
const size_t n_commands = sizeof commands / sizeof *commands;

const struct command_alias command_aliases[] = {
    {"brief",  "briefing" },
    {"trials", "proposals"},
};
const size_t n_command_aliases = sizeof command_aliases / sizeof *command_aliases;
