#include "launcher/machine/hostfile.h"

#include "base/file.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char blanks[] = " \t\r\v\f";

/* Words before '=' that Open MPI knows and that are followed by a number; the first three all mean
 * slots. Of the rest it reads the number, or passes over it. */
static const char *const numbers[] = {
    "slots",     "count",     "cpu",       "max-slots", "max_slots", "slots-max",
    "slots_max", "max-cpu",   "max_cpu",   "cpu-max",   "cpu_max",   "count-max",
    "count_max", "max-count", "max_count", "boards",    "port",      "sockets_per_board",
};
enum { N_SLOTS = 3 };
static const char *const texts[] = {"user", "username", "user_name", "user-name", "slot_list"};

static bool is_one_of(const char *const *words, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (!strcmp(words[i], word))
            return true;
    return false;
}

static void add_host(struct hostfile *file, const char *name, unsigned slots)
{
    for (size_t i = 0; i < file->n; i++)
        if (!strcmp(file->hosts[i].name, name)) {
            file->hosts[i].slots += slots;
            return;
        }
    file->hosts = mem_resize(file->hosts, file->n + 1, sizeof *file->hosts);
    file->hosts[file->n++] = (struct host){.name = mem_strdup(name), .slots = slots};
}

static bool is_host(const char *name)
{
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                 ".-_:[]%") == strlen(name);
}

/* Takes WORD=VALUE, with blanks around '=' or not. Returns 0 at the line's end. */
static int take_setting(char **rest, char **word, char **value)
{
    char *at = *rest + strspn(*rest, blanks);
    if (!*at)
        return 0;
    *word = at;
    at += strcspn(at, "= \t\r\v\f");
    char *end = at;
    at += strspn(at, blanks);
    if (*at == '=') {
        at++;
        *value = at += strspn(at, blanks);
        at += strcspn(at, blanks);
    } else {
        *value = NULL;
        at = end;
    }
    if (*at)
        *at++ = 0;
    *rest = at;
    *end = 0;
    return 1;
}

static int take_line(struct hostfile *file, const char *path, size_t line, char *text,
                     struct err *err)
{
    text[strcspn(text, "#")] = 0;
    char *host = text + strspn(text, blanks);
    if (!*host)
        return 0;
    char *rest = host + strcspn(host, blanks), *word, *value;
    if (*rest)
        *rest++ = 0;
    const bool left_out = *host == '^';
    char *name = strchr(host, '@') ? strchr(host, '@') + 1 : host + left_out;
    if (!is_host(name))
        return err_set(err, ERR_USAGE,
                       "--hostfile %s: line %zu: found '%.100s', expected the name of a host", path,
                       line, host);
    unsigned slots = 0;
    while (take_setting(&rest, &word, &value)) {
        char *end = NULL;
        unsigned long n = value && *value >= '0' && *value <= '9' ? strtoul(value, &end, 10) : 0;
        const bool number = end && !*end && n <= INT_MAX;
        if (value && *value && is_one_of(texts, sizeof texts / sizeof *texts, word))
            continue;
        if (!is_one_of(numbers, sizeof numbers / sizeof *numbers, word) || !number)
            return err_set(err, ERR_USAGE,
                           "--hostfile %s: line %zu: found '%.100s%s%.100s', expected slots=N",
                           path, line, word, value ? "=" : "", value ? value : "");
        if (is_one_of(numbers, N_SLOTS, word))
            slots = (unsigned)n;
    }
    if (!left_out)
        add_host(file, name, slots);
    return 0;
}

int hostfile_read(struct hostfile *file, const char *path, struct err *err)
{
    *file = (struct hostfile){0};
    size_t size = 0, line = 0;
    char *text = file_read(path, &size, ERR_USAGE, err);
    if (!text)
        return err_context(err, "--hostfile");
    int rc = 0;
    if (strlen(text) != size)
        rc = err_set(err, ERR_USAGE, "--hostfile %s: found a file that is no text", path);
    for (char *at = text, *next; rc == 0 && at; at = next) {
        next = strchr(at, '\n');
        if (next)
            *next++ = 0;
        rc = take_line(file, path, ++line, at, err);
    }
    free(text);
    if (rc == 0 && file->n == 0)
        rc = err_set(err, ERR_USAGE,
                     "--hostfile %s: found no host in %zu bytes, expected one a line", path, size);
    return rc;
}

void hostfile_clear(struct hostfile *file)
{
    for (size_t i = 0; i < file->n; i++)
        free(file->hosts[i].name);
    free(file->hosts);
    *file = (struct hostfile){0};
}

static bool is_address(const char *name)
{
    struct in6_addr address;
    return inet_pton(AF_INET, name, &address) == 1 || strchr(name, ':');
}

bool hostfile_has_dots(const struct hostfile *file)
{
    for (size_t i = 0; i < file->n; i++)
        if (strchr(file->hosts[i].name, '.') && !is_address(file->hosts[i].name))
            return true;
    return false;
}

bool hostfile_is_here(const char *name)
{
    char here[HOST_NAME_MAX + 1] = "";
    gethostname(here, sizeof here - 1);
    if (!strcmp(name, here) || !strcmp(name, "localhost") || !strncmp(name, "127.", 4) ||
        !strcmp(name, "::1"))
        return true;
    // one of the two may be without its domain
    const size_t a = strcspn(name, "."), b = strcspn(here, ".");
    return !is_address(name) && a == b && !strncmp(name, here, a) && (!name[a] || !here[b]);
}

bool hostfile_has_others(const struct hostfile *file)
{
    for (size_t i = 0; i < file->n; i++)
        if (!hostfile_is_here(file->hosts[i].name))
            return true;
    return false;
}
