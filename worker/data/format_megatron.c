#include "worker/data/format_megatron.h"

#include "base/file.h"
#include "base/mem.h"
#include "worker/data/token_layout.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char MAGIC[9] = "MMIDIDX\0"; // its own zero is the ninth byte
enum { VERSION = sizeof MAGIC, TYPE = VERSION + 8, SEQUENCES = TYPE + 1, HEADER = SEQUENCES + 16 };

// clang-format off
static const struct type {
    const char *name;
    size_t width; /* 0: not tokens */
} TYPES[] = {
    [1] = {"uint8",   1},
    [2] = {"int8",    0},
    [3] = {"int16",   2},
    [4] = {"int32",   4},
    [5] = {"int64",   8},
    [6] = {"float64", 0},
    [7] = {"float32", 0},
    [8] = {"uint16",  2},
};
// clang-format on
enum { N_TYPES = sizeof TYPES / sizeof *TYPES };

char *format_megatron_index(const char *path)
{
    if (!file_name_ends(path, ".bin"))
        return NULL;
    char *index = mem_format("%.*s.idx", (int)(strlen(path) - strlen(".bin")), path);
    if (!file_exists(index)) {
        free(index);
        index = NULL;
    }
    return index;
}

static uint64_t u64_at(const struct file_map *map, uint64_t byte)
{
    uint64_t word;
    memcpy(&word, map->bytes + byte, sizeof word);
    return word;
}

/* The size of the index itself: it also bounds the counts, so no later sum overflows. */
static int check_counts(const struct file_map *map, const char *path, uint64_t sequences,
                        uint64_t documents, struct err *err)
{
    const uint64_t most = map->size / 8;
    const uint64_t expected =
        sequences > most || documents > most ? 0 : HEADER + sequences * 12 + documents * 8;
    if (expected && (map->size == expected || map->size == expected + sequences))
        return 0;
    return err_set(err, ERR_DATA,
                   "%s: found %zu bytes, expected those of Megatron's index of %" PRIu64
                   " sequences and %" PRIu64 " documents",
                   path, map->size, sequences, documents);
}

/* Adds up the sequences and checks that each begins where the last one ended. */
static int add_up(uint64_t *n_tokens, const struct file_map *map, const char *path,
                  uint64_t sequences, size_t width, struct err *err)
{
    const uint64_t pointers = HEADER + sequences * 4;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < sequences; i++) {
        int32_t length;
        memcpy(&length, map->bytes + HEADER + i * 4, sizeof length);
        if (length < 0)
            return err_set(err, ERR_DATA,
                           "%s: sequence %" PRIu64 " has %" PRId32 " tokens, expected none or more",
                           path, i, length);
        const uint64_t at = u64_at(map, pointers + i * 8);
        if (at != sum * width)
            return err_set(err, ERR_DATA,
                           "%s: sequence %" PRIu64 " begins at byte %" PRIu64 ", expected %" PRIu64
                           ", the end of the one before",
                           path, i, at, sum * width);
        sum += (uint64_t)length;
    }
    *n_tokens = sum;
    return 0;
}

static int read_index(struct token_layout *layout, const struct file_map *map, const char *path,
                      struct err *err)
{
    if (map->size < sizeof MAGIC || memcmp(map->bytes, MAGIC, sizeof MAGIC) != 0)
        return err_set(err, ERR_DATA,
                       "%s: found other bytes than MMIDIDX at its beginning, expected Megatron's "
                       "index of the .bin beside it, or no such file",
                       path);
    if (map->size < HEADER)
        return err_set(err, ERR_DATA,
                       "%s: truncated: found %zu bytes, expected Megatron's header of %d", path,
                       map->size, HEADER);
    const uint64_t version = u64_at(map, VERSION);
    if (version != 1)
        return err_set(err, ERR_DATA,
                       "%s: found version %" PRIu64 " of Megatron's index, expected 1", path,
                       version);
    const unsigned code = map->bytes[TYPE];
    if (code >= N_TYPES || !TYPES[code].width)
        return err_set(err, ERR_DATA,
                       "%s: found tokens of type %u (%s), expected uint16, int32 or another type "
                       "of whole numbers",
                       path, code, code < N_TYPES && TYPES[code].name ? TYPES[code].name : "?");
    const uint64_t sequences = u64_at(map, SEQUENCES), documents = u64_at(map, SEQUENCES + 8);
    layout->width = TYPES[code].width;
    return check_counts(map, path, sequences, documents, err) < 0
               ? -1
               : add_up(&layout->n_tokens, map, path, sequences, layout->width, err);
}

int format_megatron_read(struct token_layout *layout, const struct file_map *map, const char *path,
                         const char *index, struct err *err)
{
    struct token_layout found = {.format = "Megatron"};
    struct file_map index_map;
    if (file_map_open(&index_map, index, ERR_DATA, err) < 0)
        return -1;
    int rc = read_index(&found, &index_map, index, err);
    file_map_close(&index_map);
    if (rc < 0)
        return -1;
    if (map->size != found.n_tokens * found.width)
        return err_set(err, ERR_DATA,
                       "%s: found %zu bytes, expected %" PRIu64 " (%" PRIu64
                       " tokens of %zu bytes) as in %s, Megatron's index beside it",
                       path, map->size, found.n_tokens * found.width, found.n_tokens, found.width,
                       index);
    if (found.n_tokens == 0)
        return err_set(err, ERR_DATA, "%s: found 0 tokens, expected at least one", path);
    *layout = found;
    return 0;
}
