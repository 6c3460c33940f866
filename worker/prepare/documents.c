#include "worker/prepare/documents.h"

#include "base/mem.h"
#include "worker/prepare/encoding.h"
#include "worker/prepare/jobs.h"
#include "worker/data/split.h"
#include "worker/prepare/watch.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

size_t documents_blocks(const struct document *document)
{
    return document->tokens < SPLIT_BLOCK ? 1 : document->tokens / SPLIT_BLOCK;
}

uint64_t documents_tokens(const struct documents *documents, const struct document *document)
{
    return document->tokens + (documents->encoding && documents->encoding->ends);
}

/* Adds what was read of one file to all. */
static void add_sum(struct documents *documents, size_t file, struct document_sum *sum)
{
    documents->empty += sum->empty;
    if (sum->unreadable)
        document_files_leave_out(&documents->files, &sum->why);
    for (size_t i = 0; i < sum->n; i++) {
        documents->list =
            mem_grow(documents->list, documents->n, &documents->room, sizeof *documents->list);
        documents->list[documents->n++] = sum->list[i];
    }
    sum->n = 0; // the blocks have moved
    documents->tokens_of[file] = sum->tokens;
    sum->tokens = (struct spool_list){0};
}

struct sums {
    const struct documents *documents;
    struct watch *watch;
    struct document_sum *of; /* (n_files) */
};

static int sum_file(void *context, size_t job, size_t file, struct err *err)
{
    const struct sums *sums = context;
    return document_sum_read(&sums->of[file], &sums->documents->files, file,
                             sums->documents->encoding, job, sums->watch, err);
}

static int sum_files(struct documents *documents, size_t jobs, struct watch *watch, struct err *err)
{
    struct sums sums = {
        .documents = documents, .watch = watch, .of = mem_new(documents->files.n, sizeof *sums.of)};
    documents->tokens_of = mem_new(documents->files.n, sizeof *documents->tokens_of);
    watch_begin(watch, "read", documents->files.size);
    int rc = jobs_run(documents->files.n, jobs, sum_file, &sums, err);
    for (size_t i = 0; i < documents->files.n; i++) {
        if (rc == 0)
            add_sum(documents, i, &sums.of[i]);
        document_sum_clear(&sums.of[i]);
    }
    free(sums.of);
    return rc;
}

static int compare_places(const void *a, const void *b)
{
    const struct document *x = a, *y = b;
    if (x->file != y->file)
        return x->file < y->file ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* By content, and by place among equals, so that the first is the one that is kept. */
static int compare_contents(const void *a, const void *b)
{
    const struct document *x = a, *y = b;
    if (x->digest.high != y->digest.high)
        return x->digest.high < y->digest.high ? -1 : 1;
    if (x->digest.low != y->digest.low)
        return x->digest.low < y->digest.low ? -1 : 1;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? -1 : 1;
    return compare_places(a, b);
}

static bool same_contents(const struct document *x, const struct document *y)
{
    return x->digest.high == y->digest.high && x->digest.low == y->digest.low &&
           x->bytes == y->bytes;
}

static void drop_duplicates(struct documents *documents)
{
    struct document *list = documents->list;
    size_t kept = 0;
    qsort(list, documents->n, sizeof *list, compare_contents);
    for (size_t i = 0; i < documents->n; i++) {
        if (kept > 0 && same_contents(&list[kept - 1], &list[i])) {
            free(list[i].blocks);
            documents->duplicates++;
        } else {
            documents->bytes += list[i].bytes;
            documents->tokens += documents_tokens(documents, &list[i]);
            list[kept++] = list[i];
        }
    }
    documents->n = kept;
    qsort(list, kept, sizeof *list, compare_places);
}

int documents_find(struct documents *documents, char *const *inputs, size_t n_inputs,
                   const char *field, const char *leave_out, struct encoding *encoding, size_t jobs,
                   struct watch *watch, struct err *err)
{
    *documents = (struct documents){.encoding = encoding};
    if (document_files_find(&documents->files, inputs, n_inputs, field, leave_out, err) < 0)
        return -1;
    if (sum_files(documents, jobs, watch, err) < 0) {
        documents_clear(documents);
        return -1;
    }
    if (documents->n)
        drop_duplicates(documents);
    return 0;
}

void documents_clear(struct documents *documents)
{
    for (size_t i = 0; documents->tokens_of && i < documents->files.n; i++)
        spool_list_clear(&documents->tokens_of[i]);
    free(documents->tokens_of);
    for (size_t i = 0; i < documents->n; i++)
        free(documents->list[i].blocks);
    free(documents->list);
    document_files_clear(&documents->files);
    *documents = (struct documents){0};
}
