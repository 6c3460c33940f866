/* A checkpoint in memory, whole, for commands that need no other rank. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"

#include <stdbool.h>

struct layout;

struct loaded {
    char *folder;
    Trireme__Manifest *manifest;
    struct layout *layout;
    float *weights;    /* layout->n_params */
    float *moments[2]; /* n_moments of them, where they were asked for */
    int n_moments;
};

/* The checkpoint that "RUN[@STEP]" names, verified. Lines about damaged ones go to stderr. */
int loaded_open(struct loaded *loaded, const char *name, bool with_moments, struct err *err);
void loaded_close(struct loaded *loaded);
