#include "worker/data/dataset.h"

#include "base/check.h"
#include "base/mem.h"
#include "proto/order/permutation.h"
#include "proto/order/segment.h"
#include "proto/schema/message.h"
#include "worker/data/data_yaml.h"
#include "worker/data/path.h"
#include "worker/data/source.h"

#include <stdlib.h>
#include <string.h>

struct named_source { /* a source by its name */
    char *name;
    struct source *source;
};

struct dataset {
    Trireme__Data__Order order_kind;
    uint64_t seed;
    struct named_source *sources;
    size_t n_sources;
};

static int add_source(struct dataset *dataset, const Trireme__Source *config, size_t context,
                      size_t vocab, struct err *err)
{
    if (!config->path || !config->path[0])
        return err_set(err, ERR_USAGE,
                       "data.sources.%zu.path: found nothing, expected a folder or a token file",
                       dataset->n_sources);
    char *name =
        config->name && config->name[0] ? mem_strdup(config->name) : path_base_name(config->path);
    for (size_t i = 0; i < dataset->n_sources; i++)
        if (!strcmp(dataset->sources[i].name, name)) {
            err_set(err, ERR_USAGE,
                    "data.sources: %zu and %zu are both named '%s', expected different names", i,
                    dataset->n_sources, name);
            free(name);
            return -1;
        }
    struct source *source = source_open(config, context, vocab, err);
    if (!source) {
        free(name);
        return -1;
    }
    dataset->sources[dataset->n_sources++] = (struct named_source){.name = name, .source = source};
    return 0;
}

/* What two sources' tokens stand for must be the same, where both say it. */
static int check_tokenizers(const struct dataset *dataset, struct err *err)
{
    const Trireme__DataSet *first = NULL;
    const char *folder, *name = NULL;
    for (size_t i = 0; i < dataset->n_sources; i++) {
        const Trireme__DataSet *set = source_set(dataset->sources[i].source, &folder);
        if (!set)
            continue;
        const bool has = data_yaml_has_tokenizer(set);
        if (first && (has != data_yaml_has_tokenizer(first) ||
                      (has && strcmp(set->vocabulary->digest, first->vocabulary->digest))))
            return err_set(err, ERR_DATA,
                           "data.sources: found tokens of '%s' in '%s' and of '%s' in '%s' "
                           "(digests %s and %s), expected one tokenizer",
                           first->tokenizer, name, set->tokenizer, dataset->sources[i].name,
                           data_yaml_has_tokenizer(first) ? first->vocabulary->digest : "none",
                           has ? set->vocabulary->digest : "none");
        first = first ? first : set;
        name = name ? name : dataset->sources[i].name;
    }
    return 0;
}

struct dataset *dataset_open(const Trireme__Data *config, size_t context, size_t vocab,
                             uint64_t seed, struct err *err)
{
    struct dataset *dataset = mem_new(1, sizeof *dataset);
    dataset->order_kind = config->order;
    dataset->seed = seed;
    dataset->sources = mem_new(config->n_sources, sizeof *dataset->sources);
    if (config->n_sources == 0) {
        err_set(err, ERR_USAGE, "data.sources: found none, expected at least one");
        goto fail;
    }
    for (size_t i = 0; i < config->n_sources; i++)
        if (add_source(dataset, config->sources[i], context, vocab, err) < 0)
            goto fail;
    if (check_tokenizers(dataset, err) < 0)
        goto fail;
    return dataset;
fail:
    dataset_free(dataset);
    return NULL;
}

void dataset_free(struct dataset *dataset)
{
    if (!dataset)
        return;
    for (size_t i = 0; i < dataset->n_sources; i++) {
        free(dataset->sources[i].name);
        source_free(dataset->sources[i].source);
    }
    free(dataset->sources);
    free(dataset);
}

