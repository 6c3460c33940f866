#include "coordinator/train/whole_read.h"

#include "base/file.h"
#include "base/mem.h"
#include "coordinator/run/run.h"
#include "coordinator/run/run_data.h"
#include "coordinator/run/run_tokenizer.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>

struct whole_read {
    const struct run *run;     /* borrowed */
    Trireme__RunData *before;  /* of RUN/data.yaml; NULL: there is nothing to compare with */
    Trireme__RunData *said;    /* of the first READY, without digests */
    Trireme__RunData *digests; /* of the first answer */
    char *first;               /* who gave it */
    char **hosts;
    size_t n_hosts, room, n_answers;
    bool has_tokenizer; /* RUN/tokenizer is there, from a launch before */
};

struct whole_read *whole_read_new(const struct run *run, struct err *err)
{
    struct whole_read *w = mem_new(1, sizeof *w);
    w->run = run;
    // Before the first checkpoint other files may take the place of those of an earlier launch.
    if (run->manifest && run_data_read(&w->before, run->folder, err) < 0) {
        whole_read_free(w);
        return NULL;
    }
    char *folder = run_tokenizer_folder(run->folder);
    w->has_tokenizer = w->before && file_is_dir(folder);
    free(folder);
    return w;
}

bool whole_read_wants_tokenizer(const struct whole_read *w)
{
    return w->n_hosts == 1 && !w->has_tokenizer;
}

void whole_read_free(struct whole_read *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->n_hosts; i++)
        free(w->hosts[i]);
    free(w->hosts);
    free(w->first);
    message_free(w->before);
    message_free(w->said);
    message_free(w->digests);
    free(w);
}

/* vocabulary: NULL, or one without a digest, where it is not known. */
static Trireme__RunData *data_of(Trireme__ReadFile *const *files, size_t n,
                                 const Trireme__Vocabulary *vocabulary)
{
    Trireme__RunData *data = message_new(&trireme__run_data__descriptor);
    data->has_format = 1;
    data->files = mem_new(n, sizeof *data->files);
    for (size_t i = 0; i < n; i++)
        data->files[data->n_files++] = message_copy(files[i]);
    message_free(data->vocabulary);
    data->vocabulary =
        vocabulary && vocabulary->digest && vocabulary->digest[0] ? message_copy(vocabulary) : NULL;
    return data;
}

bool whole_read_ready(struct whole_read *w, const Trireme__Ready *ready)
{
    const char *host = ready->host ? ready->host : "";
    if (!w->said)
        w->said = data_of(ready->files, ready->n_files, NULL);
    for (size_t i = 0; i < w->n_hosts; i++)
        if (!strcmp(w->hosts[i], host))
            return false;
    w->hosts = mem_grow(w->hosts, w->n_hosts, &w->room, sizeof *w->hosts);
    w->hosts[w->n_hosts++] = mem_strdup(host);
    return true;
}

int whole_read_add(struct whole_read *w, const char *who, const Trireme__WasRead *was_read,
                   struct err *err)
{
    if (whole_read_done(w))
        return err_set(err, ERR_MACHINE, "%s sent digests of token files that nobody asked for",
                       who);
    Trireme__RunData *data = data_of(was_read->files, was_read->n_files, was_read->vocabulary);
    // A base model's tokenizer, which the run has, need not be there any more.
    if (!data->vocabulary && w->before && w->before->vocabulary)
        data->vocabulary = message_copy(w->before->vocabulary);
    int rc = w->before ? run_data_compare(data, w->before,
                                          "the run's data.yaml: the token files are not those of "
                                          "the checkpoint",
                                          err)
                       : 0;
    if (rc == 0 && w->digests && run_data_compare(data, w->digests, w->first, err) < 0)
        rc = err_context(err, "%s", who);
    if (rc == 0 && was_read->n_tokenizer_files && data->vocabulary)
        rc = run_tokenizer_write(w->run->folder, data->vocabulary, was_read->tokenizer_files,
                                 was_read->n_tokenizer_files, err);
    if (rc == 0 && !w->digests) {
        w->digests = data;
        w->first = mem_format("what %s reads: the hosts have different token files", who);
        data = NULL;
    }
    message_free(data);
    if (rc == 0 && ++w->n_answers == w->n_hosts)
        rc = run_check(w->run, err) < 0 ? -1 : run_data_write(w->digests, w->run->folder, err);
    return rc;
}

bool whole_read_done(const struct whole_read *w)
{
    return w->n_answers == w->n_hosts;
}

bool whole_read_compares(const struct whole_read *w)
{
    return w->before;
}

bool whole_read_is_first(const struct whole_read *w)
{
    return w->run->manifest && !w->before;
}

char *whole_read_sentence(const struct whole_read *w, const char *source)
{
    return w->said ? run_data_sentence(w->said, source) : NULL;
}
