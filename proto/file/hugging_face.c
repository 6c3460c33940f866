#include "proto/file/hugging_face.h"

#include "base/file.h"
#include "base/mem.h"
#include "proto/file/hugging_face_config.h"
#include "proto/file/safetensors.h"
#include "proto/tensor/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Which rows of our tensor a row of the table is. */
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
    {"layers.%d.attn.out.weight", "model.layers.%d.self_attn.o_proj.weight", PART_ALL, false},
    {"layers.%d.norm2.weight", "model.layers.%d.post_attention_layernorm.weight", PART_ALL, false},
    {"layers.%d.mlp.up.weight", "model.layers.%d.mlp.gate_proj.weight", PART_GATE, false},
    {"layers.%d.mlp.up.weight", "model.layers.%d.mlp.up_proj.weight", PART_UP, false},
    {"layers.%d.mlp.down.weight", "model.layers.%d.mlp.down_proj.weight", PART_ALL, false},
    {"norm.weight", "model.norm.weight", PART_ALL, false},
    {"head.weight", "lm_head.weight", PART_ALL, false},
};
// clang-format on

/* One tensor of the directory, and its place in our layout. */
struct piece {
    char name[128];
    int n_dims;
    size_t rows, columns; /* in our order */
    size_t offset;        /* in the flat array */
    bool turned;
};

