#include "launcher/llm/planner_llm.h"

#include "base/file.h"
#include "base/mem.h"
#include "coordinator/ledger/ledger.h"
#include "launcher/llm/llm_budget.h"
#include "launcher/llm/llm_calls.h"
#include "launcher/llm/llm_http.h"
#include "launcher/llm/llm_key.h"
#include "launcher/llm/llm_turn.h"
#include "launcher/planner/cage.h"
#include "launcher/planner/planner_process.h"
#include "launcher/planner/planner_program.h"
#include "launcher/planner/planner_reads.h"
#include "launcher/planner/planner_script.h"
#include "proto/schema/message.h"
#include "proto/schema/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 16 << 20 /* of an answer, with what its calls asked and were told */ };
static const double grace_seconds = 10; /* beyond a turn's time, for the process itself */

struct llm_planner {
    struct planner planner;
    struct planner *process;  /* the planner that is its program; NULL: it is asked no more */
    struct planner *fallback; /* or NULL */
    Trireme__LlmBegin *begin;
    struct llm_key *key; /* or NULL */
    char *folder;        /* RUN/planner */
    Trireme__Briefing *asked;
    Trireme__Proposals *so_far; /* calls of the answer that is awaited; or NULL */
    Trireme__Proposals *left;   /* calls that the ledger does not have, of a launch before */
    uint32_t turn;
    bool quiet; /* the turn before made no call and gave up */
};

/* Gives the process its first two lines. */
static void begin(void *context, int in)
{
    const struct llm_planner *p = context;
    char *line = json_write(p->begin);
    const char *key = p->key ? llm_key_text(p->key) : "";
    // a process that is gone already is found when it is asked
    ssize_t n = planner_process_say(in, line, strlen(line));
    n = n < 0 ? n : planner_process_say(in, "\n", 1);
    n = n < 0 ? n : planner_process_say(in, key, strlen(key));
    n = n < 0 ? n : planner_process_say(in, "\n", 1);
    (void)n;
    free(line);
}

static void ask(struct planner *planner, const Trireme__Briefing *briefing)
{
    struct llm_planner *p = (struct llm_planner *)planner;
    message_free(p->asked);
    p->asked = message_copy(briefing);
    p->turn++;
    if (p->process)
        p->process->ops->ask(p->process, briefing);
}

/* What the process tells before each call. */
static void take_told(void *context, const Trireme__Proposals *so_far)
{
    struct llm_planner *p = context;
    message_free(p->so_far);
    p->so_far = message_copy(so_far);
    for (size_t i = 0; i < p->so_far->n_calls; i++)
        p->so_far->calls[i]->has_turn = true, p->so_far->calls[i]->turn = p->turn;
    llm_calls_note(p->folder, p->left, p->so_far);
}

/* The calls of a process that ended without an answer. */
static Trireme__Proposals *take_unanswered(struct llm_planner *p)
{
    Trireme__Proposals *answer =
        p->so_far ? p->so_far : message_new(&trireme__proposals__descriptor);
    p->so_far = NULL;
    answer->has_under_way = answer->under_way = false;
    return answer;
}

static void count(struct llm_planner *p, Trireme__Proposals *answer)
{
    for (size_t i = 0; i < answer->n_calls; i++) {
        Trireme__Call *call = answer->calls[i];
        call->has_turn = true, call->turn = p->turn;
        llm_budget_add(p->begin->spent, call);
    }
}

/* The fallback's proposals, which are there at once, in the place of none. ended: the process was.
 */
static void fall_back(struct llm_planner *p, Trireme__Proposals *answer, bool ended)
{
    Trireme__Proposals *other = NULL;
    struct err err;
    const bool calm = answer->n_calls == 0 && !ended, quiet = calm && p->quiet;
    p->quiet = calm;
    if (!p->fallback || !p->asked)
        return;
    p->fallback->ops->ask(p->fallback, p->asked);
    if (p->fallback->ops->poll(p->fallback, &other, &err) != PLANNER_PROPOSALS)
        return;
    answer->proposals = other->proposals, answer->n_proposals = other->n_proposals;
    other->proposals = NULL, other->n_proposals = 0;
    message_free(other);
    char *why = quiet || !answer->n_proposals
                    ? NULL
                    : mem_format("%s; the %s planner proposes in its place (llm.fallback)",
                                 answer->gave_up, p->fallback->ops->name);
    if (why || quiet) { // what was said the last time is not said again
        free(answer->gave_up);
        answer->gave_up = why;
    }
}

