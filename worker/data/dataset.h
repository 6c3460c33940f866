/* The data of a run: its sources, and which tokens each sample of a trial holds.
 *
 * Everything is a function of position: sample -> (source, window, part) by the trial's order
 * (proto/order/segment.h), the source's i-th window -> its text: i % n of its n in sequential
 * order; in shuffled order epoch e = i / n takes its i % n-th by a permutation under the key (seed,
 * source name, e). So any rank can read any sample, in any order, and reads the same. */
#pragma once
#include "base/digest.h"
#include "base/err.h"
#include "control.pb-c.h"

#include <stddef.h>
#include <stdint.h>

struct dataset;
struct order;

/* Opens all sources; keeps nothing of its arguments. context: the model's, tokens of a window. NULL
 * with a sentence on error: ERR_DATA for files, ERR_USAGE for configuration such as no sources or
 * duplicate names. A source whose name is "" has the base name of its path. Local. */
struct dataset *dataset_open(const Trireme__Data *config, size_t context, size_t vocab,
                             uint64_t seed, struct err *err);
void dataset_free(struct dataset *dataset);

/* The context/parts + 1 tokens of training sample number `sample` of a trial with that order, which
 * is of as many sources; parts: order_parts there. A token that is not below vocab is an error
 * (ERR_DATA: file, place, token, vocab). */
int dataset_sample(const struct dataset *dataset, struct order *order, int32_t *tokens,
                   uint64_t sample, struct err *err);

size_t dataset_sources(const struct dataset *dataset);
const char *dataset_source_name(const struct dataset *dataset, size_t source);
/* 1 for byte tokens, 0: not known */
double dataset_bytes_per_token(const struct dataset *dataset, size_t source);

/* Samples of a part of a source's validation text; 0: none. */
uint64_t dataset_eval_samples(const struct dataset *dataset, Trireme__Part part, size_t source);

/* The context+1 tokens of sample number `sample` < dataset_eval_samples, in the text's order. */
int dataset_eval_sample(const struct dataset *dataset, int32_t *tokens, Trireme__Part part,
                        size_t source, uint64_t sample, struct err *err);

/* Number of the sample that is drawn k-th, k = 0, 1, ..: without replacement, in an order of the
 * key, the source's name and the round; once all n are used up (k / n rounds) they are shuffled
 * anew. There is at least one. */
uint64_t dataset_eval_drawn(const struct dataset *dataset, Trireme__Part part, size_t source,
                            uint64_t key, uint64_t k);

/* Of the sources' names, sizes, headers and data.yaml files: equal on ranks that see the same data.
 * Does not read the token files whole. */
void dataset_digest(const struct dataset *dataset, char hex[DIGEST_HEX_SIZE]);
