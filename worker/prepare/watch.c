#include "worker/prepare/watch.h"

#include <stddef.h>

void watch_init(struct watch *watch, watch_fn said, void *context)
{
    *watch = (struct watch){.said = said, .context = context};
    pthread_mutex_init(&watch->lock, NULL);
}

void watch_clear(struct watch *watch)
{
    pthread_mutex_destroy(&watch->lock);
}

void watch_begin(struct watch *watch, const char *doing, uint64_t of)
{
    if (!watch)
        return;
    watch->doing = doing;
    watch->done = 0;
    watch->of = of;
}

void watch_add(struct watch *watch, uint64_t n)
{
    if (!watch)
        return;
    pthread_mutex_lock(&watch->lock);
    watch->done += n;
    watch->said(watch->context, watch->doing, watch->done, watch->of);
    pthread_mutex_unlock(&watch->lock);
}
