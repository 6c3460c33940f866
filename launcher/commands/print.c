#include "launcher/commands/print.h"

#include "command.pb-c.h"

#include <inttypes.h>
#include <stdio.h>

void print_nothing(const void *reply)
{
    (void)reply;
}

void print_replay(const void *reply)
{
    const Trireme__TrainReply *r = reply;
    if (r->hash)
        printf("the replay ended at step %" PRIu64 " with the same hash: %s\n", r->step, r->hash);
}

void print_sample(const void *reply)
{
    const Trireme__SampleReply *r = reply;
    fwrite(r->text.data, 1, r->text.len, stdout);
    putchar('\n');
}

void print_ckpt_ls(const void *reply)
{
    const Trireme__CkptLsReply *r = reply;
    if (r->n_checkpoints)
        printf("%10s %14s %7s %14s\n", "step", "samples", "shards", "bytes");
    for (size_t i = 0; i < r->n_checkpoints; i++) {
        const Trireme__CkptRow *row = r->checkpoints[i];
        if (row->problem)
            printf("%10" PRIu64 "  %s\n", row->step, row->problem);
        else
            printf("%10" PRIu64 " %14" PRIu64 " %7u %14" PRIu64 "\n", row->step, row->samples,
                   row->shards, row->bytes);
    }
}

void print_ckpt_verify(const void *reply)
{
    const Trireme__CkptVerifyReply *r = reply;
    printf("step %" PRIu64 ": %u shards, %" PRIu64 " bytes: all digests agree\n", r->step,
           r->shards, r->bytes);
}

void print_ckpt_hash(const void *reply)
{
    printf("%s\n", ((const Trireme__CkptHashReply *)reply)->hash);
}

void print_config(const void *reply)
{
    fputs(((const Trireme__ConfigReply *)reply)->text, stdout);
}

void print_bench_gemm(const void *reply)
{
    const Trireme__BenchGemmReply *r = reply;
    printf("%s\n%-28s %6s %6s %6s %6s %9s\n", r->kernels, "product", "m", "n", "k", "times",
           "GFLOP/s");
    for (size_t i = 0; i < r->n_shapes; i++) {
        const Trireme__GemmRate *s = r->shapes[i];
        printf("%-28s %6" PRIu64 " %6" PRIu64 " %6" PRIu64 " %6" PRIu64 " %9.1f\n", s->what, s->m,
               s->n, s->k, s->times, s->gflops);
    }
    printf("all products of a microbatch, weighted by their operations: %.1f GFLOP/s\n", r->gflops);
}

void print_bench_step(const void *reply)
{
    const Trireme__BenchStepReply *r = reply;
    printf("%s\n", r->kernels);
    printf("%.0f tok/s on one worker, forward and backward (median)\n", r->tok_per_s);
    printf("%.4g FLOPs a token = 6 x parameters that multiply + 6 x layers x width x context\n",
           r->flops_per_token);
    printf("MFU %.1f %% = %.1f GFLOP/s of the step / %.1f GFLOP/s of its matrix products alone\n",
           100 * r->mfu, r->gflops, r->gemm_gflops);
}
