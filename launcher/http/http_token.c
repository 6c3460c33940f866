#include "launcher/http/http_token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

int http_token_random(char token[HTTP_TOKEN_SIZE], struct err *err)
{
    unsigned char bytes[(HTTP_TOKEN_SIZE - 1) / 2];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return err_set(err, ERR_MACHINE, "no random bytes for a token: %s", strerror(errno));
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(token + 2 * i, 3, "%02x", bytes[i]);
    return 0;
}

int http_token_write(const char *path, const char token[HTTP_TOKEN_SIZE], struct err *err)
{
    unlink(path);
    const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    const bool written = fd >= 0 && dprintf(fd, "%s\n", token) == HTTP_TOKEN_SIZE;
    const int why = errno;
    if (fd >= 0)
        close(fd);
    if (written)
        return 0;
    unlink(path);
    return err_set(err, ERR_USAGE, "%s: cannot write: %s", path, strerror(why));
}
