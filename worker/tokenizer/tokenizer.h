/* Byte-level BPE tokenizers, as GPT-2, Llama 3 and Qwen have them: text into ids, ids into text.
 *
 * A folder holds tokenizer.json, or vocab.json and merges.txt, or encoder.json and vocab.bpe
 * (tokenizer_files.h). Ids are the same as those of Hugging Face's package
 * `tokenizers` without its post-processor, truncation and padding, which are not for training
 * text. What would give other ids is refused with its name (ERR_DATA): another model than
 * byte-level BPE, other normalizers than NFC, other ways of cutting text into pieces.
 *
 * Text need not be UTF-8. A byte that is not part of a valid character stays that byte, and counts
 * as a control character where text is cut into pieces: decoding what was encoded gives the bytes
 * back (with NFC: the bytes of the normal form). */
#pragma once
#include "base/digest.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text;
struct tokenizer;

/* path: a folder, or a tokenizer.json (then tokenizer_config.json is looked for beside it). NULL
 * with a sentence: ERR_USAGE where path is not there or holds no tokenizer, else ERR_DATA. What is
 * returned does not change any more, so threads may share it; freed by tokenizer_close. */
struct tokenizer *tokenizer_open(const char *path, struct err *err);
void tokenizer_close(struct tokenizer *tokenizer); /* accepts NULL */

/* One more than the largest id, added tokens included. */
uint32_t tokenizer_vocab(const struct tokenizer *tokenizer);

/* The token that ends a text: eos_token of tokenizer_config.json, else <|endoftext|> or
 * <|end_of_text|>. False where there is none. */
bool tokenizer_end_of_text(const struct tokenizer *tokenizer, uint32_t *id);

/* Whether the id is of a token. */
bool tokenizer_has(const struct tokenizer *tokenizer, uint32_t id);

/* Bytes of text that a token stands for; 0 for the token that ends a text, which is none of it. */
uint32_t tokenizer_token_bytes(const struct tokenizer *tokenizer, uint32_t id);

/* Of what each id stands for, and of which token ends a text: two tokenizers of the same digest can
 * take each other's place beside a model, whatever files they were read from. */
struct digest tokenizer_digest(const struct tokenizer *tokenizer);

/* Adds the bytes of the ids to text: pieces of characters where a character is cut between tokens,
 * an added token as its name. ERR_DATA for an id that the vocabulary does not have; nothing is
 * added then. */
int tokenizer_decode(const struct tokenizer *tokenizer, struct text *text, const uint32_t *ids,
                     size_t n, struct err *err);
