#include "worker/data/shard_use.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const char *const TRAIN[] = {"train", "training", NULL};
static const char *const VAL[] = {"val",        "valid",   "validation", "dev", "eval",
                                  "evaluation", "heldout", "holdout",    NULL};
static const char *const TEST[] = {"test", "testing", NULL};
static const char *const BEHIND[] = {"", "set", "data", "split", NULL};

/* Whether the word is one of the list, with one of the endings behind it. */
static bool is_of(const char *word, const char *const *list, const char *const *endings)
{
    for (; *list; list++) {
        const size_t n = strlen(*list);
        for (size_t i = 0; !strncmp(word, *list, n) && endings[i]; i++)
            if (!strcmp(word + n, endings[i]))
                return true;
    }
    return false;
}

/* The next run of letters at or after *at, in lower case, and *at behind it; false: none is left.
 * One too long for any of the lists is cut short. */
static bool next_word(char word[SHARD_WORD_SIZE], const char **at)
{
    const char *s = *at;
    size_t n = 0;
    while (*s && !isalpha((unsigned char)*s))
        s++;
    for (; isalpha((unsigned char)*s); s++)
        if (n < SHARD_WORD_SIZE - 1)
            word[n++] = (char)tolower((unsigned char)*s);
    word[n] = 0;
    *at = s;
    return n > 0;
}

enum shard_use shard_use_of(const char *name, char train[SHARD_WORD_SIZE],
                            char held[SHARD_WORD_SIZE])
{
    static const char *const no_ending[] = {"", NULL};
    char word[SHARD_WORD_SIZE];
    bool test = true;
    train[0] = held[0] = 0;
    for (const char *at = name; next_word(word, &at);)
        if (is_of(word, TRAIN, no_ending)) {
            memcpy(train, word, sizeof word);
        } else if (is_of(word, VAL, BEHIND)) {
            memcpy(held, word, sizeof word);
            test = false;
        } else if (is_of(word, TEST, BEHIND) && test) {
            memcpy(held, word, sizeof word);
        }
    if (held[0])
        return train[0] ? SHARD_BOTH : test ? SHARD_TEST : SHARD_VAL;
    return train[0] || strstr(name, "train") ? SHARD_TRAIN : SHARD_UNREAD;
}