static void part_rows(const Trireme__Model *model, const struct tensor *t, enum part part,
                      size_t *row, size_t *n_rows)
{
    size_t d = model->width / model->heads, q = model->width, kv = model->kv_heads * d;
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

/* Returns all pieces of a model. The caller frees them. */
static struct piece *pieces_of(const Trireme__Model *model, const struct layout *layout, size_t *n)
{
    bool llama = model->arch == TRIREME__MODEL__ARCH__llama;
    const struct name_row *rows = llama ? llama_names : gpt2_names;
    size_t n_rows =
        llama ? sizeof llama_names / sizeof *llama_names : sizeof gpt2_names / sizeof *gpt2_names;
    struct piece *pieces = mem_new(n_rows * model->layers + n_rows, sizeof *pieces);
    *n = 0;
    for (size_t i = 0; i < n_rows; i++) {
        if (!strcmp(rows[i].ours, "head.weight") && model->tied)
            continue;
        for (int l = 0; l < (strstr(rows[i].ours, "%d") ? (int)model->layers : 1); l++) {
            char ours[TENSOR_NAME_SIZE];
            format_name(ours, sizeof ours, rows[i].ours, l);
            const struct tensor *t = layout_find(layout, "%s", ours);
            struct piece *p = &pieces[(*n)++];
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

/* All safetensors files of a folder. */
struct hub {
    struct safetensors *files;
    size_t n;
};

static void hub_close(struct hub *hub)
{
    for (size_t i = 0; i < hub->n; i++)
        safetensors_close(&hub->files[i]);
    free(hub->files);
}

static int hub_open(struct hub *hub, const char *folder, struct err *err)
{
    *hub = (struct hub){0};
    size_t n = 0;
    char **names = file_names(folder, &n, ERR_DATA, err);
    if (!names)
        return -1;
    int rc = 0;
    hub->files = mem_new(n, sizeof *hub->files);
    static const char ending[] = ".safetensors";
    for (size_t i = 0; i < n && rc == 0; i++) {
        size_t length = strlen(names[i]);
        if (length < sizeof ending || strcmp(names[i] + length - (sizeof ending - 1), ending))
            continue;
        char *path = file_join(folder, names[i]);
        rc = safetensors_open(&hub->files[hub->n], path, err);
        hub->n += rc == 0;
        free(path);
    }
    file_names_free(names);
    if (rc == 0 && hub->n == 0)
        rc = err_set(err, ERR_DATA, "%s: found no .safetensors file", folder);
    if (rc < 0)
        hub_close(hub);
    return rc;
}

/* The original GPT-2 files leave out the "transformer." of a name. */
static const struct safetensors_entry *hub_find(const struct hub *hub, const char *name)
{
    static const char prefix[] = "transformer.";
    for (size_t i = 0; i < hub->n; i++) {
        const struct safetensors_entry *e = safetensors_find(&hub->files[i], name);
        if (!e && !strncmp(name, prefix, sizeof prefix - 1))
            e = safetensors_find(&hub->files[i], name + sizeof prefix - 1);
        if (e)
            return e;
    }
    return NULL;
}

static void turn(float *out, const float *in, size_t rows, size_t columns)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            out[c * rows + r] = in[r * columns + c];
}

/* Returns the numbers of one piece in our order. The caller frees them. NULL on error. */
static float *piece_read(const struct piece *p, const struct hub *hub, const char *folder,
                         struct err *err)
{
    const struct safetensors_entry *e = hub_find(hub, p->name);
    if (!e) {
        err_set(err, ERR_DATA, "%s: tensor '%s' is missing", folder, p->name);
        return NULL;
    }
    size_t rows = p->turned ? p->columns : p->rows, columns = p->turned ? p->rows : p->columns;
    if (e->n_dims != p->n_dims || e->shape[0] != rows ||
        (p->n_dims == 2 && e->shape[1] != columns)) {
        err_set(err, ERR_DATA,
                "%s: tensor '%s': found %d dimensions, the first of %zu, expected %zu x %zu",
                folder, p->name, e->n_dims, e->n_dims ? e->shape[0] : 0, rows, columns);
        return NULL;
    }
    float *numbers = mem_floats(e->count);
    if (!safetensors_floats(e, 0, e->count, numbers)) {
        err_set(err, ERR_DATA, "%s: tensor '%s' is of no floating-point type that can be read",
                folder, p->name);
        free(numbers);
        return NULL;
    }
    if (!p->turned)
        return numbers;
    float *turned = mem_floats(e->count);
    turn(turned, numbers, rows, columns);
    free(numbers);
    return turned;
}

int hugging_face_read(const char *folder, const Trireme__Model *model, const struct layout *layout,
                      size_t offset, size_t count, float *weights, struct err *err)
{
    struct hub hub;
    if (hub_open(&hub, folder, err) < 0)
        return -1;
    size_t n = 0;
    struct piece *pieces = pieces_of(model, layout, &n);
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        const struct piece *p = &pieces[i];
        size_t end = p->offset + p->rows * p->columns;
        size_t first = p->offset > offset ? p->offset : offset,
               last = end < offset + count ? end : offset + count;
        if (first >= last)
            continue;
        float *numbers = piece_read(p, &hub, folder, err);
        if (!numbers)
            rc = -1;
        else
            memcpy(weights + (first - offset), numbers + (first - p->offset),
                   (last - first) * sizeof *weights);
        free(numbers);
    }
    free(pieces);
    hub_close(&hub);
    return rc;
}

int hugging_face_write(const char *folder, const Trireme__Model *model, const struct layout *layout,
                       const float *weights, struct err *err)
{
    size_t n = 0;
    struct piece *pieces = pieces_of(model, layout, &n);
    struct safetensors_part *parts = mem_new(n, sizeof *parts);
    float **turned = mem_new(n, sizeof *turned);
    for (size_t i = 0; i < n; i++) {
        const struct piece *p = &pieces[i];
        parts[i] = (struct safetensors_part){
            .name = p->name,
            .n_dims = p->n_dims,
            .shape = {p->rows, p->columns},
            .numbers = weights + p->offset
        };
        if (p->turned) {
            turned[i] = mem_floats(p->rows * p->columns);
            turn(turned[i], parts[i].numbers, p->rows, p->columns);
            parts[i].numbers = turned[i];
            parts[i].shape[0] = p->columns, parts[i].shape[1] = p->rows;
        }
    }
    char *path = file_join(folder, "model.safetensors");
    int rc = safetensors_write(path, parts, n, NULL, NULL, ERR_USAGE, err);
    if (rc == 0)
        rc = hugging_face_config_write(folder, model, err);
    free(path);
    for (size_t i = 0; i < n; i++)
        free(turned[i]);
    free(turned);
    free(parts);
    free(pieces);
    return rc;
}
