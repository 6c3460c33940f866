#include "worker/tokenizer/tokenizer.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/schema/node.h"
#include "worker/tokenizer/nfc.h"
#include "worker/tokenizer/tokenizer_internal.h"

#include <stdlib.h>
#include <string.h>

static const struct pair {
    const char *vocab, *merges;
} pairs[] = {
    {"vocab.json",   "merges.txt"},
    {"encoder.json", "vocab.bpe" },
};
static const char *const ends_of_text[] = {"<|endoftext|>", "<|end_of_text|>"};

/* 0, 1 where there is no such pair, -1. */
static int read_pair(struct tokenizer *tokenizer, const char *folder, const struct pair *pair,
                     struct err *err)
{
    char *vocab = file_join(folder, pair->vocab), *merges = file_join(folder, pair->merges);
    int result = 1;
    if (file_exists(vocab) && file_exists(merges))
        result = tokenizer_pair_read(tokenizer, vocab, merges, err);
    free(vocab);
    free(merges);
    return result;
}

static int read_folder(struct tokenizer *tokenizer, const char *folder, struct err *err)
{
    char *json = file_join(folder, "tokenizer.json");
    int result = 1;
    if (file_exists(json))
        result = tokenizer_json_read(tokenizer, json, err);
    free(json);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs && result == 1; i++)
        result = read_pair(tokenizer, folder, &pairs[i], err);
    if (result == 1)
        return err_set(err, ERR_USAGE,
                       "%s: found no tokenizer, expected tokenizer.json, or vocab.json and "
                       "merges.txt, or encoder.json and vocab.bpe",
                       folder);
    return result;
}

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

static int find_end_of_text(struct tokenizer *tokenizer, const char *folder, struct err *err)
{
    char *config = file_join(folder, "tokenizer_config.json");
    int result = 0;
    if (file_exists(config))
        result = read_eos(tokenizer, config, err);
    free(config);
    for (size_t i = 0; i < 2 && result == 0 && !tokenizer->has_end_of_text; i++)
        tokenizer->has_end_of_text = find_name(tokenizer, &tokenizer->end_of_text, ends_of_text[i]);
    return result;
}

struct tokenizer *tokenizer_open(const char *path, struct err *err)
{
    struct tokenizer *tokenizer = mem_new(1, sizeof *tokenizer);
    char *folder = mem_strdup(path);
    int result;
    if (file_is_dir(path))
        result = read_folder(tokenizer, path, err);
    else {
        char *slash = strrchr(folder, '/');
        strcpy(slash ? slash + 1 : folder, "");
        result = tokenizer_json_read(tokenizer, path, err);
    }
    if (result == 0)
        result = find_end_of_text(tokenizer, *folder ? folder : ".", err);
    free(folder);
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

int tokenizer_decode(const struct tokenizer *tokenizer, struct text *text, const uint32_t *ids,
                     size_t n, struct err *err)
{
    const struct vocabulary *vocabulary = &tokenizer->vocabulary;
    for (size_t i = 0; i < n; i++)
        if (ids[i] >= vocabulary->n || !vocabulary->tokens[ids[i]].is_there)
            return err_set(err, ERR_DATA,
                           "token %zu: found id %u, which is not in the vocabulary of %zu", i,
                           ids[i], vocabulary->n);
    for (size_t i = 0; i < n; i++) {
        const struct token *token = &vocabulary->tokens[ids[i]];
        text_add_bytes(text, vocabulary->bytes + token->at, token->size);
    }
    return 0;
}
