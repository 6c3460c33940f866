#include "proto/tensor/shard_map.h"

#include "proto/tensor/layout.h"

int shard_map(struct shard *shards, size_t n_servers, const struct layout *layout, struct err *err)
{
    if (n_servers > layout->n_blocks)
        return err_set(
            err, ERR_USAGE,
            "servers: found %zu, expected at most %zu: the model has no more blocks to share out",
            n_servers, layout->n_blocks);
    size_t block = 0;
    for (size_t s = 0; s < n_servers; s++) {
        // the shard ends at the block edge nearest to its even share; at least one block is left
        // for each shard after it
        size_t goal = (size_t)((double)layout->n_params * (double)(s + 1) / (double)n_servers);
        size_t last = layout->n_blocks - (n_servers - 1 - s);
        size_t end = block + 1;
        while (end < last && layout->blocks[end].offset + layout->blocks[end].count / 2 < goal)
            end++;
        if (s + 1 == n_servers)
            end = layout->n_blocks;
        const struct block *first = &layout->blocks[block], *final = &layout->blocks[end - 1];
        shards[s] = (struct shard){.first_block = block,
                                   .n_blocks = end - block,
                                   .offset = first->offset,
                                   .count = final->offset + final->count - first->offset};
        block = end;
    }
    return 0;
}
