/* Numbers as text, and back: what is written reads back to the same bits. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum { NUMBER_SIZE = 32 };

/* Writes the fewest digits that read back to the same bits: "0.001", "10000", "1.0e-5". An exponent
 * has a point before it and a sign, since YAML 1.1 readers take 1e-5 for text. single: the value is
 * a float, which needs fewer digits. Finite values only. */
void number_write(char text[NUMBER_SIZE], double value, bool single);

/* The same for JSON's real numbers: always with a point or an exponent, "10000.0". */
void number_write_real(char text[NUMBER_SIZE], double value);

/* Whether JSON can hold the text without quotes: true, false, or a number that json_read spells in
 * the same way. */
bool number_is_literal(const char *text);

/* Reads the number that the whole text is: an optional sign, decimal digits, a point, an exponent.
 * False for all else, for what overflows, and for what would silently become 0. single: rounded to
 * float, and within its range. */
bool number_read(double *value, const char *text, bool single);

/* Reads the whole number that the text is, digits with an optional sign, as sign and size. False
 * for all else (1e3, 2.0, 0x10; also 010, since some readers take leading zeros for base eight) and
 * for what 64 bits do not hold. */
bool number_read_whole(bool *negative, uint64_t *size, const char *text);
