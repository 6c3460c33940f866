/* A word as a shell reads it. Pure. */
#pragma once
#include <stdbool.h>

struct text;

/* Adds the word, in single quotes where it holds more than letters, digits and "_./=:@+,-". */
void shell_word_add(struct text *text, const char *word);

/* Whether a word needs no quotes. */
bool shell_word_is_plain(const char *word);
