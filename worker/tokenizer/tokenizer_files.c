#include "worker/tokenizer/tokenizer_files.h"

#include "base/check.h"
#include "base/file.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

static const struct pair {
    const char *vocab, *merges;
} pairs[] = {
    {"vocab.json",   "merges.txt"},
    {"encoder.json", "vocab.bpe" },
};
static const char json_name[] = "tokenizer.json";
static const char *const others[] = {"tokenizer_config.json", "special_tokens_map.json",
                                     "chat_template.jinja"};

static void add(struct tokenizer_files *files, const char *name, char *path)
{
    ASSERT(files->n < TOKENIZER_FILES_MOST);
    files->list[files->n++] = (struct tokenizer_path){name, path};
}

/* Adds the file if it is there. */
static bool add_from(struct tokenizer_files *files, const char *folder, const char *found,
                     const char *name)
{
    char *path = file_join(folder, found);
    const bool is_there = file_exists(path);
    if (is_there)
        add(files, name, path);
    else
        free(path);
    return is_there;
}

static int find_in(struct tokenizer_files *files, const char *folder, struct err *err)
{
    if (add_from(files, folder, json_name, json_name))
        return 0;
    files->is_pair = true;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (add_from(files, folder, pairs[i].vocab, pairs[0].vocab) &&
            add_from(files, folder, pairs[i].merges, pairs[0].merges))
            return 0;
        tokenizer_files_clear(files);
        files->is_pair = true;
    }
    return err_set(err, ERR_USAGE,
                   "%s: found no tokenizer, expected tokenizer.json, or vocab.json and merges.txt, "
                   "or encoder.json and vocab.bpe",
                   folder);
}

int tokenizer_files_find(struct tokenizer_files *files, const char *path, struct err *err)
{
    *files = (struct tokenizer_files){0};
    char *folder = mem_strdup(path);
    int rc = 0;
    if (file_is_dir(path)) {
        rc = find_in(files, path, err);
    } else {
        char *slash = strrchr(folder, '/');
        folder[slash ? slash + 1 - folder : 0] = 0;
        add(files, json_name, mem_strdup(path));
    }
    for (size_t i = 0; rc == 0 && i < sizeof others / sizeof *others; i++)
        add_from(files, *folder ? folder : ".", others[i], others[i]);
    free(folder);
    return rc;
}

void tokenizer_files_clear(struct tokenizer_files *files)
{
    for (size_t i = 0; i < files->n; i++)
        free(files->list[i].path);
    *files = (struct tokenizer_files){0};
}

const char *tokenizer_files_path(const struct tokenizer_files *files, const char *name)
{
    for (size_t i = 0; i < files->n; i++)
        if (!strcmp(files->list[i].name, name))
            return files->list[i].path;
    return NULL;
}
