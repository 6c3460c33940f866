/* How far a long reading or writing is, told to somebody; several threads may work at it. */
#pragma once
#include <pthread.h>
#include <stdint.h>

/* Called often, by one thread at a time. */
typedef void (*watch_fn)(void *context, const char *doing, uint64_t done, uint64_t of);

struct watch {
    watch_fn said;
    void *context; /* borrowed */
    pthread_mutex_t lock;
    const char *doing; /* borrowed */
    uint64_t done, of;
};

void watch_init(struct watch *watch, watch_fn said, void *context);
void watch_clear(struct watch *watch);

/* Begins to count anew, before there are threads. Here and below NULL means that nobody is told. */
void watch_begin(struct watch *watch, const char *doing, uint64_t of);
void watch_add(struct watch *watch, uint64_t n);
