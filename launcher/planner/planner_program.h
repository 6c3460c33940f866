/* What is executed for a planner: the program, its arguments, the variables that it gets, what it
 * is locked in by, its log. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct cage_layers;
struct planner_secrets;

struct planner_program {
    char *path;        /* to execute */
    char **arguments;  /* ended by NULL */
    char **variables;  /* of the environment, those that a program needs; ended by NULL */
    char *log;         /* path of the file that its stderr is appended to */
    struct cage *cage; /* owned */
};

/* What a program of ours that asks a server gets beside that: the network, files that name servers
 * and vouch for them, variables of proxies. */
struct planner_needs {
    bool network;
    const char *const *files;     /* absolute; ended by NULL */
    const char *const *variables; /* beginnings of their names; ended by NULL */
};

/* command: n words, the first of which is the program; copied. It is locked in by those layers, and
 * gets, beside what `needs` (or NULL) adds, the variables PATH, LANG, LC_*, TZ, those of Python,
 * conda and OpenMP, and any whose name begins with PLANNER_; HOME and TMPDIR are the folder that it
 * works in. ERR_USAGE where there is no such program, or it could not be kept from a secret. A
 * failed call leaves nothing to clear. */
int planner_program_init(struct planner_program *program, char *const *command, size_t n,
                         const struct planner_secrets *secrets, const struct cage_layers *layers,
                         const struct planner_needs *needs, struct err *err);
void planner_program_clear(struct planner_program *program);

/* Adds a line of ours to the log, if it can be written to. */
void planner_program_note(const struct planner_program *program, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
