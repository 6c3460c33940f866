/* trireme export: a checkpoint as a Hugging Face directory, with the tokenizer that its run keeps.
 */
#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "launcher/commands/command.h"
#include "launcher/commands/kept_tokenizer.h"
#include "launcher/commands/loaded.h"
#include "proto/file/hugging_face_export.h"
#include "proto/schema/json_out.h"
#include "proto/tensor/layout.h"
#include "worker/tokenizer/tokenizer.h"
#include "worker/tokenizer/tokenizer_files.h"

#include "command.pb-c.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Reads "5GB", "500MB", "2GiB" or a number of bytes, as transformers' max_shard_size. */
static int read_size(uint64_t *bytes, const char *text, struct err *err)
{
    static const struct {
        const char *name;
        uint64_t bytes;
    } units[] = {
        {"",    1                },
        {"B",   1                },
        {"KB",  1000             },
        {"MB",  1000000          },
        {"GB",  1000000000       },
        {"TB",  1000000000000    },
        {"KiB", (uint64_t)1 << 10},
        {"MiB", (uint64_t)1 << 20},
        {"GiB", (uint64_t)1 << 30},
        {"TiB", (uint64_t)1 << 40},
    };
    size_t digits = strspn(text, "0123456789"), i = 0;
    uint64_t number = digits && digits < 19 ? strtoull(text, NULL, 10) : 0;
    while (i < sizeof units / sizeof *units && strcasecmp(units[i].name, text + digits))
        i++;
    if (!number || i == sizeof units / sizeof *units ||
        __builtin_mul_overflow(number, units[i].bytes, bytes))
        return err_set(err, ERR_USAGE,
                       "--shard-size: found '%s', expected a size like 5GB, 500MB, 2GiB, or a "
                       "number of bytes from 1 on",
                       text);
    return 0;
}

/* The mark of the run that a checkpoint's folder is in: a digest of its curve's first line, which
 * is written once and has measured times. "" where it has none. */
static void run_mark(char mark[DIGEST_HEX_SIZE], const char *checkpoint)
{
    static const char start[] = "{\"kind\":\"train\"";
    struct err ignored;
    struct file_map map;
    char *path = file_join(checkpoint, "../../metrics.jsonl");
    *mark = 0;
    if (file_map_open(&map, path, ERR_DATA, &ignored) == 0) {
        const char *line = (const char *)map.bytes, *end = NULL;
        for (size_t rest = map.size; rest && (end = memchr(line, '\n', rest)) && !*mark;
             rest -= (size_t)(end + 1 - line), line = end + 1)
            if (rest > sizeof start && !memcmp(line, start, sizeof start - 1))
                digest_hex(mark, digest_of(line, (size_t)(end - line)));
        file_map_close(&map);
    }
    free(path);
}

/* Files of a tokenizer in memory. */
struct files {
    struct hugging_face_file list[TOKENIZER_FILES_MOST];
    size_t n;
};

static void files_clear(struct files *files)
{
    for (size_t i = 0; i < files->n; i++)
        free(files->list[i].bytes);
}

/* tokenizer_config.json for transformers, where the tokenizer came without. */
static char *write_config(const struct tokenizer *tokenizer, bool is_pair)
{
    struct json_out out = {.pretty = true};
    struct text name = {0};
    struct err err;
    uint32_t end;
    json_out_open(&out, NULL, '{');
    json_out_text(&out, "tokenizer_class", is_pair ? "GPT2Tokenizer" : "PreTrainedTokenizerFast");
    if (tokenizer_end_of_text(tokenizer, &end) &&
        tokenizer_decode(tokenizer, &name, &end, 1, &err) == 0)
        json_out_text(&out, "eos_token", name.bytes);
    json_out_close(&out, '}');
    text_clear(&name);
    return json_out_take(&out);
}

/* Reads the files of the tokenizer that the checkpoint's run keeps, if it keeps one. */
static int read_tokenizer(struct files *files, const char *checkpoint, struct err *err)
{
    static const char config[] = "tokenizer_config.json";
    struct tokenizer *tokenizer;
    struct tokenizer_files paths = {0};
    char *folder;
    if (kept_tokenizer_open(&tokenizer, &folder, checkpoint, err) < 0)
        return -1;
    int rc = tokenizer ? tokenizer_files_find(&paths, folder, err) : 0;
    for (size_t i = 0; i < paths.n && rc == 0; i++) {
        struct hugging_face_file *file = &files->list[files->n];
        file->name = paths.list[i].name;
        file->bytes = file_read(paths.list[i].path, &file->size, ERR_DATA, err);
        rc = file->bytes ? 0 : -1;
        files->n += rc == 0;
    }
    if (rc == 0 && tokenizer && !tokenizer_files_path(&paths, config)) {
        char *text = write_config(tokenizer, paths.is_pair);
        files->list[files->n++] =
            (struct hugging_face_file){.name = config, .bytes = text, .size = strlen(text)};
    }
    tokenizer_files_clear(&paths);
    tokenizer_close(tokenizer);
    free(folder);
    return rc;
}

int command_export(const void *request, void *reply, struct err *err)
{
    static const enum safetensors_type types[] = {
        [TRIREME__EXPORT_REQUEST__DTYPE__fp32] = SAFETENSORS_F32,
        [TRIREME__EXPORT_REQUEST__DTYPE__bf16] = SAFETENSORS_BF16,
        [TRIREME__EXPORT_REQUEST__DTYPE__fp16] = SAFETENSORS_F16,
    };
    const Trireme__ExportRequest *r = request;
    Trireme__ExportReply *out = reply;
    struct hugging_face_form form = {.type = types[r->dtype]};
    struct loaded l;
    if (read_size(&form.shard_bytes, r->shard_size, err) < 0 ||
        loaded_open(&l, r->checkpoint, false, err) < 0)
        return -1;
    char mark[DIGEST_HEX_SIZE];
    struct files files = {0};
    run_mark(mark, l.folder);
    int rc = read_tokenizer(&files, l.folder, err);
    if (rc == 0)
        rc = hugging_face_export(r->out, mark, r->force, l.manifest->config->model, l.layout,
                                 l.weights, &form, files.list, files.n, err);
    files_clear(&files);
    if (rc == 0) {
        out->out = mem_strdup(r->out);
        out->has_parameters = 1, out->parameters = l.layout->n_params;
    }
    loaded_close(&l);
    return rc;
}
