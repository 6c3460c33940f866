/* The matrix products of one microbatch, forward and backward, and the rate at which this machine
 * does them alone: what MFU is measured against. */
#pragma once
#include "command.pb-c.h"

struct kernels;

/* Times each product for about `seconds`, its operands drawn anew from a few sets of matrices, and
 * fills shapes and gflops. The messages are the caller's. */
void gemm_shapes_measure(Trireme__BenchGemmReply *reply, const Trireme__Config *config,
                         const struct kernels *kernels, double seconds);
