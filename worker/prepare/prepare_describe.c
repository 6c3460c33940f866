#include "worker/prepare/prepare_describe.h"

#include "base/file.h"
#include "base/mem.h"
#include "proto/schema/message.h"
#include "proto/schema/write.h"
#include "worker/prepare/bigram.h"
#include "worker/data/data_yaml.h"
#include "worker/prepare/documents.h"
#include "worker/prepare/encoding.h"
#include "worker/prepare/prepare_plan.h"
#include "worker/prepare/token_writer.h"
#include "worker/tokenizer/tokenizer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Bytes of text that the tokens of a file stand for. Read a piece at a time: a map of it would
 * count as memory that is used. */
static int count_bytes(Trireme__TokenFile *about, const char *path, const struct encoding *encoding,
                       struct err *err)
{
    enum { PIECE = 65536 };
    const size_t width = token_writer_width(encoding->vocab);
    FILE *file = fopen(path, "rbe");
    if (!file || fseek(file, TOKEN_HEADER_BYTES, SEEK_SET) < 0) {
        err_set(err, ERR_DATA, "%s: cannot read: %s", path, strerror(errno));
        if (file)
            fclose(file);
        return -1;
    }
    unsigned char *piece = mem_new(PIECE, width);
    about->has_bytes = true;
    for (size_t n; (n = fread(piece, width, PIECE, file)) > 0;)
        for (size_t i = 0; i < n; i++) {
            uint32_t token = 0; // of either width: the machine is little-endian (token_file.c)
            memcpy(&token, piece + i * width, width);
            about->bytes += tokenizer_token_bytes(encoding->tokenizer, token);
        }
    free(piece);
    const bool failed = ferror(file);
    fclose(file);
    return failed ? err_set(err, ERR_DATA, "%s: cannot read it whole", path) : 0;
}

/* Describes the files of training or of validation: the first one and a list of the others. All is
 * owned by the message. */
static int describe_files(Trireme__TokenFile *first, Trireme__TokenFile ***more, size_t *n_more,
                          const char *folder, const char *name, uint64_t tokens,
                          uint64_t file_tokens, const struct encoding *encoding, struct err *err)
{
    const size_t n = token_writer_files(tokens, file_tokens);
    *more = n > 1 ? mem_new(n - 1, sizeof **more) : NULL;
    for (size_t i = 0; i < n; i++) {
        Trireme__TokenFile *file = first;
        if (i > 0)
            file = (*more)[(*n_more)++] = message_new(&trireme__token_file__descriptor);
        file->file = token_writer_name(name, i);
        file->has_tokens = true;
        file->tokens = token_writer_tokens(tokens, file_tokens, i);
        file->digest = mem_new(DIGEST_HEX_SIZE, 1);
        char *path = file_join(folder, file->file);
        struct digest digest;
        int rc = data_yaml_digest_file(&digest, path, err);
        if (rc == 0 && encoding)
            rc = count_bytes(file, path, encoding, err);
        free(path);
        if (rc < 0)
            return -1;
        digest_hex(file->digest, digest);
    }
    return 0;
}

static int measure_dev(Trireme__DataSet *set, const char *folder, struct err *err)
{
    const size_t n = 1 + set->n_more_val;
    struct token_file *files = mem_new(n, sizeof *files);
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        char *path = file_join(folder, (i ? set->more_val[i - 1] : set->val)->file);
        rc = token_file_open(&files[i], path, TRIREME__SOURCE__FORMAT__llmc, err);
        free(path);
    }
    if (rc == 0) {
        set->bigram_nats = bigram_nats(files, n, set->dev, set->n_dev);
        set->has_bigram_nats = set->bigram_nats >= 0;
    }
    for (size_t i = 0; i < n; i++)
        token_file_close(&files[i]);
    free(files);
    return rc;
}

