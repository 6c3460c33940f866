#include "launcher/llm/llm_calls.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "base/text.h"
#include "proto/schema/json_out.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void set_digest(char **digest, const char *line)
{
    char hex[SHA256_HEX_SIZE];
    sha256_hex(hex, line, strlen(line));
    free(*digest);
    *digest = mem_strdup(hex);
}

/* Puts the texts of a call into the lines of the turn, and their digests in their place. */
static void keep_texts(struct text *lines, Trireme__Call *call)
{
    if (!call->asked) // its turn is written
        return;
    struct json_out out = {.pretty = false};
    char *asked = mem_format("%s\n", call->asked);
    json_out_open(&out, NULL, '{');
    json_out_scalar(&out, "status", (struct scalar){SCALAR_UINT, .u = call->status});
    json_out_text(&out, "stop", call->stop ? call->stop : "");
    json_out_text(&out, "answered", call->answered ? call->answered : "");
    json_out_close(&out, '}');
    char *body = json_out_take(&out), *answered = mem_format("%s\n", body);
    set_digest(&call->asked_sha256, asked);
    set_digest(&call->answered_sha256, answered);
    text_add(lines, asked);
    text_add(lines, answered);
    free(call->asked);
    free(call->answered);
    call->asked = call->answered = NULL;
    free(answered);
    free(body);
    free(asked);
}

static void write_file(const char *folder, const char *path, const char *bytes, size_t size)
{
    struct err unwritten;
    bool open;
    if (file_make_private(&open, folder, ERR_USAGE, &unwritten) < 0 ||
        file_write_private(path, bytes, size, ERR_USAGE, &unwritten) < 0)
        fprintf(stderr, "trireme: %s\n", unwritten.text);
}

void llm_calls_write(const char *folder, uint32_t turn, Trireme__Proposals *told)
{
    struct text lines = {0};
    char *path = mem_format("%s/turn-%u", folder, turn);
    for (size_t i = 0; i < told->n_calls; i++)
        keep_texts(&lines, told->calls[i]);
    if (lines.size)
        write_file(folder, path, lines.bytes, lines.size);
    text_clear(&lines);
    free(path);
}

void llm_calls_note(const char *folder, const Trireme__Proposals *left,
                    const Trireme__Proposals *so_far)
{
    Trireme__Proposals all = TRIREME__PROPOSALS__INIT;
    all.calls = mem_new(left->n_calls + so_far->n_calls, sizeof *all.calls);
    for (size_t i = 0; i < left->n_calls; i++)
        all.calls[all.n_calls++] = left->calls[i];
    for (size_t i = 0; i < so_far->n_calls; i++)
        all.calls[all.n_calls++] = so_far->calls[i];
    char *path = file_join(folder, "calls"), *text = json_write(&all);
    write_file(folder, path, text, strlen(text));
    free(text);
    free(path);
    free((void *)all.calls);
}

static void keep_later(Trireme__Proposals *calls, uint32_t turn)
{
    size_t kept = 0;
    for (size_t i = 0; i < calls->n_calls; i++)
        if (calls->calls[i]->turn > turn)
            calls->calls[kept++] = calls->calls[i];
        else
            message_free(calls->calls[i]);
    calls->n_calls = kept;
}

Trireme__Proposals *llm_calls_left(const char *folder, uint32_t turn)
{
    Trireme__Proposals *calls = message_new(&trireme__proposals__descriptor);
    struct err unread;
    char *path = file_join(folder, "calls");
    size_t size = 0;
    char *text = file_exists(path) ? file_read(path, &size, ERR_DATA, &unread) : NULL;
    if (text ? json_read(calls, text, size, path, ERR_DATA, &unread) < 0 : file_exists(path)) {
        fprintf(stderr, "trireme: %s\n", unread.text);
        message_free(calls);
        calls = message_new(&trireme__proposals__descriptor);
    }
    keep_later(calls, turn);
    if (calls->n_calls) // only the newest turn's have texts
        llm_calls_write(folder, calls->calls[calls->n_calls - 1]->turn, calls);
    free(text);
    free(path);
    return calls;
}

void llm_calls_prepend(Trireme__Proposals *answer, Trireme__Proposals *left)
{
    if (!left->n_calls)
        return;
    left->calls = mem_resize(left->calls, left->n_calls + answer->n_calls, sizeof *left->calls);
    for (size_t i = 0; i < answer->n_calls; i++)
        left->calls[left->n_calls + i] = answer->calls[i];
    free(answer->calls);
    answer->calls = left->calls, answer->n_calls += left->n_calls;
    left->calls = NULL, left->n_calls = 0;
}
