/* Encodes texts with a tokenizer. It remembers the words that it has seen and owns the buffers, so
 * each thread has one of its own; what it remembers never changes ids. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tokenizer;

/* Ids, owned by the caller: ids is freed with free(). All zero is an empty one. */
struct token_ids {
    uint32_t *ids;
    size_t n, room;
};

/* The tokenizer is borrowed and must outlive the encoder. Freed by encoder_free. */
struct encoder *encoder_new(const struct tokenizer *tokenizer);
void encoder_free(struct encoder *encoder); /* accepts NULL */

/* Adds the ids of a text to out. with_specials: names of special tokens in the text ("<|eot|>")
 * become those tokens; else they are ordinary text, as nanoGPT's encode_ordinary has it and as
 * `tokenizers` does with encode_special_tokens. Added tokens that are not special are found in both
 * cases. Nothing is put before or behind the text. ERR_DATA where the tokenizer's pattern needs
 * more steps or memory than PCRE2 allows, or the text has a byte that the tokenizer has no token
 * for; out is as before then. */
int encoder_encode(struct encoder *encoder, struct token_ids *out, const void *bytes, size_t size,
                   bool with_specials, struct err *err);
