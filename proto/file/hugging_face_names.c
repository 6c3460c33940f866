#include "proto/file/hugging_face_names.h"

#include "base/mem.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/model_shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char hugging_face_names_head[] = "lm_head.weight";

/* Which rows of our tensor a row of the table is. Rows of tensors that a model has none of are
 * passed over. */
enum part { PART_ALL, PART_Q, PART_K, PART_V, PART_GATE, PART_UP };

struct name_row {
    const char *ours, *theirs; /* %d is the layer */
    enum part part;
    bool turned; /* stored there as (in, out) */
};

// clang-format off
static const struct name_row gpt2_names[] = {
    {"embed.token.weight",         "transformer.wte.weight",               PART_ALL, false},
    {"embed.position.weight",      "transformer.wpe.weight",               PART_ALL, false},
    {"layers.%d.norm1.weight",     "transformer.h.%d.ln_1.weight",         PART_ALL, false},
    {"layers.%d.norm1.bias",       "transformer.h.%d.ln_1.bias",           PART_ALL, false},
    {"layers.%d.attn.qkv.weight",  "transformer.h.%d.attn.c_attn.weight",  PART_ALL, true },
    {"layers.%d.attn.qkv.bias",    "transformer.h.%d.attn.c_attn.bias",    PART_ALL, false},
    {"layers.%d.attn.out.weight",  "transformer.h.%d.attn.c_proj.weight",  PART_ALL, true },
    {"layers.%d.attn.out.bias",    "transformer.h.%d.attn.c_proj.bias",    PART_ALL, false},
    {"layers.%d.norm2.weight",     "transformer.h.%d.ln_2.weight",         PART_ALL, false},
    {"layers.%d.norm2.bias",       "transformer.h.%d.ln_2.bias",           PART_ALL, false},
    {"layers.%d.mlp.up.weight",    "transformer.h.%d.mlp.c_fc.weight",     PART_ALL, true },
    {"layers.%d.mlp.up.bias",      "transformer.h.%d.mlp.c_fc.bias",       PART_ALL, false},
    {"layers.%d.mlp.down.weight",  "transformer.h.%d.mlp.c_proj.weight",   PART_ALL, true },
    {"layers.%d.mlp.down.bias",    "transformer.h.%d.mlp.c_proj.bias",     PART_ALL, false},
    {"norm.weight",                "transformer.ln_f.weight",              PART_ALL, false},
    {"norm.bias",                  "transformer.ln_f.bias",                PART_ALL, false},
    {"head.weight",                "lm_head.weight",                       PART_ALL, false},
};
static const struct name_row llama_names[] = {
    {"embed.token.weight", "model.embed_tokens.weight", PART_ALL, false},
    {"layers.%d.norm1.weight", "model.layers.%d.input_layernorm.weight", PART_ALL, false},
    {"layers.%d.attn.qkv.weight", "model.layers.%d.self_attn.q_proj.weight", PART_Q, false},
    {"layers.%d.attn.qkv.weight", "model.layers.%d.self_attn.k_proj.weight", PART_K, false},
    {"layers.%d.attn.qkv.weight", "model.layers.%d.self_attn.v_proj.weight", PART_V, false},
    {"layers.%d.attn.qkv.bias", "model.layers.%d.self_attn.q_proj.bias", PART_Q, false},
    {"layers.%d.attn.qkv.bias", "model.layers.%d.self_attn.k_proj.bias", PART_K, false},
    {"layers.%d.attn.qkv.bias", "model.layers.%d.self_attn.v_proj.bias", PART_V, false},
    {"layers.%d.attn.out.weight", "model.layers.%d.self_attn.o_proj.weight", PART_ALL, false},
    {"layers.%d.attn.out.bias", "model.layers.%d.self_attn.o_proj.bias", PART_ALL, false},
    {"layers.%d.norm2.weight", "model.layers.%d.post_attention_layernorm.weight", PART_ALL, false},
    {"layers.%d.mlp.up.weight", "model.layers.%d.mlp.gate_proj.weight", PART_GATE, false},
    {"layers.%d.mlp.up.weight", "model.layers.%d.mlp.up_proj.weight", PART_UP, false},
    {"layers.%d.mlp.up.bias", "model.layers.%d.mlp.gate_proj.bias", PART_GATE, false},
    {"layers.%d.mlp.up.bias", "model.layers.%d.mlp.up_proj.bias", PART_UP, false},
    {"layers.%d.mlp.down.weight", "model.layers.%d.mlp.down_proj.weight", PART_ALL, false},
    {"layers.%d.mlp.down.bias", "model.layers.%d.mlp.down_proj.bias", PART_ALL, false},
    {"norm.weight", "model.norm.weight", PART_ALL, false},
    {"head.weight", "lm_head.weight", PART_ALL, false},
};
// clang-format on

