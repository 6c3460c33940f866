#include "proto/file/hugging_face_config.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/schema/message.h"
#include "proto/schema/node.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include <math.h>
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
};
static const struct shape_row llama_shape[] = {
    {"layers",     "num_hidden_layers",       NULL      },
    {"heads",      "num_attention_heads",     NULL      },
    {"kv_heads",   "num_key_value_heads",     "0"       },
    {"width",      "hidden_size",             NULL      },
    {"ffn",        "intermediate_size",       NULL      },
    {"context",    "max_position_embeddings", NULL      },
    {"vocab",      "vocab_size",              NULL      },
    {"rope_theta", "rope_theta",              "10000"   },
    {"norm_eps",   "rms_norm_eps",            "1e-06"   },
    {"tied",       "tie_word_embeddings",     "false"   },
};

/* Settings that change what is computed, and the values that this program can compute. */
static const struct {
    const char *name, *values; /* separated by blanks; "null" where it may be missing */
} computed[] = {
    {"activation_function",              "null gelu_new gelu_pytorch_tanh"},
    {"hidden_act",                       "null silu"                      },
    {"rope_scaling",                     "null"                           },
    {"rope_parameters",                  "null"                           },
    {"attention_bias",                   "null false"                     },
    {"mlp_bias",                         "null false"                     },
    {"scale_attn_weights",               "null true"                      },
    {"scale_attn_by_inverse_layer_idx",  "null false"                     },
    {"add_cross_attention",              "null false"                     },
};
// clang-format on

bool hugging_face_is(const char *folder)
{
    char *path = file_join(folder, "config.json");
    bool is = file_exists(path);
    free(path);
    return is;
}

/* Returns the text of a key's value; "null" if there is none. */
static const char *value(const struct node *root, const char *key)
{
    for (size_t i = 0; i < root->n; i++)
        if (!strcmp(root->children[i].key, key))
            return root->children[i].text                ? root->children[i].text
                   : root->children[i].kind == NODE_NULL ? "null"
                                                         : "{...}";
    return "null";
}

static bool one_of(const char *values, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = values; length && (at = strstr(at, word)); at += length)
        if ((at == values || at[-1] == ' ') && (at[length] == 0 || at[length] == ' '))
            return true;
    return false;
}

