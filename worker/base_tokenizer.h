/* The tokenizer of the model that a run begins with, beside that of its data: the same weights with
 * other tokens are another model. */
#pragma once
#include "control.pb-c.h"

struct dataset;

/* A sentence for the user, in fresh memory, where init.from has a tokenizer (a Hugging Face
 * directory's, or RUN/tokenizer of RUN@STEP) whose tokens do not stand for what the data's do, or
 * that cannot be read; NULL: there is nothing to say, or not known what the data's stand for. */
char *base_tokenizer_note(const Trireme__Start *start, const struct dataset *dataset);
