#include "proto/schema/place.h"

void place_write(struct text *text, const struct place *place)
{
    if (!place)
        return;
    place_write(text, place->above);
    if (place->above)
        text_add(text, ".");
    if (place->name)
        text_add(text, place->name);
    else
        text_printf(text, "%zu", place->index);
}