/* Reads the shape into a new model, freed by message_free. NULL on error. */
static Trireme__Model *shape_read(const struct node *root, const char *path, struct err *err)
{
    const char *type = value(root, "model_type");
    bool llama = !strcmp(type, "llama");
    if (!llama && strcmp(type, "gpt2")) {
        err_set(err, ERR_DATA, "%s: found model_type '%s', expected gpt2 or llama", path, type);
        return NULL;
    }
    for (size_t i = 0; i < sizeof computed / sizeof *computed; i++)
        if (!one_of(computed[i].values, value(root, computed[i].name))) {
            err_set(err, ERR_DATA,
                    "%s: found %s %s, which is not computed here, expected one of: %s", path,
                    computed[i].name, value(root, computed[i].name), computed[i].values);
            return NULL;
        }
    const struct shape_row *rows = llama ? llama_shape : gpt2_shape;
    size_t n =
        llama ? sizeof llama_shape / sizeof *llama_shape : sizeof gpt2_shape / sizeof *gpt2_shape;
    Trireme__Model *model = message_new(&trireme__model__descriptor);
    int rc = message_set_path(model, "arch", type, path, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        const char *text = value(root, rows[i].theirs);
        if (!strcmp(text, "null"))
            text = rows[i].fallback;
        rc = text ? message_set_path(model, rows[i].ours, text, path, err)
                  : err_set(err, ERR_DATA, "%s: '%s' is missing", path, rows[i].theirs);
    }
    const char *head = value(root, "head_dim");
    if (rc == 0 && strcmp(head, "null") && strtoull(head, NULL, 10) * model->heads != model->width)
        rc = err_set(err, ERR_DATA, "%s: found head_dim %s with %u heads, expected %u / %u", path,
                     head, model->heads, model->width, model->heads);
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
    const bool kv_open =
        given->kv_heads == 0 || (theirs->kv_heads == 0 && given->kv_heads == theirs->heads);
    const bool ffn_open = given->ffn == 0 || (theirs->ffn == 0 && given->ffn == 4 * theirs->width);
    // clang-format off
    const struct {
        const char *name;
        bool agrees;
    } fields[] = {
        {"arch",       AGREES(arch)                },
        {"layers",     AGREES(layers)              },
        {"heads",      AGREES(heads)               },
        {"kv_heads",   AGREES(kv_heads) || kv_open },
        {"width",      AGREES(width)               },
        {"ffn",        AGREES(ffn) || ffn_open     },
        {"context",    AGREES(context)             },
        {"vocab",      AGREES(vocab)               },
        {"norm_eps",   AGREES(norm_eps)            },
        {"rope_theta", AGREES(rope_theta)          },
        {"tied",       AGREES(tied)                },
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
    size_t size = 0;
    int rc = -1;
    struct node *root = NULL;
    Trireme__Model *theirs = NULL;
    char *text = file_read(path, &size, ERR_DATA, err);
    if (!text || !(root = json_node_read(text, size, path, ERR_DATA, err)))
        goto out;
    if (root->kind != NODE_MAP) {
        err_set(err, ERR_DATA, "%s: expected a JSON object", path);
        goto out;
    }
    theirs = shape_read(root, path, err);
    if (!theirs || check_given(model, theirs, path, err) < 0)
        goto out;
    *model = (Trireme__Model){.base = model->base}; // a model holds no pointers
    memcpy((char *)model + sizeof model->base, (char *)theirs + sizeof theirs->base,
           sizeof *model - sizeof model->base);
    rc = 0;
out:
    message_free(theirs);
    node_free(root);
    free(text);
    free(path);
    return rc;
}

int hugging_face_config_write(const char *folder, const Trireme__Model *m, struct err *err)
{
    bool llama = m->arch == TRIREME__MODEL__ARCH__llama;
    struct text json = {0};
    if (llama)
        text_printf(
            &json,
            "{\n  \"architectures\": [\"LlamaForCausalLM\"],\n  \"model_type\": \"llama\",\n"
            "  \"hidden_size\": %u,\n  \"intermediate_size\": %u,\n  \"num_hidden_layers\": %u,\n"
            "  \"num_attention_heads\": %u,\n  \"num_key_value_heads\": %u,\n  "
            "\"max_position_embeddings\": %u,\n"
            "  \"vocab_size\": %u,\n  \"rms_norm_eps\": %.17g,\n  \"rope_theta\": %.17g,\n  "
            "\"hidden_act\": "
            "\"silu\",\n"
            "  \"attention_bias\": false,\n  \"mlp_bias\": false,\n  \"bos_token_id\": null,\n  "
            "\"eos_token_id\": "
            "null,\n",
            m->width, m->ffn, m->layers, m->heads, m->kv_heads, m->context, m->vocab, m->norm_eps,
            m->rope_theta);
    else
        text_printf(&json,
                    "{\n  \"architectures\": [\"GPT2LMHeadModel\"],\n  \"model_type\": \"gpt2\",\n "
                    " \"n_embd\": %u,\n"
                    "  \"n_inner\": %u,\n  \"n_layer\": %u,\n  \"n_head\": %u,\n  \"n_positions\": "
                    "%u,\n  \"n_ctx\": %u,\n"
                    "  \"vocab_size\": %u,\n  \"layer_norm_epsilon\": %.17g,\n  "
                    "\"activation_function\": \"gelu_new\",\n"
                    "  \"attn_pdrop\": 0.0,\n  \"embd_pdrop\": 0.0,\n  \"resid_pdrop\": 0.0,\n  "
                    "\"bos_token_id\": null,\n"
                    "  \"eos_token_id\": null,\n",
                    m->width, m->ffn, m->layers, m->heads, m->context, m->context, m->vocab,
                    m->norm_eps);
    text_printf(&json, "  \"tie_word_embeddings\": %s,\n  \"torch_dtype\": \"float32\"\n}\n",
                m->tied ? "true" : "false");
    char *path = file_join(folder, "config.json");
    int rc = file_write_atomic(path, json.bytes, json.size, ERR_USAGE, err);
    free(path);
    text_clear(&json);
    return rc;
}
