/* Which server holds which blocks: each holds consecutive blocks, with as even a number of elements
 * as blocks allow. A pure function of layout and number of servers, so every rank computes it for
 * itself. */
#pragma once
#include "base/err.h"

#include <stddef.h>

struct layout;

struct shard {
    size_t first_block, n_blocks;
    size_t offset, count; /* elements of the flat array */
};

/* Fills shards[0..n_servers). Fails if there are more servers than blocks. Local. */
int shard_map(struct shard *shards, size_t n_servers, const struct layout *layout, struct err *err);
