/* data.yaml of a prepared folder: its token files, and which ranges of the validation file are dev,
 * gate and sealed. The schema is DataSet in proto/files.proto. */
#pragma once
#include "base/digest.h"
#include "base/err.h"
#include "files.pb-c.h"

#include <stdbool.h>

enum { DATA_YAML_FORMAT = 2 }; /* that is written; older ones are read too */

bool data_yaml_exists(const char *folder);

/* Reads data.yaml and checks what can be checked without the token files: version, plain file
 * names, ranges that lie in the validation file and do not overlap. *digest: of the file's bytes.
 * Freed by message_free. Fails with ERR_DATA. */
Trireme__DataSet *data_yaml_read(const char *folder, struct digest *digest, struct err *err);

/* Whether the folder has validation tokens. */
bool data_yaml_has_val(const Trireme__DataSet *set);

/* Whether a tokenizer made the tokens, whose files are in the folder. */
bool data_yaml_has_tokenizer(const Trireme__DataSet *set);

/* Tokens of all files of validation. */
uint64_t data_yaml_val_tokens(const Trireme__DataSet *set);

/* Reads the folder's files completely and compares their digests. */
int data_yaml_verify(const char *folder, const Trireme__DataSet *set, struct err *err);

/* The same for the files of the tokenizer alone. */
int data_yaml_verify_tokenizer(const char *folder, const Trireme__DataSet *set, struct err *err);

/* Computes the digest of a whole file, which is read a piece at a time. */
int data_yaml_digest_file(struct digest *digest, const char *path, struct err *err);
