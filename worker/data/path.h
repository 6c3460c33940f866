/* Parts of paths. The caller frees the results. */
#pragma once

/* The path without slashes at the end; "/" stays. */
char *path_trim(const char *path);

/* What follows the last slash, slashes at the end not counted: "code" for "data/code/". */
char *path_base_name(const char *path);

/* What precedes the base name: "data" for "data/code/", "." for "code". */
char *path_parent(const char *path);

/* A hidden name beside the path, with this process's number: "data/.code.tmp-123" for
 * "data/code/". */
char *path_temporary(const char *path);
