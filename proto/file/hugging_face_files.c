#include "proto/file/hugging_face_files.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "proto/file/hugging_face_names.h"
#include "proto/file/lfs_pointer.h"
#include "proto/file/safetensors.h"
#include "proto/schema/node.h"

#include <stdlib.h>
#include <string.h>

static const char whole_name[] = "model.safetensors", index_name[] = "model.safetensors.index.json";

/* A row of the index: a tensor, and the file that it is said to stand in. */
struct place {
    const char *tensor, *file; /* borrowed from the index's tree */
};

struct weight_map {
    struct node *root;
    struct place *places; /* sorted by tensor; NULL: there is no index */
    size_t n;
};

static int compare_places(const void *a, const void *b)
{
    return strcmp(((const struct place *)a)->tensor, ((const struct place *)b)->tensor);
}

static void weight_map_clear(struct weight_map *map)
{
    node_free(map->root);
    free(map->places);
}

static int read_places(struct weight_map *map, const char *path, struct err *err)
{
    const struct node *names = NULL;
    for (size_t i = 0; map->root->kind == NODE_MAP && i < map->root->n; i++)
        if (!strcmp(map->root->children[i].key, "weight_map"))
            names = &map->root->children[i];
    if (!names || names->kind != NODE_MAP || names->n == 0)
        return err_set(err, ERR_DATA,
                       "%s: found no weight_map, expected an object that says the file of each "
                       "tensor",
                       path);
    map->places = mem_new(names->n, sizeof *map->places);
    for (map->n = 0; map->n < names->n; map->n++) {
        const struct node *name = &names->children[map->n];
        if (!safetensors_name_is_plain(name->key) ||
            (name->text && !safetensors_name_is_plain(name->text)))
            return err_set(err, ERR_DATA, "%s: row %zu of weight_map has control characters", path,
                           map->n);
        if (name->kind != NODE_STRING || !file_name_ends(name->text, ".safetensors") ||
            strchr(name->text, '/'))
            return err_set(err, ERR_DATA,
                           "%s: tensor '%s': found '%s', expected the name of a .safetensors file "
                           "in this folder",
                           path, name->key, name->text ? name->text : "no name");
        map->places[map->n] = (struct place){name->key, name->text};
    }
    qsort(map->places, map->n, sizeof *map->places, compare_places);
    return 0;
}

/* The caller clears the map, also on failure. */
static int weight_map_read(struct weight_map *map, const char *path, struct err *err)
{
    size_t size = 0;
    char *text = file_read(path, &size, ERR_DATA, err);
    int rc = text ? lfs_pointer_refuse(path, text, size, err) : -1;
    if (rc == 0 && !(map->root = json_node_read(text, size, path, ERR_DATA, err)))
        rc = -1;
    if (rc == 0)
        rc = read_places(map, path, err);
    free(text);
    return rc;
}

/* Says which files of weights, none of which is read, are in the folder. */
static int refuse_folder(const char *folder, struct err *err)
{
    static const char *const endings[] = {".safetensors", ".bin",  ".pt",      ".pth",
                                          ".ckpt",        ".gguf", ".msgpack", ".h5"};
    size_t n = 0, n_found = 0;
    char **names = file_names(folder, &n, ERR_DATA, err);
    if (!names)
        return -1;
    struct text found = {0};
    for (size_t i = 0; i < n; i++) {
        char *path = file_join(folder, names[i]);
        for (size_t k = 0; k < sizeof endings / sizeof *endings; k++)
            if (file_name_ends(names[i], endings[k]) && n_found++ < 5)
                text_printf(&found, "%s%s%s", n_found > 1 ? ", " : "", names[i],
                            file_exists(path) ? "" : " (a link to nothing)");
        free(path);
    }
    if (n_found > 5)
        text_printf(&found, " and %zu more", n_found - 5);
    err_set(err, ERR_DATA, "%s: found %s, expected %s or %s", folder,
            n_found ? found.bytes : "no file of weights", whole_name, index_name);
    text_clear(&found);
    file_names_free(names);
    return -1;
}

