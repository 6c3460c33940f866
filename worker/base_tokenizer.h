/* The tokenizer of the model that a run begins with (a Hugging Face directory's, or RUN/tokenizer
 * of RUN@STEP), beside that of its data: the same weights with other tokens are another model.
 * Where no source says what its tokens stand for, it is taken for the data's. */
#pragma once
#include "control.pb-c.h"

struct dataset;

/* A sentence for the user, in fresh memory, where init.from has a tokenizer whose tokens do not
 * stand for what the data's do, or that cannot be read, or that is taken for the data's; NULL:
 * there is nothing to say. */
char *base_tokenizer_note(const Trireme__Start *start, const struct dataset *dataset);

/* Adds what the tokens stand for, and the tokenizer's files, to the message, where the base's is
 * taken for the data's; else nothing. */
void base_tokenizer_add(Trireme__WasRead *message, const Trireme__Start *start,
                        const struct dataset *dataset);
