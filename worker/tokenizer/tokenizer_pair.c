#include "base/file.h"
#include "base/text.h"
#include "proto/schema/node.h"
#include "worker/tokenizer/byte_letters.h"
#include "worker/tokenizer/model_read.h"
#include "worker/tokenizer/tokenizer_internal.h"

#include <stdlib.h>
#include <string.h>

static const char *const specials[] = {"<|endoftext|>", "<|end_of_text|>"};

/* A merge a line, "a b"; lines that begin with "#version" and empty ones are passed over. */
static int read_merges(struct tokenizer *tokenizer, const char *path, struct err *err)
{
    size_t size;
    char *text = file_read(path, &size, ERR_DATA, err);
    if (!text)
        return -1;
    int result = 0;
    for (char *line = text, *end; line < text + size && result == 0; line = end + 1) {
        end = memchr(line, '\n', (size_t)(text + size - line));
        end = end ? end : text + size;
        size_t length = (size_t)(end - line);
        if (length > 0 && line[length - 1] == '\r')
            length--;
        if (length > 0 && (length < 8 || memcmp(line, "#version", 8) != 0))
            result = model_read_merge(&tokenizer->vocabulary, line, length, path, err);
    }
    free(text);
    return result;
}

int tokenizer_pair_read(struct tokenizer *tokenizer, const char *vocab, const char *merges,
                        struct err *err)
{
    size_t size;
    char *text = file_read(vocab, &size, ERR_DATA, err);
    if (!text)
        return -1;
    struct node *root = json_node_read_foreign(text, size, vocab, ERR_DATA, err);
    free(text);
    if (!root)
        return -1;
    int result = model_read_vocab(&tokenizer->vocabulary, root, vocab, err);
    node_free(root);
    if (result == 0)
        result = read_merges(tokenizer, merges, err);
    if (result == 0)
        result = vocabulary_end(&tokenizer->vocabulary, vocab, err);
    if (result != 0)
        return -1;
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        uint32_t id;
        size_t length = strlen(specials[i]);
        if (vocabulary_find(&tokenizer->vocabulary, &id, specials[i], length))
            added_tokens_add(&tokenizer->raw, specials[i], length, id, true);
    }
    added_tokens_end(&tokenizer->raw);
    return pieces_open(&tokenizer->pieces, pieces_gpt2, true, err);
}