static int open_file(struct hugging_face_files *files, const char *path, struct err *err)
{
    if (safetensors_open(&files->files[files->n], path, err) < 0)
        return -1;
    files->paths[files->n++] = mem_strdup(path);
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Opens each file of the index once. */
static int open_places(struct hugging_face_files *files, const struct weight_map *map,
                       const char *folder, const char *index, struct err *err)
{
    const char **names = mem_new(map->n, sizeof *names);
    for (size_t i = 0; i < map->n; i++)
        names[i] = map->places[i].file;
    qsort(names, map->n, sizeof *names, compare_names);
    files->files = mem_new(map->n, sizeof *files->files);
    files->paths = mem_new(map->n, sizeof *files->paths);
    int rc = 0;
    for (size_t i = 0; i < map->n && rc == 0; i++) {
        if (i && !strcmp(names[i], names[i - 1]))
            continue;
        char *path = file_join(folder, names[i]);
        rc = file_exists(path)
                 ? open_file(files, path, err)
                 : err_set(err, ERR_DATA, "%s: missing, but %s names it", path, index);
        free(path);
    }
    free(names);
    return rc;
}

/* Compares what the index says of a tensor with the file that it stands in. */
static int check_place(const struct weight_map *map, const char *tensor, const char *path,
                       struct err *err)
{
    if (!map->places)
        return 0;
    struct place key = {.tensor = tensor};
    const struct place *place =
        bsearch(&key, map->places, map->n, sizeof *map->places, compare_places);
    if (!place)
        return err_set(err, ERR_DATA, "%s: tensor '%s' is there, but %s does not name it", path,
                       tensor, index_name);
    if (strcmp(strrchr(path, '/') + 1, place->file))
        return err_set(err, ERR_DATA, "%s: tensor '%s' is there, but %s says that it is in %s",
                       path, tensor, index_name, place->file);
    return 0;
}

/* Pieces by name. */
struct finder {
    const struct hugging_face_piece **sorted, *pieces;
    size_t n;
};

static int compare_pieces(const void *a, const void *b)
{
    return strcmp((*(const struct hugging_face_piece *const *)a)->name,
                  (*(const struct hugging_face_piece *const *)b)->name);
}

static struct finder finder_of(const struct hugging_face_piece *pieces, size_t n)
{
    struct finder finder = {mem_new(n, sizeof *finder.sorted), pieces, n};
    for (size_t i = 0; i < n; i++)
        finder.sorted[i] = &pieces[i];
    qsort(finder.sorted, n, sizeof *finder.sorted, compare_pieces);
    return finder;
}

/* Place of the piece with that full name in the list; n if there is none. */
static size_t finder_find(const struct finder *finder, const char *full)
{
    size_t first = 0, end = finder->n;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        int order = strcmp(full, finder->sorted[middle]->name);
        if (order == 0)
            return (size_t)(finder->sorted[middle] - finder->pieces);
        if (order < 0)
            end = middle;
        else
            first = middle + 1;
    }
    return finder->n;
}

/* Gives each tensor of a file its place. The first that has none is left in *unknown. */
static int account(struct hugging_face_files *files, struct hugging_face_found *unknown,
                   size_t file, const Trireme__Model *model, const struct finder *finder,
                   const struct weight_map *map, struct err *err)
{
    const char *path = files->paths[file];
    for (size_t i = 0; i < files->files[file].n; i++) {
        const struct safetensors_entry *e = &files->files[file].entries[i];
        char full[HUGGING_FACE_NAME_SIZE];
        hugging_face_names_full(full, model, e->name);
        size_t at = finder_find(finder, full);
        bool spare = at == finder->n && model->tied && !strcmp(full, hugging_face_names_head);
        if (at == finder->n && !spare && hugging_face_names_buffer(model, full))
            continue;
        if (at == finder->n && !spare) {
            if (!unknown->entry)
                *unknown = (struct hugging_face_found){e, path};
            continue;
        }
        if (check_place(map, e->name, path, err) < 0)
            return -1;
        struct hugging_face_found *found = spare ? &files->head : &files->found[at];
        if (found->entry)
            return err_set(err, ERR_DATA, "%s: tensor '%s' is there twice, also as '%s' in %s",
                           path, e->name, found->entry->name, found->path);
        *found = (struct hugging_face_found){e, path};
    }
    return 0;
}

