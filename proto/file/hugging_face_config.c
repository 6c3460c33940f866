#include "proto/file/hugging_face_config.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/file/hugging_face_rotary.h"
#include "proto/file/hugging_face_value.h"
#include "proto/file/lfs_pointer.h"
#include "proto/schema/message.h"
#include "proto/schema/node.h"
#include "proto/schema/read.h"
#include "proto/tensor/model_shape.h"

#include <stdlib.h>
#include <string.h>

/* The name in config.json of each of our fields. */
struct shape_row {
    const char *ours, *theirs;
    const char *fallback; /* value of a missing key, as documented; NULL: the key is required */
};

// clang-format off
static const struct shape_row gpt2_shape[] = {
    {"layers",     "n_layer",                 NULL      },
    {"heads",      "n_head",                  NULL      },
    {"width",      "n_embd",                  NULL      },
    {"ffn",        "n_inner",                 "0"       },
    {"context",    "n_positions",             NULL      },
    {"vocab",      "vocab_size",              NULL      },
    {"norm_eps",   "layer_norm_epsilon",      "1e-05"   },
    {"tied",       "tie_word_embeddings",     "true"    },
    {"head_dim",   "head_dim",                "0"       },
};
static const struct shape_row llama_shape[] = {
    {"layers",     "num_hidden_layers",       NULL      },
    {"heads",      "num_attention_heads",     NULL      },
    {"kv_heads",   "num_key_value_heads",     "0"       },
    {"width",      "hidden_size",             NULL      },
    {"ffn",        "intermediate_size",       NULL      },
    {"context",    "max_position_embeddings", NULL      },
    {"vocab",      "vocab_size",              NULL      },
    {"norm_eps",   "rms_norm_eps",            "1e-06"   },
    {"tied",       "tie_word_embeddings",     "false"   },
    {"head_dim",       "head_dim",            "0"       },
    {"attention_bias", "attention_bias",      "false"   },
    {"mlp_bias",       "mlp_bias",            "false"   },
};

/* Settings that change what is computed, and the values that this program can compute: several
 * names of one function among them. */
static const struct {
    const char *name, *values; /* separated by blanks; "null" where it may be missing */
} computed[] = {
    {"activation_function",
     "null gelu_new gelu_pytorch_tanh gelu_fast gelu_accurate gelu_python_tanh"},
    {"hidden_act", "null silu swish"},
    {"scale_attn_weights", "null true"},
    {"scale_attn_by_inverse_layer_idx", "null false"},
    {"add_cross_attention", "null false"},
    {"partial_rotary_factor", "null 1"},
    {"quantization_config", "null"},
    {"transformers_weights", "null"}, // the name of the file of weights
};
// clang-format on

bool hugging_face_is(const char *folder)
{
    char *path = file_join(folder, "config.json");
    bool is = file_exists(path);
    free(path);
    return is;
}

/* Puts quotes around NaN and Infinity, which Python writes and JSON has not: keys that nobody reads
 * may have them, and a key that is read refuses the word. */
static void quote_words(struct text *out, const char *text, size_t size)
{
    static const char *const words[] = {"NaN", "-Infinity", "Infinity"};
    bool inside = false; // of a string
    for (size_t i = 0; i < size; i++) {
        size_t length = 0;
        for (size_t w = 0; w < sizeof words / sizeof *words && !inside && !length; w++)
            if (size - i >= strlen(words[w]) && !memcmp(text + i, words[w], strlen(words[w])))
                length = strlen(words[w]);
        if (length) {
            text_printf(out, "\"%.*s\"", (int)length, text + i);
            i += length - 1;
            continue;
        }
        if (inside && text[i] == '\\' && i + 1 < size)
            text_add_bytes(out, text + i++, 1);
        else if (text[i] == '"')
            inside = !inside;
        text_add_bytes(out, text + i, 1);
    }
}

