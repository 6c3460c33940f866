/* trireme bench gemm, trireme bench step. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"
#include "launcher/commands/command.h"
#include "launcher/commands/gemm_shapes.h"
#include "math/kernels.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/model_flops.h"
#include "worker/model/model.h"

#include "command.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_SIZE = 256 };

static char *kernels_line(const Trireme__Config *config)
{
    char line[LINE_SIZE];
    kernels_set_threads((int)config->compute->threads);
    kernels_fingerprint(line, sizeof line, kernels_best(),
                        protobuf_c_enum_descriptor_get_value(
                            &trireme__compute__precision__descriptor, config->compute->precision)
                            ->name);
    return mem_strdup(line);
}

int command_bench_gemm(const void *request, void *reply, struct err *err)
{
    const Trireme__BenchGemmRequest *r = request;
    Trireme__BenchGemmReply *out = reply;
    Trireme__Config *config = run_config_read(r->config, r->set, r->n_set, err);
    if (!config)
        return -1;
    out->kernels = kernels_line(config);
    gemm_shapes_measure(out, config, kernels_best(), r->seconds);
    message_free(config);
    return 0;
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* Median seconds of forward and backward of one microbatch, on small random weights. */
static double measure_step(const Trireme__Config *config, const struct layout *layout,
                           uint32_t steps)
{
    const size_t B = config->train->microbatch, T = run_config_context(config);
    struct model *model = model_new_sized(config->model, layout, kernels_best(), B * T, T);
    float *weights = mem_floats(layout->n_params), *gradient = mem_floats(layout->n_params);
    int32_t *tokens = mem_new(B * (T + 1), sizeof *tokens);
    double *seconds = mem_new(steps, sizeof *seconds), loss = 0;
    for (size_t i = 0; i < layout->n_params; i++)
        weights[i] = 0.02f * (float)(random_uniform(1, i) - 0.5);
    for (size_t i = 0; i < B * (T + 1); i++)
        tokens[i] = (int32_t)(random_u64(2, i) % config->model->vocab);
    model_gradient(model, gradient, &loss, weights, tokens, B, T, 1); // warms up
    for (uint32_t i = 0; i < steps; i++) {
        double began = clock_now();
        model_gradient(model, gradient, &loss, weights, tokens, B, T, 1);
        seconds[i] = clock_now() - began;
    }
    qsort(seconds, steps, sizeof *seconds, compare_doubles);
    double median = seconds[steps / 2];
    free(seconds);
    free(tokens);
    free(gradient);
    free(weights);
    model_free(model);
    return median;
}

int command_bench_step(const void *request, void *reply, struct err *err)
{
    static const double gemm_seconds = 0.2;
    const Trireme__BenchStepRequest *r = request;
    Trireme__BenchStepReply *out = reply;
    Trireme__Config *config = run_config_read(r->config, r->set, r->n_set, err);
    if (!config)
        return -1;
    out->kernels = kernels_line(config);
    struct layout *layout = layout_new(config->model);
    double tokens = (double)config->train->microbatch * run_config_context(config);
    Trireme__Model seen = *config->model; // at the context that is trained on; borrows from it
    seen.context = run_config_context(config);
    out->has_tok_per_s = 1, out->tok_per_s = tokens / measure_step(config, layout, r->steps);
    out->has_flops_per_token = 1, out->flops_per_token = model_flops_per_token(&seen);
    out->has_gflops = 1, out->gflops = 1e-9 * out->flops_per_token * out->tok_per_s;
    Trireme__BenchGemmReply *gemm = message_new(&trireme__bench_gemm_reply__descriptor);
    gemm_shapes_measure(gemm, config, kernels_best(), gemm_seconds);
    out->has_gemm_gflops = 1, out->gemm_gflops = gemm->gflops;
    out->has_mfu = 1, out->mfu = out->gflops / out->gemm_gflops;
    message_free(gemm);
    layout_free(layout);
    message_free(config);
    return 0;
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
    printf("%.4g FLOPs a token = 6 x parameters that multiply + 6 x layers x width of all heads x "
           "context\n",
           r->flops_per_token);
    printf("MFU %.1f %% = %.1f GFLOP/s of the step / %.1f GFLOP/s of its matrix products alone\n",
           100 * r->mfu, r->gflops, r->gemm_gflops);
}
