#include "worker/data/source.h"

#include "base/check.h"
#include "base/file.h"
#include "base/mem.h"
#include "proto/schema/message.h"
#include "worker/data/data_tokenizer.h"
#include "worker/data/data_yaml.h"
#include "worker/data/shard_list.h"
#include "worker/data/split.h"
#include "worker/data/token_file.h"
#include "worker/tokenizer/tokenizer.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)TRIREME__PART__dev == 0 && (int)TRIREME__PART__gate == SPLIT_GATE - SPLIT_DEV &&
                   (int)TRIREME__PART__sealed == SPLIT_SEALED - SPLIT_DEV,
               "the split's parts and the messages' have one order");

static const Trireme__ReadFile__Use USE_TRAINING = TRIREME__READ_FILE__USE__training,
                                    USE_VALIDATION = TRIREME__READ_FILE__USE__validation,
                                    USE_NONE = TRIREME__READ_FILE__USE__unread;

struct stretch { /* a range of tokens with at least one sample */
    size_t file;
    uint64_t first, samples_before, samples;
};

struct part {
    struct stretch *stretches;
    size_t n, room;
    uint64_t samples;
    uint64_t longest; /* tokens of the longest range, also of those too short for a sample */
};

struct source_file {
    struct token_file file;
    Trireme__ReadFile__Use use;
    const char *digest; /* as data.yaml says; borrowed from the set. NULL: it does not */
};

struct source {
    char *path;
    Trireme__Source__Format format;
    size_t context, vocab;
    struct source_file *files;
    size_t n_files, room;
    struct shard_list shards;                 /* of a foreign folder */
    struct part train, val[SOURCE_VAL_PARTS]; /* val by Trireme__Part */
    Trireme__DataSet *set;                    /* data.yaml, or NULL */
    struct digest set_digest;
    uint32_t *token_bytes; /* (set->vocab) with a tokenizer: bytes that each token stands for */
};

static void part_add(struct source *source, struct part *part, size_t file, uint64_t first,
                     uint64_t tokens)
{
    const uint64_t samples = tokens ? (tokens - 1) / source->context : 0;
    part->longest = tokens > part->longest ? tokens : part->longest;
    if (samples == 0)
        return;
    part->stretches = mem_grow(part->stretches, part->n, &part->room, sizeof *part->stretches);
    part->stretches[part->n++] = (struct stretch){
        .file = file, .first = first, .samples_before = part->samples, .samples = samples};
    part->samples += samples;
}

/* Opens one more file; its number, or -1. */
static long add_file(struct source *source, const char *path, Trireme__ReadFile__Use use,
                     struct err *err)
{
    struct source_file file = {.use = use};
    if (token_file_open_for(&file.file, path, source->format, source->vocab, err) < 0)
        return -1;
    source->files = mem_grow(source->files, source->n_files, &source->room, sizeof *source->files);
    source->files[source->n_files] = file;
    return (long)source->n_files++;
}

/* Opens a file that data.yaml names. Returns its number, or -1 on error. */
static long add_prepared_file(struct source *source, const Trireme__TokenFile *expected,
                              Trireme__ReadFile__Use use, struct err *err)
{
    char *path = file_join(source->path, expected->file);
    long i = add_file(source, path, use, err);
    if (i >= 0 && source->files[i].file.n_tokens != expected->tokens) {
        err_set(err, ERR_DATA, "%s: found %" PRIu64 " tokens, expected %" PRIu64 " as in data.yaml",
                path, source->files[i].file.n_tokens, expected->tokens);
        i = -1;
    }
    if (i >= 0 && expected->digest && expected->digest[0])
        source->files[i].digest = expected->digest;
    free(path);
    return i;
}

/* Ranges that count through all files of validation, of which `file` is the first. */
static int part_add_ranges(struct source *source, Trireme__Part part, size_t file,
                           Trireme__Range *const *ranges, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        size_t in = file;
        uint64_t first = ranges[i]->first;
        for (; in + 1 < source->n_files && first >= source->files[in].file.n_tokens; in++)
            first -= source->files[in].file.n_tokens;
        if (ranges[i]->tokens > source->files[in].file.n_tokens - first)
            return err_set(err, ERR_DATA,
                           "%s/data.yaml: a range of %" PRIu64 " tokens from %" PRIu64
                           " on, expected it to lie in one file",
                           source->path, ranges[i]->tokens, ranges[i]->first);
        part_add(source, &source->val[part], in, first, ranges[i]->tokens);
    }
    return 0;
}

/* Reads what the tokens stand for, if a tokenizer made them. */
static int read_tokenizer(struct source *source, struct err *err)
{
    const Trireme__DataSet *set = source->set;
    if (!data_yaml_has_tokenizer(set))
        return 0;
    struct tokenizer *tokenizer = data_tokenizer_open(source->path, set, err);
    if (!tokenizer)
        return -1;
    source->token_bytes = mem_new(set->vocab, sizeof *source->token_bytes);
    for (uint32_t i = 0; i < set->vocab; i++)
        source->token_bytes[i] = tokenizer_token_bytes(tokenizer, i);
    tokenizer_close(tokenizer);
    return 0;
}