/* What transformers passes over too (_keys_to_ignore_on_load_unexpected). */
static const char *const gpt2_buffers[] = {"transformer.h.%d.attn.bias",
                                           "transformer.h.%d.attn.masked_bias", NULL};
static const char *const llama_buffers[] = {"model.layers.%d.self_attn.rotary_emb.inv_freq",
                                            "model.rotary_emb.inv_freq", NULL};

static bool is_llama(const Trireme__Model *model)
{
    return model->arch == TRIREME__MODEL__ARCH__llama;
}

static void part_rows(const Trireme__Model *model, const struct tensor *t, enum part part,
                      size_t *row, size_t *n_rows)
{
    size_t d = model_shape_head(model), q = model->heads * d, kv = model->kv_heads * d;
    const size_t first[] = {0, 0, q, q + kv, 0, model->ffn};
    const size_t count[] = {t->rows, q, kv, kv, model->ffn, model->ffn};
    *row = first[part];
    *n_rows = count[part];
}

static void format_name(char *out, size_t size, const char *format, int layer)
{
    const char *at = strstr(format, "%d");
    if (at)
        snprintf(out, size, "%.*s%d%s", (int)(at - format), format, layer, at + 2);
    else
        snprintf(out, size, "%s", format);
}

struct hugging_face_piece *hugging_face_names_pieces(const Trireme__Model *model,
                                                     const struct layout *layout, size_t *n)
{
    bool llama = is_llama(model);
    const struct name_row *rows = llama ? llama_names : gpt2_names;
    size_t n_rows =
        llama ? sizeof llama_names / sizeof *llama_names : sizeof gpt2_names / sizeof *gpt2_names;
    struct hugging_face_piece *pieces = mem_new(n_rows * model->layers + n_rows, sizeof *pieces);
    *n = 0;
    for (size_t i = 0; i < n_rows; i++) {
        for (int l = 0; l < (strstr(rows[i].ours, "%d") ? (int)model->layers : 1); l++) {
            char ours[TENSOR_NAME_SIZE];
            format_name(ours, sizeof ours, rows[i].ours, l);
            if (!layout_has(layout, "%s", ours))
                continue;
            const struct tensor *t = layout_find(layout, "%s", ours);
            struct hugging_face_piece *p = &pieces[(*n)++];
            size_t row = 0;
            part_rows(model, t, rows[i].part, &row, &p->rows);
            format_name(p->name, sizeof p->name, rows[i].theirs, l);
            p->n_dims = t->n_dims;
            p->columns = t->columns;
            p->offset = t->offset + row * t->columns;
            p->turned = rows[i].turned;
        }
    }
    return pieces;
}

void hugging_face_names_full(char full[HUGGING_FACE_NAME_SIZE], const Trireme__Model *model,
                             const char *name)
{
    const char *prefix = is_llama(model) ? "model." : "transformer.";
    bool whole = !strncmp(name, prefix, strlen(prefix)) || !strcmp(name, hugging_face_names_head);
    int length = snprintf(full, HUGGING_FACE_NAME_SIZE, "%s%s", whole ? "" : prefix, name);
    if (length >= HUGGING_FACE_NAME_SIZE)
        *full = 0;
}

const char *hugging_face_names_embedding(const Trireme__Model *model)
{
    return is_llama(model) ? llama_names[0].theirs : gpt2_names[0].theirs;
}

bool hugging_face_names_buffer(const Trireme__Model *model, const char *full)
{
    const char *const *formats = is_llama(model) ? llama_buffers : gpt2_buffers;
    char name[HUGGING_FACE_NAME_SIZE];
    for (; *formats; formats++)
        for (int l = 0; l < (strstr(*formats, "%d") ? (int)model->layers : 1); l++) {
            format_name(name, sizeof name, *formats, l);
            if (!strcmp(name, full))
                return true;
        }
    return false;
}
