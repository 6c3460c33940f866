/* The merge loop of BPE: the bytes of one word become tokens by merging, again and again, the two
 * neighbours of the lowest rank (the leftmost of equals). */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct vocabulary;

/* Buffers that grow to the longest word. All zero is an empty one. */
struct merge_space {
    uint32_t *numbers;
    size_t n_numbers;
    struct merge_step *heap;
    size_t n_heap, heap_room;
};
void merge_space_clear(struct merge_space *space);

/* Writes the ids of a word, at most size of them, and returns how many. size is below 2^31. Takes
 * size * log(size) steps for long words. */
size_t merge_word(struct merge_space *space, uint32_t *ids, const struct vocabulary *vocabulary,
                  const void *word, size_t size);
