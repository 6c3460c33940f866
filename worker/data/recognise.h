/* What a file is that provably holds no plain tokens: compressed files, archives, tables, weights,
 * other programs' streams of samples, text. Whatever format the configuration says, these are
 * refused by their right name.
 *
 * Certain means: a run of tokens begins so by chance at most once in some billions of files. */
#pragma once
#include <stddef.h>

struct recognised {
    const char *what;   /* "an archive of zip"; NULL: not known, it may be tokens */
    const char *advice; /* what to do: a sentence's second half */
};

/* By the bytes alone. */
struct recognised recognise_bytes(const unsigned char *bytes, size_t size);

/* By an index.json that stands in the folder: litdata's and MosaicML's streams of samples. name: of
 * a file that the index must name, or NULL for the folder as a whole. */
struct recognised recognise_stream(const char *folder, const char *name);
