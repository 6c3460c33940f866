#include "launcher/batch/shell_word.h"

#include "base/text.h"

#include <string.h>

bool shell_word_is_plain(const char *word)
{
    return *word && strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                 "_./=:@+,-") == strlen(word);
}

void shell_word_add(struct text *text, const char *word)
{
    if (shell_word_is_plain(word)) {
        text_add(text, word);
        return;
    }
    text_add(text, "'");
    for (const char *c = word; *c; c++)
        if (*c == '\'')
            text_add(text, "'\\''");
        else
            text_add_bytes(text, c, 1);
    text_add(text, "'");
}
