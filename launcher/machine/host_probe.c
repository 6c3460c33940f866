#include "launcher/machine/host_probe.h"

#include "base/clock.h"
#include "base/mem.h"
#include "launcher/environment.h"
#include "launcher/machine/question.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 64 };

/* The agent's words: the first of "ssh : rsh". Returns their number. */
static size_t agent_words(const char **words, size_t max, char *agent)
{
    size_t n = 0;
    for (char *rest = NULL, *word = strtok_r(agent, " \t", &rest); word && n + 1 < max;
         word = strtok_r(NULL, " \t", &rest)) {
        if (!strcmp(word, ":"))
            break;
        words[n++] = word;
    }
    return n;
}

static bool is_ssh(const char *program)
{
    const char *slash = strrchr(program, '/');
    return !strcmp(slash ? slash + 1 : program, "ssh");
}

static void take_answer(struct host_answer *answer, const struct question *question)
{
    *answer = (struct host_answer){.ended = question->ended, .code = question->code};
    const char *last = NULL;
    for (const char *at = question->text.bytes; at && *at;
         at += strcspn(at, "\n"), at += *at == '\n')
        if (*at != '\n')
            last = at;
    if (last)
        snprintf(answer->line, sizeof answer->line, "%.*s", (int)strcspn(last, "\r\n"), last);
}

int host_probe(struct host_answer *answers, const char **agent, const char *const *hosts, size_t n,
               const char *command, double seconds, struct err *err)
{
    static char name[512];
    const char *set = environment_agent(), *words[WORDS_MAX + 8];
    snprintf(name, sizeof name, "%s", *set ? set : "ssh");
    size_t n_words = agent_words(words, WORDS_MAX, name);
    *agent = n_words ? words[0] : "ssh";
    if (n_words == 0)
        words[n_words++] = *agent;
    if (is_ssh(words[0])) {
        words[n_words++] = "-x";
        words[n_words++] = "-o", words[n_words++] = "BatchMode=yes";
    }
    struct question *questions = mem_new(n, sizeof *questions);
    size_t n_begun = 0, n_over = 0;
    int rc = 0;
    for (; n_begun < n && rc == 0; n_begun += rc == 0) {
        words[n_words] = hosts[n_begun], words[n_words + 1] = command, words[n_words + 2] = NULL;
        rc = question_begin(&questions[n_begun], words, err);
    }
    for (const double end = clock_now() + seconds; rc == 0 && n_over < n && clock_now() < end;) {
        n_over = 0;
        for (size_t i = 0; i < n; i++)
            n_over += question_turn(&questions[i]);
        clock_sleep(5e-3);
    }
    for (size_t i = 0; i < n_begun; i++) {
        if (rc == 0)
            take_answer(&answers[i], &questions[i]);
        question_end(&questions[i]);
    }
    free(questions);
    return rc;
}
