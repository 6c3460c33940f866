/* RUN/lock.json: who holds the run (message Holder): node, process, launch, since when. The launch
 * touches the file as long as it lives, so that it can be told from one that died elsewhere. */
#pragma once
#include "base/err.h"

#include "files.pb-c.h"

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Returns the path of a run's file, which the caller frees. */
char *holder_path(const char *run);

/* Describes this process, with a fresh key. Freed by message_free. */
Trireme__Holder *holder_self(uint64_t incarnation, Trireme__Holder__Lock lock);

/* The text of the file, which the caller frees. */
char *holder_text(const Trireme__Holder *holder);

/* Reads a text; one that is not whole (its writer died) has nothing set. Never NULL. */
Trireme__Holder *holder_parse(const char *text);

enum holder_life {
    HOLDER_LIVES,    /* a process of this machine that is there */
    HOLDER_IS_DEAD,  /* one that is not */
    HOLDER_ELSEWHERE /* of another machine, or not known: only its touching the file tells */
};
enum holder_life holder_life(const Trireme__Holder *holder);

/* "process 12 on h, launch 3, since 2026-01-31T12:00:00Z"; the caller frees it. */
char *holder_name(const Trireme__Holder *holder);

/* What is in the file now, and when it was touched. */
struct holder_seen {
    char *text; /* the caller's; NULL: there is no such file */
    struct timespec touched;
};
int holder_look(struct holder_seen *seen, const char *path, struct err *err);

/* Whether it is the same text, and was not touched in between. False where there was no file. */
bool holder_seen_same(const struct holder_seen *a, const struct holder_seen *b);

/* Seconds since it was touched, by the clock of the file system: a fresh file beside it tells the
 * time. 0 where none can be made. */
double holder_age(const char *path, const struct holder_seen *seen);