/* Describes the tokenizer, whose files have been copied; NULL: a byte is a token. */
static int describe_tokenizer(Trireme__DataSet *set, const char *folder,
                              const struct encoding *encoding, struct err *err)
{
    Trireme__Vocabulary *vocabulary = set->vocabulary;
    if (!encoding) {
        message_free(vocabulary);
        set->vocabulary = NULL;
        return 0;
    }
    free(set->tokenizer);
    set->tokenizer = mem_strdup(encoding->name);
    set->vocab = encoding->vocab;
    vocabulary->digest = mem_new(DIGEST_HEX_SIZE, 1);
    digest_hex(vocabulary->digest, tokenizer_digest(encoding->tokenizer));
    vocabulary->has_end_of_text = encoding->ends, vocabulary->end_of_text = encoding->end;
    vocabulary->files = mem_new(encoding->files.n, sizeof *vocabulary->files);
    for (size_t i = 0; i < encoding->files.n; i++) {
        Trireme__TokenizerFile *file = message_new(&trireme__tokenizer_file__descriptor);
        vocabulary->files[vocabulary->n_files++] = file;
        file->file = mem_strdup(encoding->files.list[i].name);
        file->digest = mem_new(DIGEST_HEX_SIZE, 1);
        char *path = file_join(folder, file->file);
        struct digest digest;
        const int rc = data_yaml_digest_file(&digest, path, err);
        free(path);
        if (rc < 0)
            return -1;
        digest_hex(file->digest, digest);
    }
    return 0;
}

static int describe_val(Trireme__DataSet *set, const char *folder, const struct prepare_plan *plan,
                        const struct encoding *encoding, struct err *err)
{
    if (plan->val_tokens == 0) {
        message_free(set->val);
        set->val = NULL;
        return 0;
    }
    set->split = mem_strdup(plan->by_documents ? "documents" : "blocks");
    if (describe_files(set->val, &set->more_val, &set->n_more_val, folder, "val", plan->val_tokens,
                       plan->file_tokens, encoding, err) < 0)
        return -1;
    return encoding ? 0 : measure_dev(set, folder, err);
}

/* Lends the plan's ranges to the message, or takes them back. */
static void lend_ranges(Trireme__DataSet *set, const struct prepare_plan *plan, bool lend)
{
    const struct prepare_ranges *ranges = plan->ranges;
    set->n_dev = lend ? ranges[SPLIT_DEV].n : 0;
    set->n_gate = lend ? ranges[SPLIT_GATE].n : 0;
    set->n_sealed = lend ? ranges[SPLIT_SEALED].n : 0;
    set->dev = lend ? ranges[SPLIT_DEV].pointers : NULL;
    set->gate = lend ? ranges[SPLIT_GATE].pointers : NULL;
    set->sealed = lend ? ranges[SPLIT_SEALED].pointers : NULL;
}

char *prepare_describe(const char *folder, const char *name, const struct prepare_plan *plan,
                       const struct documents *documents, struct err *err)
{
    Trireme__DataSet *set = message_new(&trireme__data_set__descriptor);
    set->has_format = set->has_vocab = set->has_documents = set->has_duplicates = set->has_bytes =
        true;
    set->format = DATA_YAML_FORMAT;
    free(set->name);
    set->name = mem_strdup(name);
    set->documents = documents->n;
    set->duplicates = documents->duplicates;
    set->bytes = documents->bytes;
    lend_ranges(set, plan, true);
    const struct encoding *encoding = documents->encoding;
    char *yaml = NULL;
    if (describe_tokenizer(set, folder, encoding, err) == 0 &&
        describe_files(set->train, &set->more_train, &set->n_more_train, folder, "train",
                       plan->train_tokens, plan->file_tokens, encoding, err) == 0 &&
        describe_val(set, folder, plan, encoding, err) == 0)
        yaml = yaml_write(set, false);
    lend_ranges(set, plan, false);
    message_free(set);
    return yaml;
}
