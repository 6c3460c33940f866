#include "worker/lease_check.h"

#include "proto/config/run_config.h"
#include "proto/order/segment.h"
#include "worker/data/dataset.h"
#include "worker/worker_trial.h"

static int check_training(const struct worker_trial *trial, const Trireme__Lease *lease,
                          struct err *err)
{
    const uint32_t n = worker_trial_leaves(trial),
                   parts = order_parts(trial->order, lease->first_sample);
    if (lease->first_leaf >= n || lease->leaves > n - lease->first_leaf)
        return err_set(err, ERR_MACHINE,
                       "leased %u leaves from %u on of trial %u, whose steps have %u",
                       lease->leaves, lease->first_leaf, lease->trial, n);
    if (parts != run_config_parts(trial->config))
        return err_set(err, ERR_MACHINE,
                       "leased sample %llu of trial %u, where windows are cut into %u, expected %u "
                       "as in train.context",
                       (unsigned long long)lease->first_sample, lease->trial, parts,
                       run_config_parts(trial->config));
    return 0;
}

static int check_evaluation(const struct dataset *dataset, const Trireme__Lease *lease,
                            struct err *err)
{
    if (lease->eval_source >= dataset_sources(dataset) ||
        (unsigned)lease->part > TRIREME__PART__sealed)
        return err_set(err, ERR_MACHINE, "leased part %d of source %u to evaluate, of %zu sources",
                       (int)lease->part, lease->eval_source, dataset_sources(dataset));
    const uint64_t n = dataset_eval_samples(dataset, lease->part, lease->eval_source);
    if (n == 0 || (!lease->eval_key &&
                   (lease->eval_first > n || lease->eval_samples > n - lease->eval_first)))
        return err_set(
            err, ERR_MACHINE,
            "leased samples %llu to %llu of part %d of source %u to evaluate, which has %llu",
            (unsigned long long)lease->eval_first,
            (unsigned long long)(lease->eval_first + lease->eval_samples), (int)lease->part,
            lease->eval_source, (unsigned long long)n);
    return 0;
}

int lease_check(const Trireme__Lease *lease, const struct worker_trial *trial,
                const struct dataset *dataset, struct err *err)
{
    if (!trial)
        return err_set(err, ERR_MACHINE, "leased work of trial %u, which is not there",
                       lease->trial);
    return lease->leaves ? check_training(trial, lease, err)
                         : check_evaluation(dataset, lease, err);
}
