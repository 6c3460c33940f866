/* The tokenizer of a prepared folder. */
#pragma once
#include "base/err.h"
#include "files.pb-c.h"

struct tokenizer;

/* Opens it, checked: ERR_DATA where a file is missing or is not the one of data.yaml, and where the
 * tokens are not the ones that it says. The set must have a tokenizer (data_yaml_has_tokenizer). */
struct tokenizer *data_tokenizer_open(const char *folder, const Trireme__DataSet *set,
                                      struct err *err);
