/* What is executed for a planner: the program, its arguments, the variables that it gets, its log.
 */
#pragma once
#include "base/err.h"

#include <stddef.h>

struct planner_program {
    char *path;       /* to execute */
    char **arguments; /* ended by NULL */
    char **variables; /* the environment without what belongs to the MPI job, ended by NULL */
    char *log;        /* path of the file that its stderr is appended to */
};

/* The file that a program's name stands for, looked up in PATH where it has no slash; fresh. NULL
 * with a sentence (ERR_USAGE) where there is none that can be executed. */
char *planner_program_find(const char *name, struct err *err);

/* command: n words, the first of which is the program; copied. A failed call leaves nothing to
 * clear. */
int planner_program_init(struct planner_program *program, char *const *command, size_t n,
                         const char *run, struct err *err);
void planner_program_clear(struct planner_program *program);

/* Adds a line of ours to the log, if it can be written to. */
void planner_program_note(const struct planner_program *program, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
