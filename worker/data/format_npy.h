/* NumPy's .npy, as numpy.save writes it (numpy/lib/format.py):
 *
 *     6 bytes       0x93 "NUMPY"
 *     u8, u8        version: 1.0, 2.0 or 3.0
 *     u16 or u32    N, length of the header: u16 in version 1, u32 in versions 2 and 3
 *     N bytes       a Python dictionary as text: {'descr': '<u2', 'fortran_order': False,
 *                   'shape': (1000,), }, filled up with blanks and ended by a line end
 *     the numbers
 *
 * An array of one dimension whose numbers are whole and little-endian is read as tokens; each other
 * one is refused with what it is. A negative number is a token beyond any vocabulary. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct file_map;
struct token_layout;

/* Whether the file begins as NumPy's do. */
bool format_npy_is(const struct file_map *map);

/* Reads the header of such a file. ERR_DATA: another type or shape, a size that does not fit. */
int format_npy_read(struct token_layout *layout, const struct file_map *map, const char *path,
                    struct err *err);
