/* Answers messages of the Model Context Protocol: a line on standard input holds, in hexadecimal
 * and separated by tabs, the headers version, method and name ("-": it is not there) and the body;
 * for each a line: HTTP's status, and the reply, "call" where a command would be run, or
 * nothing. */
#include "base/mem.h"
#include "launcher/commands/command.h"
#include "launcher/http/http_check.h"
#include "launcher/mcp/mcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 4 };

/* The bytes of a word, with a NUL behind them; NULL where there are none. */
static char *bytes_of(const char *word, size_t *size)
{
    *size = strlen(word) / 2;
    if (!strcmp(word, "-"))
        return NULL;
    char *bytes = mem_new(*size + 1, 1);
    for (size_t i = 0; i < *size; i++) {
        unsigned byte = 0;
        sscanf(word + 2 * i, "%2x", &byte);
        bytes[i] = (char)byte;
    }
    return bytes;
}

static void answer(const struct mcp_server *server, char *const words[WORDS])
{
    char *raw[WORDS], *header[3];
    size_t sizes[WORDS];
    for (int i = 0; i < WORDS; i++)
        raw[i] = bytes_of(words[i], &sizes[i]);
    for (int i = 0; i < 3; i++)
        header[i] = raw[i] ? http_value(raw[i]) : NULL;
    const struct mcp_headers headers = {header[0], header[1], header[2]};
    struct mcp_answer answered;
    // no byte behind the body may be read: the sanitizer sees it
    char *body = mem_new(sizes[3], 1);
    memcpy(body, raw[3] ? raw[3] : "", raw[3] ? sizes[3] : 0);
    mcp_read(&answered, server, raw[0] || raw[1] || raw[2] ? &headers : NULL, body,
             raw[3] ? sizes[3] : 0);
    printf("%d\t%s\n", answered.status,
           answered.reply  ? answered.reply
           : answered.call ? "call"
                           : "");
    fflush(stdout);
    mcp_answer_clear(&answered);
    free(body);
    for (int i = 0; i < 3; i++)
        free(header[i]);
    for (int i = 0; i < WORDS; i++)
        free(raw[i]);
}

int main(void)
{
    const struct mcp_server server = {commands, n_commands, "/run", TOOL_APPROVE};
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        char *words[WORDS], *rest = NULL;
        for (int i = 0; i < WORDS; i++)
            if (!(words[i] = strtok_r(i ? NULL : line, "\t\n", &rest)))
                return ERR_USAGE;
        answer(&server, words);
    }
    free(line);
    return 0;
}