static int open_prepared(struct source *source, struct err *err)
{
    source->set = data_yaml_read(source->path, &source->set_digest, err);
    if (!source->set)
        return -1;
    const Trireme__DataSet *set = source->set;
    if (set->vocab > source->vocab)
        return err_set(err, ERR_DATA,
                       "%s/data.yaml: found a vocabulary of %" PRIu32
                       ", expected at most the model's %zu",
                       source->path, set->vocab, source->vocab);
    if (read_tokenizer(source, err) < 0)
        return -1;
    long train = add_prepared_file(source, set->train, USE_TRAINING, err);
    if (train < 0)
        return -1;
    part_add(source, &source->train, (size_t)train, 0, set->train->tokens);
    for (size_t i = 0; i < set->n_more_train; i++) {
        train = add_prepared_file(source, set->more_train[i], USE_TRAINING, err);
        if (train < 0)
            return -1;
        part_add(source, &source->train, (size_t)train, 0, set->more_train[i]->tokens);
    }
    if (!data_yaml_has_val(set))
        return 0;
    long val = add_prepared_file(source, set->val, USE_VALIDATION, err);
    if (val < 0)
        return -1;
    for (size_t i = 0; i < set->n_more_val; i++)
        if (add_prepared_file(source, set->more_val[i], USE_VALIDATION, err) < 0)
            return -1;
    const size_t first = (size_t)val;
    return part_add_ranges(source, TRIREME__PART__dev, first, set->dev, set->n_dev, err) < 0 ||
                   part_add_ranges(source, TRIREME__PART__gate, first, set->gate, set->n_gate,
                                   err) < 0
               ? -1
               : part_add_ranges(source, TRIREME__PART__sealed, first, set->sealed, set->n_sealed,
                                 err);
}

/* Divides a foreign validation file, for which no data.yaml gives parts, by blocks. */
static void add_foreign_val(struct source *source, size_t file)
{
    struct digest digest = token_file_digest(&source->files[file].file);
    size_t n = 0;
    struct split_unit *blocks = split_blocks(&n, source->files[file].file.n_tokens,
                                             digest_key(digest.high ^ digest.low, "split"));
    split_parts(blocks, n);
    uint64_t first = 0;
    for (size_t i = 0; i < n; i++) {
        ASSERT(blocks[i].part != SPLIT_TRAIN);
        part_add(source, &source->val[blocks[i].part - SPLIT_DEV], file, first, blocks[i].tokens);
        first += blocks[i].tokens;
    }
    free(blocks);
}

static int open_folder(struct source *source, struct err *err)
{
    if (shard_list_read(&source->shards, source->path, err) < 0)
        return -1;
    for (size_t i = 0; i < source->shards.n; i++) {
        const struct shard_name *shard = &source->shards.names[i];
        if (shard->use == SHARD_UNREAD)
            continue;
        const bool val = shard->use == SHARD_VAL;
        char *path = file_join(source->path, shard->name);
        const long file = add_file(source, path, val ? USE_VALIDATION : USE_TRAINING, err);
        free(path);
        if (file < 0)
            return -1;
        if (val)
            add_foreign_val(source, (size_t)file);
        else
            part_add(source, &source->train, (size_t)file, 0, source->files[file].file.n_tokens);
    }
    return 0;
}

static int open_file(struct source *source, struct err *err)
{
    if (add_file(source, source->path, USE_TRAINING, err) < 0)
        return -1;
    part_add(source, &source->train, 0, 0, source->files[0].file.n_tokens);
    return 0;
}

struct source *source_open(const Trireme__Source *config, size_t context, size_t vocab,
                           struct err *err)
{
    ASSERT(context >= 1 && vocab >= 1);
    struct source *source = mem_new(1, sizeof *source);
    source->path = mem_strdup(config->path);
    source->format = config->format;
    source->context = context;
    source->vocab = vocab;
    int rc = !file_is_dir(source->path)       ? open_file(source, err)
             : data_yaml_exists(source->path) ? open_prepared(source, err)
                                              : open_folder(source, err);
    if (rc == 0 && source->train.samples == 0)
        rc = err_set(err, ERR_DATA,
                     "%s: the longest range of training tokens has %" PRIu64
                     ", expected at least %zu: a sample of the model's context and one more",
                     source->path, source->train.longest, context + 1);
    if (rc == 0)
        return source;
    source_free(source);
    return NULL;
}

