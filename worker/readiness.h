/* What a worker reports of itself: its kernels, its data, what it can evaluate, its tokenizer. */
#pragma once
#include "base/err.h"
#include "control.pb-c.h"

struct dataset;
struct link;

/* Sends READY and a line for the run's log. note: a sentence for the user, or NULL. */
void readiness_say(struct link *link, const struct dataset *dataset,
                   const Trireme__Compute *compute, const char *note);

/* Adds the files of the data's tokenizer to the message, or of what is taken for it
 * (base_tokenizer.h). ERR_DATA where a file of the data's cannot be read. */
int readiness_add_tokenizer(Trireme__WasRead *message, const Trireme__Start *start,
                            const struct dataset *dataset, struct err *err);
