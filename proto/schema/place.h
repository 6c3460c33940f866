/* A place in a message during a descent: a chain of structs on the stack. It is written as
 * "data.sources.0.weight" only where a sentence needs it. */
#pragma once
#include "base/text.h"

struct place {
    const struct place *above; /* NULL at the root, which has no name */
    const char *name;          /* of a field; NULL for an element of a list */
    size_t index;              /* of that element */
};

static inline struct place place_field(const struct place *above, const char *name)
{
    return (struct place){.above = above, .name = name};
}

static inline struct place place_element(const struct place *above, size_t index)
{
    return (struct place){.above = above, .index = index};
}

/* Adds the path to the text. Adds nothing for the root, which is NULL. */
void place_write(struct text *text, const struct place *place);
