/* Which parts of a text are set apart for validation, and for what: dev (.2) is read during
 * training, gate (.5) judges experiments, sealed (.3) is read at the very end.
 *
 * A text is a list of units, whole documents or blocks of 16,384 tokens, each with a hash. Units
 * are taken in the order of their hashes, so the choice is spread over the text, is the same on
 * every machine, and is never the tail of the text. Each unit goes whole to one part: to the one
 * that is filled least for its share, so each part gets one of the first three. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { SPLIT_BLOCK = 16384, SPLIT_FEW_DOCUMENTS = 100 };

enum split_part { SPLIT_TRAIN, SPLIT_DEV, SPLIT_GATE, SPLIT_SEALED, SPLIT_PARTS };

struct split_unit {
    uint64_t tokens, hash;
    enum split_part part;
};

/* Cuts a text into blocks of SPLIT_BLOCK tokens; the last one also takes what is left over (a text
 * shorter than a block is one block). Hashes are those of the block numbers under the key. The
 * caller frees the units. */
struct split_unit *split_blocks(size_t *n, uint64_t tokens, uint64_t key);

/* Gives each of the n >= 1 units to training or to a part of validation. Returns the tokens of
 * validation: as near to `target` as whole units allow, and at least one unit. A unit of more than
 * half the target (and above the mean) stays in training, so that it does not become nearly all of
 * validation; where such units are most of the text, validation takes no more than half of the
 * others. */
uint64_t split_choose(struct split_unit *units, size_t n, double target);

/* Gives each unit to dev, gate or sealed: for a foreign validation text. */
void split_parts(struct split_unit *units, size_t n);
