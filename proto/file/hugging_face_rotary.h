/* Rotary positions in config.json: rope_scaling of older writers, which stands beside rope_theta,
 * and rope_parameters, which has it inside. The types default, linear and llama3 are computed;
 * another one is refused by its name. */
#pragma once
#include "base/err.h"
#include "base/text.h"

#include "config.pb-c.h"

struct node;

/* Reads the rotary settings of a llama into `model`, whose context is read already. Fails with
 * ERR_DATA if the two places disagree, or a number that the type needs is missing or none. */
int hugging_face_rotary_read(Trireme__Model *model, const struct node *root, const char *path,
                             struct err *err);

/* Adds the same settings of a resolved llama to the text of config.json: transformers 4 reads
 * rope_theta and rope_scaling, 5 reads rope_parameters too. */
void hugging_face_rotary_write(struct text *json, const Trireme__Model *model);
