/* Shared by the files of a campaign: campaign.c (what others ask), next_stretch.c (the next stretch
 * and its price), begin_stretch.c, forks.c, end_stretch.c, claims.c, verdicts.c. For these files
 * only. */
#pragma once
#include "coordinator/campaign/campaign.h"
#include "coordinator/gate/account.h"
#include "coordinator/gate/change_kind.h"
#include "coordinator/gate/gate_windows.h"
#include "coordinator/gate/stretch.h"

#include "ledger.pb-c.h"

struct measure;
struct pair;
struct early_stop;
struct promotion;

struct campaign {
    struct context context;
    struct rule rule;
    struct gate_windows windows;
    struct measure *measure;
    struct early_stop *early_stop;
    struct pair *pairs;          /* of the stretch under way, in the order of their numbers */
    struct promotion *promotion; /* under way, or NULL */
};

/* ---- next_stretch.c: the campaign's prospect (prospect.h) ---- */

/* The account as it stands at the trunk's step. */
struct account campaign_account(const struct campaign *campaign);

/* The trunk's planned length: what is left after what experiments have spent. Without effect while
 * a stretch is under way, since all its arms have one length. */
void campaign_plan_trunk(struct campaign *campaign);

/* The first step after `step` at which a stretch can begin, if the trunk runs on alone. */
uint64_t campaign_next_boundary(const struct campaign *campaign, uint64_t step);

/* The stretch of that kind that would begin at `start`. step_tokens: as in stretch_of. */
struct stretch campaign_stretch(const struct campaign *campaign, enum stretch_kind kind,
                                uint64_t start, const uint64_t *step_tokens, size_t n);

/* What an arm costs in it, and what it costs beside its arms; tokens. */
double campaign_arm_tokens(const struct campaign *campaign, const struct stretch *stretch);
double campaign_fixed_tokens(const struct campaign *campaign, const struct stretch *stretch);

/* What a fork is: of an entry that is queued or open its change, in reverse what was before it was
 * adopted. */
struct fork_kind {
    uint64_t step_tokens;
    struct change_kind kind;
    bool irreversible; /* no fork could go back to the recipe before */
};
int campaign_fork_kind(struct fork_kind *found, const struct campaign *campaign,
                       const struct entry *entry, bool reverse, struct err *err);

/* The stretch that would begin at `start` with this fork alone beside the trunk. */
struct stretch campaign_stretch_alone(const struct campaign *campaign, const struct fork_kind *fork,
                                      uint64_t start);

/* The configuration of such a fork, fresh; NULL with a sentence. */
Trireme__Config *campaign_fork_config(const struct campaign *campaign, const struct entry *entry,
                                      bool reverse, struct err *err);

/* The changes that make it, borrowed. */
Trireme__Change *const *campaign_fork_changes(const struct entry *entry, bool reverse, size_t *n);

/* Whether a stretch might begin at `step`: somebody waits for one. */
bool campaign_is_boundary(const struct campaign *campaign, uint64_t step);

/* ---- begin_stretch.c ---- */

/* Begins a stretch at `step`, if there is anybody for it and money: closes whom there is no time or
 * money for, writes its record, registers hypotheses. Its forks are begun by campaign_fork. */
int campaign_begin_stretch(struct campaign *campaign, uint64_t step, struct err *err);

/* Before anything is decided: where the ledger is of another revision of the rule, and all that it
 * tells of is repeated, writes that the present one decides from now on. */
int campaign_renew_rule(struct campaign *campaign, uint64_t step, struct err *err);

/* ---- claims.c ---- */

/* After an adoption: registers a claim of its gain, if it is wanted and pays for its proof. */
int campaign_register_claim(struct campaign *campaign, const struct entry *entry, uint64_t step,
                            struct err *err);

/* At the end of a stretch: tests the claim, if it is open and this is a look. */
int campaign_test_claim(struct campaign *campaign, const struct entry *entry, uint64_t step,
                        struct err *err);

/* It ends unproven, if it is open. */
int campaign_drop_claim(struct campaign *campaign, const struct entry *entry, uint64_t step,
                        Trireme__Cause cause, struct err *err);

/* ---- verdicts.c ---- */

/* Returns the pair of a hypothesis that is under way, or NULL. */
struct pair *campaign_pair(const struct campaign *campaign, uint32_t number);

/* Stops a pair's fork and tail, and frees the pair. */
void campaign_remove(struct campaign *campaign, struct pair *pair);

/* Closes the hypothesis of a pair that the machine cannot go on with, and removes the pair. */
int campaign_give_up_pair(struct campaign *campaign, struct pair *pair, uint64_t step,
                          struct err *err);

/* What was adopted is taken back by a person: its watch, or claim, ends with that. The recipe from
 * before is put in force by the caller. */
int campaign_end_adoption(struct campaign *campaign, uint32_t number, uint64_t step,
                          const char *reason, struct err *err);

/* Writes a verdict to the ledger, and says what ends. Trials are left as they are. */
int campaign_write_verdict(struct campaign *campaign, uint32_t number, uint64_t step,
                           Trireme__Judgement *judgement, struct err *err);
