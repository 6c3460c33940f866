/* What the files of a campaign share: campaign.c, campaign_judge.c, campaign_fork.c. For them only.
 */
#pragma once
#include "coordinator/campaign/campaign.h"
#include "coordinator/gate/gate_windows.h"

#include "ledger.pb-c.h"

struct measure;
struct pair;
struct early_stop;
struct promotion;

struct campaign {
    struct context context;
    struct gate_windows windows;
    struct measure *measure;
    struct early_stop *early_stop;
    struct pair *pairs;          /* under way, in the order of their numbers */
    struct promotion *promotion; /* under way, or NULL */
};

/* The pair of a hypothesis that is under way; NULL: none is. */
struct pair *campaign_pair(const struct campaign *campaign, uint32_t number);

/* Gives a pair's fork and tails back, and forgets it. */
void campaign_remove(struct campaign *campaign, struct pair *pair);

/* Tells the ledger what a look came to; and ends the attempt with it. */
int campaign_write_verdict(struct campaign *campaign, uint32_t number, uint64_t step,
                           Trireme__Judgement *judgement, struct err *err);
int campaign_close_with(struct campaign *campaign, uint32_t number, uint64_t step,
                        Trireme__Judgement *judgement, struct err *err);
