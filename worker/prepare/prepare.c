#include "worker/prepare/prepare.h"

#include "base/check.h"
#include "base/file.h"
#include "base/mem.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "worker/data/data_yaml.h"
#include "worker/prepare/documents.h"
#include "worker/prepare/encoding.h"
#include "worker/data/path.h"
#include "worker/prepare/prepare_copy.h"
#include "worker/prepare/prepare_describe.h"
#include "worker/prepare/prepare_plan.h"
#include "worker/prepare/token_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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
    struct digest digest;
    Trireme__DataSet *set = data_yaml_read(out, &digest, err);
    int rc = set ? 0 : -1;
    if (rc == 0 && set->format < DATA_YAML_FORMAT)
        rc = err_set(err, ERR_USAGE,
                     "%s: found data prepared by an earlier version, which chose validation "
                     "otherwise, expected nothing; such data can be trained on as it is",
                     out);
    else if (rc == 0 && !equal)
        rc = err_set(err, ERR_USAGE,
                     "%s: found data prepared from another text or with other options, expected "
                     "the same or nothing",
                     out);
    else if (rc == 0)
        rc = data_yaml_verify(out, set, err);
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

static void note_split(struct text *notes, const struct documents *documents,
                       const struct prepare_plan *plan, double val)
{
    const char *what = plan->by_documents ? "documents" : "blocks";
    const double share = (double)plan->val_tokens / (double)documents->tokens;
    if (plan->val_tokens == 0) {
        text_printf(notes,
                    "no validation: found %" PRIu64
                    " tokens, expected at least %d (two blocks) to set one apart\n",
                    documents->tokens, 2 * SPLIT_BLOCK);
        return;
    }
    if (!plan->by_documents)
        text_printf(notes,
                    "validation is chosen by blocks of %d tokens: found %zu documents; from %d on "
                    "it is whole documents, and blocks held out now may go to training\n",
                    SPLIT_BLOCK, documents->n, SPLIT_FEW_DOCUMENTS);
    if (plan->moved)
        text_printf(notes,
                    "%zu of the %s are where they are since a part would be empty: in a larger "
                    "text they may be elsewhere\n",
                    plan->moved, what);
    if (share < 0.75 * val || share > 1.25 * val)
        text_printf(notes,
                    "validation has %.3g %% of the tokens, asked for %.3g %%: each of the %s is "
                    "chosen by its own bytes alone\n",
                    100 * share, 100 * val, what);
}

static void note(struct text *notes, const struct documents *documents,
                 const struct prepare_plan *plan, double val)
{
    if (!notes)
        return;
    if (documents->empty || documents->files.unreadable)
        text_printf(
            notes,
            "left out %" PRIu64 " files%s: %" PRIu64 " empty, %" PRIu64 " unreadable%s%s%s\n",
            documents->empty + documents->files.unreadable,
            documents->files.field ? " and lines" : "", documents->empty,
            documents->files.unreadable, documents->files.why ? " (the first: " : "",
            documents->files.why ? documents->files.why : "", documents->files.why ? ")" : "");
    if (documents->encoding && !documents->encoding->ends)
        text_add(notes, "the tokenizer has no token that ends a text: nothing stands between "
                        "documents\n");
    if (val > 0)
        note_split(notes, documents, plan, val);
}

static bool is_bytes(const Trireme__DataPrepareRequest *request)
{
    return !strcmp(request->tokenizer, "byte");
}

static int check_request(const Trireme__DataPrepareRequest *request, struct err *err)
{
    if (!is_bytes(request) && !file_exists(request->tokenizer))
        return err_set(err, ERR_USAGE,
                       "--tokenizer: found '%s', expected byte, a folder with a tokenizer, or a "
                       "tokenizer.json",
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
                          const struct prepare_plan *plan, struct watch *watch, struct err *err)
{
    char *base = path_base_name(request->out), *out = path_trim(request->out), *yaml = NULL;
    if (documents->encoding && encoding_copy_files(documents->encoding, temporary, err) < 0)
        goto out;
    if (prepare_copy(temporary, out, plan, documents, request->jobs ? request->jobs : 1, watch,
                     err) < 0)
        goto out;
    yaml = prepare_describe(temporary, request->name && request->name[0] ? request->name : base,
                            plan, documents, err);
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

/* Makes the folder of the documents that were found. NULL on error. */
static char *make_folder(const Trireme__DataPrepareRequest *request, enum place place,
                         const struct documents *documents, const struct prepare_plan *plan,
                         struct watch *watch, struct err *err)
{
    char *temporary = path_temporary(request->out), *parent = path_parent(request->out),
         *yaml = NULL;
    if (file_make_dirs(parent, ERR_USAGE, err) < 0)
        goto out;
    if (mkdir(temporary, 0755) < 0) {
        err_set(err, ERR_USAGE, "%s: cannot make a folder beside it: %s", request->out,
                strerror(errno));
        goto out;
    }
    yaml = write_folder(temporary, request, place, documents, plan, watch, err);
    struct err ignored; // a leftover is hidden and harmless; the error that there may be says more
    file_remove_tree(temporary, ERR_USAGE, &ignored);
out:
    free(parent);
    free(temporary);
    return yaml;
}

static int refuse_nothing(const Trireme__DataPrepareRequest *request,
                          const struct documents *documents, struct err *err)
{
    return err_set(
        err, ERR_DATA,
        "found no text in %zu inputs: %" PRIu64 " files are empty, %" PRIu64 " unreadable%s%s",
        request->n_input, documents->empty, documents->files.unreadable,
        documents->files.why ? ": " : "", documents->files.why ? documents->files.why : "");
}

int prepare_in_files(const Trireme__DataPrepareRequest *request, Trireme__DataSet *set,
                     struct text *notes, struct watch *watch, uint64_t file_tokens, struct err *err)
{
    enum place place;
    if (check_request(request, err) < 0 || look_at_place(&place, request->out, err) < 0)
        return -1;
    const size_t jobs = request->jobs ? request->jobs : 1;
    const bool encodes = !is_bytes(request);
    struct encoding encoding = {0};
    struct documents documents;
    struct prepare_plan plan = {0};
    char *yaml = NULL;
    int rc = -1;
    if (encodes && encoding_open(&encoding, request->tokenizer, request->out, jobs, err) < 0)
        return -1;
    if (documents_find(&documents, request->input, request->n_input,
                       request->field && request->field[0] ? request->field : NULL, request->out,
                       encodes ? &encoding : NULL, jobs, watch, err) < 0)
        goto out_encoding;
    if (documents.n == 0) {
        refuse_nothing(request, &documents, err);
        goto out_documents;
    }
    prepare_plan_init(&plan, &documents, request->val, file_tokens);
    yaml = make_folder(request, place, &documents, &plan, watch, err);
    if (!yaml)
        goto out_documents;
    rc = yaml_read(set, yaml, strlen(yaml), "data.yaml", ERR_DATA, err);
    ASSERT(rc == 0);
    if (!data_yaml_has_tokenizer(set)) { // as in the file
        message_free(set->vocabulary);
        set->vocabulary = NULL;
    }
    note(notes, &documents, &plan, request->val);
out_documents:
    free(yaml);
    prepare_plan_clear(&plan);
    documents_clear(&documents);
out_encoding:
    encoding_close(&encoding);
    return rc;
}

int prepare(const Trireme__DataPrepareRequest *request, Trireme__DataSet *set, struct text *notes,
            struct watch *watch, struct err *err)
{
    return prepare_in_files(request, set, notes, watch, TOKEN_WRITER_FILE_TOKENS, err);
}
