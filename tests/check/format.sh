#!/bin/sh
# Every C file is as clang-format 14 makes it by .clang-format.
# usage: format.sh CLANG_FORMAT ROOT
cd "$2" || exit 1
find base math proto ps worker coordinator launcher tests \( -name '*.c' -o -name '*.h' \) -print0 |
    xargs -0 "$1" --dry-run -Werror
