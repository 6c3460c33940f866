#include "coordinator/gate/account.h"

uint64_t account_length(const struct account *a)
{
    const double left = a->all - a->spent - a->trained;
    return a->step + (left > 0 ? (uint64_t)(left / a->step_tokens) : 0);
}

static size_t count(const struct account_arm *arms, size_t n)
{
    size_t left = 0;
    for (size_t i = 0; i < n; i++)
        left += !arms[i].dropped;
    return left;
}

double account_price(const struct account_arm *arms, size_t n, double fixed)
{
    double price = count(arms, n) ? fixed : 0;
    for (size_t i = 0; i < n; i++)
        price += arms[i].dropped ? 0 : arms[i].cost;
    return price;
}

double account_planners_price(const struct account_arm *arms, size_t n, double fixed)
{
    const size_t all = count(arms, n);
    size_t planners = 0;
    double price = 0;
    for (size_t i = 0; i < n; i++)
        if (!arms[i].dropped && arms[i].planner) {
            price += arms[i].cost;
            planners++;
        }
    return planners ? price + fixed * (double)planners / (double)all : 0;
}

bool account_affords(const struct rule *rule, const struct account *account,
                     const struct account_arm *arms, size_t n, double fixed)
{
    const double planners = account_planners_price(arms, n, fixed);
    return (planners == 0 || account->since + planners <= rule->stake * account->all) &&
           account->spent + account_price(arms, n, fixed) <= rule->share * account->all;
}

double account_needs(const struct rule *rule, const struct account_arm *arm, double fixed)
{
    const double price = arm->cost + fixed;
    const double share = price / rule->share, stake = arm->planner ? price / rule->stake : 0;
    return stake > share ? stake : share;
}

/* Returns the arm that is dropped next, or NULL. */
static struct account_arm *least(struct account_arm *arms, size_t n)
{
    struct account_arm *found = NULL;
    for (size_t i = 0; i < n; i++)
        if (!arms[i].dropped && !arms[i].watch && !arms[i].claim &&
            (!found || arms[i].m <= found->m))
            found = &arms[i];
    for (size_t i = n; !found && i-- > 0;)
        if (!arms[i].dropped && arms[i].claim && !arms[i].watch)
            found = &arms[i];
    return found;
}

size_t account_fit(const struct rule *rule, const struct account *account, struct account_arm *arms,
                   size_t n, double fixed)
{
    struct account_arm *next;
    while (!account_affords(rule, account, arms, n, fixed) && (next = least(arms, n)))
        next->dropped = true;
    return count(arms, n);
}

double account_left(const struct rule *rule, const struct account *account)
{
    const double stake = rule->stake * account->all - account->since,
                 share = rule->share * account->all - account->spent;
    const double least = stake < share ? stake : share;
    return least > 0 ? least : 0;
}
