#include "proto/file/incarnation.h"

#include "base/file.h"
#include "base/file_sure.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int incarnation_read(uint64_t *number, const char *run, struct err *err)
{
    char *path = file_join(run, "incarnation"), *text = NULL, *end = NULL;
    bool there = false;
    uint64_t found = 0;
    int rc = file_sure_there(&there, path, err);
    if (rc == 0 && there && !(text = file_sure_read(path, NULL, err)))
        rc = -1;
    if (text) {
        found = strtoull(text, &end, 10);
        if (end == text || *end != '\n')
            rc = err_set(err, ERR_DATA, "%s: found '%.20s', expected the number of launches", path,
                         text);
    }
    free(text);
    free(path);
    if (rc == 0)
        *number = found;
    return rc;
}

int incarnation_write(const char *run, uint64_t number, struct err *err)
{
    char *path = file_join(run, "incarnation"), line[32];
    snprintf(line, sizeof line, "%" PRIu64 "\n", number);
    int rc = file_write_atomic(path, line, strlen(line), ERR_USAGE, err);
    free(path);
    return rc;
}

int incarnation_check(const char *run, uint64_t number, struct err *err)
{
    uint64_t found = 0;
    if (incarnation_read(&found, run, err) < 0) {
        err->code = ERR_MACHINE;
        return -1;
    }
    if (found == number)
        return 0;
    if (!found)
        return err_set(err, ERR_MACHINE,
                       "%s/incarnation: found none, expected %" PRIu64
                       ", that of this launch: the run's folder is gone, or is another",
                       run, number);
    return err_set(err, ERR_MACHINE,
                   "%s: a newer launch (incarnation %" PRIu64 ", this one is %" PRIu64
                   ") has taken this run",
                   run, found, number);
}
