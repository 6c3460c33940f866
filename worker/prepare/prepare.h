/* `trireme data prepare`: text files into a folder of tokens.
 *
 * Drops documents with the same bytes as another (documents.h). Sets validation apart by whole
 * documents if there are at least SPLIT_FEW_DOCUMENTS of them, else by blocks of each document
 * (split.h: by its own bytes alone). Writes train_000000.bin .., val_000000.bin .. (token_file.h:
 * llm.c's format; token_writer.h: as many files as it takes) and data.yaml. Documents follow each
 * other by path. A byte is a token of 16 bits, with nothing between documents; or a tokenizer makes
 * the tokens, whose end of a text stands behind each document and whose files are copied into the
 * folder (of 32 bits for a vocabulary above 65,536). Of the validation tokens
 * the dev part comes first, then gate, then sealed. By documents each part is one range; by blocks
 * each block is one, since the text beside it is elsewhere. A range ends where a file ends. */
#pragma once
#include "base/err.h"
#include "base/text.h"
#include "command.pb-c.h"
#include "files.pb-c.h"

struct watch;

/* Writes the folder request->out whole or not at all: it is made beside its place, synced, and
 * renamed. A folder that exists is accepted if it is empty or holds exactly what would be written
 * (every byte is compared by digest); any other is refused (ERR_USAGE) and not changed.
 *
 * set, made by message_new, receives data.yaml. notes (may be NULL) receives lines for the user,
 * each with its line end: what was left out, how validation was chosen. watch may be NULL. Errors:
 * ERR_USAGE for the request and an output that cannot be written; ERR_DATA for inputs that have no
 * text, are damaged, or change while they are read. */
int prepare(const Trireme__DataPrepareRequest *request, Trireme__DataSet *set, struct text *notes,
            struct watch *watch, struct err *err);

/* The same with another limit of a token file's length. */
int prepare_in_files(const Trireme__DataPrepareRequest *request, Trireme__DataSet *set,
                     struct text *notes, struct watch *watch, uint64_t file_tokens,
                     struct err *err);