static enum planner_answer poll(struct planner *planner, Trireme__Proposals **proposals,
                                struct err *err)
{
    struct llm_planner *p = (struct llm_planner *)planner;
    Trireme__Proposals *answer = NULL;
    enum planner_answer kind = PLANNER_GONE;
    if (!p->asked && !p->process)
        return PLANNER_NOTHING;
    if (p->process) {
        kind = p->process->ops->poll(p->process, &answer, err);
        p->planner.pid = p->process->pid;
    }
    if (kind == PLANNER_NOTHING)
        return kind;
    const bool ended = kind != PLANNER_PROPOSALS && p->process;
    if (kind != PLANNER_PROPOSALS) {
        answer = take_unanswered(p);
        answer->gave_up = mem_strdup(ended ? err->text : "the language model is asked no more");
        if (kind == PLANNER_GONE && p->process) {
            p->process->ops->free(p->process);
            p->process = NULL;
        }
    }
    count(p, answer);
    llm_calls_write(p->folder, p->turn, answer);
    if (answer->gave_up)
        fall_back(p, answer, ended);
    else
        p->quiet = false;
    llm_calls_prepend(answer, p->left);
    message_free(p->so_far);
    p->so_far = NULL;
    message_free(p->asked);
    p->asked = NULL;
    *proposals = answer;
    return PLANNER_PROPOSALS;
}

/* Ends the process, but not before what it told of a call that is under way is written. */
static void end_process(struct llm_planner *p)
{
    Trireme__Proposals *late = NULL;
    struct err unread;
    if (p->asked)
        p->process->ops->poll(p->process, &late, &unread);
    message_free(late);
    p->process->ops->free(p->process);
}

static void planner_free(struct planner *planner)
{
    struct llm_planner *p = (struct llm_planner *)planner;
    if (p->process)
        end_process(p);
    if (p->fallback)
        p->fallback->ops->free(p->fallback);
    message_free(p->asked);
    message_free(p->so_far);
    message_free(p->left);
    message_free(p->begin);
    llm_key_free(p->key);
    free(p->folder);
    free(p);
}

/* It must be spoken to by HTTP, and hold no password, since it is written to files. */
static int check_url(const Trireme__Llm *llm, struct err *err)
{
    const char *url = llm->url;
    if (!url[0])
        return llm->api == TRIREME__LLM__API__anthropic
                   ? 0
                   : err_set(err, ERR_USAGE,
                             "llm.url: found none, expected that of the model's "
                             "server, as far as /v1 (llm.api is openai)");
    if (strpbrk(url, "@?#")) // first: no sentence may quote a password
        return err_set(err, ERR_USAGE,
                       "llm.url: found one with a name, a question or a mark in it, expected "
                       "https://HOST/v1: keys belong into llm.key_file or llm.key_env");
    const bool http = !strncmp(url, "http://", 7), https = !strncmp(url, "https://", 8);
    const char *host = strstr(url, "://") ? strstr(url, "://") + 3 : url;
    if ((!http && !https) || !*host || strpbrk(url, " \t\r\n\"\\"))
        return err_set(err, ERR_USAGE,
                       "llm.url: found '%s', expected https://HOST/v1 or http://HOST:PORT/v1", url);
    return 0;
}

static int check_config(const Trireme__Llm *llm, struct err *err)
{
    if (!llm_http_there())
        return err_set(err, ERR_USAGE,
                       "experiment.planner: llm: this build has no libcurl, which it needs");
    if (!llm->model[0])
        return err_set(err, ERR_USAGE, "llm.model: found none, expected the model's name");
    if (llm->key_env[0] && llm->key_file[0])
        return err_set(err, ERR_USAGE,
                       "llm.key_env: found one beside llm.key_file, expected one of the two");
    if (llm->key_file[0] && llm->key_file[0] != '/')
        return err_set(err, ERR_USAGE, "llm.key_file: found '%s', expected an absolute path",
                       llm->key_file);
    return check_url(llm, err) < 0 ? -1 : llm_budget_check_config(llm, err);
}

/* Beside this program; fresh. */
static char *own_program(void)
{
    char path[4096];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    char *slash = strrchr(path, '/');
    return mem_format("%.*s/llm", slash ? (int)(slash - path) : 0, path);
}

