#include "proto/config/changes.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/schema/message_path.h"
#include "proto/schema/number.h"
#include "proto/schema/value.h"

#include <stdlib.h>
#include <string.h>

Trireme__Config *changes_apply(const Trireme__Config *config, Trireme__Change *const *changes,
                               size_t n, struct err *err)
{
    char **settings = mem_new(n, sizeof *settings);
    for (size_t i = 0; i < n; i++)
        settings[i] = mem_format("%s=%s", changes[i]->path, changes[i]->value);
    Trireme__Config *changed = run_config_change(config, settings, n, err);
    for (size_t i = 0; i < n; i++)
        free(settings[i]);
    free(settings);
    return changed;
}

Trireme__Change **changes_values(const Trireme__Config *config, Trireme__Change *const *changes,
                                 size_t n)
{
    Trireme__Change **values = mem_new(n, sizeof(Trireme__Change *));
    for (size_t i = 0; i < n; i++) {
        values[i] = message_new(&trireme__change__descriptor);
        values[i]->path = mem_strdup(changes[i]->path);
        values[i]->value = message_path_value(config, changes[i]->path);
        ASSERT(values[i]->value);
    }
    return values;
}

void changes_free(Trireme__Change **changes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        message_free(changes[i]);
    free(changes);
}

static bool change_equal(const Trireme__Change *a, const Trireme__Change *b)
{
    const char *one = a->value ? a->value : "", *other = b->value ? b->value : "";
    double x, y;
    if (strcmp(a->path ? a->path : "", b->path ? b->path : "") != 0)
        return false;
    if (number_read(&x, one, false) && number_read(&y, other, false))
        return x == y;
    return !strcmp(one, other);
}

bool changes_equal(Trireme__Change *const *a, size_t n_a, Trireme__Change *const *b, size_t n_b)
{
    size_t found = 0;
    for (size_t i = 0; i < n_a; i++)
        for (size_t k = 0; k < n_b; k++)
            if (change_equal(a[i], b[k])) {
                found++;
                break;
            }
    return n_a == n_b && found == n_a;
}

char *changes_text(Trireme__Change *const *changes, size_t n)
{
    struct text text = {0};
    for (size_t i = 0; i < n; i++) {
        text_add(&text, i ? " " : "");
        value_write_clean(&text, changes[i]->path ? changes[i]->path : "");
        text_add(&text, "=");
        value_write_clean(&text, changes[i]->value ? changes[i]->value : "");
    }
    return text_take(&text);
}
