#include "worker/data/prepare_copy.h"

#include "base/digest.h"
#include "base/mem.h"
#include "worker/data/documents.h"
#include "worker/data/prepare_plan.h"
#include "worker/data/token_writer.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

struct copy {
    const struct prepare_plan *plan;
    const struct documents *documents;
    const struct documents_watch *watch; /* or NULL */
    struct token_writer files[2];        /* training, validation */
    size_t piece;                        /* that the next byte belongs to */
    uint64_t done;                       /* tokens of that piece so far */
    size_t file, document;               /* that is read; that is or will be copied next */
    uint64_t read;                       /* bytes of that document so far */
    struct digest_stream *digest;        /* of them; NULL: it has not begun */
    uint64_t copied;                     /* bytes of all so far */
};

static const struct document *next_document(const struct copy *copy)
{
    const struct documents *documents = copy->documents;
    const struct document *next =
        copy->document < documents->n ? &documents->list[copy->document] : NULL;
    return next && next->file == copy->file ? next : NULL;
}

static int refuse_changed(const struct copy *copy, struct err *err)
{
    return err_set(err, ERR_DATA,
                   "%s: changed while it was read: found other contents the second time",
                   copy->documents->files[copy->file].path);
}

/* Ends the document that has begun, if one has. */
static int end_document(struct copy *copy, struct err *err)
{
    if (!copy->digest)
        return 0;
    const struct document *document = next_document(copy);
    const struct digest digest = digest_stream_end(copy->digest);
    copy->digest = NULL;
    if (copy->read != document->bytes || digest.high != document->digest.high ||
        digest.low != document->digest.low)
        return refuse_changed(copy, err);
    copy->document++;
    return 0;
}

static int write_bytes(struct copy *copy, const unsigned char *bytes, size_t n, struct err *err)
{
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

static int copy_bytes(void *context, uint64_t number, const unsigned char *bytes, size_t n,
                      struct err *err)
{
    struct copy *copy = context;
    const struct document *document = next_document(copy);
    if (n == 0)
        return 0;
    if (document && document->number < number) {
        if (end_document(copy, err) < 0)
            return -1;
        document = next_document(copy);
    }
    if (!document || document->number > number)
        return 0; // a duplicate
    if (document->number < number)
        return refuse_changed(copy, err);
    if (!copy->digest) {
        copy->digest = digest_stream_new();
        copy->read = 0;
    }
    if (n > document->bytes - copy->read)
        return refuse_changed(copy, err);
    digest_stream_add(copy->digest, bytes, n);
    copy->read += n;
    copy->copied += n;
    if (copy->watch)
        copy->watch->said(copy->watch->context, "wrote", copy->copied, copy->documents->bytes);
    return write_bytes(copy, bytes, n, err);
}

/* Copies the documents of one file, if any of them is kept. */
static int copy_file(struct copy *copy, unsigned char *piece, size_t room, struct err *err)
{
    if (!next_document(copy))
        return 0;
    if (documents_read(copy->documents, copy->file, piece, room, copy_bytes, copy, err) < 0 ||
        end_document(copy, err) < 0)
        return -1;
    return next_document(copy) ? refuse_changed(copy, err) : 0;
}

int prepare_copy(const char *folder, const char *shown, const struct prepare_plan *plan,
                 const struct documents *documents, const struct documents_watch *watch,
                 struct err *err)
{
    enum { ROOM = 1 << 20 };
    struct copy copy = {.plan = plan, .documents = documents, .watch = watch};
    unsigned char *piece = mem_new(ROOM, 1);
    const uint64_t limit = plan->file_tokens;
    int rc =
        token_writer_open(&copy.files[0], folder, shown, "train", plan->train_tokens, limit, err);
    if (rc == 0)
        rc = token_writer_open(&copy.files[1], folder, shown, "val", plan->val_tokens, limit, err);
    for (; copy.file < documents->n_files && rc == 0; copy.file++)
        rc = copy_file(&copy, piece, ROOM, err);
    for (size_t i = 0; i < 2 && rc == 0; i++)
        rc = token_writer_sync(&copy.files[i], err);
    if (copy.digest)
        digest_stream_end(copy.digest);
    token_writer_clear(&copy.files[0]);
    token_writer_clear(&copy.files[1]);
    free(piece);
    return rc;
}
