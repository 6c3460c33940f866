/* What the readers of files fill in, and the encoder uses. Private to worker/tokenizer. */
#pragma once
#include "worker/tokenizer/added_tokens.h"
#include "worker/tokenizer/pieces.h"
#include "worker/tokenizer/vocabulary.h"

#include <stdbool.h>
#include <stdint.h>

struct tokenizer {
    struct vocabulary vocabulary; /* added tokens are in it, too, for decoding */
    struct pieces pieces;
    struct nfc *nfc;            /* or NULL: there is no normalizer */
    struct added_tokens raw;    /* found in the text as it comes */
    struct added_tokens normal; /* found in the normal form */
    bool ignore_merges;         /* a piece that is a token needs no merging */
    bool add_space;             /* in front of a text that does not begin with one */
    bool has_end_of_text;
    uint32_t end_of_text;
};

/* Fill a tokenizer that is all zero from a tokenizer.json, or from a map of tokens to ids with a
 * list of merges. ERR_USAGE where a file is not there, ERR_DATA else. */
int tokenizer_json_read(struct tokenizer *tokenizer, const char *path, struct err *err);
int tokenizer_pair_read(struct tokenizer *tokenizer, const char *vocab, const char *merges,
                        struct err *err);