/* Fails if a tensor of the index is not in its file. Buffers may be left out. */
static int check_places(const struct hugging_face_files *files, const Trireme__Model *model,
                        const struct weight_map *map, struct err *err)
{
    for (size_t i = 0; i < map->n; i++) {
        const struct place *place = &map->places[i];
        size_t k = 0;
        while (strcmp(strrchr(files->paths[k], '/') + 1, place->file))
            k++;
        char full[HUGGING_FACE_NAME_SIZE];
        hugging_face_names_full(full, model, place->tensor);
        if (!safetensors_find(&files->files[k], place->tensor) &&
            !hugging_face_names_buffer(model, full))
            return err_set(err, ERR_DATA,
                           "%s: tensor '%s' is missing, but %s says that it is there",
                           files->paths[k], place->tensor, index_name);
    }
    return 0;
}

/* Fails if a tensor has no place, or a piece was not found. A tied model's head serves as its
 * embedding. */
static int check_pieces(struct hugging_face_files *files, const struct hugging_face_found *unknown,
                        const char *folder, const Trireme__Model *model,
                        const struct hugging_face_piece *pieces, size_t n_pieces, struct err *err)
{
    const char *missing = NULL;
    for (size_t i = 0; i < n_pieces; i++) {
        if (!files->found[i].entry && files->head.entry &&
            !strcmp(pieces[i].name, hugging_face_names_embedding(model))) {
            files->found[i] = files->head;
            files->head = (struct hugging_face_found){0};
        }
        if (!files->found[i].entry && !missing)
            missing = pieces[i].name;
    }
    if (unknown->entry)
        return err_set(err, ERR_DATA,
                       "%s: tensor '%s' has no place in the model that config.json describes%s%s%s",
                       unknown->path, unknown->entry->name, missing ? ", and '" : "",
                       missing ? missing : "", missing ? "' is missing" : "");
    return missing ? err_set(err, ERR_DATA, "%s: tensor '%s' is missing", folder, missing) : 0;
}

int hugging_face_files_open(struct hugging_face_files *files, const char *folder,
                            const Trireme__Model *model, const struct hugging_face_piece *pieces,
                            size_t n_pieces, struct err *err)
{
    *files = (struct hugging_face_files){0};
    struct weight_map map = {0};
    struct hugging_face_found unknown = {0};
    struct finder finder = finder_of(pieces, n_pieces);
    char *whole = file_join(folder, whole_name), *index = file_join(folder, index_name);
    int rc = 0;
    if (file_exists(whole)) {
        files->files = mem_new(1, sizeof *files->files);
        files->paths = mem_new(1, sizeof *files->paths);
        rc = open_file(files, whole, err);
    } else if (file_exists(index)) {
        rc = weight_map_read(&map, index, err);
        if (rc == 0)
            rc = open_places(files, &map, folder, index, err);
    } else
        rc = refuse_folder(folder, err);
    files->found = mem_new(n_pieces, sizeof *files->found);
    for (size_t i = 0; i < files->n && rc == 0; i++)
        rc = account(files, &unknown, i, model, &finder, &map, err);
    if (rc == 0)
        rc = check_places(files, model, &map, err);
    if (rc == 0)
        rc = check_pieces(files, &unknown, folder, model, pieces, n_pieces, err);
    free(whole);
    free(index);
    free(finder.sorted);
    weight_map_clear(&map);
    if (rc < 0)
        hugging_face_files_close(files);
    return rc;
}

void hugging_face_files_close(struct hugging_face_files *files)
{
    for (size_t i = 0; i < files->n; i++) {
        safetensors_close(&files->files[i]);
        free(files->paths[i]);
    }
    free(files->files);
    free(files->paths);
    free(files->found);
    *files = (struct hugging_face_files){0};
}
