#include "proto/file/hugging_face_export.h"

#include "base/file.h"
#include "base/mem.h"
#include "proto/schema/node.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char stage_name[] = ".trireme-export", mark_key[] = "trireme_run",
                  config_name[] = "config.json", index_name[] = "model.safetensors.index.json";

/* Weights, and what says where weights are. */
static const char *const weight_names[] = {"model*.safetensors",
                                           "model*.safetensors.index.json",
                                           "pytorch_model*.bin",
                                           "pytorch_model*.bin.index.json",
                                           "tf_model*.h5",
                                           "tf_model*.h5.index.json",
                                           "flax_model*.msgpack",
                                           "flax_model*.msgpack.index.json",
                                           "consolidated*.safetensors",
                                           "consolidated*.pth",
                                           "adapter_model*.safetensors",
                                           "adapter_model*.bin",
                                           "adapter_config.json"};

/* What transformers reads tokenizers from. */
static const char *const tokenizer_names[] = {"tokenizer.json",
                                              "tokenizer.model",
                                              "tokenizer_config.json",
                                              "special_tokens_map.json",
                                              "added_tokens.json",
                                              "vocab.json",
                                              "merges.txt",
                                              "vocab.txt",
                                              "spiece.model",
                                              "chat_template.jinja"};

static bool is_one(const char *name, const char *const *patterns, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fnmatch(patterns[i], name, 0) == 0)
            return true;
    return false;
}

static bool is_weights(const char *name)
{
    return is_one(name, weight_names, sizeof weight_names / sizeof *weight_names);
}

static bool is_tokenizer(const char *name)
{
    return is_one(name, tokenizer_names, sizeof tokenizer_names / sizeof *tokenizer_names);
}

/* The mark in the index's "metadata", in fresh memory, or NULL. */
static char *index_mark(const char *path)
{
    struct err err;
    size_t size = 0;
    char *mark = NULL, *text = file_read(path, &size, ERR_USAGE, &err);
    struct node *root = text ? json_node_read(text, size, path, ERR_USAGE, &err) : NULL;
    for (size_t i = 0; root && root->kind == NODE_MAP && i < root->n; i++) {
        const struct node *notes = &root->children[i];
        for (size_t k = 0; !strcmp(notes->key, "metadata") && k < notes->n; k++)
            if (notes->kind == NODE_MAP && !strcmp(notes->children[k].key, mark_key))
                mark = mem_strdup(notes->children[k].text);
    }
    node_free(root);
    free(text);
    return mark;
}

/* Whether a file of weights has the run's mark. */
static bool is_own(const char *folder, const char *name, const char *run)
{
    struct err err;
    struct safetensors file;
    char *path = file_join(folder, name), *mark = NULL;
    if (!strcmp(name, index_name))
        mark = index_mark(path);
    else if (file_name_ends(name, ".safetensors") && safetensors_open(&file, path, &err) == 0) {
        mark = mem_strdup(safetensors_metadata(&file, mark_key));
        safetensors_close(&file);
    }
    bool own = mark && run[0] && !strcmp(mark, run);
    free(mark);
    free(path);
    return own;
}

/* Fails if the folder holds anything but an earlier export of this run. */
static int check_folder(const char *folder, char *const *names, const char *run, struct err *err)
{
    const char *other = NULL, *own = NULL;
    for (; *names; names++) {
        if (!strcmp(*names, stage_name))
            continue;
        if (!is_weights(*names))
            other = own ? other : *names;
        else if (is_own(folder, *names, run))
            own = *names;
        else
            return err_set(err, ERR_USAGE,
                           "%s: found %s there, which no export of this run wrote, expected an "
                           "empty or absent folder: --force replaces the model in it",
                           folder, *names);
    }
    if (other && !own)
        return err_set(err, ERR_USAGE,
                       "%s: found %s and no export of this run there, expected an empty or absent "
                       "folder: --force writes the model into it",
                       folder, other);
    return 0;
}

/* Files that change their places, in order. */
struct moves {
    struct move {
        char *from, *to;
    } * list;
    size_t n, room;
};

