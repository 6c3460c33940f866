/* Hugging Face directories that replace older ones: a run exported again and again into one folder.
 *
 * A folder is taken that is absent or empty, or whose files of weights are all of an earlier export
 * of the same run: each has the run's mark as "trireme_run" in its metadata. Any other is refused,
 * or with `force` the model in it is replaced. Files of weights are those that transformers or PEFT
 * read, under their own names; other files in the folder stay. A tokenizer that goes with the
 * model takes the place of all of the tokenizer that may be there.
 *
 * Everything is written into FOLDER/.trireme-export first and then moved into place, config.json
 * last: a failure leaves the folder as it was, and a process that is killed in between leaves no
 * config.json, so nothing reads a mixture. */
#pragma once
#include "proto/file/hugging_face_write.h"

#include <stdbool.h>
#include <stddef.h>

/* A file of the tokenizer. */
struct hugging_face_file {
    const char *name;
    char *bytes; /* (size), owned by whoever made it */
    size_t size;
};

/* run is the mark: a word, or "" for none, which no later export takes for its own. form as for
 * hugging_face_write, its notes are not used. Fails with ERR_USAGE if the folder is refused or
 * cannot be written, with ERR_DATA if a number is not finite in the form's type. tokenizer:
 * n_files, or 0 for none. */
int hugging_face_export(const char *folder, const char *run, bool force,
                        const Trireme__Model *model, const struct layout *layout,
                        const float *weights, const struct hugging_face_form *form,
                        const struct hugging_face_file *tokenizer, size_t n_files, struct err *err);
