/* Where every token of a text goes: a list of pieces in the text's order, each to a place among the
 * training or the validation tokens, and the ranges of the parts there. Pure: from the documents'
 * sizes and hashes alone. */
#pragma once
#include "files.pb-c.h"
#include "worker/prepare/documents.h"
#include "worker/data/split.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prepare_piece {
    uint64_t tokens;
    bool val;
    uint64_t first; /* token among the training or the validation tokens */
};

struct prepare_ranges {
    Trireme__Range *list;
    Trireme__Range **pointers; /* (n) into list, as messages want them */
    size_t n, room;
};

struct prepare_plan {
    bool by_documents;    /* else by blocks of each document */
    uint64_t file_tokens; /* of a token file, at most */
    struct prepare_piece *pieces;
    size_t n;
    size_t moved; /* pieces that split_choose moved for want of text */
    uint64_t train_tokens, val_tokens;
    struct prepare_ranges ranges[SPLIT_PARTS]; /* of the validation tokens; none of SPLIT_TRAIN;
                                                * none crosses from one token file to the next */
};

/* The documents must have at least one token in all. val_tokens becomes 0 if val is 0 or the text
 * has fewer than two blocks. */
void prepare_plan_init(struct prepare_plan *plan, const struct documents *documents, double val,
                       uint64_t file_tokens);
void prepare_plan_clear(struct prepare_plan *plan);
