#include "worker/data/shard_list.h"

#include "base/file.h"
#include "base/mem.h"
#include "worker/data/recognise.h"

#include <stdlib.h>
#include <string.h>

static bool is_shard(const char *name, const char *ending)
{
    return name[0] != '.' && file_name_ends(name, ending);
}

static enum shard_use use_of(const char *name)
{
    char train[SHARD_WORD_SIZE], held[SHARD_WORD_SIZE];
    return shard_use_of(name, train, held);
}

static bool has_training(char **names, size_t n, const char *ending)
{
    for (size_t i = 0; i < n; i++) {
        const enum shard_use use = is_shard(names[i], ending) ? use_of(names[i]) : SHARD_UNREAD;
        if (use == SHARD_TRAIN || use == SHARD_BOTH)
            return true;
    }
    return false;
}

/* What versions that went by parts of words made of a name. */
static enum shard_use use_before(const char *name)
{
    if (!file_name_ends(name, ".bin"))
        return SHARD_UNREAD;
    return strstr(name, "train") ? SHARD_TRAIN : strstr(name, "val") ? SHARD_VAL : SHARD_UNREAD;
}

static int add_name(struct shard_list *list, const char *folder, const char *name, struct err *err)
{
    char train[SHARD_WORD_SIZE], held[SHARD_WORD_SIZE];
    const enum shard_use use = shard_use_of(name, train, held);
    if (use == SHARD_BOTH)
        return err_set(err, ERR_DATA,
                       "%s/%s: found the words '%s' and '%s' in its name, expected training or "
                       "validation: rename it, or move it elsewhere",
                       folder, name, train, held);
    list->names[list->n++] = (struct shard_name){.name = mem_strdup(name), .use = use};
    return 0;
}

/* Test files are validation where there is no other. */
static void settle_tests(struct shard_list *list)
{
    bool has_val = false;
    for (size_t i = 0; i < list->n; i++)
        has_val = has_val || list->names[i].use == SHARD_VAL;
    for (size_t i = 0; i < list->n; i++)
        if (list->names[i].use == SHARD_TEST)
            list->names[i].use = has_val ? SHARD_UNREAD : SHARD_VAL;
}

static int refuse_folder(const char *folder, struct err *err)
{
    const struct recognised is = recognise_stream(folder, NULL);
    if (is.what)
        return err_set(err, ERR_DATA, "%s: found %s, expected tokens: %s", folder, is.what,
                       is.advice);
    return err_set(err, ERR_DATA,
                   "%s: found neither data.yaml nor a file *train*.bin or *train*.npy, expected a "
                   "folder of tokens; `trireme data prepare` makes one from text",
                   folder);
}

int shard_list_read(struct shard_list *list, const char *folder, struct err *err)
{
    *list = (struct shard_list){.as_before = true};
    size_t n = 0;
    char **names = file_names(folder, &n, ERR_DATA, err);
    if (!names)
        return -1;
    const char *ending = has_training(names, n, ".bin")   ? ".bin"
                         : has_training(names, n, ".npy") ? ".npy"
                                                          : NULL;
    int rc = ending ? 0 : refuse_folder(folder, err);
    list->names = mem_new(n, sizeof *list->names);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (is_shard(names[i], ending))
            rc = add_name(list, folder, names[i], err);
    file_names_free(names);
    if (rc < 0) {
        shard_list_clear(list);
        return -1;
    }
    settle_tests(list);
    for (size_t i = 0; i < list->n; i++)
        list->as_before = list->as_before && list->names[i].use == use_before(list->names[i].name);
    return 0;
}

void shard_list_clear(struct shard_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        free(list->names[i].name);
    free(list->names);
    *list = (struct shard_list){0};
}
