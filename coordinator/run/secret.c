#include "coordinator/run/secret.h"

#include "base/check.h"
#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ID_SIZE = 16,
    SALT_SIZE = 16,
    FILE_MAX = 256,
    ROUNDS_MAX = 100000000 /* of a salt file: it must not keep a client for hours */
};
static const char check_text[] = "trireme check";

struct secret {
    unsigned char key[HMAC_SIZE];
    char id[2 * ID_SIZE + 1]; /* of the run */
    bool separates;
};

static int random_bytes(unsigned char *bytes, size_t size, struct err *err)
{
    ssize_t n; // up to 256 bytes come whole, but for a signal before the system has any
    while ((n = getrandom(bytes, size, 0)) < 0 && errno == EINTR) {
    }
    return n == (ssize_t)size
               ? 0
               : err_set(err, ERR_MACHINE, "getrandom: found no %zu random bytes: %s", size,
                         n < 0 ? strerror(errno) : "too few came");
}

/* Who may have a file. */
enum owner { OWNER_US, OWNER_ANY };

static int check_file(const struct stat *st, const char *path, enum owner owner, struct err *err)
{
    if (!S_ISREG(st->st_mode))
        return err_set(err, ERR_USAGE, "%s: expected a regular file", path);
    if (owner == OWNER_US && st->st_uid != geteuid())
        return err_set(err, ERR_USAGE, "%s: found a file of user %u, expected one of user %u", path,
                       (unsigned)st->st_uid, (unsigned)geteuid());
    if (st->st_mode & 077)
        return err_set(err, ERR_USAGE,
                       "%s: found mode %04o, expected 0600: others may have read it: replace it, "
                       "or `chmod 600` it if that does not matter",
                       path, (unsigned)(st->st_mode & 07777));
    return 0;
}

/* Reads a small private file through one descriptor, without its line end. Returns 1; 0, with the
 * sentence too, if it is not there or this user may not read it. */
static int read_private(char text[FILE_MAX], const char *path, enum owner owner, struct err *err)
{
    struct stat st;
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        const bool kept = errno == ENOENT || errno == EACCES;
        err_set(err, ERR_USAGE, "%s: cannot open: %s", path,
                errno == ELOOP ? "it is a link" : strerror(errno));
        return kept ? 0 : -1;
    }
    ssize_t n = 0;
    int rc = fstat(fd, &st) < 0
                 ? err_set(err, ERR_USAGE, "%s: cannot look at it: %s", path, strerror(errno))
                 : check_file(&st, path, owner, err);
    if (rc == 0 && (n = read(fd, text, FILE_MAX - 1)) < 0)
        rc = err_set(err, ERR_USAGE, "%s: cannot read it: %s", path, strerror(errno));
    close(fd);
    text[n > 0 ? n : 0] = 0;
    if (n > 0 && text[n - 1] == '\n')
        text[n - 1] = 0;
    return rc < 0 ? -1 : 1;
}

/* Writes bytes in hexadecimal, in a line. */
static int write_hex(const char *path, const unsigned char *bytes, size_t size, struct err *err)
{
    char line[FILE_MAX];
    ASSERT(2 * size + 2 <= sizeof line);
    hmac_hex(line, bytes, size);
    line[2 * size] = '\n';
    const int rc = file_write_private(path, line, 2 * size + 1, ERR_USAGE, err);
    explicit_bzero(line, sizeof line);
    return rc;
}

/* Reads such a file. Returns as read_private. */
static int read_hex(unsigned char *bytes, size_t size, const char *path, enum owner owner,
                    struct err *err)
{
    char text[FILE_MAX];
    int rc = read_private(text, path, owner, err);
    if (rc > 0 && !hmac_from_hex(bytes, size, text))
        rc = err_set(err, ERR_USAGE,
                     "%s: found other bytes, expected %zu hexadecimal digits, as `openssl rand "
                     "-hex %zu` prints them",
                     path, 2 * size, size);
    explicit_bzero(text, sizeof text);
    return rc;
}

static bool is_absent(const char *path)
{
    struct stat st;
    return lstat(path, &st) < 0 && errno == ENOENT;
}

/* The same of RUN/NAME; where it is not there and make is set, of random bytes that are written. */
static int read_or_make(unsigned char *bytes, size_t size, const char *run, const char *name,
                        bool make, struct err *err)
{
    char *path = file_join(run, name);
    int rc = read_hex(bytes, size, path, OWNER_US, err);
    const bool absent = rc == 0 && is_absent(path);
    if (absent && make)
        rc = random_bytes(bytes, size, err) < 0 || write_hex(path, bytes, size, err) < 0 ? -1 : 1;
    else if (absent)
        err_set(err, ERR_USAGE,
                "%s: found none, expected that a launch had made it: this run was begun by an "
                "earlier version: train it once (`trireme resume`)",
                path);
    free(path);
    return rc;
}

