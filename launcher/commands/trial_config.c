#include "launcher/commands/trial_config.h"

#include "base/mem.h"
#include "coordinator/campaign/pair.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/ledger.h"
#include "proto/config/changes.h"
#include "proto/schema/message.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Whether a record tells of the fork's beginning. h: the state before it. */
static bool begins_it(const struct history *h, const Trireme__Record *record, const char *name)
{
    const struct entry *e =
        record->kind == TRIREME__RECORD_KIND__application ? history_entry(h, record->number) : NULL;
    if (!e)
        return false;
    char *its = pair_fork_name(record->number, e->reverse.plan != NULL, record->application->pair);
    const bool same = strcmp(its, name) == 0;
    free(its);
    return same;
}

Trireme__Config *trial_config(const struct ledger *ledger, const Trireme__Config *asked,
                              const char *name, struct err *err)
{
    const bool is_trunk = strcmp(name, "trunk") == 0;
    const size_t all = ledger_records(ledger);
    size_t n = is_trunk ? all : 0;
    struct history h = {0};
    for (size_t i = 0; !is_trunk && i < all; i++) { // the newest counts: a pair may be run again
        n = begins_it(&h, ledger_record(ledger, i), name) ? i : n;
        history_add_record(&h, ledger_record(ledger, i));
    }
    history_clear(&h);
    if (!is_trunk && n == 0) {
        err_set(err, ERR_DATA, "the ledger does not tell what %s was trained with", name);
        return NULL;
    }
    history_read(&h, ledger, n);
    Trireme__Config *in_force = changes_apply(asked, h.promoted, h.n_promoted, err), *its = NULL;
    history_clear(&h);
    if (is_trunk || !in_force)
        return in_force;
    const Trireme__Application *begun = ledger_record(ledger, n)->application;
    its = changes_apply(in_force, begun->verified, begun->n_verified, err);
    message_free(in_force);
    return its;
}