static void moves_add(struct moves *moves, const char *from, const char *to, const char *name)
{
    moves->list = mem_grow(moves->list, moves->n, &moves->room, sizeof *moves->list);
    moves->list[moves->n++] = (struct move){file_join(from, name), file_join(to, name)};
}

static void moves_clear(struct moves *moves)
{
    for (size_t i = 0; i < moves->n; i++) {
        free(moves->list[i].from);
        free(moves->list[i].to);
    }
    free(moves->list);
}

/* Does all of them, or none. */
static int moves_do(const struct moves *moves, struct err *err)
{
    for (size_t i = 0; i < moves->n; i++) {
        struct stat there;
        errno = lstat(moves->list[i].to, &there) == 0 ? EEXIST : 0;
        if (!errno && rename(moves->list[i].from, moves->list[i].to) == 0)
            continue;
        err_set(err, ERR_USAGE, "%s: cannot move to %s: %s", moves->list[i].from, moves->list[i].to,
                strerror(errno));
        while (i-- > 0)
            rename(moves->list[i].to, moves->list[i].from);
        return -1;
    }
    return 0;
}

/* Moves the old model out of the folder and the new one in. */
static int replace(const char *folder, char *const *names, bool force, bool with_tokenizer,
                   const char *new, const char *old, struct err *err)
{
    struct moves moves = {0};
    char *config = file_join(folder, config_name);
    if (file_exists(config))
        moves_add(&moves, folder, old, config_name);
    free(config);
    for (; *names; names++) {
        char *path = file_join(folder, *names);
        bool settings = force && !strcmp(*names, "generation_config.json");
        bool tokenizer = with_tokenizer && is_tokenizer(*names);
        if ((settings || tokenizer || is_weights(*names)) && !file_is_dir(path))
            moves_add(&moves, folder, old, *names);
        free(path);
    }
    size_t n = 0;
    char **written = file_names(new, &n, ERR_USAGE, err);
    for (size_t i = 0; written && i < n; i++)
        if (strcmp(written[i], config_name))
            moves_add(&moves, new, folder, written[i]);
    moves_add(&moves, new, folder, config_name);
    int rc = written ? moves_do(&moves, err) : -1;
    if (rc == 0)
        rc = file_sync_dir(folder, ERR_USAGE, err);
    file_names_free(written);
    moves_clear(&moves);
    return rc;
}

static int write_tokenizer(const char *folder, const struct hugging_face_file *files, size_t n,
                           struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        char *path = file_join(folder, files[i].name);
        rc = file_write_atomic(path, files[i].bytes, files[i].size, ERR_USAGE, err);
        free(path);
    }
    return rc;
}

int hugging_face_export(const char *folder, const char *run, bool force,
                        const Trireme__Model *model, const struct layout *layout,
                        const float *weights, const struct hugging_face_form *form,
                        const struct hugging_face_file *tokenizer, size_t n_files, struct err *err)
{
    const struct safetensors_note mark = {mark_key, run};
    struct hugging_face_form marked = *form;
    marked.notes = &mark;
    marked.n_notes = run[0] != 0;
    bool was_there = file_is_dir(folder);
    char *stage = file_join(folder, stage_name), *new = file_join(stage, "new"),
         *old = file_join(stage, "old"), **names = NULL;
    size_t n = 0;
    struct err ignored;
    int rc = -1;
    if (file_make_dirs(folder, ERR_USAGE, err) < 0 ||
        !(names = file_names(folder, &n, ERR_USAGE, err)) ||
        (!force && check_folder(folder, names, run, err) < 0))
        goto out;
    if (file_remove_tree(stage, ERR_USAGE, err) == 0 && file_make_dirs(new, ERR_USAGE, err) == 0 &&
        file_make_dirs(old, ERR_USAGE, err) == 0 &&
        hugging_face_write(new, model, layout, weights, &marked, err) == 0 &&
        write_tokenizer(new, tokenizer, n_files, err) == 0 &&
        replace(folder, names, force, n_files > 0, new, old, err) == 0)
        rc = file_remove_tree(stage, ERR_USAGE, err);
    if (rc < 0) {
        file_remove_tree(stage, ERR_USAGE, &ignored);
        if (!was_there)
            remove(folder);
    }
out:
    file_names_free(names);
    free(stage);
    free(new);
    free(old);
    return rc;
}
