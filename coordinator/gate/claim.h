/* A claim: that a change which was adopted gains over the recipe before, and how much. It is tested
 * by Student's t on reverse pairs alone, which begin after it was registered: what chose the change
 * does not testify for it. The budgets of a run's claims follow LOND (Javanmard and Montanari, Ann.
 * Stat. 46, 2018), so of the claims of a run an expected share of at most alpha is false.
 *
 * False is a claim whose expected gain over the old recipe, from checkpoints like those, over that
 * stretch and tail, is at most the margin. Not promised: a better end, anything that was only
 * adopted, normality. Pure functions of recorded numbers. */
#pragma once
#include "coordinator/gate/rule.h"

#include <stdbool.h>

enum claim_answer {
    CLAIM_OPEN,
    CLAIM_CLAIMED,
    CLAIM_UNPROVEN,
};

struct claim_judgement {
    enum claim_answer answer;
    double mean, t, p; /* of the pairs; p: of the test. t is 0 and p 1 where there is no spread */
    double s2, w2;     /* variance between pairs; mean variance that the windows explain */
};

/* Budget of the next claim. registered, made: claims so far; made ones were claimed. */
double claim_alpha(const struct rule *rule, unsigned registered, unsigned made);

/* Whether the gain m that is expected of an adopted change pays for its proof. stretch: what the
 * four stretches of a proof cost each, in tokens; all: tokens of the run. */
bool claim_pays(const struct rule *rule, double m, double stretch, double all);

/* Whether the claim is tested after n pairs. */
bool claim_is_look(const struct rule *rule, unsigned n);

/* The most pairs that a claim is tested by. */
unsigned claim_pairs(const struct rule *rule);

/* The rule after n pairs: CLAIM_OPEN between looks. y: loss of the old recipe less that of the new,
 * less the margin; w: variance of the mean difference of its windows. All finite. */
struct claim_judgement claim_judge(const struct rule *rule, const double *y, const double *w,
                                   unsigned n, double alpha);
