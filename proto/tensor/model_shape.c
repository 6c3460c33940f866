#include "proto/tensor/model_shape.h"

#include "proto/tensor/layout.h"

int model_shape_resolve(Trireme__Model *model, struct err *err)
{
    bool llama = model->arch == TRIREME__MODEL__ARCH__llama;
    if (!model->has_tied) {
        model->has_tied = 1;
        model->tied = !llama;
    }
    if (model->kv_heads == 0) {
        model->has_kv_heads = 1;
        model->kv_heads = model->heads;
    }
    if (model->ffn == 0) {
        model->has_ffn = 1;
        model->ffn = llama ? (8 * model->width / 3 + 31) / 32 * 32 : 4 * model->width;
    }
    if (model->width % model->heads)
        return err_set(err, ERR_USAGE,
                       "model.heads: found %u, expected a number that divides model.width = %u",
                       model->heads, model->width);
    if (model->heads % model->kv_heads)
        return err_set(err, ERR_USAGE,
                       "model.kv_heads: found %u, expected a number that divides model.heads = %u",
                       model->kv_heads, model->heads);
    if (!llama && model->kv_heads != model->heads)
        return err_set(err, ERR_USAGE,
                       "model.kv_heads: found %u with arch gpt2, expected 0 or model.heads = %u",
                       model->kv_heads, model->heads);
    if (llama && model->width / model->heads % 2)
        return err_set(
            err, ERR_USAGE,
            "model.width: found %u with %u heads, expected an even number of dimensions a head",
            model->width, model->heads);
    return 0;
}

double model_shape_flops_per_token(const Trireme__Model *model)
{
    struct layout *layout = layout_new(model);
    double multiply = 0;
    for (size_t i = 0; i < layout->n_tensors; i++)
        if (layout->tensors[i].multiplies)
            multiply += (double)tensor_count(&layout->tensors[i]);
    layout_free(layout);
    return 6 * multiply + 6.0 * model->layers * model->width * model->context;
}
