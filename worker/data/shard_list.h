/* The token files of a foreign folder, and what each is for (shard_use.h): the .bin files, or the
 * .npy files where no .bin is training. */
#pragma once
#include "base/err.h"
#include "worker/data/shard_use.h"

#include <stdbool.h>
#include <stddef.h>

struct shard_list {
    struct shard_name {
        char *name;
        enum shard_use use; /* SHARD_TRAIN, SHARD_VAL or SHARD_UNREAD */
    } * names;              /* in the order of the names as bytes */
    size_t n;
    bool as_before; /* versions that went by parts of words read the same */
};

/* ERR_DATA: a name that says training and validation, a folder without training. */
int shard_list_read(struct shard_list *list, const char *folder, struct err *err);
void shard_list_clear(struct shard_list *list);
