#include "coordinator/inbox/turn.h"

#include "base/file.h"
#include "base/mem.h"
#include "proto/file/incarnation.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include "files.pb-c.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *path_of(const char *run)
{
    return file_join(run, "turn");
}

int turn_open(const char *run, uint64_t incarnation, uint64_t step, struct err *err)
{
    Trireme__Turn turn = TRIREME__TURN__INIT;
    turn.has_incarnation = true, turn.incarnation = incarnation;
    turn.has_step = true, turn.step = step;
    char *path = path_of(run), *json = json_write(&turn), *text = mem_format("%s\n", json);
    const int rc = file_write_atomic(path, text, strlen(text), ERR_TRAIN, err);
    free(text);
    free(json);
    free(path);
    return rc;
}

int turn_close(const char *run, struct err *err)
{
    char *path = path_of(run);
    int rc = 0;
    if (unlink(path) < 0 && errno != ENOENT)
        rc = err_set(err, ERR_TRAIN, "%s: cannot remove: %s", path, strerror(errno));
    free(path);
    return rc;
}

int turn_read(uint64_t *step, const char *run, struct err *err)
{
    uint64_t incarnation = 0;
    if (incarnation_read(&incarnation, run, err) < 0)
        return -1;
    char *path = path_of(run);
    size_t size = 0;
    char *text = file_exists(path) ? file_read(path, &size, ERR_DATA, err) : NULL;
    const bool gone = !text && !file_exists(path); // it has ended meanwhile
    Trireme__Turn *turn = message_new(&trireme__turn__descriptor);
    int rc = text ? json_read(turn, text, size, path, ERR_DATA, err) : gone ? 0 : -1;
    if (rc == 0 && text && turn->incarnation == incarnation) {
        *step = turn->step;
        rc = 1;
    }
    message_free(turn);
    free(text);
    free(path);
    return rc;
}
