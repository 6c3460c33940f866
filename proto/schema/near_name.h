/* "did you mean lr?": the candidate nearest to a word that is unknown. */
#pragma once
#include <stddef.h>

struct near_name {
    const char *word; /* borrowed, as is best */
    const char *best; /* NULL: nothing near */
    size_t distance;  /* of best */
};

/* Offers one more candidate. It is near if at most one letter in three is added, dropped, changed
 * or swapped. */
void near_name_offer(struct near_name *near, const char *candidate);