void source_free(struct source *source)
{
    if (!source)
        return;
    for (size_t i = 0; i < source->n_files; i++)
        token_file_close(&source->files[i].file);
    free(source->files);
    shard_list_clear(&source->shards);
    free(source->train.stretches);
    for (size_t i = 0; i < SOURCE_VAL_PARTS; i++)
        free(source->val[i].stretches);
    message_free(source->set);
    free(source->token_bytes);
    free(source->path);
    free(source);
}

uint64_t source_train_samples(const struct source *source)
{
    return source->train.samples;
}

uint64_t source_val_samples(const struct source *source, Trireme__Part part)
{
    return source->val[part].samples;
}

uint64_t source_val_tokens(const struct source *source)
{
    uint64_t tokens = 0;
    for (size_t i = 0; i < source->n_files; i++)
        if (source->files[i].use == USE_VALIDATION)
            tokens += source->files[i].file.n_tokens;
    return tokens;
}

uint64_t source_val_longest(const struct source *source, Trireme__Part part)
{
    return source->val[part].longest;
}

static void describe_file(Trireme__ReadFile *file, const struct source_file *of)
{
    file->path = mem_strdup(of->file.path);
    file->has_use = 1, file->use = of->use;
    file->format = mem_strdup(of->file.format);
    file->has_tokens = 1, file->tokens = of->file.n_tokens;
    file->has_bytes = 1, file->bytes = of->file.map.size;
}

void source_describe(const struct source *source, const char *name, Trireme__RunData *data)
{
    const size_t most = data->n_files + source->n_files + source->shards.n;
    data->files = mem_resize(data->files, most, sizeof *data->files);
    for (size_t i = 0; i < source->n_files + source->shards.n; i++) {
        const struct shard_name *shard =
            i < source->n_files ? NULL : &source->shards.names[i - source->n_files];
        if (shard && shard->use != SHARD_UNREAD)
            continue;
        Trireme__ReadFile *file = message_new(&trireme__read_file__descriptor);
        file->source = mem_strdup(name);
        if (!shard) {
            describe_file(file, &source->files[i]);
        } else {
            file->path = file_join(source->path, shard->name);
            file->has_use = 1, file->use = USE_NONE;
        }
        data->files[data->n_files++] = file;
    }
}

size_t source_files(const struct source *source)
{
    return source->n_files;
}

const struct token_file *source_file(const struct source *source, size_t i, const char **digest)
{
    ASSERT(i < source->n_files);
    *digest = source->files[i].digest;
    return &source->files[i].file;
}

bool source_count_bytes(const struct source *source, uint64_t *bytes, const int32_t *tokens,
                        size_t n)
{
    const Trireme__DataSet *set = source->set;
    if (!set || (!source->token_bytes && strcmp(set->tokenizer, "byte")))
        return false;
    *bytes = source->token_bytes ? 0 : n;
    for (size_t i = 0; source->token_bytes && i < n; i++) {
        const uint32_t token = (uint32_t)tokens[i];
        *bytes += token < set->vocab ? source->token_bytes[token] : 0;
    }
    return true;
}

const Trireme__DataSet *source_set(const struct source *source, const char **folder)
{
    *folder = source->path;
    return source->set;
}

/* Reads part number `i` of `n` of a sample. */
static int read_sample(const struct source *source, const struct part *part, int32_t *tokens,
                       uint64_t sample, uint32_t i, uint32_t n, struct err *err)
{
    ASSERT(sample < part->samples && i < n && source->context % n == 0);
    size_t low = 0, high = part->n - 1;
    while (low < high) { // the last stretch that begins at or before the sample
        const size_t middle = (low + high + 1) / 2;
        if (part->stretches[middle].samples_before <= sample)
            low = middle;
        else
            high = middle - 1;
    }
    const struct stretch *stretch = &part->stretches[low];
    const size_t length = source->context / n;
    const uint64_t first =
        stretch->first + (sample - stretch->samples_before) * source->context + i * length;
    return token_file_read(&source->files[stretch->file].file, tokens, first, length + 1,
                           source->vocab, err);
}

int source_train_sample(const struct source *source, int32_t *tokens, uint64_t sample,
                        uint32_t part, uint32_t parts, struct err *err)
{
    return read_sample(source, &source->train, tokens, sample, part, parts, err);
}

int source_val_sample(const struct source *source, int32_t *tokens, Trireme__Part part,
                      uint64_t sample, struct err *err)
{
    return read_sample(source, &source->val[part], tokens, sample, 0, 1, err);
}

struct digest source_digest(const struct source *source)
{
    static const char anew[] = "words";
    struct digest_stream *stream = digest_stream_new();
    digest_stream_add(stream, &source->set_digest, sizeof source->set_digest);
    for (size_t i = 0; i < source->n_files; i++) {
        const struct digest digest = token_file_digest(&source->files[i].file);
        digest_stream_add(stream, &digest, sizeof digest);
    }
    if (source->shards.n && !source->shards.as_before)
        digest_stream_add(stream, anew, sizeof anew);
    return digest_stream_end(stream);
}
