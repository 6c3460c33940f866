#include "worker/data/format_npy.h"

#include "base/file.h"
#include "base/mem.h"
#include "worker/data/token_layout.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char MAGIC[6] = {0x93, 'N', 'U', 'M', 'P', 'Y'};
enum { VERSION = sizeof MAGIC, LENGTH = VERSION + 2, DESCR_SIZE = 24, TEXT_MAX = 65536 };

// clang-format off
static const struct type {
    const char *descr;
    size_t width;
} TYPES[] = {
    {"|u1", 1}, {"<u2", 2}, {"<i2", 2}, {"<u4", 4}, {"<i4", 4}, {"<u8", 8}, {"<i8", 8},
};
// clang-format on

bool format_npy_is(const struct file_map *map)
{
    return map->size >= sizeof MAGIC && !memcmp(map->bytes, MAGIC, sizeof MAGIC);
}

/* Where the value of a key begins in the header; NULL: the key is not there. */
static const char *value_of(const char *header, const char *key)
{
    const char *at = strstr(header, key);
    if (!at)
        return NULL;
    at += strlen(key);
    return at + strspn(at, " ");
}

/* Sets *of to the type's name. */
static int read_type(struct token_layout *layout, const char **of, const char *header,
                     const char *path, struct err *err)
{
    const char *value = value_of(header, "'descr':");
    char descr[DESCR_SIZE] = "several fields";
    if (value && *value == '\'') {
        const size_t n = strcspn(value + 1, "'");
        if (n < sizeof descr) {
            memcpy(descr, value + 1, n);
            descr[n] = 0;
        }
    }
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (!strcmp(descr, TYPES[i].descr)) {
            layout->width = TYPES[i].width;
            *of = TYPES[i].descr;
            return 0;
        }
    return err_set(err, ERR_DATA,
                   "%s: found a NumPy array of type %s, expected one of little-endian whole "
                   "numbers (<u2, <u4, <i4, <i8); a.astype('<u4') makes one",
                   path, descr);
}

static int read_shape(struct token_layout *layout, const char *header, const char *path,
                      struct err *err)
{
    const char *value = value_of(header, "'shape':");
    const int length = value ? (int)strcspn(value, ")") : 0;
    if (!value || *value != '(' || value[length] != ')')
        return err_set(err, ERR_DATA, "%s: found NumPy's header without a shape, expected (n,)",
                       path);
    char *end = NULL;
    errno = 0;
    const char *digits = value + 1 + strspn(value + 1, " ");
    layout->n_tokens = strtoull(digits, &end, 10);
    const char *rest = end + strspn(end, " ");
    if (!isdigit((unsigned char)*digits) || errno || rest[0] != ',' ||
        rest[1 + strspn(rest + 1, " ")] != ')')
        return err_set(err, ERR_DATA,
                       "%s: found a NumPy array of shape %.*s), expected one dimension, (n,); "
                       "a.reshape(-1) makes one",
                       path, length > 200 ? 200 : length, value);
    if (layout->n_tokens == 0)
        return err_set(err, ERR_DATA, "%s: found 0 tokens, expected at least one", path);
    return 0;
}

/* Fails unless the header is the dictionary of that type and shape and nothing else, with the keys
 * in the order of numpy.save: a damaged one is not guessed at. */
static int check_whole(const struct token_layout *layout, const char *header, const char *descr,
                       const char *path, struct err *err)
{
    static const char *const orders[] = {"False", "True"}, *const ends[] = {",}", "}"};
    char *tidy = mem_strdup(header), *to = tidy;
    for (const char *from = header; *from; from++)
        if (*from != ' ' && *from != '\n')
            *to++ = *from;
    *to = 0;
    bool is = false;
    for (int i = 0; i < 4 && !is; i++) {
        char *whole = mem_format("{'descr':'%s','fortran_order':%s,'shape':(%" PRIu64 ",)%s", descr,
                                 orders[i % 2], layout->n_tokens, ends[i / 2]);
        is = !strcmp(tidy, whole);
        free(whole);
    }
    free(tidy);
    return is ? 0
              : err_set(err, ERR_DATA,
                        "%s: found a damaged NumPy header, expected the dictionary of descr, "
                        "fortran_order and shape, and nothing else",
                        path);
}

/* The header's text in fresh memory, and the place of the first number. */
static char *read_header(uint64_t *first_byte, const struct file_map *map, const char *path,
                         struct err *err)
{
    const size_t width = map->size > VERSION && map->bytes[VERSION] > 1 ? 4 : 2;
    if (map->size < LENGTH + width) {
        err_set(err, ERR_DATA, "%s: truncated: found %zu bytes, expected NumPy's header", path,
                map->size);
        return NULL;
    }
    const unsigned major = map->bytes[VERSION];
    if (major < 1 || major > 3) {
        err_set(err, ERR_DATA, "%s: found version %u of NumPy's format, expected 1, 2 or 3", path,
                major);
        return NULL;
    }
    uint32_t length = 0;
    memcpy(&length, map->bytes + LENGTH, width);
    if (length > map->size - LENGTH - width) {
        err_set(err, ERR_DATA,
                "%s: truncated: found %zu bytes, expected a NumPy header of %" PRIu32, path,
                map->size, length);
        return NULL;
    }
    *first_byte = LENGTH + width + length;
    const size_t n = length < TEXT_MAX ? length : TEXT_MAX;
    char *text = mem_new(n + 1, 1);
    for (size_t i = 0; i < n; i++) {
        const unsigned char byte = map->bytes[LENGTH + width + i];
        text[i] = (char)(isprint(byte) || byte == '\n' ? byte : '?'); // it may stand in a sentence
    }
    return text;
}

int format_npy_read(struct token_layout *layout, const struct file_map *map, const char *path,
                    struct err *err)
{
    struct token_layout found = {.format = "NumPy"};
    char *header = read_header(&found.first_byte, map, path, err);
    if (!header)
        return -1;
    const char *descr = NULL;
    int rc = read_type(&found, &descr, header, path, err);
    if (rc == 0)
        rc = read_shape(&found, header, path, err);
    if (rc == 0)
        rc = check_whole(&found, header, descr, path, err);
    free(header);
    if (rc < 0)
        return -1;
    const uint64_t bytes = map->size - found.first_byte;
    if (bytes / found.width != found.n_tokens || bytes % found.width)
        return err_set(err, ERR_DATA,
                       "%s: found %" PRIu64 " bytes after NumPy's header, expected %" PRIu64
                       " numbers of %zu",
                       path, bytes, found.n_tokens, found.width);
    *layout = found;
    return 0;
}
