/* A source: token files opened as one text with a training part and the three parts of validation.
 *
 * It is a folder with data.yaml (made by prepare), a folder without (shard_list.h: the words of the
 * files' names say what they are for), or a single token file, which is all training. Parts are
 * lists of ranges of tokens; sample i of a range is its tokens [i*context, i*context + context], so
 * a range of n tokens holds (n-1)/context samples, and none crosses an edge. Each training file of
 * a folder is one range. dev, gate and sealed are what data.yaml says; of foreign validation files
 * they are made by blocks (split.h), from the files' sizes and first and last bytes.
 *
 * Files are only read. All functions are local; a source may be read by several threads. */
#pragma once
#include "base/digest.h"
#include "base/err.h"
#include "control.pb-c.h"
#include "files.pb-c.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SOURCE_VAL_PARTS = TRIREME__PART__sealed + 1 };

struct source;
struct token_file;

/* Opens a source. Freed by source_free. Fails with ERR_DATA: files that are missing or damaged, or
 * that disagree with data.yaml, its tokenizer among them; a vocabulary larger than the model's; no
 * whole training sample. */
struct source *source_open(const Trireme__Source *config, size_t context, size_t vocab,
                           struct err *err);
void source_free(struct source *source);

uint64_t source_train_samples(const struct source *source); /* at least one */
/* 0: it has no such part, or one shorter than a sample */
uint64_t source_val_samples(const struct source *source, Trireme__Part part);
/* Tokens of all validation files; of the longest range of a part, be it too short for a sample. */
uint64_t source_val_tokens(const struct source *source);
uint64_t source_val_longest(const struct source *source, Trireme__Part part);
/* Bytes of text that tokens of the source stand for. False: it does not say what they stand for. */
bool source_count_bytes(const struct source *source, uint64_t *bytes, const int32_t *tokens,
                        size_t n);

/* data.yaml of a prepared folder, and the folder's path; NULL: it is none. Borrowed. */
const Trireme__DataSet *source_set(const struct source *source, const char **folder);

/* Writes the context+1 tokens of a sample. A training sample is cut into `parts` (they divide the
 * context): writes the context/parts + 1 tokens of part number `part`; the last of them is the
 * first of the next part. Fails with ERR_DATA if a token is not below vocab. */
int source_train_sample(const struct source *source, int32_t *tokens, uint64_t sample,
                        uint32_t part, uint32_t parts, struct err *err);
int source_val_sample(const struct source *source, int32_t *tokens, Trireme__Part part,
                      uint64_t sample, struct err *err);

/* Appends to `data` a row for each file that was opened, in order, then one for each that is passed
 * over; digests are left out. name: the source's. */
void source_describe(const struct source *source, const char *name, Trireme__RunData *data);

/* The files that were opened. digest: what data.yaml says of its bytes, or NULL. Borrowed. */
size_t source_files(const struct source *source);
const struct token_file *source_file(const struct source *source, size_t i, const char **digest);

/* Of data.yaml, of what token_file_digest looks at, and of a reading of the names that is not that
 * of versions which went by parts of words: equal where the same data is seen. */
struct digest source_digest(const struct source *source);
