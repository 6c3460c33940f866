/* The tokenizer that a run keeps (RUN/tokenizer), for commands that read or write its text. */
#pragma once
#include "base/err.h"

struct tokenizer;

/* Opens the one of the run that a checkpoint's folder is in, and gives the folder that it is in, in
 * fresh memory. *tokenizer is NULL where the run keeps none. ERR_DATA where it is damaged, or its
 * tokens do not stand for what RUN/data.yaml says. */
int kept_tokenizer_open(struct tokenizer **tokenizer, char **folder, const char *checkpoint,
                        struct err *err);
