/* Shared by campaign.c, begin_pairs.c and end_pairs.c. For these three files only. */
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

/* Returns the pair of a hypothesis that is under way, or NULL. */
struct pair *campaign_pair(const struct campaign *campaign, uint32_t number);

/* Stops a pair's fork and tails, and frees the pair. */
void campaign_remove(struct campaign *campaign, struct pair *pair);

/* Closes the hypothesis of a pair that the machine cannot go on with, and removes the pair. */
int campaign_give_up_pair(struct campaign *campaign, struct pair *pair, uint64_t step,
                          struct err *err);

/* Writes a verdict to the ledger; the second one also closes the attempt. */
int campaign_write_verdict(struct campaign *campaign, uint32_t number, uint64_t step,
                           Trireme__Judgement *judgement, struct err *err);
int campaign_close_with(struct campaign *campaign, uint32_t number, uint64_t step,
                        Trireme__Judgement *judgement, struct err *err);
