/* Errors that a person can act on.
 *
 * A function that can fail takes a struct err * last and returns -1 (or NULL). Whoever detects the
 * mistake writes one sentence: what, which, found, expected. Callers add words only if they know
 * more; main logs it once. Programming errors are not reported this way: see ASSERT in
 * base/check.h. */
#pragma once

/* The exit codes of the program. */
enum err_code {
    ERR_NONE = 0,
    ERR_USAGE = 2,    /* the command line, the configuration, or an output that cannot be written */
    ERR_DATA = 3,     /* data or a checkpoint is refused */
    ERR_TRAIN = 4,    /* training failed, the run is kept */
    ERR_MACHINE = 5,  /* the machinery failed: mpirun, a rank, a wait that timed out */
    ERR_STOPPED = 85, /* stopped on request after a checkpoint */
};

struct err {
    enum err_code code;
    char text[1000];
};

/* Writes the sentence and returns -1. Local. */
int err_set(struct err *err, enum err_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "context: " before the sentence in err and returns -1. What does not fit is cut off. */
int err_context(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
