#include "math/optimizer.h"

#include "base/check.h"

#include <string.h>

static const struct optimizer_rule *const rules[] = {&optimizer_adamw, &optimizer_sgd};

const struct optimizer_rule *optimizer_rule(const char *name)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!strcmp(rules[i]->name, name))
            return rules[i];
    ASSERT(!"a rule of that name exists");
    return NULL;
}
