#include "coordinator/ledger/actor.h"

#include "base/text.h"

#include <string.h>

char *actor_write(const struct actor *actor)
{
    struct text text = {0};
    text_add(&text, actor->person ? "person" : "planner");
    if (actor->name)
        text_printf(&text, " %s", actor->name);
    text_printf(&text, " uid %u", actor->uid);
    if (actor->pid)
        text_printf(&text, " pid %u", actor->pid);
    if (actor->unseparated)
        text_add(&text, " unseparated");
    return text_take(&text);
}

/* Whether the text begins with the word; *rest: what follows it. */
static bool begins(const char *text, const char *word, const char **rest)
{
    const size_t n = strlen(word);
    if (strncmp(text, word, n) || (text[n] && text[n] != ' '))
        return false;
    *rest = text + n + (text[n] == ' ');
    return true;
}

bool actor_is_person(const char *by)
{
    const char *rest;
    return begins(by, "person", &rest);
}

bool actor_is_proven_person(const char *by)
{
    const char *rest;
    return begins(by, "person", &rest) && begins(rest, "uid", &rest);
}

bool actor_is_named(const char *by, const char *name)
{
    const char *rest;
    return !strcmp(by, name) || (begins(by, "planner", &rest) && begins(rest, name, &rest));
}

/* Bytes of role, name and user. */
static size_t stem(const char *by)
{
    const char *pid = strstr(by, " pid "), *last = strstr(by, " unseparated");
    const char *end = pid ? pid : last;
    return end ? (size_t)(end - by) : strlen(by);
}

bool actor_same(const char *a, const char *b)
{
    return stem(a) == stem(b) && !strncmp(a, b, stem(a));
}
