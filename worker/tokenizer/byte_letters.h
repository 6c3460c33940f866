/* The alphabet of byte-level BPE: each byte is written as one printable character in vocabularies
 * (openai/gpt-2, src/encoder.py, bytes_to_unicode). Bytes 33..126, 161..172 and 174..255 are
 * U+0021.. of the same number; the other 68 are U+0100 and on, in order. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct text;

/* Adds to bytes what the UTF-8 text stands for. False, and nothing is added, where a character is
 * not of the alphabet. */
bool byte_letters_read(struct text *bytes, const char *letters, size_t size);
