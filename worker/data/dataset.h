/* The data of a run: its sources, and which tokens each sample of a trial holds.
 *
 * Everything is a function of position. The trial's order (proto/order/segment.h) maps a sample to
 * (source, window, part). The source's i-th window is, in sequential order, window i % n of its n;
 * in shuffled order epoch e = i / n takes the window that a permutation under the key (seed, source
 * name, e) gives for i % n. So any rank can read any sample, in any order, and reads the same
 * tokens. */
#pragma once
#include "base/digest.h"
#include "base/err.h"
#include "control.pb-c.h"
#include "files.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dataset;
struct order;
struct source;

/* Opens all sources. Keeps nothing of its arguments. context: the model's, tokens of a window. A
 * source whose name is "" gets the base name of its path. Freed by dataset_free. Fails with
 * ERR_DATA for files, and for sources of different tokenizers; with ERR_USAGE for a configuration
 * with no sources or duplicate names. Local. */
struct dataset *dataset_open(const Trireme__Data *config, size_t context, size_t vocab,
                             uint64_t seed, struct err *err);
void dataset_free(struct dataset *dataset);

/* Writes the context/parts + 1 tokens of training sample number `sample` of a trial with that
 * order; parts: order_parts there. The order must have as many sources. Fails with ERR_DATA if a
 * token is not below vocab; the sentence gives file, place, token, vocab. */
int dataset_sample(const struct dataset *dataset, struct order *order, int32_t *tokens,
                   uint64_t sample, struct err *err);

size_t dataset_sources(const struct dataset *dataset);
const char *dataset_source_name(const struct dataset *dataset, size_t source);
/* Bytes of text that tokens of a source stand for. False: it does not say what they stand for. */
bool dataset_count_bytes(const struct dataset *dataset, uint64_t *bytes, size_t source,
                         const int32_t *tokens, size_t n);

/* What the tokens stand for, and the folder that the tokenizer is in; NULL: a byte is a token, or
 * no source says it. Borrowed. */
const Trireme__Vocabulary *dataset_vocabulary(const struct dataset *dataset, const char **folder);

/* Number of samples in a part of a source's validation text; 0: none. */
uint64_t dataset_eval_samples(const struct dataset *dataset, Trireme__Part part, size_t source);

/* Tokens that a source has for validation in all; of the longest range of a part. */
uint64_t dataset_val_tokens(const struct dataset *dataset, size_t source);
uint64_t dataset_val_longest(const struct dataset *dataset, Trireme__Part part, size_t source);

/* The token files of all sources and what each is read as, without digests; what the tokens stand
 * for. Freed by
 * message_free. */
Trireme__RunData *dataset_describe(const struct dataset *dataset);

/* Borrowed. */
const struct source *dataset_source(const struct dataset *dataset, size_t source);

/* The context+1 tokens of sample number `sample` < dataset_eval_samples, in the text's order. */
int dataset_eval_sample(const struct dataset *dataset, int32_t *tokens, Trireme__Part part,
                        size_t source, uint64_t sample, struct err *err);

/* Returns the number of the k-th sample drawn, k = 0, 1, ... Samples are drawn without replacement,
 * in an order that depends on the key, the source's name and the round: after all n samples the
 * next round (k / n) has a new order. The part must have at least one sample. */
uint64_t dataset_eval_drawn(const struct dataset *dataset, Trireme__Part part, size_t source,
                            uint64_t key, uint64_t k);

/* Digest of the sources' names, sizes, headers and data.yaml files: equal on ranks that see the
 * same data. Does not read the token files completely. */
void dataset_digest(const struct dataset *dataset, char hex[DIGEST_HEX_SIZE]);
