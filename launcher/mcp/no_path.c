#include "launcher/mcp/no_path.h"

#include "base/mem.h"
#include "base/text.h"
#include "proto/schema/json_out.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The path as it stands in JSON, without quotes. */
static char *escaped(const char *path)
{
    struct json_out out = {0};
    json_out_text(&out, NULL, path);
    char *quoted = json_out_take(&out);
    const size_t size = strlen(quoted);
    memmove(quoted, quoted + 1, size - 2);
    quoted[size - 2] = 0;
    return quoted;
}

char *no_path(const char *text, const char *run, bool is_json)
{
    char *path = is_json ? escaped(run) : mem_strdup(run);
    const size_t size = strlen(path);
    struct text out = {0};
    char before = ' ';
    while (*text) {
        if (size > 1 && strncmp(text, path, size) == 0) {
            text_add(&out, "RUN");
            text += size;
            before = 'N';
        } else if (!is_json && *text == '/' && !isalnum((unsigned char)before) &&
                   isgraph((unsigned char)text[1])) {
            text_add(&out, "PATH");
            text += strcspn(text, " \t\n'\",;:)");
            before = 'H';
        } else {
            before = *text;
            text_add_bytes(&out, text++, 1);
        }
    }
    free(path);
    return text_take(&out);
}