/* Reads config.json into a tree, freed by node_free. NULL on error. */
static struct node *config_read(const char *path, struct err *err)
{
    static const char mark[] = "\xef\xbb\xbf"; // of UTF-8, which some editors write
    size_t size = 0;
    char *text = file_read(path, &size, ERR_DATA, err);
    if (!text || lfs_pointer_refuse(path, text, size, err) < 0) {
        free(text);
        return NULL;
    }
    size_t skip = size >= 3 && !memcmp(text, mark, 3) ? 3 : 0;
    struct text json = {0};
    quote_words(&json, text + skip, size - skip);
    struct node *root = json_node_read(json.bytes, json.size, path, ERR_DATA, err);
    text_clear(&json);
    free(text);
    if (root && root->kind != NODE_MAP) {
        err_set(err, ERR_DATA, "%s: expected a JSON object", path);
        node_free(root);
        return NULL;
    }
    if (root)
        hugging_face_value_tidy(root);
    return root;
}

/* Reads the shape into a new resolved model, freed by message_free. NULL on error. */
static Trireme__Model *shape_read(const struct node *root, const char *path, struct err *err)
{
    const char *type = hugging_face_value(root, "model_type");
    bool llama = !strcmp(type, "llama");
    if (!llama && strcmp(type, "gpt2")) {
        err_set(err, ERR_DATA, "%s: found model_type '%s', expected gpt2 or llama", path, type);
        return NULL;
    }
    for (size_t i = 0; i < sizeof computed / sizeof *computed; i++) {
        const char *text = hugging_face_value(root, computed[i].name);
        if (hugging_face_value_one_of(computed[i].values, text))
            continue;
        err_set(err, ERR_DATA, "%s: found %s %s, which is not computed here, expected one of: %s",
                path, computed[i].name, text, computed[i].values);
        return NULL;
    }
    const struct shape_row *rows = llama ? llama_shape : gpt2_shape;
    size_t n =
        llama ? sizeof llama_shape / sizeof *llama_shape : sizeof gpt2_shape / sizeof *gpt2_shape;
    Trireme__Model *model = message_new(&trireme__model__descriptor);
    int rc = message_set_path(model, "arch", type, path, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        const char *text = hugging_face_value(root, rows[i].theirs);
        if (!strcmp(text, "null"))
            text = rows[i].fallback;
        rc = text ? message_set_path(model, rows[i].ours, text, path, err)
                  : err_set(err, ERR_DATA, "%s: '%s' is missing", path, rows[i].theirs);
    }
    if (rc == 0 && llama)
        rc = hugging_face_rotary_read(model, root, path, err);
    if (rc == 0 && model_shape_resolve(model, err) < 0)
        rc = err_context(err, "%s", path);
    if (rc < 0) {
        err->code = ERR_DATA;
        message_free(model);
        return NULL;
    }
    return model;
}

/* Fails if a field was set and differs. A size of 0 is open and agrees with any. */
static int check_given(const Trireme__Model *given, const Trireme__Model *theirs, const char *path,
                       struct err *err)
{
#define AGREES(field) (!given->has_##field || given->field == theirs->field)
    const bool head_open = given->head_dim == 0 || given->head_dim == model_shape_head(theirs);
    // clang-format off
    const struct {
        const char *name;
        bool agrees;
    } fields[] = {
        {"arch",                  AGREES(arch)                               },
        {"layers",                AGREES(layers)                             },
        {"heads",                 AGREES(heads)                              },
        {"kv_heads",              AGREES(kv_heads) || given->kv_heads == 0   },
        {"width",                 AGREES(width)                              },
        {"head_dim",              AGREES(head_dim) || head_open              },
        {"ffn",                   AGREES(ffn) || given->ffn == 0             },
        {"context",               AGREES(context)                            },
        {"vocab",                 AGREES(vocab)                              },
        {"norm_eps",              AGREES(norm_eps)                           },
        {"rope_theta",            AGREES(rope_theta)                         },
        {"rope_type",             AGREES(rope_type)                          },
        {"rope_factor",           AGREES(rope_factor)                        },
        {"rope_low_freq_factor",  AGREES(rope_low_freq_factor)               },
        {"rope_high_freq_factor", AGREES(rope_high_freq_factor)              },
        {"rope_original_context", AGREES(rope_original_context)              },
        {"tied",                  AGREES(tied)                               },
        {"attention_bias",        AGREES(attention_bias)                     },
        {"mlp_bias",              AGREES(mlp_bias)                           },
    };
    // clang-format on
#undef AGREES
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!fields[i].agrees)
            return err_set(
                err, ERR_USAGE,
                "model.%s: the value given is not the one in %s: leave it out, or make them agree",
                fields[i].name, path);
    return 0;
}

