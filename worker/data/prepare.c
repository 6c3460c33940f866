#include "worker/data/prepare.h"

#include "base/check.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/mem.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"
#include "worker/data/bigram.h"
#include "worker/data/data_yaml.h"
#include "worker/data/documents.h"
#include "worker/data/path.h"
#include "worker/data/prepare_plan.h"
#include "worker/data/token_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char TRAIN_FILE[] = "train_000000.bin", VAL_FILE[] = "val_000000.bin";

/* The second reading: copies every byte of the documents to its place. */
struct copy {
    const struct prepare_plan *plan;
    struct token_writer files[2];  /* training, validation */
    size_t piece;                  /* the one that the next byte belongs to */
    uint64_t done;                 /* tokens of that piece so far */
    const struct document *source; /* that is being read */
    uint64_t read;                 /* bytes of it so far */
    struct digest_stream *digest;  /* of them */
};

static int copy_bytes(void *context, const unsigned char *bytes, size_t n, struct err *err)
{
    struct copy *copy = context;
    if (n > copy->source->bytes - copy->read)
        return err_set(err, ERR_DATA,
                       "%s: changed while it was read: found more than %" PRIu64 " bytes",
                       copy->source->path, copy->source->bytes);
    digest_stream_add(copy->digest, bytes, n);
    copy->read += n;
    while (n) {
        const struct prepare_piece *piece = &copy->plan->pieces[copy->piece];
        const uint64_t left = piece->tokens - copy->done;
        const size_t now = n < left ? n : (size_t)left;
        if (token_writer_put(&copy->files[piece->val], piece->first + copy->done, bytes, now, err) <
            0)
            return -1;
        bytes += now;
        n -= now;
        copy->done += now;
        if (copy->done == piece->tokens) {
            copy->piece++;
            copy->done = 0;
        }
    }
    return 0;
}

static int copy_document(struct copy *copy, const struct document *document, unsigned char *piece,
                         size_t room, struct err *err)
{
    copy->source = document;
    copy->read = 0;
    copy->digest = digest_stream_new();
    int rc = documents_read(document->path, piece, room, copy_bytes, copy, err);
    const struct digest digest = digest_stream_end(copy->digest);
    if (rc < 0)
        return -1;
    if (digest.high != document->digest.high || digest.low != document->digest.low)
        return err_set(err, ERR_DATA,
                       "%s: changed while it was read: found other contents the second time",
                       document->path);
    return 0;
}

/* Writes the token files of the plan into a folder; no validation file if there is no
 * validation. */
static int write_tokens(const char *folder, const struct prepare_plan *plan,
                        const struct documents *documents, struct err *err)
{
    enum { ROOM = 1 << 20 };
    struct copy copy = {
        .plan = plan, .files = {{.fd = -1}, {.fd = -1}}
    };
    char *train = file_join(folder, TRAIN_FILE), *val = file_join(folder, VAL_FILE);
    unsigned char *piece = mem_new(ROOM, 1);
    int rc = token_writer_open(&copy.files[0], train, plan->train_tokens, err);
    if (rc == 0 && plan->val_tokens)
        rc = token_writer_open(&copy.files[1], val, plan->val_tokens, err);
    for (size_t i = 0; i < documents->n && rc == 0; i++)
        rc = copy_document(&copy, &documents->list[i], piece, ROOM, err);
    if (rc == 0)
        rc = token_writer_sync(&copy.files[0], err);
    if (rc == 0 && plan->val_tokens)
        rc = token_writer_sync(&copy.files[1], err);
    token_writer_clear(&copy.files[0]);
    token_writer_clear(&copy.files[1]);
    free(piece);
    free(val);
    free(train);
    return rc;
}

static int describe_file(Trireme__TokenFile *file, char hex[DIGEST_HEX_SIZE], const char *folder,
                         const char *name, uint64_t tokens, struct err *err)
{
    char *path = file_join(folder, name);
    struct digest digest;
    int rc = data_yaml_digest_file(&digest, path, err);
    free(path);
    if (rc < 0)
        return -1;
    digest_hex(hex, digest);
    file->file = (char *)name;
    file->has_tokens = true;
    file->tokens = tokens;
    file->digest = hex;
    return 0;
}