int dataset_sample(const struct dataset *dataset, struct order *order, int32_t *tokens,
                   uint64_t sample, struct err *err)
{
    const struct order_place place = order_locate(order, sample);
    ASSERT(place.source < dataset->n_sources);
    const struct named_source *named = &dataset->sources[place.source];
    const uint64_t n = source_train_samples(named->source);
    uint64_t window = place.window % n;
    if (dataset->order_kind == TRIREME__DATA__ORDER__shuffled)
        window = permutation_at(permutation_key(dataset->seed, named->name, place.window / n), n,
                                window);
    return source_train_sample(named->source, tokens, window, place.part, place.parts, err);
}

size_t dataset_sources(const struct dataset *dataset)
{
    return dataset->n_sources;
}

const char *dataset_source_name(const struct dataset *dataset, size_t source)
{
    ASSERT(source < dataset->n_sources);
    return dataset->sources[source].name;
}

uint64_t dataset_eval_samples(const struct dataset *dataset, Trireme__Part part, size_t source)
{
    ASSERT(source < dataset->n_sources);
    return source_val_samples(dataset->sources[source].source, part);
}

uint64_t dataset_val_tokens(const struct dataset *dataset, size_t source)
{
    ASSERT(source < dataset->n_sources);
    return source_val_tokens(dataset->sources[source].source);
}

uint64_t dataset_val_longest(const struct dataset *dataset, Trireme__Part part, size_t source)
{
    ASSERT(source < dataset->n_sources);
    return source_val_longest(dataset->sources[source].source, part);
}

Trireme__RunData *dataset_describe(const struct dataset *dataset)
{
    Trireme__RunData *data = message_new(&trireme__run_data__descriptor);
    for (size_t i = 0; i < dataset->n_sources; i++)
        source_describe(dataset->sources[i].source, dataset->sources[i].name, data);
    const char *folder;
    const Trireme__Vocabulary *vocabulary = dataset_vocabulary(dataset, &folder);
    message_free(data->vocabulary);
    data->vocabulary = vocabulary ? message_copy(vocabulary) : NULL;
    return data;
}

const struct source *dataset_source(const struct dataset *dataset, size_t source)
{
    ASSERT(source < dataset->n_sources);
    return dataset->sources[source].source;
}

bool dataset_count_bytes(const struct dataset *dataset, uint64_t *bytes, size_t source,
                         const int32_t *tokens, size_t n)
{
    ASSERT(source < dataset->n_sources);
    return source_count_bytes(dataset->sources[source].source, bytes, tokens, n);
}

const Trireme__Vocabulary *dataset_vocabulary(const struct dataset *dataset, const char **folder)
{
    for (size_t i = 0; i < dataset->n_sources; i++) {
        const Trireme__DataSet *set = source_set(dataset->sources[i].source, folder);
        if (set && data_yaml_has_tokenizer(set))
            return set->vocabulary;
    }
    return NULL;
}

int dataset_eval_sample(const struct dataset *dataset, int32_t *tokens, Trireme__Part part,
                        size_t source, uint64_t sample, struct err *err)
{
    ASSERT(source < dataset->n_sources);
    return source_val_sample(dataset->sources[source].source, tokens, part, sample, err);
}

uint64_t dataset_eval_drawn(const struct dataset *dataset, Trireme__Part part, size_t source,
                            uint64_t key, uint64_t k)
{
    const uint64_t n = dataset_eval_samples(dataset, part, source);
    ASSERT(n > 0);
    return permutation_at(permutation_key(key, dataset->sources[source].name, k / n), n, k % n);
}

void dataset_digest(const struct dataset *dataset, char hex[DIGEST_HEX_SIZE])
{
    struct digest_stream *stream = digest_stream_new();
    for (size_t i = 0; i < dataset->n_sources; i++) {
        const struct digest digest = source_digest(dataset->sources[i].source);
        digest_stream_add(stream, dataset->sources[i].name, strlen(dataset->sources[i].name) + 1);
        digest_stream_add(stream, &digest, sizeof digest);
    }
    digest_hex(hex, digest_stream_end(stream));
}
