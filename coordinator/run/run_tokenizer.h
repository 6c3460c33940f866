/* RUN/tokenizer: the files of the data's tokenizer, so that samples and exports do not need the
 * data. What the tokens stand for is in RUN/data.yaml (run_data.h). */
#pragma once
#include "base/err.h"
#include "files.pb-c.h"

#include <stdbool.h>
#include <stddef.h>

/* Its path, in fresh memory; it may not be there. */
char *run_tokenizer_folder(const char *run);

/* Writes the files of a vocabulary, one content for each of them, in the place of those that are
 * there. ERR_MACHINE where they are not the vocabulary's, ERR_TRAIN where the system refuses; then
 * what was there still is. */
int run_tokenizer_write(const char *run, const Trireme__Vocabulary *vocabulary,
                        const ProtobufCBinaryData *files, size_t n_files, struct err *err);
