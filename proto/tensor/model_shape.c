#include "proto/tensor/model_shape.h"

#include <stdbool.h>
#include <stdint.h>

static bool is_llama(const Trireme__Model *model)
{
    return model->arch == TRIREME__MODEL__ARCH__llama;
}

/* A value that says what is so anyway is taken back: each model has one configuration. */
static void take_back(Trireme__Model *model)
{
    if (model->head_dim && (uint64_t)model->head_dim * model->heads == model->width)
        model->head_dim = 0;
    model->has_head_dim = model->head_dim != 0;
    model->has_attention_bias = model->attention_bias != 0;
    model->has_mlp_bias = model->mlp_bias != 0;
    model->has_rope_type = model->rope_type != TRIREME__MODEL__ROPE_TYPE__default;
}

/* Fails if gpt2 has a setting that is llama's alone. */
static int check_gpt2(const Trireme__Model *model, struct err *err)
{
    const char *name = model->has_head_dim         ? "head_dim"
                       : model->has_attention_bias ? "attention_bias"
                       : model->has_mlp_bias       ? "mlp_bias"
                       : model->has_rope_type      ? "rope_type"
                                                   : NULL;
    if (name)
        return err_set(err, ERR_USAGE, "model.%s: found with arch gpt2, expected arch llama", name);
    if (model->kv_heads != model->heads)
        return err_set(err, ERR_USAGE,
                       "model.kv_heads: found %u with arch gpt2, expected 0 or model.heads = %u",
                       model->kv_heads, model->heads);
    return 0;
}

static int check_llama3(const Trireme__Model *model, struct err *err)
{
    if (model->rope_high_freq_factor <= model->rope_low_freq_factor)
        return err_set(err, ERR_USAGE,
                       "model.rope_high_freq_factor: found %g, expected more than "
                       "model.rope_low_freq_factor = %g",
                       model->rope_high_freq_factor, model->rope_low_freq_factor);
    if (model->rope_original_context >= model->context)
        return err_set(err, ERR_USAGE,
                       "model.rope_original_context: found %u, expected less than model.context = "
                       "%u: llama3 would stretch nothing",
                       model->rope_original_context, model->context);
    return 0;
}

/* Fails unless the settings of the rotary frequencies are those that their type needs. */
static int check_rope(const Trireme__Model *model, struct err *err)
{
    static const char *const types[] = {"default", "linear", "llama3"};
    const bool llama3 = model->rope_type == TRIREME__MODEL__ROPE_TYPE__llama3,
               any = llama3 || model->rope_type == TRIREME__MODEL__ROPE_TYPE__linear;
    // clang-format off
    const struct {
        const char *name;
        bool there, needed;
    } fields[] = {
        {"rope_factor",           model->rope_factor != 0,           any},
        {"rope_low_freq_factor",  model->rope_low_freq_factor != 0,  llama3},
        {"rope_high_freq_factor", model->rope_high_freq_factor != 0, llama3},
        {"rope_original_context", model->rope_original_context != 0, llama3},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (fields[i].there != fields[i].needed)
            return err_set(err, ERR_USAGE,
                           "model.%s: found %s with model.rope_type %s, expected %s",
                           fields[i].name, fields[i].there ? "a value" : "none",
                           types[model->rope_type], fields[i].there ? "none" : "a number");
    return llama3 ? check_llama3(model, err) : 0;
}

static int check_heads(const Trireme__Model *model, struct err *err)
{
    if (model->head_dim == 0 && model->width % model->heads)
        return err_set(err, ERR_USAGE,
                       "model.heads: found %u, expected a number that divides model.width = %u",
                       model->heads, model->width);
    if (model->heads % model->kv_heads)
        return err_set(err, ERR_USAGE,
                       "model.kv_heads: found %u, expected a number that divides model.heads = %u",
                       model->kv_heads, model->heads);
    if (model->head_dim % 2)
        return err_set(err, ERR_USAGE, "model.head_dim: found %u, expected an even number",
                       model->head_dim);
    if (is_llama(model) && model_shape_head(model) % 2)
        return err_set(
            err, ERR_USAGE,
            "model.width: found %u with %u heads, expected an even number of dimensions a head",
            model->width, model->heads);
    return 0;
}

int model_shape_resolve(Trireme__Model *model, struct err *err)
{
    bool llama = is_llama(model);
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
    take_back(model);
    if (check_heads(model, err) < 0 || (!llama && check_gpt2(model, err) < 0))
        return -1;
    return check_rope(model, err);
}

size_t model_shape_head(const Trireme__Model *model)
{
    return model->head_dim ? model->head_dim : model->width / model->heads;
}