static int measure_dev(Trireme__DataSet *set, const char *folder, struct err *err)
{
    char *path = file_join(folder, VAL_FILE);
    struct token_file file;
    int rc = token_file_open(&file, path, TRIREME__SOURCE__FORMAT__llmc, err);
    if (rc == 0) {
        set->bigram_nats = bigram_nats(&file, set->dev, set->n_dev);
        set->has_bigram_nats = set->bigram_nats >= 0;
        token_file_close(&file);
    }
    free(path);
    return rc;
}

/* Returns the text of data.yaml for the token files in a folder. NULL on error. */
static char *describe(const char *folder, const char *name, const struct prepare_plan *plan,
                      const struct documents *documents, struct err *err)
{
    Trireme__DataSet set = TRIREME__DATA_SET__INIT;
    Trireme__TokenFile train = TRIREME__TOKEN_FILE__INIT, val = TRIREME__TOKEN_FILE__INIT;
    char train_hex[DIGEST_HEX_SIZE], val_hex[DIGEST_HEX_SIZE];
    set.has_format = set.has_vocab = set.has_documents = set.has_duplicates = set.has_bytes = true;
    set.name = (char *)name;
    set.documents = documents->n;
    set.duplicates = documents->duplicates;
    set.bytes = documents->bytes;
    set.train = &train;
    if (describe_file(&train, train_hex, folder, TRAIN_FILE, plan->train_tokens, err) < 0)
        return NULL;
    if (plan->val_tokens) {
        set.split = plan->by_documents ? "documents" : "blocks";
        set.val = &val;
        set.dev = plan->ranges[SPLIT_DEV].pointers;
        set.n_dev = plan->ranges[SPLIT_DEV].n;
        set.gate = plan->ranges[SPLIT_GATE].pointers;
        set.n_gate = plan->ranges[SPLIT_GATE].n;
        set.sealed = plan->ranges[SPLIT_SEALED].pointers;
        set.n_sealed = plan->ranges[SPLIT_SEALED].n;
        if (describe_file(&val, val_hex, folder, VAL_FILE, plan->val_tokens, err) < 0 ||
            measure_dev(&set, folder, err) < 0)
            return NULL;
    }
    return yaml_write(&set, false);
}

enum place { PLACE_FREE, PLACE_TAKEN };

/* Looks at what is at --out: nothing or an empty folder (free), or a prepared folder (taken).
 * Anything else is an error. */
static int look_at_place(enum place *place, const char *out, struct err *err)
{
    *place = PLACE_FREE;
    if (!file_exists(out))
        return 0;
    if (!file_is_dir(out))
        return err_set(err, ERR_USAGE, "%s: found a file, expected a folder or nothing", out);
    size_t n = 0;
    char **names = file_names(out, &n, ERR_USAGE, err);
    if (!names)
        return -1;
    file_names_free(names);
    if (n > 0 && !data_yaml_exists(out))
        return err_set(
            err, ERR_USAGE,
            "%s: found a folder of other files, expected an empty or a prepared one, or nothing",
            out);
    *place = n > 0 ? PLACE_TAKEN : PLACE_FREE;
    return 0;
}

/* Compares an existing folder with what would be written. A difference is an error. */
static int compare_with(const char *out, const char *yaml, struct err *err)
{
    char *path = file_join(out, "data.yaml");
    size_t size = 0;
    char *found = file_read(path, &size, ERR_USAGE, err);
    free(path);
    if (!found)
        return -1;
    const bool equal = !strcmp(found, yaml);
    free(found);
    if (!equal)
        return err_set(err, ERR_USAGE,
                       "%s: found data prepared from another text or with other options, expected "
                       "the same or nothing",
                       out);
    struct digest digest;
    Trireme__DataSet *set = data_yaml_read(out, &digest, err);
    int rc = set ? data_yaml_verify(out, set, err) : -1;
    message_free(set);
    return rc;
}

/* Writes data.yaml and renames the folder to its place. */
static int publish(const char *temporary, const char *out, const char *yaml, struct err *err)
{
    char *path = file_join(temporary, "data.yaml"), *parent = path_parent(out);
    int rc = file_write_atomic(path, yaml, strlen(yaml), ERR_USAGE, err); // syncs the folder too
    if (rc == 0 && rename(temporary, out) < 0)
        rc = err_set(err, ERR_USAGE, "%s: cannot rename into place: %s", out, strerror(errno));
    if (rc == 0)
        rc = file_sync_dir(parent, ERR_USAGE, err);
    free(parent);
    free(path);
    return rc;
}