static int read_id(struct secret *s, const char *run, bool make, struct err *err)
{
    unsigned char id[ID_SIZE];
    const int rc = read_or_make(id, sizeof id, run, "id", make, err);
    hmac_hex(s->id, id, rc > 0 ? sizeof id : 0);
    return rc;
}

bool secret_is_asked(const char *where)
{
    return !strcmp(where, "ask");
}

int secret_check_where(const char *where, struct err *err)
{
    if (!where[0] || secret_is_asked(where) || where[0] == '/')
        return 0;
    return err_set(err, ERR_USAGE,
                   "experiment.secret: found '%s', expected an absolute path, or ask: who asks the "
                   "run reads it from other folders",
                   where);
}

/* ERR_USAGE for a file in RUN: whatever reads the run would read it. */
static int check_outside(const char *run, const char *where, struct err *err)
{
    char *folder = realpath(run, NULL), *file = realpath(where, NULL);
    const size_t n = folder ? strlen(folder) : 0;
    int rc = 0;
    if (folder && file && !strncmp(folder, file, n) && file[n] == '/')
        rc = err_set(err, ERR_USAGE,
                     "experiment.secret: %s is in the run's folder, expected a file outside of it",
                     where);
    free(file);
    free(folder);
    return rc;
}

static int read_path(struct secret *s, const char *run, const char *where, struct err *err)
{
    if (check_outside(run, where, err) < 0)
        return -1;
    const int rc = read_hex(s->key, sizeof s->key, where, OWNER_ANY, err);
    if (rc <= 0)
        err_context(err, "experiment.secret");
    return rc;
}

/* What RUN/secret.salt holds. */
struct salt {
    unsigned rounds;
    unsigned char bytes[SALT_SIZE], check[HMAC_SIZE];
};

/* Returns 1, 0 if there is none, or -1. */
static int read_salt(struct salt *salt, const char *run, struct err *err)
{
    char *path = file_join(run, "secret.salt"), text[FILE_MAX], bytes[2 * SALT_SIZE + 2],
         check[2 * HMAC_SIZE + 2];
    int rc = read_private(text, path, OWNER_US, err), end = -1;
    if (rc > 0 && (sscanf(text, "%9u %33s %65s%n", &salt->rounds, bytes, check, &end) != 3 ||
                   text[end] || salt->rounds == 0 || salt->rounds > ROUNDS_MAX ||
                   !hmac_from_hex(salt->bytes, sizeof salt->bytes, bytes) ||
                   !hmac_from_hex(salt->check, sizeof salt->check, check)))
        rc = err_set(err, ERR_USAGE,
                     "%s: found other bytes, expected rounds, a salt and a check: without it the "
                     "passphrase gives no secret",
                     path);
    free(path);
    return rc;
}

static int write_salt(const struct salt *salt, const char *run, struct err *err)
{
    char *path = file_join(run, "secret.salt"), bytes[2 * SALT_SIZE + 1], check[2 * HMAC_SIZE + 1];
    hmac_hex(bytes, salt->bytes, sizeof salt->bytes);
    hmac_hex(check, salt->check, sizeof salt->check);
    char *line = mem_format("%u %s %s\n", salt->rounds, bytes, check);
    const int rc = file_write_private(path, line, strlen(line), ERR_USAGE, err);
    free(line);
    free(path);
    return rc;
}

static void make_check(unsigned char check[HMAC_SIZE], const struct secret *s)
{
    hmac_sha256(check, s->key, sizeof s->key, check_text, strlen(check_text));
}

/* Whether it is the secret that the salt's file is for. */
static bool fits_salt(const struct secret *s, const struct salt *salt)
{
    unsigned char check[HMAC_SIZE];
    make_check(check, s);
    return hmac_same(check, salt->check, sizeof check);
}

/* Takes what `train` derived from the passphrase. */
static int take_once(struct secret *s, const char *run, struct err *err)
{
    struct salt salt;
    char *path = file_join(run, "secret.once");
    int rc = read_hex(s->key, sizeof s->key, path, OWNER_US, err);
    unlink(path);
    free(path);
    if (rc == 0)
        return err_set(err, ERR_USAGE,
                       "experiment.secret: ask: nobody asked for the passphrase: expected a "
                       "`trireme train` that starts mpirun, at a terminal, or the path of a file");
    rc = rc > 0 ? read_salt(&salt, run, err) : rc;
    if (rc > 0 && !fits_salt(s, &salt))
        rc = err_set(err, ERR_USAGE,
                     "%s/secret.once: found another secret than that of the run's passphrase: "
                     "another launch has begun at the same time: run the same line again",
                     run);
    return rc;
}

