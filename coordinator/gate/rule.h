/* The constants of the rule by which changes are adopted and gains are claimed. They are fixed at
 * the start of a run and stand in its ledger, so every decision follows from recorded losses.
 *
 * Adopting (which recipe does the trunk go on with?) and claiming (what may be published?) are two
 * decisions. An adoption follows from a posterior after every stretch, without an error budget,
 * since a wrong one costs little and is taken back. A claim is tested on fresh pairs alone, begun
 * after the adoption, with an error budget over all claims of a run. */
#pragma once
#include "config.pb-c.h"
#include "ledger.pb-c.h"

#include <stdint.h>

/* Revision 3: of changes that may be adopted the one whose pairs gained most is; a last chance is
 * taken only where the gain pays for what follows it; what has left a stretch reserves nothing. A
 * change of what follows from recorded losses is a new revision. */
enum { RULE_REVISION = 3, RULE_LOOKS = 4 };

struct rule {
    /* money: shares of the tokens of the run */
    double stake; /* that planners' arms may cost since the last adoption */
    double share; /* that all experiments may cost */
    /* stretches */
    unsigned forks;       /* arms at once, but for the watch */
    unsigned first_steps; /* of the trunk before the first stretch, at least */
    double last;          /* part of the planned length after which no hypothesis is tried */
    double margin;        /* nats, below which a gain is not worth having */
    /* posterior of a gain */
    double tau;               /* prior sd of a gain, nats */
    unsigned prior_nu;        /* degrees of freedom of the prior variance */
    unsigned k_slow, k_fast;  /* prior variance of a pair, in that of its windows, over 128 */
    double adopt, adopt_last; /* probability from which on a change is adopted; where it is the
                                  last chance */
    double close;             /* up to which it is closed */
    unsigned pairs;           /* after which it is closed */
    double price;             /* nats a run of B tokens: what a stretch must promise to be worth */
    /* watch over an adoption */
    unsigned watch; /* stretches */
    double back, keep;
    /* claims */
    double alpha;
    double proof; /* part of the expected gain that the proof may cost */
    uint32_t looks[RULE_LOOKS];
    double shares[RULE_LOOKS]; /* of a claim's budget */
};

/* The constants of a run that sets none; those of one with that configuration. */
extern const struct rule rule_default;
struct rule rule_of(const Trireme__Config *config);

/* Fills in the record of the rule of a run of so many tokens. It borrows from *rule. */
void rule_tell(Trireme__Rule *record, struct rule *rule, const Trireme__Config *config,
               uint64_t tokens);
