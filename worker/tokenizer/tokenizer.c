#include "worker/tokenizer/tokenizer.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/schema/node.h"
#include "worker/tokenizer/nfc.h"
#include "worker/tokenizer/tokenizer_files.h"
#include "worker/tokenizer/tokenizer_internal.h"

#include <stdlib.h>
#include <string.h>

static const char *const ends_of_text[] = {"<|endoftext|>", "<|end_of_text|>"};

/* The token of this name: an added one, else one of the model. */
static bool find_name(const struct tokenizer *tokenizer, uint32_t *id, const char *name)
{
    const struct added_tokens *lists[] = {&tokenizer->raw, &tokenizer->normal};
    for (size_t l = 0; l < 2; l++) {
        for (size_t i = 0; i < lists[l]->n; i++) {
            const struct added_token *token = &lists[l]->tokens[i];
            if (token->size == strlen(name) && memcmp(token->name, name, token->size) == 0) {
                *id = token->id;
                return true;
            }
        }
    }
    return vocabulary_find(&tokenizer->vocabulary, id, name, strlen(name));
}

static const struct node *child(const struct node *map, const char *key)
{
    for (size_t i = 0; map->kind == NODE_MAP && i < map->n; i++)
        if (strcmp(map->children[i].key, key) == 0)
            return &map->children[i];
    return NULL;
}

/* eos_token is a name, or a map with its name as content. */
static int read_eos(struct tokenizer *tokenizer, const char *config, struct err *err)
{
    size_t size;
    char *text = file_read(config, &size, ERR_DATA, err);
    if (!text)
        return -1;
    struct node *root = json_node_read_foreign(text, size, config, ERR_DATA, err);
    free(text);
    if (!root)
        return -1;
    int result = 0;
    const struct node *eos = child(root, "eos_token");
    if (eos && eos->kind == NODE_MAP)
        eos = child(eos, "content");
    if (eos && eos->kind == NODE_STRING) {
        tokenizer->has_end_of_text = find_name(tokenizer, &tokenizer->end_of_text, eos->text);
        if (!tokenizer->has_end_of_text)
            result = err_set(err, ERR_DATA, "%s: eos_token: found \"%.100s\", which is no token",
                             config, eos->text);
    }
    node_free(root);
    return result;
}

/* config: tokenizer_config.json, or NULL. */
static int find_end_of_text(struct tokenizer *tokenizer, const char *config, struct err *err)
{
    if (config && read_eos(tokenizer, config, err) != 0)
        return -1;
    for (size_t i = 0; i < 2 && !tokenizer->has_end_of_text; i++)
        tokenizer->has_end_of_text = find_name(tokenizer, &tokenizer->end_of_text, ends_of_text[i]);
    return 0;
}

struct tokenizer *tokenizer_open(const char *path, struct err *err)
{
    struct tokenizer_files files;
    if (tokenizer_files_find(&files, path, err) != 0)
        return NULL;
    struct tokenizer *tokenizer = mem_new(1, sizeof *tokenizer);
    int result = files.is_pair
                     ? tokenizer_pair_read(tokenizer, files.list[0].path, files.list[1].path, err)
                     : tokenizer_json_read(tokenizer, files.list[0].path, err);
    if (result == 0)
        result =
            find_end_of_text(tokenizer, tokenizer_files_path(&files, "tokenizer_config.json"), err);
    tokenizer_files_clear(&files);
    if (result == 0)
        return tokenizer;
    tokenizer_close(tokenizer);
    return NULL;
}

void tokenizer_close(struct tokenizer *tokenizer)
{
    if (!tokenizer)
        return;
    vocabulary_clear(&tokenizer->vocabulary);
    pieces_close(&tokenizer->pieces);
    nfc_close(tokenizer->nfc);
    added_tokens_clear(&tokenizer->raw);
    added_tokens_clear(&tokenizer->normal);
    free(tokenizer);
}

uint32_t tokenizer_vocab(const struct tokenizer *tokenizer)
{
    return (uint32_t)tokenizer->vocabulary.n;
}

bool tokenizer_end_of_text(const struct tokenizer *tokenizer, uint32_t *id)
{
    if (tokenizer->has_end_of_text)
        *id = tokenizer->end_of_text;
    return tokenizer->has_end_of_text;
}

uint32_t tokenizer_token_bytes(const struct tokenizer *tokenizer, uint32_t id)
{
    const struct vocabulary *vocabulary = &tokenizer->vocabulary;
    const bool ends = tokenizer->has_end_of_text && id == tokenizer->end_of_text;
    return id < vocabulary->n && !ends ? vocabulary->tokens[id].size : 0;
}

bool tokenizer_has(const struct tokenizer *tokenizer, uint32_t id)
{
    return id < tokenizer->vocabulary.n && tokenizer->vocabulary.tokens[id].is_there;
}

struct digest tokenizer_digest(const struct tokenizer *tokenizer)
{
    const struct vocabulary *vocabulary = &tokenizer->vocabulary;
    struct digest_stream *stream = digest_stream_new();
    for (uint32_t id = 0; id < vocabulary->n; id++) {
        const struct token *token = &vocabulary->tokens[id];
        const uint32_t size = token->is_there ? token->size : UINT32_MAX;
        digest_stream_add(stream, &size, sizeof size);
        if (token->is_there && token->size > 0)
            digest_stream_add(stream, vocabulary->bytes + token->at, token->size);
    }
    const uint32_t end = tokenizer->has_end_of_text ? tokenizer->end_of_text : UINT32_MAX;
    digest_stream_add(stream, &end, sizeof end);
    return digest_stream_end(stream);
}

int tokenizer_decode(const struct tokenizer *tokenizer, struct text *text, const uint32_t *ids,
                     size_t n, struct err *err)
{
    const struct vocabulary *vocabulary = &tokenizer->vocabulary;
    for (size_t i = 0; i < n; i++)
        if (!tokenizer_has(tokenizer, ids[i]))
            return err_set(err, ERR_DATA,
                           "token %zu: found id %u, which is not in the vocabulary of %zu", i,
                           ids[i], vocabulary->n);
    for (size_t i = 0; i < n; i++) {
        const struct token *token = &vocabulary->tokens[ids[i]];
        text_add_bytes(text, vocabulary->bytes + token->at, token->size);
    }
    return 0;
}
