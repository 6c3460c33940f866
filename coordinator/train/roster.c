#include "coordinator/train/roster.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void roster_clear(struct roster *m)
{
    for (size_t i = 0; i < m->n_sources; i++)
        free(m->sources[i].name);
    free(m->sources);
    free(m->gate_samples);
    free(m->sealed_samples);
    free(m->fingerprint);
    free(m->data_digest);
    *m = (struct roster){0};
}

int roster_check(const struct roster *m, const Trireme__Manifest *manifest, struct err *err)
{
    if (manifest && manifest->data_digest && strcmp(manifest->data_digest, m->data_digest))
        return err_set(
            err, ERR_DATA,
            "the token files are not those of the checkpoint: found digest %s, expected %s",
            m->data_digest, manifest->data_digest);
    return 0;
}

static int add_first(struct roster *m, const Trireme__Manifest *manifest,
                     const Trireme__Ready *ready, struct err *err)
{
    m->fingerprint = mem_strdup(ready->fingerprint);
    m->data_digest = mem_strdup(ready->data_digest);
    m->n_sources = ready->n_eval;
    m->sources = mem_new(m->n_sources, sizeof *m->sources);
    m->gate_samples = mem_new(m->n_sources, sizeof *m->gate_samples);
    m->sealed_samples = mem_new(m->n_sources, sizeof *m->sealed_samples);
    for (size_t i = 0; i < m->n_sources; i++) {
        m->gate_samples[i] = ready->eval[i]->gate_samples;
        m->sealed_samples[i] = ready->eval[i]->sealed_samples;
    }
    for (size_t i = 0; i < m->n_sources; i++)
        m->sources[i] = (struct eval_source){.name = mem_strdup(ready->eval[i]->name),
                                             .samples = ready->eval[i]->samples,
                                             .val_tokens = ready->eval[i]->val_tokens,
                                             .dev_longest = ready->eval[i]->dev_longest};
    return roster_check(m, manifest, err);
}

int roster_add(struct roster *m, const Trireme__Manifest *manifest, const char *who,
               const Trireme__Ready *ready, struct err *err)
{
    if (!ready->fingerprint || !ready->data_digest)
        return err_set(err, ERR_MACHINE, "%s did not say what it computes with", who);
    if (!m->fingerprint)
        return add_first(m, manifest, ready, err);
    if (strcmp(m->fingerprint, ready->fingerprint))
        return err_set(
            err, ERR_MACHINE,
            "%s computes with other kernels than the first worker: found %s, expected %s", who,
            ready->fingerprint, m->fingerprint);
    if (strcmp(m->data_digest, ready->data_digest))
        return err_set(
            err, ERR_DATA,
            "%s sees other token files than the first worker: found digest %s, expected %s", who,
            ready->data_digest, m->data_digest);
    return 0;
}
