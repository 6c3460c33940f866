/* Hugging Face directories that replace older ones: a run exported again and again into one folder.
 *
 * A folder is taken that is absent or empty, or whose files of weights are all of an earlier export
 * of the same run: each has the run's mark as "trireme_run" in its metadata. Any other is refused,
 * or with `force` the model in it is replaced. Files of weights are those that transformers or PEFT
 * read, under their own names; other files in the folder, tokenizers among them, stay.
 *
 * Everything is written into FOLDER/.trireme-export first and then moved into place, config.json
 * last: a failure leaves the folder as it was, and a process that is killed in between leaves no
 * config.json, so nothing reads a mixture. */
#pragma once
#include "proto/file/hugging_face_write.h"

#include <stdbool.h>

/* run is the mark: a word, or "" for none, which no later export takes for its own. form as for
 * hugging_face_write, its notes are not used. Fails with ERR_USAGE if the folder is refused or
 * cannot be written, with ERR_DATA if a number is not finite in the form's type. */
int hugging_face_export(const char *folder, const char *run, bool force,
                        const Trireme__Model *model, const struct layout *layout,
                        const float *weights, const struct hugging_face_form *form,
                        struct err *err);
