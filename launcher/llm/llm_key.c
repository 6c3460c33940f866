#include "launcher/llm/llm_key.h"

#include "base/file.h"
#include "base/mem.h"
#include "launcher/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* It begins the page that it is alone in. */
struct llm_key {
    size_t size;
    char bytes[LLM_KEY_MAX + 1];
};

static size_t page_size(void)
{
    const long page = sysconf(_SC_PAGESIZE);
    return page > (long)sizeof(struct llm_key) ? (size_t)page : sizeof(struct llm_key);
}

struct llm_key *llm_key_new(const char *bytes, size_t size, const char *what, struct err *err)
{
    while (size && (bytes[size - 1] == '\n' || bytes[size - 1] == '\r'))
        size--;
    bool sound = size > 0 && size <= LLM_KEY_MAX;
    for (size_t i = 0; sound && i < size; i++)
        sound = bytes[i] > ' ' && bytes[i] < 0x7f;
    if (!sound) {
        err_set(err, ERR_USAGE,
                "%s: found no key, expected one line of at most %d printable characters without "
                "blanks",
                what, LLM_KEY_MAX);
        return NULL;
    }
    struct llm_key *key =
        mmap(NULL, page_size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (key == MAP_FAILED) {
        err_set(err, ERR_MACHINE, "%s: found no memory for it: %s", what, strerror(errno));
        return NULL;
    }
    // where one of these is not to be had, the others still are
    mlock(key, page_size());
    madvise(key, page_size(), MADV_DONTDUMP);
    madvise(key, page_size(), MADV_WIPEONFORK);
    memcpy(key->bytes, bytes, size);
    key->size = size;
    return key;
}

static int check_file(int fd, const char *path, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return err_set(err, ERR_USAGE, "%s: cannot look at it: %s", path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return err_set(err, ERR_USAGE, "%s: expected a regular file", path);
    if (st.st_uid != geteuid())
        return err_set(err, ERR_USAGE, "%s: found a file of user %u, expected one of user %u", path,
                       (unsigned)st.st_uid, (unsigned)geteuid());
    if (st.st_mode & 077)
        return err_set(err, ERR_USAGE,
                       "%s: found mode %04o, expected 0600: others may have read the key: replace "
                       "it, or `chmod 600` the file if that does not matter",
                       path, (unsigned)(st.st_mode & 07777));
    return 0;
}

struct llm_key *llm_key_read(const char *path, struct err *err)
{
    char bytes[LLM_KEY_MAX + 3]; // one more than may be there, with its line end
    struct llm_key *key = NULL;
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        err_set(err, ERR_USAGE, "%s: cannot open: %s", path,
                errno == ELOOP ? "it is a link" : strerror(errno));
        return NULL;
    }
    if (check_file(fd, path, err) == 0) {
        const ssize_t n = read(fd, bytes, sizeof bytes);
        key = llm_key_new(bytes, n > 0 ? (size_t)n : 0, path, err);
        explicit_bzero(bytes, sizeof bytes);
    }
    close(fd);
    return key;
}

struct llm_key *llm_key_take_variable(const char *name, struct err *err)
{
    char *value = environment_take(name);
    if (!value) {
        err_set(err, ERR_USAGE,
                "llm.key_env: found no variable %s in the environment, expected the key of the "
                "model's server",
                name);
        return NULL;
    }
    char *what = mem_format("llm.key_env: %s", name);
    struct llm_key *key = llm_key_new(value, strlen(value), what, err);
    explicit_bzero(value, strlen(value));
    free(value);
    free(what);
    return key;
}

static char *path_of(const char *run)
{
    return file_join(run, "secret.llm");
}

int llm_key_hand_over(const struct llm_key *key, const char *run, struct err *err)
{
    char *path = path_of(run);
    const int rc = file_write_private(path, key->bytes, key->size, ERR_USAGE, err);
    free(path);
    return rc;
}

struct llm_key *llm_key_take(const char *run, struct err *err)
{
    char *path = path_of(run);
    struct llm_key *key = llm_key_read(path, err);
    unlink(path);
    free(path);
    return key;
}

void llm_key_take_away(const char *run)
{
    char *path = path_of(run);
    unlink(path);
    free(path);
}

const char *llm_key_text(const struct llm_key *key)
{
    return key->bytes;
}

/* The value of four hexadecimal digits; -1: they are none. */
static int read_hex(const char *s)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        const char *digits = "0123456789abcdef", *at = s[i] ? strchr(digits, s[i] | 0x20) : NULL;
        if (!at)
            return -1;
        value = value * 16 + (int)(at - digits);
    }
    return value;
}

/* Bytes that stand for the character, as itself or in JSON's escapes; 0: they stand for another. */
static size_t stands_for(const char *s, size_t size, char c)
{
    if (size > 0 && s[0] == c)
        return 1;
    if (size > 1 && s[0] == '\\' && s[1] == c)
        return 2;
    return size > 5 && s[0] == '\\' && s[1] == 'u' && read_hex(s + 2) == c ? 6 : 0;
}

/* Bytes of a quotation of the key that begins here; 0: none does. */
static size_t quoted_size(const char *s, size_t size, const struct llm_key *key)
{
    size_t at = 0;
    for (size_t i = 0; i < key->size; i++) {
        const size_t n = stands_for(s + at, size - at, key->bytes[i]);
        if (n == 0)
            return 0;
        at += n;
    }
    return at;
}

void llm_key_hide(char *bytes, size_t size, const struct llm_key *key)
{
    if (!key || key->size < LLM_KEY_SECRET)
        return;
    for (size_t i = 0; i < size;) {
        const size_t n = quoted_size(bytes + i, size - i, key);
        memset(bytes + i, '*', n);
        i += n ? n : 1;
    }
}

void llm_key_free(struct llm_key *key)
{
    if (!key)
        return;
    explicit_bzero(key, sizeof *key);
    munmap(key, page_size());
}
