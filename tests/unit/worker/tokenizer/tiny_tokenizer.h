/* A tokenizer of 256 bytes (byte b is token b), eleven merges (tokens 256..266), one token that no
 * merge gives ("aaab", 267) and three added tokens, written as files. */
#pragma once
#include "tests/unit/support.h"

#include "base/file.h"
#include "base/text.h"
#include "proto/schema/utf8.h"

#define TINY_BYTE_LEVEL(add_space, use_regex)                                                      \
    "{\"type\": \"ByteLevel\", \"add_prefix_space\": " add_space                                   \
    ", \"trim_offsets\": true, \"use_regex\": " use_regex "}"
#define TINY_SPLIT(pattern)                                                                        \
    "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"Split\", \"pattern\": "             \
    "{\"Regex\": \"" pattern                                                                       \
    "\"}, \"behavior\": \"Isolated\", \"invert\": false}, " TINY_BYTE_LEVEL("false", "false") "]}"

static const char *const tiny_merges[] = {"t h",  "th e", "Ġ the", "a a", "aa aa", "1 2",
                                          "12 3", "Ġ Ġ",  "Ã ©",   "' s", "Ċ Ċ"};
enum { TINY_MERGES = sizeof tiny_merges / sizeof *tiny_merges };

#define TINY_ADDED(id, content, normalized, special)                                               \
    "{\"id\": " id ", \"content\": \"" content "\", \"single_word\": false, \"lstrip\": false, "   \
    "\"rstrip\": false, \"normalized\": " normalized ", \"special\": " special "}"
static const char tiny_added[] =
    "[" TINY_ADDED("268", "<|endoftext|>", "false", "true") ", " TINY_ADDED(
        "269", "<tool>", "false", "false") ", " TINY_ADDED("270", "<café>", "true", "false") "]";

static const char tiny_model[] = "\"type\": \"BPE\", \"dropout\": null, \"unk_token\": null, "
                                 "\"fuse_unk\": false, \"byte_fallback\": false";

/* The letters of bytes 0..32, 127..160 and 173 are U+0100 and on, in this order. */
static inline void tiny_write_letter(struct text *text, unsigned byte)
{
    unsigned code = byte <= 32                   ? 0x100 + byte
                    : byte >= 127 && byte <= 160 ? 0x100 + 33 + byte - 127
                    : byte == 173                ? 0x100 + 67
                                                 : byte;
    if (code == '"' || code == '\\')
        text_add(text, "\\");
    if (code < 0x80)
        text_printf(text, "%c", (int)code);
    else
        text_printf(text, "%c%c", (int)(0xC0 | code >> 6), (int)(0x80 | (code & 0x3F)));
}

static inline void tiny_write_vocab(struct text *text)
{
    for (unsigned b = 0; b < 256; b++) {
        text_add(text, b == 0 ? "{\"" : ", \"");
        tiny_write_letter(text, b);
        text_printf(text, "\": %u", b);
    }
    for (unsigned i = 0; i < TINY_MERGES; i++) {
        const char *space = strchr(tiny_merges[i], ' ');
        text_printf(text, ", \"%.*s%s\": %u", (int)(space - tiny_merges[i]), tiny_merges[i],
                    space + 1, 256 + i);
    }
    text_add(text, ", \"aaab\": 267}");
}

/* What is put into a tokenizer.json; NULL: as it usually is. */
struct tiny_json {
    const char *pre_tokenizer, *normalizer, *model, *added, *more;
    bool list_merges; /* ["a", "b"] instead of "a b" */
};

static inline void tiny_write_json(struct text *text, const struct tiny_json *json)
{
    text_printf(text, "{\"version\": \"1.0\", \"normalizer\": %s, \"pre_tokenizer\": %s, ",
                json->normalizer ? json->normalizer : "null",
                json->pre_tokenizer ? json->pre_tokenizer : TINY_BYTE_LEVEL("false", "true"));
    text_printf(text, "\"added_tokens\": %s, \"post_processor\": {\"type\": \"ByteLevel\"}, %s",
                json->added ? json->added : tiny_added, json->more ? json->more : "");
    text_printf(text, "\"model\": {%s, \"vocab\": ", json->model ? json->model : tiny_model);
    tiny_write_vocab(text);
    text_add(text, ", \"merges\": [");
    for (unsigned i = 0; i < TINY_MERGES; i++) {
        const char *merge = tiny_merges[i], *space = strchr(merge, ' ');
        text_add(text, i == 0 ? "" : ", ");
        if (json->list_merges)
            text_printf(text, "[\"%.*s\", \"%s\"]", (int)(space - merge), merge, space + 1);
        else
            text_printf(text, "\"%s\"", merge);
    }
    text_add(text, "]}}");
}

static inline void tiny_write_file(const char *folder, const char *name, const void *bytes,
                                   size_t size)
{
    struct err err;
    char *path = file_join(folder, name);
    if (file_write_atomic(path, bytes, size, ERR_USAGE, &err) != 0)
        fail_msg("%s", err.text);
    free(path);
}

static inline void tiny_write_tokenizer(const char *folder, const struct tiny_json *json)
{
    struct text text = {0};
    tiny_write_json(&text, json);
    tiny_write_file(folder, "tokenizer.json", text.bytes, text.size);
    text_clear(&text);
}
