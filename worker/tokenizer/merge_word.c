#include "worker/tokenizer/merge_word.h"

#include "base/mem.h"
#include "worker/tokenizer/vocabulary.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { SHORT_WORD = 64 }; /* up to here looking through all neighbours is faster than a heap */

/* left and right neighbour that may be merged, unless one of them has become another token. */
struct merge_step {
    uint32_t rank, at;
    uint32_t left, right, id;
};

void merge_space_clear(struct merge_space *space)
{
    free(space->numbers);
    free(space->heap);
    *space = (struct merge_space){0};
}

static size_t merge_short(uint32_t *ids, const struct vocabulary *vocabulary,
                          const unsigned char *word, size_t size)
{
    uint32_t ranks[SHORT_WORD], merged[SHORT_WORD]; // [i]: of ids[i] and ids[i + 1]
    for (size_t i = 0; i < size; i++)
        ids[i] = vocabulary->byte_ids[word[i]];
    for (size_t i = 0; i + 1 < size; i++)
        ranks[i] = vocabulary_merge(vocabulary, &merged[i], ids[i], ids[i + 1]);
    size_t n = size;
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            best = ranks[i] < ranks[best] ? i : best;
        if (ranks[best] == MERGE_NONE)
            break;
        ids[best] = merged[best];
        n--;
        memmove(ids + best + 1, ids + best + 2, (n - best - 1) * sizeof *ids);
        if (best + 1 < n) {
            memmove(ranks + best + 1, ranks + best + 2, (n - best - 2) * sizeof *ranks);
            memmove(merged + best + 1, merged + best + 2, (n - best - 2) * sizeof *merged);
            ranks[best] = vocabulary_merge(vocabulary, &merged[best], ids[best], ids[best + 1]);
        }
        if (best > 0)
            ranks[best - 1] =
                vocabulary_merge(vocabulary, &merged[best - 1], ids[best - 1], ids[best]);
    }
    return n;
}

static bool is_before(const struct merge_step *a, const struct merge_step *b)
{
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void heap_push(struct merge_space *space, struct merge_step step)
{
    space->heap = mem_grow(space->heap, space->n_heap, &space->heap_room, sizeof *space->heap);
    size_t i = space->n_heap++;
    for (; i > 0 && is_before(&step, &space->heap[(i - 1) / 2]); i = (i - 1) / 2)
        space->heap[i] = space->heap[(i - 1) / 2];
    space->heap[i] = step;
}

static struct merge_step heap_pop(struct merge_space *space)
{
    struct merge_step first = space->heap[0], last = space->heap[--space->n_heap];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= space->n_heap)
            break;
        if (child + 1 < space->n_heap && is_before(&space->heap[child + 1], &space->heap[child]))
            child++;
        if (!is_before(&space->heap[child], &last))
            break;
        space->heap[i] = space->heap[child];
        i = child;
    }
    space->heap[i] = last;
    return first;
}

static void push_pair(struct merge_space *space, const struct vocabulary *vocabulary,
                      const uint32_t *ids, size_t left, size_t right)
{
    struct merge_step step = {.at = (uint32_t)left, .left = ids[left], .right = ids[right]};
    step.rank = vocabulary_merge(vocabulary, &step.id, step.left, step.right);
    if (step.rank != MERGE_NONE)
        heap_push(space, step);
}

static size_t merge_long(struct merge_space *space, uint32_t *ids,
                         const struct vocabulary *vocabulary, const unsigned char *word,
                         size_t size)
{
    if (space->n_numbers < 2 * size) {
        space->n_numbers = 4 * size;
        space->numbers = mem_resize(space->numbers, space->n_numbers, sizeof *space->numbers);
    }
    uint32_t *before = space->numbers, *after = space->numbers + size; // after[i] == size: none
    for (size_t i = 0; i < size; i++) {
        ids[i] = vocabulary->byte_ids[word[i]];
        before[i] = (uint32_t)(i - 1);
        after[i] = (uint32_t)(i + 1);
    }
    space->n_heap = 0;
    for (size_t i = 0; i + 1 < size; i++)
        push_pair(space, vocabulary, ids, i, i + 1);
    while (space->n_heap > 0) {
        struct merge_step step = heap_pop(space);
        uint32_t left = step.at, right = after[left];
        if (ids[left] != step.left || right == size || ids[right] != step.right)
            continue;
        ids[left] = step.id;
        ids[right] = UINT32_MAX; // it is gone
        after[left] = after[right];
        if (after[left] < size) {
            before[after[left]] = left;
            push_pair(space, vocabulary, ids, left, after[left]);
        }
        if (left > 0)
            push_pair(space, vocabulary, ids, before[left], left);
    }
    size_t n = 0;
    for (size_t i = 0; i < size; i = after[i])
        ids[n++] = ids[i];
    return n;
}

size_t merge_word(struct merge_space *space, uint32_t *ids, const struct vocabulary *vocabulary,
                  const void *word, size_t size)
{
    return size <= SHORT_WORD ? merge_short(ids, vocabulary, word, size)
                              : merge_long(space, ids, vocabulary, word, size);
}
