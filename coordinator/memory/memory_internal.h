/* Shared by memory.c (what is read and added) and memory_open.c (the file). For these only. */
#pragma once
#include "coordinator/memory/memory.h"

#ifdef TRIREME_SQLITE
#include <sqlite3.h>

struct memory {
    char *path;
    sqlite3 *db;       /* NULL: to be read, and not there */
    double give_up_at; /* a statement that takes longer is given up */
};

/* Begins the time that the next statement has (MEMORY_STATEMENT_MS). */
void memory_begin(struct memory *memory);

/* Writes "PATH: cannot WHAT: why" with the code that fits SQLite's answer; returns -1. */
int memory_failed(const struct memory *memory, int answer, const char *what, struct err *err);

/* An empty one that no file keeps. */
struct memory *memory_open_empty(struct err *err);
#endif
