/* The data of a run: its sources, and which tokens each sample of it holds.
 *
 * Everything is a function of position: sample -> (source, i) by the segments (proto/order/segment.h), i -> window of
 * the source: i % n of its n samples in sequential order; in shuffled order epoch e = i / n takes its i % n-th window
 * by a permutation under the key (seed, source name, e). So any rank can read any sample, in any order, and reads the
 * same. */
#pragma once
#include "base/digest.h"
#include "base/err.h"
#include "config.pb-c.h"
#include "files.pb-c.h"

#include <stddef.h>
#include <stdint.h>

struct dataset;

/* Opens all sources; keeps nothing of its arguments. segments: the order of the trial so far (n_segments >= 1). NULL
 * with a sentence on error: ERR_DATA for files, ERR_USAGE for configuration such as no sources, duplicate names, all
 * weights zero. A source whose name is "" has the base name of its path. Local; not to be used by two threads at
 * once. */
struct dataset *dataset_open(const Trireme__Data *config, size_t context, size_t vocab, uint64_t seed,
                             const Trireme__Segment *const *segments, size_t n_segments, struct err *err);
void dataset_free(struct dataset *dataset);

/* The context+1 tokens of training sample number `sample` of the run. A token that is not below vocab is an error
 * (ERR_DATA: file, place, token, vocab). */
int dataset_sample(struct dataset *dataset, int32_t *tokens, uint64_t sample, struct err *err);

size_t dataset_sources(const struct dataset *dataset);
const char *dataset_source_name(const struct dataset *dataset, size_t source);
uint64_t dataset_eval_samples(const struct dataset *dataset, size_t source);  /* samples of the dev part; 0: none */
double dataset_bytes_per_token(const struct dataset *dataset, size_t source); /* 1 for byte tokens, 0: not known */

/* The context+1 tokens of sample number `sample` < dataset_eval_samples of a source's dev part, in the text's order.
 */
int dataset_eval_sample(struct dataset *dataset, int32_t *tokens, size_t source, uint64_t sample, struct err *err);

/* Of the sources' names, sizes, headers and data.yaml files: equal on ranks that see the same data. Does not read the
 * token files whole. */
void dataset_digest(const struct dataset *dataset, char hex[DIGEST_HEX_SIZE]);
