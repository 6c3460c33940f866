/* The digests of all token files of a dataset, taken in a thread beside the work: a file's date and
 * size prove nothing of its bytes. What data.yaml of a prepared folder says is compared at once.
 *
 * The dataset must stay open until end or stop. All functions are local and of one thread. */
#pragma once
#include "base/err.h"
#include "files.pb-c.h"

#include <stdbool.h>
#include <stdint.h>

struct dataset;
struct whole_files;

struct whole_files *whole_files_begin(const struct dataset *dataset);

bool whole_files_done(const struct whole_files *files);
uint64_t whole_files_bytes(const struct whole_files *files); /* read so far */

/* Waits for the thread; frees. The rows of dataset_describe with their digests, freed by
 * message_free; NULL (ERR_DATA: file, digest found and expected) for a file that is not that of
 * data.yaml. */
Trireme__RunData *whole_files_end(struct whole_files *files, struct err *err);

/* Ends the thread early; frees. Accepts NULL. */
void whole_files_stop(struct whole_files *files);
