/* A source: token files opened as one text with a training part and the three parts of validation.
 *
 * It is a folder with data.yaml (made by prepare), a folder without (files *train*.bin, else
 * *val*.bin), or a single token file, which is all training. Parts are lists of ranges of tokens;
 * sample i of a range is its tokens [i*context, i*context + context], so a range of n tokens holds
 * (n-1)/context samples, and none crosses an edge. A prepared training file and each shard of a
 * foreign folder is one range. dev, gate and sealed are what data.yaml says; of foreign validation
 * files they are made by blocks (split.h), from the files' sizes and first and last bytes.
 *
 * Files are only read. All functions are local; a source may be read by several threads. */
#pragma once
#include "base/digest.h"
#include "base/err.h"
#include "control.pb-c.h"

#include <stddef.h>
#include <stdint.h>

enum { SOURCE_VAL_PARTS = TRIREME__PART__sealed + 1 };

struct source;

/* NULL with a sentence (ERR_DATA): files that are missing or damaged, that disagree with data.yaml,
 * a vocabulary larger than the model's, no whole training sample. */
struct source *source_open(const Trireme__Source *config, size_t context, size_t vocab,
                           struct err *err);
void source_free(struct source *source);

uint64_t source_train_samples(const struct source *source); /* at least one */
/* 0: it has no such part, or one shorter than a sample */
uint64_t source_val_samples(const struct source *source, Trireme__Part part);
double source_bytes_per_token(const struct source *source); /* 1 for byte tokens, 0: not known */

/* The context+1 tokens of a sample; of a training sample that is cut into `parts` (they divide the
 * context) those of part number `part`: context/parts + 1, the last of them the next part's first.
 * A token that is not below vocab is an error (ERR_DATA). */
int source_train_sample(const struct source *source, int32_t *tokens, uint64_t sample,
                        uint32_t part, uint32_t parts, struct err *err);
int source_val_sample(const struct source *source, int32_t *tokens, Trireme__Part part,
                      uint64_t sample, struct err *err);

/* Of data.yaml and of what token_file_digest looks at: equal where the same data is seen. */
struct digest source_digest(const struct source *source);
