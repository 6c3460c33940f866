#include "launcher/commands/trial_steps.h"

#include "base/mem.h"
#include "base/text.h"
#include "coordinator/briefing/curve.h"
#include "coordinator/campaign/pair.h"
#include "launcher/commands/metrics_lines.h"
#include "proto/schema/value.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_SAID = 6 };

struct step_tokens {
    uint64_t step, tokens;
};

struct reading {
    const char *name;
    struct trial_steps *to;
    bool beside;               /* a fork's line came since the trunk's last one */
    struct step_tokens *trunk; /* its steps, where a fork is read */
    size_t n_trunk, trunk_room;
    char **names; /* of forks */
    size_t n_names, names_room;
};

static void add_name(struct reading *r, const char *name)
{
    for (size_t i = r->n_names; i-- > 0;) // the newest are the likeliest
        if (!strcmp(r->names[i], name))
            return;
    r->names = mem_grow(r->names, r->n_names, &r->names_room, sizeof *r->names);
    r->names[r->n_names++] = mem_strdup(name);
}

static void hear(void *context, const Trireme__TrainLine *train, const Trireme__EvalLine *eval)
{
    struct reading *r = context;
    (void)eval;
    if (!train || pair_name_is_tail(train->trial))
        return;
    const bool is_trunk = !strcmp(train->trial, "trunk"), is_it = !strcmp(train->trial, r->name);
    struct trial_steps *to = r->to;
    if (is_it && (!to->n || train->step > to->steps[to->n - 1].step)) {
        to->steps = mem_grow(to->steps, to->n, &to->room, sizeof *to->steps);
        to->steps[to->n++] = curve_step_of(train, !is_trunk || r->beside);
    } else if (is_trunk && !is_it) {
        r->trunk = mem_grow(r->trunk, r->n_trunk, &r->trunk_room, sizeof *r->trunk);
        r->trunk[r->n_trunk++] = (struct step_tokens){train->step, train->tokens};
    }
    if (!is_trunk)
        add_name(r, train->trial);
    r->beside = !is_trunk;
}

static int refuse(const struct reading *r, const char *run, struct err *err)
{
    struct text found = {0}, names = {0};
    value_write_found(&found, r->name);
    text_add(&names, "trunk");
    for (size_t i = r->n_names, said = 0; i-- > 0 && said < NAMES_SAID; said++)
        text_printf(&names, ", %s", r->names[i]);
    if (r->n_names > NAMES_SAID)
        text_printf(&names, " or one of %zu older ones", r->n_names - NAMES_SAID);
    err_set(err, ERR_USAGE, "%s: its metrics tell of no line of training %s, expected one of %s",
            run, found.bytes, names.bytes);
    text_clear(&found);
    text_clear(&names);
    return -1;
}

int trial_steps_read(struct trial_steps *steps, const char *run, const char *name, struct err *err)
{
    *steps = (struct trial_steps){0};
    struct reading r = {.name = name, .to = steps};
    int rc = metrics_lines_read(run, hear, &r, err);
    if (rc == 0 && steps->n == 0 && strcmp(name, "trunk") != 0)
        rc = refuse(&r, run, err);
    for (size_t i = 0; rc == 0 && steps->n && i < r.n_trunk; i++)
        steps->before += r.trunk[i].step < steps->steps[0].step ? r.trunk[i].tokens : 0;
    for (size_t i = 0; i < r.n_names; i++)
        free(r.names[i]);
    free(r.names);
    free(r.trunk);
    if (rc < 0)
        trial_steps_clear(steps);
    return rc;
}

void trial_steps_clear(struct trial_steps *steps)
{
    free(steps->steps);
    *steps = (struct trial_steps){0};
}
