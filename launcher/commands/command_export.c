/* trireme export: a checkpoint as a Hugging Face directory. */
#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "launcher/commands/command.h"
#include "launcher/commands/loaded.h"
#include "proto/file/hugging_face_export.h"
#include "proto/tensor/layout.h"

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
    run_mark(mark, l.folder);
    int rc = hugging_face_export(r->out, mark, r->force, l.manifest->config->model, l.layout,
                                 l.weights, &form, err);
    if (rc == 0) {
        out->out = mem_strdup(r->out);
        out->has_parameters = 1, out->parameters = l.layout->n_params;
    }
    loaded_close(&l);
    return rc;
}
