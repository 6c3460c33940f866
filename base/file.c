#include "base/file.h"

#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

bool file_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Opens a regular file for reading and writes its size. Returns the descriptor, or -1 on error. */
static int open_regular(const char *path, size_t *size, enum err_code code, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, code, "%s: cannot open: %s", path, strerror(errno));
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(err, code, "%s: expected a regular file", path);
    }
    *size = (size_t)st.st_size;
    return fd;
}

static int read_all(int fd, char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = read(fd, bytes + done, size - done);
        if (n <= 0 && !(n < 0 && errno == EINTR))
            return -1;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int write_all(int fd, const char *bytes, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, bytes + done, size - done);
        if (n < 0 && errno != EINTR)
            return -1;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

char *file_read(const char *path, size_t *size, enum err_code code, struct err *err)
{
    size_t n = 0;
    int fd = open_regular(path, &n, code, err);
    if (fd < 0)
        return NULL;
    char *bytes = mem_new(n + 1, 1);
    errno = 0;
    int rc = read_all(fd, bytes, n);
    if (rc < 0)
        err_set(err, code, "%s: cannot read %zu bytes: %s", path, n,
                errno ? strerror(errno) : "the file is shorter");
    close(fd);
    if (rc < 0) {
        free(bytes);
        return NULL;
    }
    if (size)
        *size = n;
    return bytes;
}

/* Returns the folder of a path, which the caller frees. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return mem_strdup(".");
    return slash == path ? mem_strdup("/") : mem_format("%.*s", (int)(slash - path), path);
}

struct file_writer {
    char *path, *temporary;
    int fd, error; /* errno of the first write that failed, or 0 */
    size_t size;
    enum err_code code;
};

static struct file_writer *open_writer(const char *path, bool private, enum err_code code,
                                       struct err *err)
{
    struct file_writer *w = mem_new(1, sizeof *w);
    w->path = mem_strdup(path);
    w->temporary = mem_format("%s.tmp-%ld", path, (long)getpid());
    w->code = code;
    if (private)
        unlink(w->temporary); // one that is there may be open elsewhere
    w->fd = open(w->temporary, O_WRONLY | O_CREAT | (private ? O_EXCL : O_TRUNC) | O_CLOEXEC,
                 private ? 0600 : 0644);
    if (w->fd < 0) {
        err_set(err, code, "%s: cannot write: %s", path, strerror(errno));
        file_writer_drop(w);
        return NULL;
    }
    return w;
}

struct file_writer *file_writer_open(const char *path, enum err_code code, struct err *err)
{
    return open_writer(path, false, code, err);
}

void file_writer_add(struct file_writer *w, const void *bytes, size_t size)
{
    w->size += size;
    if (!w->error && write_all(w->fd, bytes, size) < 0)
        w->error = errno;
}

int file_writer_end(struct file_writer *w, struct err *err)
{
    int rc = -1;
    char *folder = folder_of(w->path);
    if (!w->error && fsync(w->fd) < 0)
        w->error = errno;
    if (w->error)
        err_set(err, w->code, "%s: cannot write %zu bytes: %s", w->path, w->size,
                strerror(w->error));
    else if (rename(w->temporary, w->path) < 0)
        err_set(err, w->code, "%s: cannot rename into place: %s", w->path, strerror(errno));
    else
        rc = file_sync_dir(folder, w->code, err);
    free(folder);
    file_writer_drop(w);
    return rc;
}

void file_writer_drop(struct file_writer *w)
{
    if (!w)
        return;
    if (w->fd >= 0) {
        close(w->fd);
        unlink(w->temporary); // after a rename there is none
    }
    free(w->temporary);
    free(w->path);
    free(w);
}

static int write_whole(const char *path, bool private, const void *bytes, size_t size,
                       enum err_code code, struct err *err)
{
    struct file_writer *writer = open_writer(path, private, code, err);
    if (!writer)
        return -1;
    file_writer_add(writer, bytes, size);
    return file_writer_end(writer, err);
}

int file_write_atomic(const char *path, const void *bytes, size_t size, enum err_code code,
                      struct err *err)
{
    return write_whole(path, false, bytes, size, code, err);
}

int file_write_private(const char *path, const void *bytes, size_t size, enum err_code code,
                       struct err *err)
{
    return write_whole(path, true, bytes, size, code, err);
}

int file_make_dirs(const char *path, enum err_code code, struct err *err)
{
    if (file_is_dir(path))
        return 0;
    if (mkdir(path, 0755) == 0)
        return 0;
    if (errno == ENOENT) {
        char *folder = folder_of(path);
        int rc = strcmp(folder, path) ? file_make_dirs(folder, code, err) : -1;
        free(folder);
        if (rc < 0)
            return -1;
        if (mkdir(path, 0755) == 0 || file_is_dir(path))
            return 0;
    }
    if (errno == EEXIST && file_is_dir(path))
        return 0;
    return err_set(err, code, "%s: cannot make the folder: %s", path, strerror(errno));
}

int file_make_private(bool *open, const char *path, enum err_code code, struct err *err)
{
    struct stat st;
    // made with its rights, so that there is no moment at which it is open
    int rc = mkdir(path, 0700);
    if (rc < 0 && errno == ENOENT) {
        char *folder = folder_of(path);
        const int above = strcmp(folder, path) ? file_make_dirs(folder, code, err) : 0;
        free(folder);
        if (above < 0)
            return -1;
        rc = mkdir(path, 0700);
    }
    const int error = errno;
    if (rc < 0 && !file_is_dir(path))
        return err_set(err, code, "%s: cannot make the folder: %s", path, strerror(error));
    if (stat(path, &st) == 0 && (st.st_mode & 0777) != 0700)
        chmod(path, 0700); // another user's folder, and some file systems, refuse
    if (stat(path, &st) < 0)
        return err_set(err, code, "%s: cannot look at it: %s", path, strerror(errno));
    *open = (st.st_mode & 022) != 0;
    return 0;
}

