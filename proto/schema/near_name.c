#include "proto/schema/near_name.h"

#include <string.h>

enum { LONGEST = 63 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Counts the letters to add, drop, change, or swap with the next one (optimal string alignment, row
 * by row). */
static size_t edit_distance(const char *a, const char *b)
{
    size_t n = strlen(a), m = strlen(b);
    size_t rows[3][LONGEST + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= m; j++)
        last[j] = j;
    for (size_t i = 1; i <= n; i++) {
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = least(least(row[j - 1], last[j]) + 1, last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *free_row = before;
        before = last, last = row, row = free_row;
    }
    return last[m];
}

void near_name_offer(struct near_name *near, const char *candidate)
{
    if (strlen(near->word) > LONGEST || strlen(candidate) > LONGEST)
        return;
    size_t distance = edit_distance(near->word, candidate);
    if (3 * distance > strlen(near->word) + 1 || (near->best && distance >= near->distance))
        return;
    near->best = candidate;
    near->distance = distance;
}
