#include "worker/prepare/prepare_copy.h"

#include "base/digest.h"
#include "base/mem.h"
#include "worker/prepare/documents.h"
#include "worker/prepare/encoding.h"
#include "worker/prepare/jobs.h"
#include "worker/prepare/prepare_plan.h"
#include "worker/prepare/token_writer.h"
#include "worker/prepare/watch.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

/* The copying of all files. */
struct copies {
    const struct prepare_plan *plan;
    const struct documents *documents;
    struct watch *watch;            /* or NULL */
    struct token_writer writers[2]; /* training, validation */
    size_t *document, *piece;       /* (n_files) the first of each file */
};

/* The copying of one file. */
struct copy {
    const struct copies *all;
    struct token_writer files[2]; /* training, validation */
    size_t piece;                 /* that the next token belongs to */
    uint64_t done;                /* tokens of that piece so far */
    size_t file, document;        /* that is read; that is or will be copied next */
    uint64_t read;                /* bytes of that document so far */
    struct digest_stream *digest; /* of them; NULL: it has not begun */
};

static const struct document *next_document(const struct copy *copy)
{
    const struct documents *documents = copy->all->documents;
    const struct document *next =
        copy->document < documents->n ? &documents->list[copy->document] : NULL;
    return next && next->file == copy->file ? next : NULL;
}

static int refuse_changed(const struct copy *copy, struct err *err)
{
    return err_set(err, ERR_DATA,
                   "%s: changed while it was read: found other contents the second time",
                   copy->all->documents->files.list[copy->file].path);
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

/* Writes n tokens, which are bytes or ids; the other one is NULL. */
static int write_tokens(struct copy *copy, const unsigned char *bytes, const uint32_t *ids,
                        size_t n, struct err *err)
{
    for (size_t at = 0, now; at < n; at += now) {
        const struct prepare_piece *piece = &copy->all->plan->pieces[copy->piece];
        struct token_writer *file = &copy->files[piece->val];
        const uint64_t left = piece->tokens - copy->done, first = piece->first + copy->done;
        now = n - at < left ? n - at : (size_t)left;
        if ((bytes ? token_writer_put_bytes(file, first, bytes + at, now, err)
                   : token_writer_put_ids(file, first, ids + at, now, err)) < 0)
            return -1;
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
    watch_add(copy->all->watch, n);
    return write_tokens(copy, bytes, NULL, n, err);
}

/* Reads the file again and copies its bytes. */
static int copy_again(struct copy *copy, struct err *err)
{
    enum { ROOM = 1 << 20 };
    unsigned char *piece = mem_new(ROOM, 1);
    int rc = document_files_read(&copy->all->documents->files, copy->file, piece, ROOM, copy_bytes,
                                 copy, err);
    if (rc == 0)
        rc = end_document(copy, err);
    if (rc == 0 && next_document(copy))
        rc = refuse_changed(copy, err);
    if (copy->digest)
        digest_stream_end(copy->digest);
    free(piece);
    return rc;
}

/* Copies what is in the spool of the file. */
static int copy_spooled(struct copy *copy, struct err *err)
{
    enum { ROOM = 1 << 18 };
    const struct documents *documents = copy->all->documents;
    uint32_t *ids = mem_new(ROOM, sizeof *ids);
    int rc = 0;
    for (const struct document *document; rc == 0 && (document = next_document(copy));
         copy->document++) {
        const uint64_t tokens = documents_tokens(documents, document);
        for (uint64_t at = 0; at < tokens && rc == 0; at += ROOM) {
            const size_t n = tokens - at < ROOM ? (size_t)(tokens - at) : ROOM;
            rc = token_spool_get(&documents->encoding->spool, &documents->tokens_of[copy->file],
                                 ids, document->first + at, n, err);
            if (rc == 0)
                rc = write_tokens(copy, NULL, ids, n, err);
        }
        watch_add(copy->all->watch, document->bytes);
    }
    free(ids);
    return rc;
}

/* Copies the documents of one file, if any of them is kept. */
static int copy_file(void *context, size_t job, size_t file, struct err *err)
{
    (void)job;
    const struct copies *all = context;
    struct copy copy = {
        .all = all, .file = file, .document = all->document[file], .piece = all->piece[file]};
    if (!next_document(&copy))
        return 0;
    for (size_t i = 0; i < 2; i++)
        token_writer_join(&copy.files[i], &all->writers[i]);
    int rc = all->documents->encoding ? copy_spooled(&copy, err) : copy_again(&copy, err);
    for (size_t i = 0; i < 2; i++)
        token_writer_clear(&copy.files[i]);
    return rc < 0 ? -1 : 0;
}

/* Finds each file's first document and piece. */
static void find_firsts(struct copies *all)
{
    const struct documents *documents = all->documents;
    size_t document = 0, piece = 0;
    all->document = mem_new(documents->files.n, sizeof *all->document);
    all->piece = mem_new(documents->files.n, sizeof *all->piece);
    for (size_t file = 0; file < documents->files.n; file++) {
        all->document[file] = document;
        all->piece[file] = piece;
        for (; document < documents->n && documents->list[document].file == file; document++)
            piece += all->plan->by_documents ? 1 : documents_blocks(&documents->list[document]);
    }
}

int prepare_copy(const char *folder, const char *shown, const struct prepare_plan *plan,
                 const struct documents *documents, size_t jobs, struct watch *watch,
                 struct err *err)
{
    struct copies all = {.plan = plan, .documents = documents, .watch = watch};
    const uint64_t limit = plan->file_tokens;
    const struct encoding *encoding = documents->encoding;
    const size_t width = token_writer_width(encoding ? encoding->vocab : 0);
    find_firsts(&all);
    watch_begin(watch, "wrote", documents->bytes);
    int rc = token_writer_open(&all.writers[0], folder, shown, "train", plan->train_tokens, limit,
                               width, err);
    if (rc == 0)
        rc = token_writer_open(&all.writers[1], folder, shown, "val", plan->val_tokens, limit,
                               width, err);
    if (rc == 0)
        rc = jobs_run(documents->files.n, jobs, copy_file, &all, err);
    for (size_t i = 0; i < 2 && rc == 0; i++)
        rc = token_writer_sync(&all.writers[i], err);
    token_writer_clear(&all.writers[0]);
    token_writer_clear(&all.writers[1]);
    free(all.piece);
    free(all.document);
    return rc;
}
