/* The shape of a small model, for tests that need some model and no certain one. */
#pragma once
#include "tests/unit/support.h"

#include "proto/tensor/model_shape.h"

/* 2 layers, 4 heads, width 32, context 16, 61 tokens; open sizes are resolved. */
static inline void shape_fixture_set(Trireme__Model *model, Trireme__Model__Arch arch)
{
    struct err err;
    model->has_arch = 1, model->arch = arch;
    model->has_layers = 1, model->layers = 2;
    model->has_heads = 1, model->heads = 4;
    model->has_width = 1, model->width = 32;
    model->has_context = 1, model->context = 16;
    model->has_vocab = 1, model->vocab = 61;
    assert_int_equal(model_shape_resolve(model, &err), 0);
}