int hugging_face_shape(Trireme__Model *model, const char *folder, struct err *err)
{
    char *path = file_join(folder, "config.json");
    struct node *root = config_read(path, err);
    Trireme__Model *theirs = root ? shape_read(root, path, err) : NULL;
    int rc = theirs ? check_given(model, theirs, path, err) : -1;
    if (rc == 0) {
        *model = (Trireme__Model){.base = model->base}; // a model holds no pointers
        memcpy((char *)model + sizeof model->base, (char *)theirs + sizeof theirs->base,
               sizeof *model - sizeof model->base);
    }
    message_free(theirs);
    node_free(root);
    free(path);
    return rc;
}

static void write_llama(struct text *json, const Trireme__Model *m)
{
    text_printf(json,
                "  \"architectures\": [\"LlamaForCausalLM\"],\n  \"model_type\": \"llama\",\n"
                "  \"hidden_size\": %u,\n  \"intermediate_size\": %u,\n"
                "  \"num_hidden_layers\": %u,\n  \"num_attention_heads\": %u,\n"
                "  \"num_key_value_heads\": %u,\n  \"max_position_embeddings\": %u,\n"
                "  \"vocab_size\": %u,\n  \"rms_norm_eps\": %.17g,\n",
                m->width, m->ffn, m->layers, m->heads, m->kv_heads, m->context, m->vocab,
                m->norm_eps);
    hugging_face_rotary_write(json, m);
    if (m->head_dim)
        text_printf(json, "  \"head_dim\": %u,\n", m->head_dim);
    text_printf(json,
                "  \"hidden_act\": \"silu\",\n  \"attention_bias\": %s,\n"
                "  \"mlp_bias\": %s,\n",
                m->attention_bias ? "true" : "false", m->mlp_bias ? "true" : "false");
}

static void write_gpt2(struct text *json, const Trireme__Model *m)
{
    text_printf(json,
                "  \"architectures\": [\"GPT2LMHeadModel\"],\n  \"model_type\": \"gpt2\",\n"
                "  \"n_embd\": %u,\n  \"n_inner\": %u,\n  \"n_layer\": %u,\n  \"n_head\": %u,\n"
                "  \"n_positions\": %u,\n  \"n_ctx\": %u,\n  \"vocab_size\": %u,\n"
                "  \"layer_norm_epsilon\": %.17g,\n  \"activation_function\": \"gelu_new\",\n"
                "  \"attn_pdrop\": 0.0,\n  \"embd_pdrop\": 0.0,\n  \"resid_pdrop\": 0.0,\n",
                m->width, m->ffn, m->layers, m->heads, m->context, m->context, m->vocab,
                m->norm_eps);
}

int hugging_face_config_write(const char *folder, const Trireme__Model *model, const char *dtype,
                              struct err *err)
{
    struct text json = {0};
    text_add(&json, "{\n");
    if (model->arch == TRIREME__MODEL__ARCH__llama)
        write_llama(&json, model);
    else
        write_gpt2(&json, model);
    text_printf(&json,
                "  \"bos_token_id\": null,\n  \"eos_token_id\": null,\n"
                "  \"tie_word_embeddings\": %s,\n  \"torch_dtype\": \"%s\",\n"
                "  \"dtype\": \"%s\"\n}\n",
                model->tied ? "true" : "false", dtype, dtype);
    char *path = file_join(folder, "config.json");
    int rc = file_write_atomic(path, json.bytes, json.size, ERR_USAGE, err);
    free(path);
    text_clear(&json);
    return rc;
}
