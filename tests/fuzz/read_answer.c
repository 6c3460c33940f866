/* Reads answers of a language model: a line on standard input holds the protocol (anthropic or
 * openai), HTTP's status, and in hexadecimal the reply's body; for each a line: "proposals", and
 * what was taken as JSON; "repair" or "none", and the sentence. The briefing is that of the unit
 * tests. */
#include "tests/unit/launcher/llm/llm_fixture.h"

#include "launcher/llm/llm_answer.h"
#include "launcher/llm/llm_wire.h"
#include "proto/schema/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The bytes of a word; no byte behind them may be read: the sanitizer sees it. */
static char *bytes_of(const char *word, size_t *size)
{
    *size = strlen(word) / 2;
    char *bytes = mem_new(*size, 1);
    for (size_t i = 0; i < *size; i++) {
        unsigned byte = 0;
        sscanf(word + 2 * i, "%2x", &byte);
        bytes[i] = (char)byte;
    }
    return bytes;
}

static void read_answer(const Trireme__Briefing *briefing, Trireme__Llm__Api api, unsigned status,
                        const char *body, size_t size)
{
    struct err err = {.text = ""};
    struct llm_reply reply = {0};
    Trireme__Proposals *proposals = message_new(&trireme__proposals__descriptor);
    const size_t text = llm_wire_read(&reply, api, status, body, size, &err) == 0 && reply.text
                            ? strlen(reply.text)
                            : 0;
    if (!reply.text || reply.stop != LLM_DONE) {
        printf("none\t%d %s\n", reply.stop, reply.word);
    } else if (llm_answer_read(proposals, reply.text, text, briefing, briefing->room, &err) < 0) {
        printf("repair\t%s\n", err.text);
    } else {
        char *line = json_write(proposals);
        printf("proposals\t%s\n", line);
        free(line);
    }
    fflush(stdout);
    llm_reply_clear(&reply);
    message_free(proposals);
}

int main(void)
{
    Trireme__Briefing *briefing = llm_briefing();
    char *line = NULL;
    size_t room = 0, size;
    while (getline(&line, &room, stdin) > 0) {
        char *rest = NULL, *api = strtok_r(line, "\t\n", &rest),
             *status = strtok_r(NULL, "\t\n", &rest), *body = strtok_r(NULL, "\t\n", &rest);
        if (!api || !status)
            return ERR_USAGE;
        char *bytes = bytes_of(body ? body : "", &size);
        read_answer(briefing,
                    strcmp(api, "openai") ? TRIREME__LLM__API__anthropic
                                          : TRIREME__LLM__API__openai,
                    (unsigned)atoi(status), bytes, size);
        free(bytes);
    }
    free(line);
    message_free(briefing);
    return 0;
}
