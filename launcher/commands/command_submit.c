/* trireme submit: a Slurm script for a run. The configuration and the run's folder are checked
 * before anything is written, as `train` would: a mistake shows now, not when the job starts. */
#include "base/file.h"
#include "base/mem.h"
#include "launcher/batch/batch_script.h"
#include "launcher/batch/slurm_time.h"
#include "launcher/commands/command.h"
#include "launcher/front/front_path.h"
#include "launcher/machine/question.h"

#include "command.pb-c.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LEAD = 300, LEAD_SHARE = 4 }; /* seconds, and the most of the time limit */
static const double sbatch_seconds = 60;

/* A newline in a line of the script would begin another one. */
static int check_line(const char *option, const char *text, struct err *err)
{
    for (const char *c = text; c && *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return err_set(err, ERR_USAGE,
                           "%s: found a control character, expected a text of one line", option);
    return 0;
}

static int check_lines(const Trireme__SubmitRequest *r, struct err *err)
{
    if (!*r->out)
        return err_set(err, ERR_USAGE, "--out: found '', expected the run's folder");
    if (check_line("CONFIG.yaml", r->config, err) < 0 || check_line("--out", r->out, err) < 0 ||
        check_line("--partition", r->partition, err) < 0)
        return -1;
    for (size_t i = 0; i < r->n_set; i++)
        if (check_line("--set", r->set[i], err) < 0)
            return -1;
    for (size_t i = 0; i < r->n_option; i++) {
        if (check_line("--option", r->option[i], err) < 0)
            return -1;
        if (r->option[i][0] != '-')
            return err_set(err, ERR_USAGE,
                           "--option: found '%s', expected an option of sbatch like --account=NAME",
                           r->option[i]);
    }
    return 0;
}

/* How many ranks, over all nodes; 0: one for each CPU. */
static int count_ranks(unsigned *ranks, const Trireme__SubmitRequest *r, struct err *err)
{
    const uint64_t room = (uint64_t)r->nodes * r->ranks_per_node,
                   wanted = r->workers ? (uint64_t)1 + r->servers + r->workers : room;
    if (room && room < (uint64_t)1 + r->servers + (r->workers ? r->workers : 1))
        return err_set(err, ERR_USAGE,
                       "--ranks-per-node: found %u on %u node(s), expected room for a coordinator, "
                       "%u server(s) and %u worker(s)",
                       r->ranks_per_node, r->nodes, r->servers, r->workers ? r->workers : 1);
    if (wanted && wanted < r->nodes)
        return err_set(err, ERR_USAGE,
                       "--nodes: found %u, expected at most %" PRIu64
                       ", the number of ranks: each node has one at least",
                       r->nodes, wanted);
    if (wanted > INT_MAX)
        return err_set(err, ERR_USAGE, "--ranks-per-node: found %u on %u nodes, expected fewer",
                       r->ranks_per_node, r->nodes);
    *ranks = (unsigned)wanted;
    return 0;
}

static int find_lead(unsigned *lead, const Trireme__SubmitRequest *r, uint64_t seconds,
                     struct err *err)
{
    if (r->signal_lead >= seconds)
        return err_set(err, ERR_USAGE,
                       "--signal-lead: found %u, expected less than the time limit, %" PRIu64 " s",
                       r->signal_lead, seconds);
    *lead = r->signal_lead                ? r->signal_lead
            : seconds / LEAD_SHARE < LEAD ? (unsigned)(seconds / LEAD_SHARE)
                                          : LEAD;
    *lead = *lead ? *lead : 1;
    return 0;
}

/* The path from the root, of a file that need not be there. */
static char *from_root(const char *folder, const char *path)
{
    return *path == '/' ? mem_strdup(path) : file_join(folder, path);
}

/* "RUN" and an ending, without slashes between them. */
static char *beside(const char *run, const char *ending)
{
    size_t n = strlen(run);
    while (n > 1 && run[n - 1] == '/')
        n--;
    return mem_format("%.*s%s", (int)n, run, ending);
}

/* Refuses to write over what somebody else wrote, or edited. */
static int check_free(const char *path, const char *text, bool force, struct err *err)
{
    size_t size = 0;
    if (force || !file_exists(path))
        return 0;
    char *before = file_read(path, &size, ERR_USAGE, err);
    const bool same = before && size == strlen(text) && !memcmp(before, text, size);
    free(before);
    if (!before || same)
        return before ? 0 : -1;
    return err_set(
        err, ERR_USAGE,
        "%s: found another script, expected none or the same: remove it, or give --force", path);
}

static int write_script(const char *path, const char *text, bool force, struct err *err)
{
    char *parent = mem_strdup(path), *slash = strrchr(parent, '/');
    if (slash)
        *slash = 0;
    int rc = check_free(path, text, force, err);
    if (rc == 0 && slash && *parent)
        rc = file_make_dirs(parent, ERR_USAGE, err);
    if (rc == 0)
        rc = file_write_atomic(path, text, strlen(text), ERR_USAGE, err);
    if (rc == 0 && chmod(path, 0755) < 0)
        rc = err_set(err, ERR_USAGE, "%s: cannot be made executable: %s", path, strerror(errno));
    free(parent);
    return rc;
}

/* The last line that is not empty, cut off after so many bytes. */
static char *last_line(const char *text)
{
    const char *last = "";
    for (const char *at = text ? text : ""; *at; at += strcspn(at, "\n"), at += *at == '\n')
        if (*at != '\n')
            last = at;
    return mem_format("%.*s", (int)strcspn(last, "\r\n"), last);
}

/* Gives the script to sbatch, which prints the job's number. */
static int submit(Trireme__SubmitReply *reply, struct err *err)
{
    const char *const words[] = {"sbatch", "--parsable", reply->script, NULL};
    struct question question;
    struct err why;
    int rc = question_ask(&question, words, sbatch_seconds, &why);
    char *said = last_line(question.text.bytes);
    if (rc < 0)
        err_set(err, ERR_MACHINE,
                "not submitted: %s, expected Slurm's sbatch; the script is kept: %s", why.text,
                reply->script);
    else if (question.code || !*said)
        rc = err_set(
            err, ERR_MACHINE,
            "not submitted: sbatch ended with code %d and said '%s'; the script is kept: %s",
            question.code, said, reply->script);
    else
        reply->job = mem_format("%.*s", (int)strcspn(said, ";"), said); // "JOB;CLUSTER"
    free(said);
    question_end(&question);
    return rc;
}

/* As `train` reads them; gives the threads of a rank. */
static int check_run(unsigned *threads, const Trireme__SubmitRequest *r, struct err *err)
{
    Trireme__TrainRequest train = TRIREME__TRAIN_REQUEST__INIT;
    train.config = r->config, train.out = r->out;
    train.set = r->set, train.n_set = r->n_set;
    train.servers = r->servers;
    return command_train_check(threads, &train, err);
}

static void fill(Trireme__SubmitReply *reply, const struct batch_script *script)
{
    reply->script = beside(script->request->out, ".sbatch");
    reply->output = mem_strdup(script->output);
    reply->has_nodes = reply->has_ranks = reply->has_signal_lead = 1;
    reply->nodes = script->request->nodes;
    reply->ranks = script->ranks;
    reply->signal_lead = script->lead;
}

int command_submit(const void *request, void *reply, struct err *err)
{
    const Trireme__SubmitRequest *r = request;
    Trireme__SubmitReply *out = reply;
    struct batch_script script = {.request = r};
    char program[PATH_MAX] = "", folder[PATH_MAX] = "";
    if (!front_path(program, sizeof program) || !getcwd(folder, sizeof folder))
        return err_set(err, ERR_MACHINE, "the present folder cannot be found: %s", strerror(errno));
    if (check_lines(r, err) < 0 || slurm_time_read(&script.seconds, "--time", r->time, err) < 0 ||
        count_ranks(&script.ranks, r, err) < 0 ||
        find_lead(&script.lead, r, script.seconds, err) < 0 ||
        check_run(&script.threads, r, err) < 0)
        return -1;
    char *name = beside(r->out, ".slurm.out"), *output = from_root(folder, name);
    script.program = program, script.folder = folder, script.output = output;
    fill(out, &script);
    char *text = batch_script_write(&script);
    int rc = write_script(out->script, text, r->force, err);
    if (rc == 0 && r->now)
        rc = submit(out, err);
    free(text);
    free(output);
    free(name);
    return rc;
}

void print_submit(const void *reply)
{
    const Trireme__SubmitReply *r = reply;
    printf("%s: %u node(s), ", r->script, r->nodes);
    if (r->ranks)
        printf("%u ranks", r->ranks);
    else
        printf("a rank for each CPU");
    printf(", asked to end %u s before the time limit\n", r->signal_lead);
    if (r->job)
        printf("submitted as job %s; its output: %s\n", r->job, r->output);
    else
        printf("submit it with: sbatch %s\n", r->script);
}
