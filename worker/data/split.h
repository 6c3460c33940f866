/* Which units of a text are set apart for validation, and for what: dev (.2) is read during
 * training, gate (.5) judges experiments, sealed (.3) is read at the very end.
 *
 * A text is a list of units, whole documents or blocks of 16,384 tokens, each with a hash. In a
 * text that is prepared the hash is that of the unit's own bytes and says alone whether the unit is
 * validation and of which part, so that units keep their places when the text grows or is mixed
 * with another. In a validation text that somebody else has chosen, units go in the order of their
 * hashes to the part that is filled least for its share. */
#pragma once
#include "base/digest.h"

#include <stddef.h>
#include <stdint.h>

enum { SPLIT_BLOCK = 16384, SPLIT_FEW_DOCUMENTS = 100 };

enum split_part { SPLIT_TRAIN, SPLIT_DEV, SPLIT_GATE, SPLIT_SEALED, SPLIT_PARTS };

struct split_unit {
    uint64_t tokens, hash;
    enum split_part part;
};

/* The hash of a unit with that digest of its bytes. */
uint64_t split_hash(struct digest digest);

/* Cuts a text into blocks of SPLIT_BLOCK tokens; the last one also takes what is left over (a text
 * shorter than a block is one block). Hashes are those of the block numbers under the key. The
 * caller frees the units. */
struct split_unit *split_blocks(size_t *n, uint64_t tokens, uint64_t key);

/* Gives each of the n >= 2 units to training or to a part of validation: to validation where its
 * hash, as a number from 0 to 1, is below `share` (above 0, below 1), to a part by a second number
 * that follows from the hash. A larger share keeps all that a smaller one has set apart.
 *
 * In a small text a part may be left without a unit. It then takes the unit of training with the
 * lowest hash, as long as validation stays below twice its share or has nothing yet, else one of
 * the part with the most units, at least two; dev, which comes before gate and sealed, also the
 * only one. Training keeps a unit. Returns the number of units that were moved so: these alone may
 * have another place in a larger text. */
size_t split_choose(struct split_unit *units, size_t n, double share);

/* Gives each unit to dev, gate or sealed: for a foreign validation text. */
void split_parts(struct split_unit *units, size_t n);
