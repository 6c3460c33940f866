/* Parts of paths, in fresh memory. */
#pragma once

/* Without slashes at the end; "/" stays. */
char *path_trim(const char *path);

/* What stands behind the last slash, slashes at the end not counted: "code" of "data/code/". */
char *path_base_name(const char *path);

/* What stands before the base name: "data" of "data/code/", "." of "code". */
char *path_parent(const char *path);

/* A hidden name of this process beside the path: "data/.code.tmp-123" of "data/code/". */
char *path_temporary(const char *path);
