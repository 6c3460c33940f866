/* A forest plot: a row for each of what is compared, its value as a point, its interval as a line;
 * as SVG. Rows of one group stand together under its name. What is strong is drawn solid and dark,
 * the rest hollow and grey. A row whose interval leaves the picture has an arrow at that end. Texts
 * may be anybody's: they are escaped and cut. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct forest_row {
    const char *group, *label; /* borrowed; group may be NULL */
    char note[64];             /* right of the picture */
    double value, low, high;   /* low, high: where it has an interval */
    bool has_interval, strong;
};

struct forest {
    const char *title, *axis; /* borrowed */
    const struct forest_row *rows;
    size_t n;
    double lines[2]; /* values that are marked, and always in the picture */
    size_t n_lines;
};

/* Returns the picture, which the caller frees. n >= 1. */
char *forest_svg(const struct forest *forest);
