/* Values of the keys of config.json, as texts that can be compared and quoted in sentences. All
 * texts are borrowed from the tree. */
#pragma once
#include <stdbool.h>

struct node;

/* Makes the texts of a tree fit for that: whole numbers without a point, since some writers make
 * 61.0 of 61; '?' in place of control characters. */
void hugging_face_value_tidy(struct node *root);

/* The value of a key, or NULL. */
const struct node *hugging_face_value_node(const struct node *map, const char *key);

/* Its text: "null" if there is none, "{...}" of an object or a list. */
const char *hugging_face_value(const struct node *map, const char *key);

/* Whether a word is one of those that blanks separate. */
bool hugging_face_value_one_of(const char *words, const char *word);
