#include "coordinator/memory/memory_recipe.h"

#include "base/mem.h"
#include "base/text.h"
#include "proto/schema/message.h"
#include "proto/schema/number.h"

#include <stdlib.h>
#include <string.h>

void memory_recipe_clear(struct memory_recipe *recipe)
{
    for (size_t i = 0; i < recipe->n; i++)
        message_free(recipe->list[i]);
    free(recipe->list);
    *recipe = (struct memory_recipe){0};
}

/* The path with the source's name in the place of its number; fresh. */
static char *named(const Trireme__Config *config, const char *path)
{
    static const char sources[] = "data.sources.";
    char *end = NULL;
    if (strncmp(path, sources, sizeof sources - 1))
        return mem_strdup(path);
    const char *word = path + sizeof sources - 1;
    const size_t s = strtoul(word, &end, 10);
    const bool is_number = end != word && *end == '.' && s < config->data->n_sources;
    const char *name = is_number ? config->data->sources[s]->name : NULL;
    return name && name[0] ? mem_format("%s%s%s", sources, name, end) : mem_strdup(path);
}

struct memory_recipe memory_recipe_of(const Trireme__Config *config, Trireme__Change *const *before,
                                      Trireme__Change *const *after, size_t n)
{
    struct memory_recipe recipe = {.list = mem_new(n, sizeof *recipe.list)};
    for (; recipe.n < n; recipe.n++) {
        Trireme__Replacement *r = message_new(&trireme__replacement__descriptor);
        r->path = named(config, after[recipe.n]->path);
        r->before = mem_strdup(before[recipe.n]->value);
        r->after = mem_strdup(after[recipe.n]->value);
        recipe.list[recipe.n] = r;
    }
    return recipe;
}

static bool value_same(const char *a, const char *b)
{
    double x, y;
    if (!a || !b)
        return false;
    return number_read(&x, a, true) && number_read(&y, b, true) ? x == y : !strcmp(a, b);
}

static bool replacement_same(const Trireme__Replacement *a, const Trireme__Replacement *b)
{
    return a->path && b->path && !strcmp(a->path, b->path) && value_same(a->before, b->before) &&
           value_same(a->after, b->after);
}

bool memory_recipe_same(Trireme__Replacement *const *a, size_t n_a, Trireme__Replacement *const *b,
                        size_t n_b)
{
    size_t found = 0;
    for (size_t i = 0; i < n_a; i++)
        for (size_t k = 0; k < n_b; k++)
            if (replacement_same(a[i], b[k])) {
                found++;
                break;
            }
    return n_a > 0 && n_a == n_b && found == n_a;
}

char *memory_recipe_text(Trireme__Replacement *const *recipe, size_t n)
{
    struct text text = {0};
    for (size_t i = 0; i < n; i++)
        text_printf(&text, "%s%s %s -> %s", i ? ", " : "", recipe[i]->path ? recipe[i]->path : "",
                    recipe[i]->before ? recipe[i]->before : "",
                    recipe[i]->after ? recipe[i]->after : "");
    return text_take(&text);
}

const char *memory_outcome_word(Trireme__MemoryNote__Outcome outcome)
{
    static const char *const words[] = {
        // clang-format off
        [TRIREME__MEMORY_NOTE__OUTCOME__adopted]        = "adopted (screening)",
        [TRIREME__MEMORY_NOTE__OUTCOME__claimed]        = "claimed",
        [TRIREME__MEMORY_NOTE__OUTCOME__taken_back]     = "taken back",
        [TRIREME__MEMORY_NOTE__OUTCOME__beaten]         = "beaten",
        [TRIREME__MEMORY_NOTE__OUTCOME__no_sign]        = "no sign",
        [TRIREME__MEMORY_NOTE__OUTCOME__no_hope]        = "no hope",
        [TRIREME__MEMORY_NOTE__OUTCOME__without_effect] = "without effect",
        [TRIREME__MEMORY_NOTE__OUTCOME__diverged]       = "diverged",
        // clang-format on
    };
    return outcome >= 0 && (size_t)outcome < sizeof words / sizeof *words ? words[outcome] : "";
}