static const char *const files[] = {
    "/etc/resolv.conf",   "/etc/hosts",        "/etc/nsswitch.conf",   "/etc/host.conf",
    "/etc/gai.conf",      "/etc/ssl/certs",    "/etc/ssl/openssl.cnf", "/etc/ca-certificates",
    "/etc/pki/tls/certs", "/etc/pki/ca-trust", "/etc/crypto-policies", NULL};
static const char *const variables[] = {"http_proxy=", "https_proxy=", "HTTPS_PROXY=", "all_proxy=",
                                        "ALL_PROXY=",  "no_proxy=",    "NO_PROXY=",    NULL};

/* layers: of cage_ask. */
static int find_program(struct planner_program *program, const Trireme__Config *config,
                        const char *run, const char *path, const struct cage_layers *layers,
                        struct err *err)
{
    const struct planner_needs needs = {true, files, variables};
    char *own = path ? mem_strdup(path) : own_program();
    struct planner_secrets secrets = planner_secrets_of(config, run);
    const int rc = planner_program_init(program, &own, 1, &secrets, layers, &needs, err);
    free(own);
    planner_secrets_clear(&secrets);
    return rc < 0 ? err_context(err, "experiment.planner: llm") : 0;
}

int planner_llm_check(const Trireme__Config *config, const char *run, struct err *err)
{
    struct planner_program program;
    struct cage_layers layers;
    if (check_config(config->llm, err) < 0)
        return -1;
    if (config->llm->key_file[0]) {
        struct llm_key *key = llm_key_read(config->llm->key_file, err);
        if (!key)
            return err_context(err, "llm.key_file");
        llm_key_free(key);
    }
    cage_ask(&layers);
    if (find_program(&program, config, run, NULL, &layers, err) < 0)
        return -1;
    planner_program_clear(&program);
    return 0;
}

/* What earlier launches spent, also on calls that were under way when they ended. */
static int read_spent(struct llm_planner *p, const char *run, struct err *err)
{
    struct ledger *ledger = ledger_open(run, false, err);
    if (!ledger)
        return -1;
    p->turn = llm_budget_read(p->begin->spent, ledger);
    ledger_free(ledger);
    p->left = llm_calls_left(p->folder, p->turn);
    for (size_t i = 0; i < p->left->n_calls; i++) {
        llm_budget_add(p->begin->spent, p->left->calls[i]);
        p->turn = p->left->calls[i]->turn > p->turn ? p->left->calls[i]->turn : p->turn;
    }
    return 0;
}

struct planner *planner_llm_new(const Trireme__Config *config, const char *run, const char *program,
                                struct llm_key *key, const struct cage_layers *layers, warn_fn warn,
                                void *context, struct err *err)
{
    static const struct planner_ops ops = {"llm", ask, poll, planner_free, NULL};
    struct llm_planner *p = mem_new(1, sizeof *p);
    struct planner_program found;
    struct cage_layers here;
    p->planner.ops = &ops;
    p->key = key;
    p->folder = file_join(run, "planner");
    p->begin = message_new(&trireme__llm_begin__descriptor);
    message_free(p->begin->llm);
    p->begin->llm = message_copy(config->llm);
    free(p->begin->llm->key_file); // a path is no business of the process
    p->begin->llm->key_file = mem_strdup("");
    if (!layers)
        cage_ask(&here);
    layers = layers ? layers : &here;
    if (check_config(config->llm, err) < 0 || read_spent(p, run, err) < 0 ||
        find_program(&found, config, run, program, layers, err) < 0) {
        planner_free(&p->planner);
        return NULL;
    }
    const struct planner_script_kind kind = {.name = "llm",
                                             .patience =
                                                 LLM_TURN * config->llm->timeout + grace_seconds,
                                             .bytes = LINE_BYTES,
                                             .bound = "three times llm.timeout",
                                             .told = take_told,
                                             .begin = begin,
                                             .context = p};
    if (planner_script_check_layers(layers, config, warn, context, err) < 0) {
        planner_program_clear(&found);
        planner_free(&p->planner);
        return NULL;
    }
    if (key && warn && llm_http_in_clear(config->llm->url))
        warn(context, "llm.url is http, to another host: everybody on the way can read the key; "
                      "https, or a tunnel to a port of this host, keeps it");
    p->process = planner_script_of(&found, &kind);
    if (config->llm->fallback == TRIREME__LLM__FALLBACK__random)
        p->fallback = planner_random_new(config->train->seed);
    return &p->planner;
}
