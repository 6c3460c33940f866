/* Pointers of Git LFS (git-lfs, docs/spec.md): a repository that was cloned without Git LFS has in
 * place of each large file a short text whose first line is
 * "version https://git-lfs.github.com/spec/v1". */
#pragma once
#include "base/err.h"

#include <stddef.h>

/* Returns -1 with the sentence, ERR_DATA, if these first bytes of a file are a pointer's, else 0.
 */
int lfs_pointer_refuse(const char *path, const void *bytes, size_t size, struct err *err);
