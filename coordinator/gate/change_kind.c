#include "coordinator/gate/change_kind.h"

#include "proto/config/run_config.h"
#include "proto/schema/message_path.h"
#include "proto/schema/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct comparison {
    const Trireme__Config *before, *after;
    struct change_kind kind;
};

/* The size of a value, where 0 stands for something else. */
static double size_of(const Trireme__Config *config, const char *path, double value)
{
    if (!strcmp(path, "train.context"))
        return run_config_context(config);
    if (!strcmp(path, "optimizer.clip") && value == 0)
        return INFINITY; // no clipping
    return value;
}

static bool is_calm(enum schema_calm calm, double before, double after)
{
    return (calm == CALM_DOWN && after < before) || (calm == CALM_UP && after > before);
}

static void compare(void *context, const struct message_path *leaf)
{
    struct comparison *c = context;
    if (leaf->doc->judged == JUDGED_UNJUDGED)
        return;
    char *other = message_path_value(c->after, leaf->path);
    double x = 0, y = 0;
    bool differs = other && strcmp(leaf->text, other) != 0, calm = false;
    if (differs && number_read(&x, leaf->text, false) && number_read(&y, other, false)) {
        x = size_of(c->before, leaf->path, x), y = size_of(c->after, leaf->path, y);
        differs = x != y;
        calm = is_calm(leaf->doc->calm, x, y);
    } else if (differs && leaf->doc->calm_from) {
        calm = !strcmp(leaf->text, leaf->doc->calm_from);
    }
    free(other);
    if (!differs)
        return;
    if (calm)
        c->kind.kind = STRETCH_CALM;
    c->kind.slow =
        c->kind.slow || leaf->doc->judged == JUDGED_SLOW || leaf->doc->calm != CALM_NEITHER;
}

struct change_kind change_kind_of(const Trireme__Config *before, const Trireme__Config *after)
{
    struct comparison c = {
        before, after, {STRETCH_PLAIN, false}
    };
    message_path_visit(before, compare, &c);
    return c.kind;
}
