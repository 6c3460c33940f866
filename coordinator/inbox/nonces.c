#include "coordinator/inbox/nonces.h"

#include "base/file.h"
#include "base/file_sure.h"
#include "base/hmac.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NONCE_SIZE = 16 };

struct one {
    uint64_t time;
    char nonce[2 * NONCE_SIZE + 1];
};

struct nonces {
    char *path;
    uint64_t floor;
    struct one taken[NONCES_MAX + 1]; /* the oldest first */
    size_t n;
};

/* Puts it in its place; the oldest goes where there are too many. */
static void insert(struct nonces *s, uint64_t time, const char *nonce)
{
    size_t at = s->n;
    for (; at > 0 && s->taken[at - 1].time > time; at--)
        s->taken[at] = s->taken[at - 1];
    s->taken[at].time = time;
    snprintf(s->taken[at].nonce, sizeof s->taken[at].nonce, "%.*s", 2 * NONCE_SIZE, nonce);
    s->n++;
    if (s->n > NONCES_MAX) {
        s->floor = s->taken[0].time;
        memmove(s->taken, s->taken + 1, --s->n * sizeof *s->taken);
    }
}

static int read_line(struct nonces *s, const char *line)
{
    unsigned char bytes[NONCE_SIZE];
    char nonce[2 * NONCE_SIZE + 2];
    uint64_t time;
    int end = -1;
    if (sscanf(line, "%20" SCNu64 " %33s%n", &time, nonce, &end) != 2 || line[end] ||
        !hmac_from_hex(bytes, sizeof bytes, nonce) || s->n == NONCES_MAX)
        return -1;
    insert(s, time, nonce);
    return 0;
}

static int parse(struct nonces *s, char *text, struct err *err)
{
    char *rest = NULL, *line = strtok_r(text, "\n", &rest);
    int end = -1, n = 1;
    bool good = line && sscanf(line, "%20" SCNu64 "%n", &s->floor, &end) == 1 && !line[end];
    while (good && (line = strtok_r(NULL, "\n", &rest))) {
        good = read_line(s, line) == 0;
        n++;
    }
    return good
               ? 0
               : err_set(err, ERR_DATA,
                         "%s: line %d: found something else, expected a time and a nonce: it tells "
                         "which requests of persons were taken; without it they could be repeated",
                         s->path, n);
}

struct nonces *nonces_open(const char *run, struct err *err)
{
    struct nonces *s = mem_new(1, sizeof *s);
    s->path = file_join(run, "nonces");
    bool there = false;
    int rc = file_sure_there(&there, s->path, err);
    char *text = rc == 0 && there ? file_sure_read(s->path, NULL, err) : NULL;
    if (rc == 0 && there)
        rc = text ? parse(s, text, err) : -1;
    free(text);
    if (rc == 0)
        return s;
    nonces_free(s);
    return NULL;
}

void nonces_free(struct nonces *s)
{
    if (s)
        free(s->path);
    free(s);
}

static int write_all(const struct nonces *s, struct err *err)
{
    struct text text = {0};
    text_printf(&text, "%" PRIu64 "\n", s->floor);
    for (size_t i = 0; i < s->n; i++)
        text_printf(&text, "%" PRIu64 " %s\n", s->taken[i].time, s->taken[i].nonce);
    const int rc = file_write_private(s->path, text.bytes, text.size, ERR_TRAIN, err);
    text_clear(&text);
    return rc;
}

int nonces_take(struct nonces *s, uint64_t time, const char *nonce, struct err *err)
{
    for (size_t i = 0; i < s->n; i++)
        if (!strcmp(s->taken[i].nonce, nonce))
            return err_set(err, ERR_USAGE,
                           "found a request that was taken before, expected a new one: ask again "
                           "if `trireme proposals ls` does not show that it was done");
    if (time <= s->floor)
        return err_set(err, ERR_USAGE,
                       "found a request that is older than the newest %d of persons, expected a "
                       "newer one: ask again",
                       NONCES_MAX);
    struct nonces before = *s;
    insert(s, time, nonce);
    if (write_all(s, err) == 0)
        return 0;
    *s = before;
    return -1;
}
