/* Megatron-LM's indexed dataset: tokens in X.bin, without a header, and what they are in X.idx
 * (megatron/core/datasets/indexed_dataset.py), all little-endian:
 *
 *     9 bytes       "MMIDIDX" and two zeros
 *     u64           version: 1
 *     u8            type of a token: 1 u8, 2 i8, 3 i16, 4 i32, 5 i64, 6 f64, 7 f32, 8 u16
 *     u64           S, number of sequences
 *     u64           D, number of document indices
 *     S x i32       tokens of each sequence
 *     S x i64       first byte of each sequence in X.bin
 *     D x i64       number of the first sequence of each document, and S at the end
 *     S x i8        mode of each sequence (multimodal data only)
 *
 * A file beside which such an index stands is read as the index says, as one text: sequences follow
 * each other without gaps, and samples run over their edges, as Megatron's do. What does not fit is
 * refused. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct file_map;
struct token_layout;

/* Path of X.idx beside X.bin, in fresh memory; NULL: none stands there. */
char *format_megatron_index(const char *path);

/* Reads the index. map: the .bin. ERR_DATA: another file than such an index, what is damaged, what
 * does not fit the .bin, a type that is no token's. */
int format_megatron_read(struct token_layout *layout, const struct file_map *map, const char *path,
                         const char *index, struct err *err);
