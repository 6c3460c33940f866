/* A file system of its own for a child in a mount namespace of its own: an empty one, in which the
 * places that it may read are mounted where they are outside, for reading only, and a folder in
 * memory to work in. Whatever else there is outside has no name here. For a child between fork and
 * exec. Local. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define OWN_ROOT_WORK "/planner" /* that folder */
enum { OWN_ROOT_PLACES_MAX = 128 };

/* Makes it and enters it. Absolute paths; those that are not there are passed over. *proc: whether
 * /proc is there, which shows this pid namespace alone (a container may not allow it). Returns 0,
 * or the errno of what failed. */
int own_root_enter(bool *proc, const char *const *places, size_t n);

/* Mounts such a /proc at a path. Returns 0, or the errno. */
int own_root_mount_proc(const char *path);
