/* A briefing with a few settings that may change. */
#pragma once
#include "base/mem.h"
#include "proto/schema/message.h"

#include "planner.pb-c.h"

static inline Trireme__MayChange *add_setting(Trireme__Briefing *b, const char *path,
                                              const char *value)
{
    Trireme__MayChange *may = message_new(&trireme__may_change__descriptor);
    may->path = mem_strdup(path), may->value = mem_strdup(value);
    b->may_change = mem_resize(b->may_change, b->n_may_change + 1, sizeof *b->may_change);
    return b->may_change[b->n_may_change++] = may;
}

static inline void add_words(char ***list, size_t *n, const char *const *words, size_t n_words)
{
    *list = mem_resize(*list, *n + n_words, sizeof **list);
    for (size_t i = 0; i < n_words; i++)
        (*list)[(*n)++] = mem_strdup(words[i]);
}

/* optimizer.lr 0.001 with a ladder, schedule.kind with words, optimizer.clip without a ladder. */
static inline Trireme__Briefing *llm_briefing(void)
{
    static const char *const rungs[] = {"0.00025", "0.0005", "0.002", "0.004"}, *const words[] = {
                                                                                    "cosine",
                                                                                    "linear",
                                                                                    "constant"};
    Trireme__Briefing *b = message_new(&trireme__briefing__descriptor);
    b->has_room = true, b->room = 2;
    b->has_step = true, b->step = 40;
    Trireme__MayChange *may = add_setting(b, "optimizer.lr", "0.001");
    may->has_min = may->has_max = true, may->min = 0, may->max = 100;
    add_words(&may->ladder, &may->n_ladder, rungs, 4);
    may = add_setting(b, "schedule.kind", "cosine");
    add_words(&may->words, &may->n_words, words, 3);
    may = add_setting(b, "optimizer.clip", "1");
    may->has_min = may->has_max = true, may->min = 0.5, may->max = 3;
    return b;
}
