#include "worker/data/data_yaml.h"

#include "base/file.h"
#include "base/mem.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool data_yaml_exists(const char *folder)
{
    char *path = file_join(folder, "data.yaml");
    bool exists = file_exists(path);
    free(path);
    return exists;
}

static bool is_set(const Trireme__TokenFile *file)
{
    return file && file->file && file->file[0];
}

bool data_yaml_has_val(const Trireme__DataSet *set)
{
    return is_set(set->val);
}

bool data_yaml_has_tokenizer(const Trireme__DataSet *set)
{
    return set->vocabulary && set->vocabulary->digest && set->vocabulary->digest[0];
}

uint64_t data_yaml_val_tokens(const Trireme__DataSet *set)
{
    uint64_t tokens = data_yaml_has_val(set) ? set->val->tokens : 0;
    for (size_t i = 0; i < set->n_more_val; i++)
        tokens += set->more_val[i]->tokens;
    return tokens;
}

static int check_name(const char *name, const char *which, const char *where, struct err *err)
{
    if (!name || !name[0])
        return err_set(err, ERR_DATA, "%s: %s: found one without a file, expected its name", where,
                       which);
    if (strchr(name, '/') || name[0] == '.')
        return err_set(err, ERR_DATA,
                       "%s: %s.file: found '%s', expected the name of a file in the folder", where,
                       which, name);
    return 0;
}

static int check_file(const Trireme__TokenFile *file, const char *which, const char *where,
                      struct err *err)
{
    return check_name(file ? file->file : NULL, which, where, err);
}

static int check_files(Trireme__TokenFile *const *files, size_t n, const char *which,
                       const char *where, struct err *err)
{
    for (size_t i = 0; i < n; i++)
        if (check_file(files[i], which, where, err) < 0)
            return -1;
    return 0;
}

static int compare_ranges(const void *a, const void *b)
{
    const Trireme__Range *x = *(Trireme__Range *const *)a, *y = *(Trireme__Range *const *)b;
    return x->first < y->first ? -1 : x->first > y->first;
}

/* Checks that dev, gate and sealed lie in the validation file and do not overlap. */
static int check_ranges(const Trireme__DataSet *set, const char *where, struct err *err)
{
    const uint64_t tokens = data_yaml_val_tokens(set);
    const struct {
        Trireme__Range **ranges;
        size_t n;
    } parts[] = {
        {set->dev,    set->n_dev   },
        {set->gate,   set->n_gate  },
        {set->sealed, set->n_sealed}
    };
    const Trireme__Range **all = mem_new(set->n_dev + set->n_gate + set->n_sealed, sizeof *all);
    size_t n = 0;
    for (size_t part = 0; part < sizeof parts / sizeof *parts; part++)
        for (size_t i = 0; i < parts[part].n; i++)
            all[n++] = parts[part].ranges[i];
    qsort(all, n, sizeof *all, compare_ranges);
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (all[i]->first > tokens || all[i]->tokens > tokens - all[i]->first)
            rc = err_set(err, ERR_DATA,
                         "%s: a range of %" PRIu64 " tokens from %" PRIu64
                         " on, expected it to end within the %" PRIu64 " of the validation file",
                         where, all[i]->tokens, all[i]->first, tokens);
        else if (i > 0 && all[i]->first < all[i - 1]->first + all[i - 1]->tokens)
            rc = err_set(err, ERR_DATA,
                         "%s: two ranges hold token %" PRIu64
                         ", expected dev, gate and sealed to share none",
                         where, all[i]->first);
    }
    free(all);
    return rc;
}

