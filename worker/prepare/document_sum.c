#include "worker/prepare/document_sum.h"

#include "base/mem.h"
#include "worker/prepare/document_files.h"
#include "worker/prepare/encoding.h"
#include "worker/data/split.h"
#include "worker/prepare/text_file.h"
#include "worker/prepare/watch.h"
#include "worker/tokenizer/encode_stream.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 20, HELD_TOKENS = 1 << 18 };

struct reading {
    const struct document_files *files;
    struct encoding *encoding;    /* or NULL */
    struct encode_stream *stream; /* of this thread, or NULL */
    struct watch *watch;          /* or NULL */
    struct document_sum *sum;
    size_t file;
    uint64_t in_file; /* bytes of text so far */
    uint32_t *held;   /* (HELD_TOKENS) tokens that are not in the spool yet */
    size_t n_held;
    bool open; /* a document is being read: */
    struct document document;
    struct digest_stream *whole, *block;
    size_t in_block, n_blocks, blocks_room; /* tokens of the block so far; full blocks so far */
};

static void begin(struct reading *r, uint64_t number)
{
    r->open = true;
    r->document = (struct document){
        .file = r->file, .number = number, .first = r->sum->tokens.tokens + r->n_held};
    r->whole = digest_stream_new();
    r->block = digest_stream_new();
    r->in_block = r->n_blocks = r->blocks_room = 0;
}

/* Counts n tokens, each of `width` bytes, and their blocks. */
static void count(struct reading *r, const void *tokens, size_t n, size_t width)
{
    struct document *document = &r->document;
    const unsigned char *at = tokens;
    document->tokens += n;
    while (n) {
        const size_t left = SPLIT_BLOCK - r->in_block, now = n < left ? n : left;
        digest_stream_add(r->block, at, now * width);
        r->in_block += now;
        at += now * width;
        n -= now;
        if (r->in_block < SPLIT_BLOCK)
            continue;
        document->blocks =
            mem_grow(document->blocks, r->n_blocks, &r->blocks_room, sizeof *document->blocks);
        document->blocks[r->n_blocks++] = split_hash(digest_stream_end(r->block));
        r->block = digest_stream_new();
        r->in_block = 0;
    }
}

static int spill(struct reading *r, struct err *err)
{
    const size_t n = r->n_held;
    r->n_held = 0;
    return n ? token_spool_put(&r->encoding->spool, &r->sum->tokens, r->held, n, err) : 0;
}

static int hold(struct reading *r, const uint32_t *ids, size_t n, struct err *err)
{
    while (n) {
        const size_t left = HELD_TOKENS - r->n_held, now = n < left ? n : left;
        memcpy(r->held + r->n_held, ids, now * sizeof *ids);
        r->n_held += now;
        ids += now;
        n -= now;
        if (r->n_held == HELD_TOKENS && spill(r, err) < 0)
            return -1;
    }
    return 0;
}

static int take_ids(void *context, const uint32_t *ids, size_t n, struct err *err)
{
    count(context, ids, n, sizeof *ids);
    return hold(context, ids, n, err);
}

/* Fails with the place of the document in front. */
static int refuse(const struct reading *r, struct err *err)
{
    if (err->code == ERR_USAGE)
        return -1; // of the spool
    const char *path = r->files->list[r->file].path;
    return r->document.number ? err_context(err, "%s: line %" PRIu64, path, r->document.number)
                              : err_context(err, "%s", path);
}

/* Encodes what is held of the document, and puts the end of a text behind it. */
static int end_tokens(struct reading *r, struct err *err)
{
    if (encode_stream_end(r->stream, take_ids, r, err) < 0)
        return refuse(r, err);
    return r->encoding->ends ? hold(r, &r->encoding->end, 1, err) : 0;
}

/* Ends the document that is open, if there is one, and keeps it if `keep`. */
static int end(struct reading *r, bool keep, struct err *err)
{
    if (!r->open)
        return 0;
    int rc = 0;
    if (r->stream && keep)
        rc = end_tokens(r, err);
    if (r->stream)
        encode_stream_drop(r->stream);
    r->open = false;
    struct document *document = &r->document;
    document->digest = digest_stream_end(r->whole);
    digest_stream_end(r->block);
    if (!keep || rc < 0) {
        free(document->blocks);
        return rc;
    }
    if (r->n_blocks < 2) {
        document->blocks = mem_resize(document->blocks, 1, sizeof *document->blocks);
        document->blocks[0] = split_hash(document->digest);
    }
    struct document_sum *sum = r->sum;
    sum->list = mem_grow(sum->list, sum->n, &sum->room, sizeof *sum->list);
    sum->list[sum->n++] = *document;
    return 0;
}

/* An archive holds more than its own bytes: what is read counts up to these. */
static void watch_file(struct reading *r, uint64_t n)
{
    const uint64_t size = r->files->list[r->file].size;
    const uint64_t before = r->in_file < size ? r->in_file : size;
    r->in_file += n;
    watch_add(r->watch, (r->in_file < size ? r->in_file : size) - before);
}

static int take_piece(void *context, uint64_t number, const unsigned char *bytes, size_t n,
                      struct err *err)
{
    struct reading *r = context;
    if (r->open && r->document.number != number && end(r, true, err) < 0)
        return -1;
    if (n == 0) {
        r->sum->empty++;
        return 0;
    }
    if (!r->open)
        begin(r, number);
    digest_stream_add(r->whole, bytes, n);
    r->document.bytes += n;
    if (!r->stream)
        count(r, bytes, n, 1);
    else if (encode_stream_add(r->stream, bytes, n, take_ids, r, err) < 0)
        return refuse(r, err);
    watch_file(r, n);
    return 0;
}

int document_sum_read(struct document_sum *sum, const struct document_files *files, size_t file,
                      struct encoding *encoding, size_t job, struct watch *watch, struct err *err)
{
    struct reading r = {.files = files,
                        .encoding = encoding,
                        .stream = encoding ? encoding->streams[job] : NULL,
                        .watch = watch,
                        .sum = sum,
                        .file = file,
                        .held = encoding ? mem_new(HELD_TOKENS, sizeof *r.held) : NULL};
    unsigned char *piece = mem_new(PIECE, 1);
    int rc = document_files_read(files, file, piece, PIECE, take_piece, &r, err);
    free(piece);
    if (end(&r, rc == 0, err) < 0 || (rc == 0 && spill(&r, err) < 0))
        rc = TEXT_FILE_DAMAGED;
    free(r.held);
    sum->empty += rc == 0 && sum->n == 0 && sum->empty == 0; // the file itself
    if (rc == 0)
        return 0;
    document_sum_clear(sum);
    if (rc != TEXT_FILE_UNREADABLE)
        return -1;
    sum->unreadable = true;
    sum->why = *err;
    return 0;
}

void document_sum_clear(struct document_sum *sum)
{
    for (size_t i = 0; i < sum->n; i++)
        free(sum->list[i].blocks);
    free(sum->list);
    spool_list_clear(&sum->tokens);
    *sum = (struct document_sum){0};
}