/* Ends the opening of a secret: rc 1 gives it to the caller. */
static int give(struct secret **secret, struct secret *s, int rc)
{
    if (rc > 0)
        *secret = s;
    else
        secret_free(s);
    return rc;
}

static int open_at(struct secret **secret, const char *run, const char *where, bool make,
                   struct err *err)
{
    struct secret *s = mem_new(1, sizeof *s);
    s->separates = where[0] != 0;
    int rc = secret_check_where(where, err);
    if (rc == 0)
        rc = secret_is_asked(where) ? take_once(s, run, err)
             : where[0]             ? read_path(s, run, where, err)
                                    : read_or_make(s->key, sizeof s->key, run, "secret", make, err);
    if (rc > 0)
        rc = read_id(s, run, make, err);
    return give(secret, s, rc);
}

int secret_make(struct secret **secret, const char *run, const char *where, struct err *err)
{
    return open_at(secret, run, where, true, err) > 0 ? 0 : -1;
}

int secret_open(struct secret **secret, const char *run, const char *where, struct err *err)
{
    ASSERT(!secret_is_asked(where));
    return open_at(secret, run, where, false, err);
}

bool secret_is_new(const char *run)
{
    char *path = file_join(run, "secret.salt");
    const bool new = !file_exists(path);
    free(path);
    return new;
}

int secret_derive(struct secret **secret, const char *run, const char *passphrase, bool new,
                  struct err *err)
{
    struct salt salt = {.rounds = SECRET_ROUNDS};
    const int there = read_salt(&salt, run, err);
    if (there < 0 || (there == 0 && !new))
        return -1;
    if (there == 0 && strlen(passphrase) < SECRET_PASSPHRASE_MIN)
        return err_set(err, ERR_USAGE,
                       "passphrase: found %zu bytes, expected at least %d, since who reads the run "
                       "can try passphrases",
                       strlen(passphrase), SECRET_PASSPHRASE_MIN);
    if (there == 0 && random_bytes(salt.bytes, sizeof salt.bytes, err) < 0)
        return -1;
    struct secret *s = mem_new(1, sizeof *s);
    s->separates = true;
    hmac_pbkdf2(s->key, passphrase, salt.bytes, sizeof salt.bytes, salt.rounds);
    int rc = 1;
    if (there == 0) {
        make_check(salt.check, s);
        rc = write_salt(&salt, run, err) < 0 ? -1 : 1;
    } else if (!fits_salt(s, &salt)) {
        rc = err_set(err, ERR_USAGE, "%s: this is not the passphrase of the run", run);
    }
    if (rc > 0 && !new)
        rc = read_id(s, run, false, err);
    return give(secret, s, rc) > 0 ? 0 : -1;
}

int secret_hand_over(const struct secret *s, const char *run, struct err *err)
{
    char *path = file_join(run, "secret.once");
    const int rc = write_hex(path, s->key, sizeof s->key, err);
    free(path);
    return rc;
}

void secret_take_away(const char *run)
{
    char *path = file_join(run, "secret.once");
    unlink(path); // rank 0 has done it, but for a launch that did not come so far
    free(path);
}

void secret_free(struct secret *s)
{
    if (s)
        explicit_bzero(s, sizeof *s);
    free(s);
}

bool secret_separates(const struct secret *s)
{
    return s->separates;
}

void secret_mac(unsigned char mac[HMAC_SIZE], const struct secret *s, const char *purpose,
                const char *text)
{
    char *all = mem_format("trireme %s %s\n%s", purpose, s->id, text);
    hmac_sha256(mac, s->key, sizeof s->key, all, strlen(all));
    free(all);
}

void secret_token(char token[SECRET_TOKEN_SIZE], const struct secret *s, const char *purpose,
                  const char *role)
{
    unsigned char mac[HMAC_SIZE];
    ASSERT(*purpose && *role && !strpbrk(purpose, " \n") && !strpbrk(role, " \n"));
    char *text = mem_format("trireme token %s %s %s", purpose, role, s->id);
    hmac_sha256(mac, s->key, sizeof s->key, text, strlen(text));
    hmac_hex(token, mac, sizeof mac);
    free(text);
}

bool secret_token_fits(const struct secret *s, const char *purpose, const char *role,
                       const char *token)
{
    char expected[SECRET_TOKEN_SIZE];
    secret_token(expected, s, purpose, role);
    // its length is no secret
    return token && strlen(token) == sizeof expected - 1 &&
           hmac_same(token, expected, sizeof expected - 1);
}