static void note(struct text *notes, const struct documents *documents,
                 const struct prepare_plan *plan, double val)
{
    if (!notes)
        return;
    if (documents->empty || documents->unreadable)
        text_printf(notes,
                    "left out %" PRIu64 " files: %" PRIu64 " empty, %" PRIu64 " unreadable%s%s%s\n",
                    documents->empty + documents->unreadable, documents->empty,
                    documents->unreadable, documents->why ? " (the first: " : "",
                    documents->why ? documents->why : "", documents->why ? ")" : "");
    const double total = (double)documents->bytes, share = (double)plan->val_tokens / total;
    if (val > 0 && plan->val_tokens == 0)
        text_printf(notes,
                    "no validation: found %" PRIu64
                    " tokens, expected at least %d (two blocks) to set one apart\n",
                    documents->bytes, 2 * SPLIT_BLOCK);
    else if (share < 0.9 * val || share > 1.1 * val)
        text_printf(
            notes,
            "validation has %.3g %% of the tokens, asked for %.3g %%: whole %s come no nearer\n",
            100 * share, 100 * val, plan->by_documents ? "documents" : "blocks");
}

static int check_request(const Trireme__DataPrepareRequest *request, struct err *err)
{
    if (strcmp(request->tokenizer, "byte"))
        return err_set(err, ERR_USAGE, "--tokenizer: found '%s', expected byte",
                       request->tokenizer);
    if (request->n_input == 0)
        return err_set(err, ERR_USAGE, "found no file or folder to prepare, expected at least one");
    if (!request->out || !request->out[0])
        return err_set(err, ERR_USAGE, "--out: found nothing, expected a folder to write");
    return 0;
}

/* Does everything from the found documents to the folder in its place. The temporary folder exists;
 * the caller removes it. NULL on error. */
static char *write_folder(const char *temporary, const Trireme__DataPrepareRequest *request,
                          enum place place, const struct documents *documents,
                          const struct prepare_plan *plan, struct err *err)
{
    char *base = path_base_name(request->out), *out = path_trim(request->out), *yaml = NULL;
    if (write_tokens(temporary, plan, documents, err) < 0)
        goto out;
    yaml = describe(temporary, request->name && request->name[0] ? request->name : base, plan,
                    documents, err);
    if (!yaml)
        goto out;
    if ((place == PLACE_TAKEN ? compare_with(out, yaml, err) : publish(temporary, out, yaml, err)) <
        0) {
        free(yaml);
        yaml = NULL;
    }
out:
    free(out);
    free(base);
    return yaml;
}

int prepare(const Trireme__DataPrepareRequest *request, Trireme__DataSet *set, struct text *notes,
            struct err *err)
{
    enum place place;
    if (check_request(request, err) < 0 || look_at_place(&place, request->out, err) < 0)
        return -1;
    struct documents documents;
    struct prepare_plan plan = {0};
    char *temporary = path_temporary(request->out), *parent = path_parent(request->out),
         *yaml = NULL;
    int rc = -1;
    if (documents_find(&documents, request->input, request->n_input, request->out, err) < 0)
        goto out_names;
    if (documents.n == 0) {
        err_set(err, ERR_DATA,
                "found no text in %zu inputs: %" PRIu64 " files are empty, %" PRIu64
                " unreadable%s%s",
                request->n_input, documents.empty, documents.unreadable, documents.why ? ": " : "",
                documents.why ? documents.why : "");
        goto out_documents;
    }
    prepare_plan_init(&plan, &documents, request->val);
    if (file_make_dirs(parent, ERR_USAGE, err) < 0)
        goto out_documents;
    if (mkdir(temporary, 0755) < 0) {
        err_set(err, ERR_USAGE, "%s: cannot make a folder beside it: %s", request->out,
                strerror(errno));
        goto out_documents;
    }
    yaml = write_folder(temporary, request, place, &documents, &plan, err);
    struct err ignored; // a leftover is hidden and harmless; an earlier error says more
    file_remove_tree(temporary, ERR_USAGE, &ignored);
    if (!yaml)
        goto out_documents;
    rc = yaml_read(set, yaml, strlen(yaml), "data.yaml", ERR_DATA, err);
    ASSERT(rc == 0);
    note(notes, &documents, &plan, request->val);
out_documents:
    free(yaml);
    prepare_plan_clear(&plan);
    documents_clear(&documents);
out_names:
    free(parent);
    free(temporary);
    return rc;
}
