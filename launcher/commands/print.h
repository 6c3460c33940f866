/* Replies for people, where YAML would not do. All write to stdout. */
#pragma once

void print_nothing(const void *reply);
void print_replay(const void *reply);
void print_sample(const void *reply);
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
void print_bench_gemm(const void *reply);
void print_bench_step(const void *reply);
