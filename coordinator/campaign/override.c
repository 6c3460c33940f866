#include "coordinator/campaign/override.h"

#include "base/mem.h"
#include "base/text.h"
#include "coordinator/campaign/campaign.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/run/run.h"
#include "coordinator/train/context.h"
#include "coordinator/train/trial.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>

/* Settings on which no loss depends; and those of them on which a campaign depends. */
static bool is_idle(const char *path)
{
    static const char *const idle[] = {"experiment.", "eval.", "checkpoint.", "wait.",
                                       "train.steps"};
    for (size_t i = 0; i < sizeof idle / sizeof *idle; i++)
        if (!strncmp(path, idle[i], strlen(idle[i])))
            return true;
    return false;
}

static bool is_campaigns(const char *path)
{
    static const char *const campaigns[] = {"experiment.mode", "experiment.forks",
                                            "experiment.policy", "experiment.memory",
                                            "train.steps"};
    for (size_t i = 0; i < sizeof campaigns / sizeof *campaigns; i++)
        if (!strcmp(path, campaigns[i]))
            return true;
    return false;
}

/* "optimizer.lr, train.steps": the settings that differ and matter; NULL: there are none. *deep: a
 * loss depends on one of them. */
static char *changed(const Trireme__Config *before, const Trireme__Config *after, bool *deep)
{
    size_t n = message_diff(NULL, 0, before, after);
    char **paths = mem_new(n, sizeof *paths);
    struct text text = {0};
    message_diff(paths, n, before, after);
    *deep = false;
    for (size_t i = 0; i < n; i++) {
        if (!is_idle(paths[i]) || is_campaigns(paths[i]))
            text_printf(&text, "%s%s", text.size ? ", " : "", paths[i]);
        *deep = *deep || !is_idle(paths[i]);
        free(paths[i]);
    }
    free(paths);
    return text.size ? text_take(&text) : NULL;
}

/* Records which promoted changes are overruled now. */
static int overrule(const struct context *context, uint64_t step, bool deep, const char *reason,
                    struct err *err)
{
    const Trireme__Manifest *m = context->run->manifest;
    Trireme__Change **overruled = mem_new(m->n_promoted, sizeof *overruled);
    size_t n = 0;
    for (size_t i = 0; i < m->n_promoted; i++) {
        bool kept = false;
        for (size_t k = 0; k < context->run->n_promoted; k++)
            kept = kept || context->run->promoted[k] == m->promoted[i];
        if (!kept)
            overruled[n++] = m->promoted[i];
    }
    Trireme__Promotion promotion = TRIREME__PROMOTION__INIT;
    promotion.patch = overruled, promotion.n_patch = n;
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.text = (char *)reason;
    record.promotion = &promotion;
    record.has_recipe = deep, record.recipe = deep;
    char *by = context_operator(context->run);
    int rc = journal_write(context->journal, &record, TRIREME__RECORD_KIND__correction, 0, step, by,
                           err);
    free(by);
    free(overruled);
    return rc;
}

int override_apply(const struct context *context, struct campaign *campaign, struct err *err)
{
    const uint64_t step = (*context->trunk)->step;
    const struct history *h = journal_history(context->journal);
    bool deep = false;
    char *paths = context->run->manifest
                      ? changed(context->run->manifest->config, context->run->in_force, &deep)
                      : NULL;
    if (!paths || (h->n == 0 && !journal_repeats(context->journal))) {
        free(paths);
        return 0;
    }
    char *reason = mem_format("the operator changed %s", paths);
    int rc = journal_diverge(context->journal, step, reason, err);
    for (const struct entry *e = NULL; rc == 0 && deep && (e = history_next_open(h, e));)
        rc = campaign_close(campaign, e->number, step, TRIREME__CAUSE__overruled, reason, err);
    if (rc == 0)
        rc = overrule(context, step, deep, reason, err);
    free(reason);
    free(paths);
    return rc < 0 ? -1 : 1;
}
