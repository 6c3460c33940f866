/* The shards of a checkpoint: safetensors files that any number of servers can read.
 *
 * File shard-K-of-S.safetensors (K from 0) holds what server K of S held: for each tensor a slice
 * of whole rows,
 *     weight/NAME          the whole tensor, or
 *     weight/NAME[A:B]     its rows A to B-1,
 * and the same rows of the moments as moment1/NAME, moment2/NAME. All are F32 and little-endian.
 * The configuration in the manifest says which optimizer the moments belong to. */
#pragma once
#include "base/digest.h"
#include "base/err.h"

#include "files.pb-c.h"

#include <stddef.h>
#include <stdint.h>

struct layout;
struct shard;

/* Returns the name of the file, which the caller frees. */
char *shard_file_name(size_t k, size_t n_servers);

/* Writes one shard atomically and durably; digest and size are of the whole file. The arrays are
 * shard->count long. */
int shard_file_write(const char *folder, size_t k, size_t n_servers, const struct layout *layout,
                     const struct shard *shard, const float *weights, float *const moments[],
                     int n_moments, struct digest *digest, uint64_t *bytes, struct err *err);

/* Reads elements [offset, offset + count) of weights and moments from all shards of a manifest.
 * Fails with ERR_DATA unless every element is there exactly once. Does not check digests:
 * checkpoint_verify does that. */
int shard_files_read(const char *folder, const Trireme__Manifest *manifest,
                     const struct layout *layout, size_t offset, size_t count, float *weights,
                     float *const moments[], int n_moments, struct err *err);
