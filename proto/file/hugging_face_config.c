#include "proto/file/hugging_face_config.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/file/lfs_pointer.h"
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

/* Settings that change what is computed, and the values that this program can compute: several
 * names of one function among them. */
static const struct {
    const char *name, *values; /* separated by blanks; "null" where it may be missing */
} computed[] = {
    {"activation_function",
     "null gelu_new gelu_pytorch_tanh gelu_fast gelu_accurate gelu_python_tanh"},
    {"hidden_act", "null silu swish"},
    {"attention_bias", "null false"},
    {"mlp_bias", "null false"},
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

/* The value of a key, or NULL. */
static const struct node *child(const struct node *map, const char *key)
{
    for (size_t i = 0; i < map->n; i++)
        if (!strcmp(map->children[i].key, key))
            return &map->children[i];
    return NULL;
}

/* Returns the text of a key's value; "null" if there is none. */
static const char *value(const struct node *map, const char *key)
{
    const struct node *node = child(map, key);
    return !node || node->kind == NODE_NULL ? "null" : node->text ? node->text : "{...}";
}

/* Makes texts fit for comparisons and sentences: whole numbers without a point, since some writers
 * make 61.0 of 61; '?' in place of control characters. */
static void tidy(struct node *node)
{
    if (node->kind == NODE_LITERAL) {
        size_t digits = strspn(node->text, "0123456789");
        const char *rest = node->text + digits;
        if (digits && *rest == '.' && rest[1 + strspn(rest + 1, "0")] == 0)
            node->text[digits] = 0;
    }
    char *texts[] = {node->key, node->text};
    for (int i = 0; i < 2; i++)
        for (char *c = texts[i]; c && *c; c++)
            if ((unsigned char)*c < ' ' || *c == 0x7f)
                *c = '?';
    for (size_t i = 0; i < node->n; i++)
        tidy(&node->children[i]);
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
        tidy(root);
    return root;
}

static bool one_of(const char *values, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = values; length && (at = strstr(at, word)); at += length)
        if ((at == values || at[-1] == ' ') && (at[length] == 0 || at[length] == ' '))
            return true;
    return false;
}

/* Rotary settings that are objects: rope_scaling of older writers, which stands beside rope_theta,
 * and rope_parameters, which has it inside. Only the type "default" is computed. Sets *theta to the
 * one inside, if there is one. */
static int check_rotary(const char **theta, const struct node *root, const char *path,
                        struct err *err)
{
    static const char *const names[] = {"rope_scaling", "rope_parameters"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct node *rotary = child(root, names[i]);
        if (!rotary || rotary->kind == NODE_NULL)
            continue;
        if (rotary->kind != NODE_MAP)
            return err_set(err, ERR_DATA, "%s: found %s %s, expected an object or null", path,
                           names[i], value(root, names[i]));
        const char *type = value(rotary, "rope_type"), *part = NULL;
        if (!strcmp(type, "null"))
            type = value(rotary, "type");
        if (!one_of("null default", type))
            return err_set(err, ERR_DATA,
                           "%s: found %s of type '%s', which is not computed here, expected "
                           "'default'",
                           path, names[i], type);
        if (!one_of("null 1", part = value(rotary, "partial_rotary_factor")))
            return err_set(err, ERR_DATA,
                           "%s: found partial_rotary_factor %s in %s, which is not computed here, "
                           "expected 1",
                           path, part, names[i]);
        for (size_t k = 0; k < rotary->n; k++)
            if (rotary->children[k].kind == NODE_MAP)
                return err_set(err, ERR_DATA,
                               "%s: found %s for '%s' apart, which is not computed here", path,
                               names[i], rotary->children[k].key);
        const char *inside = value(rotary, "rope_theta");
        if (*theta && strcmp(inside, "null") && strcmp(inside, *theta))
            return err_set(err, ERR_DATA, "%s: found rope_theta %s and %s, expected one of them",
                           path, *theta, inside);
        if (strcmp(inside, "null"))
            *theta = inside;
    }
    return 0;
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
    const char *theta =
        strcmp(value(root, "rope_theta"), "null") ? value(root, "rope_theta") : NULL;
    if (llama && check_rotary(&theta, root, path, err) < 0)
        return NULL;
    const struct shape_row *rows = llama ? llama_shape : gpt2_shape;
    size_t n =
        llama ? sizeof llama_shape / sizeof *llama_shape : sizeof gpt2_shape / sizeof *gpt2_shape;
    Trireme__Model *model = message_new(&trireme__model__descriptor);
    int rc = message_set_path(model, "arch", type, path, err);
    for (size_t i = 0; i < n && rc == 0; i++) {
        const char *text = value(root, rows[i].theirs);
        if (!strcmp(rows[i].ours, "rope_theta") && theta)
            text = theta;
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

/* rope_theta stands in both places: transformers 4 reads the outer one, 5 the inner one. */
static void write_llama(struct text *json, const Trireme__Model *m)
{
    text_printf(json,
                "  \"architectures\": [\"LlamaForCausalLM\"],\n  \"model_type\": \"llama\",\n"
                "  \"hidden_size\": %u,\n  \"intermediate_size\": %u,\n"
                "  \"num_hidden_layers\": %u,\n  \"num_attention_heads\": %u,\n"
                "  \"num_key_value_heads\": %u,\n  \"max_position_embeddings\": %u,\n"
                "  \"vocab_size\": %u,\n  \"rms_norm_eps\": %.17g,\n  \"rope_theta\": %.17g,\n"
                "  \"rope_parameters\": {\"rope_theta\": %.17g, \"rope_type\": \"default\"},\n"
                "  \"hidden_act\": \"silu\",\n  \"attention_bias\": false,\n"
                "  \"mlp_bias\": false,\n",
                m->width, m->ffn, m->layers, m->heads, m->kv_heads, m->context, m->vocab,
                m->norm_eps, m->rope_theta, m->rope_theta);
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