int file_sync_dir(const char *path, enum err_code code, struct err *err)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_set(err, code, "%s: cannot open the folder: %s", path, strerror(errno));
    int rc = fsync(fd);
    if (rc < 0 && errno != EINVAL) // some file systems cannot sync a folder, and say so
        err_set(err, code, "%s: cannot sync the folder: %s", path, strerror(errno));
    else
        rc = 0;
    close(fd);
    return rc;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The names in a folder, sorted. path: for the sentence. */
static char **names_of(DIR *dir, const char *path, size_t *n, enum err_code code, struct err *err)
{
    char **names = NULL;
    size_t count = 0, room = 0;
    errno = 0;
    for (struct dirent *entry; (entry = readdir(dir)); errno = 0) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        names = mem_grow(names, count, &room, sizeof *names);
        names[count++] = mem_strdup(entry->d_name);
    }
    const int error = errno;
    names = mem_resize(names, count + 1, sizeof *names);
    names[count] = NULL;
    if (error) { // some names may be missing
        file_names_free(names);
        err_set(err, code, "%s: cannot read the folder: %s", path, strerror(error));
        return NULL;
    }
    qsort(names, count, sizeof *names, compare_names);
    *n = count;
    return names;
}

enum { DEPTH_MAX = 256 /* each takes a descriptor */ };

static int remove_at(int folder, const char *name, const char *path, int depth, enum err_code code,
                     struct err *err);

/* Removes what is in a folder, which is opened once and by its name in the one above: who exchanges
 * it for a link meanwhile leads nowhere. */
static int empty_at(int folder, const char *name, const char *path, int depth, enum err_code code,
                    struct err *err)
{
    const int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    size_t n = 0;
    if (!dir) {
        err_set(err, code, "%s: cannot read the folder: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    char **names = names_of(dir, path, &n, code, err);
    int rc = names ? 0 : -1;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char *child = file_join(path, names[i]);
        rc = remove_at(fd, names[i], child, depth + 1, code, err);
        free(child);
    }
    file_names_free(names);
    closedir(dir);
    return rc;
}

/* Removes the name in a folder, with all that is in it. path: for the sentence. */
static int remove_at(int folder, const char *name, const char *path, int depth, enum err_code code,
                     struct err *err)
{
    if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
        return 0;
    const int why = errno; // of a folder: EISDIR, or as POSIX has it EPERM
    if (unlinkat(folder, name, AT_REMOVEDIR) == 0)
        return 0;
    if (errno != ENOTEMPTY && errno != EEXIST)
        return err_set(err, code, "%s: cannot remove: %s", path,
                       strerror(errno == ENOTDIR ? why : errno));
    if (depth == DEPTH_MAX)
        return err_set(err, code, "%s: cannot remove: found more than %d folders in each other",
                       path, DEPTH_MAX);
    if (empty_at(folder, name, path, depth, code, err) < 0)
        return -1;
    return unlinkat(folder, name, AT_REMOVEDIR) == 0 || errno == ENOENT
               ? 0
               : err_set(err, code, "%s: cannot remove: %s", path, strerror(errno));
}

int file_remove_tree(const char *path, enum err_code code, struct err *err)
{
    return remove_at(AT_FDCWD, path, path, 0, code, err);
}

int file_exchange_dirs(const char *a, const char *b, enum err_code code, struct err *err)
{
    if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0)
        return 0;
    if (errno != ENOSYS && errno != EINVAL)
        return err_set(err, code, "%s: cannot rename: %s", a, strerror(errno));
    char *aside = mem_format("%s.aside", a);
    int rc = file_remove_tree(aside, code, err);
    if (rc == 0 && (rename(a, aside) < 0 || rename(b, a) < 0 || rename(aside, b) < 0)) {
        rc = err_set(err, code, "%s: cannot rename: %s", a, strerror(errno));
        rename(aside, a); // undoes the first rename, if that was done
    }
    free(aside);
    return rc;
}

char **file_names(const char *path, size_t *n, enum err_code code, struct err *err)
{
    DIR *dir = opendir(path);
    if (!dir) {
        err_set(err, code, "%s: cannot read the folder: %s", path, strerror(errno));
        return NULL;
    }
    char **names = names_of(dir, path, n, code, err);
    closedir(dir);
    return names;
}

void file_names_free(char **names)
{
    for (size_t i = 0; names && names[i]; i++)
        free(names[i]);
    free(names);
}

bool file_name_ends(const char *name, const char *end)
{
    size_t n = strlen(name), n_end = strlen(end);
    return n > n_end && strcmp(name + n - n_end, end) == 0;
}

char *file_join(const char *folder, const char *name)
{
    return mem_format("%s/%s", folder, name);
}

int file_map_open(struct file_map *map, const char *path, enum err_code code, struct err *err)
{
    size_t size = 0;
    int fd = open_regular(path, &size, code, err);
    if (fd < 0)
        return -1;
    void *bytes = NULL;
    if (size) {
        bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED) {
            err_set(err, code, "%s: cannot map %zu bytes: %s", path, size, strerror(errno));
            close(fd);
            return -1;
        }
    }
    close(fd);
    *map = (struct file_map){.bytes = bytes, .size = size};
    return 0;
}

void file_map_close(struct file_map *map)
{
    if (map->bytes)
        munmap((void *)map->bytes, map->size);
    *map = (struct file_map){0};
}
