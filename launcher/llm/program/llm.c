/* The process that asks a language model: a planner's program (planner_script.h). Its first line is
 * a message LlmBegin, its second the key, or nothing; each line after these is a briefing, which it
 * answers with a line, a message Proposals; before each call a line says so (under_way). It keeps
 * what the model's server cost and how it failed from turn to turn. It holds the key, so nobody of
 * the same user may look into it, and it leaves no core. */
#include "base/clock.h"
#include "base/mem.h"
#include "launcher/llm/llm_http.h"
#include "launcher/llm/llm_key.h"
#include "launcher/llm/llm_turn.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include "planner.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

struct asking {
    Trireme__LlmBegin *begin;
    struct llm_key *key; /* NULL: none */
};

static int post(void *context, struct llm_http_reply *reply, const char *url, const char *body,
                double seconds, struct err *err)
{
    const struct asking *a = context;
    return llm_http_post(reply, a->begin->llm->api, url, body, a->key, seconds, err);
}

/* Reads a line by bytes of its own: stdio's buffers are not wiped, and go into dumps. */
static size_t read_bare(char *line, size_t size)
{
    size_t n = 0;
    while (n < size && read(STDIN_FILENO, line + n, 1) == 1 && line[n] != '\n')
        n++;
    return n;
}

static int read_key(struct llm_key **key, struct err *err)
{
    char line[LLM_KEY_MAX + 1];
    const size_t n = read_bare(line, sizeof line);
    *key = n ? llm_key_new(line, n, "the key", err) : NULL;
    explicit_bzero(line, sizeof line);
    return n && !*key ? -1 : 0;
}

static int read_begin(struct asking *a, struct err *err)
{
    enum { BEGIN_MAX = 1 << 16 };
    char *line = mem_new(BEGIN_MAX, 1);
    const size_t n = read_bare(line, BEGIN_MAX);
    a->begin = message_new(&trireme__llm_begin__descriptor);
    const int rc = json_read(a->begin, line, n, "the first line", ERR_USAGE, err);
    free(line);
    return rc < 0 ? -1 : read_key(&a->key, err);
}

static void write_line(void *context, const Trireme__Proposals *told)
{
    char *text = json_write(told);
    (void)context;
    printf("%s\n", text);
    fflush(stdout);
    free(text);
}

/* Answers each briefing. */
static int answer_all(const struct asking *a, struct err *err)
{
    struct llm_breaker breaker = {0};
    struct llm_model model = {.llm = a->begin->llm,
                              .key = a->key,
                              .spent = a->begin->spent,
                              .breaker = &breaker,
                              .post = post,
                              .context = (void *)a,
                              .now = clock_now,
                              .sleep = clock_sleep,
                              .began = write_line};
    char *line = NULL;
    size_t room = 0;
    ssize_t n;
    int rc = 0;
    if (getrandom(&model.seed, sizeof model.seed, 0) < 0)
        model.seed = (uint64_t)getpid();
    while (rc == 0 && (n = getline(&line, &room, stdin)) > 0) {
        Trireme__Briefing *briefing = message_new(&trireme__briefing__descriptor);
        rc = json_read(briefing, line, (size_t)n, "the briefing", ERR_USAGE, err);
        if (rc == 0) {
            Trireme__Proposals *told = llm_turn_run(&model, briefing);
            write_line(NULL, told);
            message_free(told);
        }
        message_free(briefing);
    }
    free(line);
    return rc;
}

int main(void)
{
    struct asking a = {0};
    struct err err = {0};
    prctl(PR_SET_DUMPABLE, 0);
    int rc = read_begin(&a, &err);
    if (rc == 0)
        rc = answer_all(&a, &err);
    if (rc < 0)
        fprintf(stderr, "llm: %s\n", err.text);
    llm_key_free(a.key);
    message_free(a.begin);
    return rc < 0 ? (int)err.code : 0;
}
