#include "proto/file/lfs_pointer.h"

#include <string.h>

int lfs_pointer_refuse(const char *path, const void *bytes, size_t size, struct err *err)
{
    static const char start[] = "version https://git-lfs.github.com/spec/v1";
    if (size < sizeof start - 1 || memcmp(bytes, start, sizeof start - 1))
        return 0;
    return err_set(err, ERR_DATA,
                   "%s: found a Git LFS pointer, expected the file that it stands for: run `git "
                   "lfs pull` in the folder's repository",
                   path);
}
