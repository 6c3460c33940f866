#include "proto/file/earlier.h"

#include "base/mem.h"
#include "base/text.h"
#include "proto/schema/node.h"
#include "proto/schema/number.h"

#include <stdlib.h>

static const struct {
    const char *message, *field;
} dropped[] = {
    {"gate", "beta"   },
    {"gate", "confirm"},
};

static const struct {
    const char *message, *field;
    double max;
} lowered[] = {
    {"gate", "share", 0.4},
};

static void drop(struct text *said, struct node *config)
{
    size_t n = 0;
    for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++)
        if (node_remove(node_get(config, dropped[i].message), dropped[i].field))
            text_printf(said, "%s%s.%s", n++ ? ", " : "", dropped[i].message, dropped[i].field);
    if (n)
        text_printf(said, " mean%s nothing any more", n == 1 ? "s" : "");
}

static void lower(struct text *said, struct node *config)
{
    for (size_t i = 0; i < sizeof lowered / sizeof *lowered; i++) {
        struct node *value = node_get(node_get(config, lowered[i].message), lowered[i].field);
        char max[NUMBER_SIZE];
        double number;
        if (!value || !value->text || !number_read(&number, value->text, false) ||
            number <= lowered[i].max)
            continue;
        number_write(max, lowered[i].max, false);
        text_printf(said, "%s%s.%s %g becomes %s", said->size ? "; " : "", lowered[i].message,
                    lowered[i].field, number, max);
        free(value->text);
        value->text = mem_strdup(max);
    }
}

char *earlier_config(struct node *config)
{
    struct text said = {0};
    drop(&said, config);
    lower(&said, config);
    return said.size ? text_take(&said) : NULL;
}

void earlier_manifest(struct node *manifest)
{
    free(earlier_config(node_get(manifest, "config")));
    free(earlier_config(node_get(manifest, "asked")));
}
