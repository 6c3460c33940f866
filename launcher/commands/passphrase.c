#include "launcher/commands/passphrase.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { INTERRUPT = 3 /* Ctrl-C */ };

/* Reads up to the end of the line, which may be Ctrl-C. */
static int read_line(char *text, int fd, struct err *err)
{
    const double end = clock_now() + PASSPHRASE_SECONDS;
    size_t n = 0;
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        const int ready = poll(&wait, 1, 200);
        if (ready < 0 && errno == EINTR)
            return err_set(err, ERR_USAGE, "passphrase: interrupted by a signal");
        if (ready <= 0 && clock_now() > end)
            return err_set(err, ERR_USAGE, "passphrase: nothing was typed within %d seconds",
                           PASSPHRASE_SECONDS);
        if (ready <= 0)
            continue;
        char c;
        const ssize_t got = read(fd, &c, 1);
        if (got <= 0 || c == INTERRUPT)
            return err_set(err, ERR_USAGE, "passphrase: nothing was typed, expected a line");
        if (c == '\n' || c == '\r')
            break;
        if (n + 1 == PASSPHRASE_SIZE)
            return err_set(err, ERR_USAGE, "passphrase: expected at most %d bytes",
                           PASSPHRASE_SIZE - 1);
        text[n++] = c;
    }
    text[n] = 0;
    return n ? 0 : err_set(err, ERR_USAGE, "passphrase: found an empty one");
}

int passphrase_ask(char text[PASSPHRASE_SIZE], const char *words, struct err *err)
{
    const int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios before, quiet;
    if (fd < 0 || tcgetattr(fd, &before) < 0) {
        err_set(err, ERR_USAGE, "passphrase: found no terminal to ask at: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return 0;
    }
    quiet = before;
    // Ctrl-C is read as a line, so that nothing ends this process while the terminal is silent
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    quiet.c_lflag |= ICANON;
    quiet.c_cc[VEOL] = INTERRUPT;
    tcsetattr(fd, TCSAFLUSH, &quiet);
    dprintf(fd, "%s", words);
    const int rc = read_line(text, fd, err);
    tcsetattr(fd, TCSAFLUSH, &before);
    dprintf(fd, "\n");
    close(fd);
    return rc < 0 ? -1 : 1;
}