static int check_set(const Trireme__DataSet *set, const char *where, struct err *err)
{
    if (set->format < 1 || set->format > DATA_YAML_FORMAT)
        return err_set(err, ERR_DATA, "%s: found format %" PRIu32 ", expected 1 to %d", where,
                       set->format, DATA_YAML_FORMAT);
    if (!is_set(set->train))
        return err_set(
            err, ERR_DATA,
            "%s: train.file is missing, expected the name of the file of training tokens", where);
    if (check_file(set->train, "train", where, err) < 0)
        return -1;
    if (data_yaml_has_val(set) && check_file(set->val, "val", where, err) < 0)
        return -1;
    if (check_files(set->more_train, set->n_more_train, "more_train", where, err) < 0 ||
        check_files(set->more_val, set->n_more_val, "more_val", where, err) < 0)
        return -1;
    if (set->n_more_val && !data_yaml_has_val(set))
        return err_set(err, ERR_DATA, "%s: found more_val without val, expected the first file too",
                       where);
    for (size_t i = 0; set->vocabulary && i < set->vocabulary->n_files; i++)
        if (check_name(set->vocabulary->files[i]->file, "vocabulary.files", where, err) < 0)
            return -1;
    return check_ranges(set, where, err);
}

Trireme__DataSet *data_yaml_read(const char *folder, struct digest *digest, struct err *err)
{
    char *path = file_join(folder, "data.yaml");
    size_t size = 0;
    Trireme__DataSet *set = NULL;
    char *text = file_read(path, &size, ERR_DATA, err);
    if (!text)
        goto out;
    set = message_new(&trireme__data_set__descriptor);
    if (yaml_read(set, text, size, path, ERR_DATA, err) < 0 || check_set(set, path, err) < 0) {
        message_free(set);
        set = NULL;
        goto out;
    }
    *digest = digest_of(text, size);
out:
    free(text);
    free(path);
    return set;
}

int data_yaml_digest_file(struct digest *digest, const char *path, struct err *err)
{
    enum { PIECE = 1 << 20 };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, ERR_DATA, "%s: cannot open: %s", path, strerror(errno));
    struct digest_stream *stream = digest_stream_new();
    unsigned char *piece = mem_new(PIECE, 1);
    int rc = 0;
    for (ssize_t n = 1; n != 0 && rc == 0;) {
        n = read(fd, piece, PIECE);
        if (n > 0)
            digest_stream_add(stream, piece, (size_t)n);
        else if (n < 0 && errno != EINTR)
            rc = err_set(err, ERR_DATA, "%s: cannot read: %s", path, strerror(errno));
    }
    const struct digest found = digest_stream_end(stream);
    if (rc == 0)
        *digest = found;
    free(piece);
    close(fd);
    return rc;
}

static int verify_digest(const char *folder, const char *name, const char *said, struct err *err)
{
    char *path = file_join(folder, name);
    struct digest digest;
    char hex[DIGEST_HEX_SIZE];
    int rc = data_yaml_digest_file(&digest, path, err);
    if (rc == 0) {
        digest_hex(hex, digest);
        const char *expected = said ? said : "";
        if (strcmp(hex, expected))
            rc = err_set(err, ERR_DATA, "%s: found digest %s, expected '%s' as in data.yaml", path,
                         hex, expected);
    }
    free(path);
    return rc;
}

static int verify_file(const char *folder, const Trireme__TokenFile *file, struct err *err)
{
    return verify_digest(folder, file->file, file->digest, err);
}

int data_yaml_verify_tokenizer(const char *folder, const Trireme__DataSet *set, struct err *err)
{
    for (size_t i = 0; set->vocabulary && i < set->vocabulary->n_files; i++) {
        const Trireme__TokenizerFile *file = set->vocabulary->files[i];
        if (verify_digest(folder, file->file, file->digest, err) < 0)
            return -1;
    }
    return 0;
}

int data_yaml_verify(const char *folder, const Trireme__DataSet *set, struct err *err)
{
    if (verify_file(folder, set->train, err) < 0 ||
        (data_yaml_has_val(set) && verify_file(folder, set->val, err) < 0))
        return -1;
    for (size_t i = 0; i < set->n_more_train; i++)
        if (verify_file(folder, set->more_train[i], err) < 0)
            return -1;
    for (size_t i = 0; i < set->n_more_val; i++)
        if (verify_file(folder, set->more_val[i], err) < 0)
            return -1;
    return data_yaml_verify_tokenizer(folder, set, err);
}
