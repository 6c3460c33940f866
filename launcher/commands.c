#include "launcher/command.h"

#include "launcher/print.h"

#include "command.pb-c.h"
#include "files.pb-c.h"

#define TYPES(request, reply) &trireme__##request##__descriptor, &trireme__##reply##__descriptor

// clang-format off
const struct command commands[] = {
    {"data prepare", TYPES(data_prepare_request, data_set),          command_data_prepare, NULL},
    {"train",        TYPES(train_request, train_reply),              command_train,        print_nothing},
    {"resume",       TYPES(resume_request, train_reply),             command_resume,       print_nothing},
    {"eval",         TYPES(eval_request, eval_reply),                command_eval,         NULL},
    {"sample",       TYPES(sample_request, sample_reply),            command_sample,       print_sample},
    {"ckpt ls",      TYPES(ckpt_ls_request, ckpt_ls_reply),          command_ckpt_ls,      print_ckpt_ls},
    {"ckpt verify",  TYPES(ckpt_verify_request, ckpt_verify_reply),  command_ckpt_verify,  print_ckpt_verify},
    {"ckpt hash",    TYPES(ckpt_hash_request, ckpt_hash_reply),      command_ckpt_hash,    print_ckpt_hash},
    {"export",       TYPES(export_request, export_reply),            command_export,       NULL},
    {"config",       TYPES(config_request, config_reply),            command_config,       print_config},
    {"bench gemm",   TYPES(bench_gemm_request, bench_gemm_reply),    command_bench_gemm,   print_bench_gemm},
    {"bench step",   TYPES(bench_step_request, bench_step_reply),    command_bench_step,   print_bench_step},
};
// clang-format on
const size_t n_commands = sizeof commands / sizeof *commands;
