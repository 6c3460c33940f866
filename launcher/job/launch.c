#include "launcher/job/launch.h"

#include "base/mem.h"
#include "base/text.h"
#include "launcher/environment.h"
#include "launcher/job/entry.h"
#include "launcher/job/mpirun.h"
#include "launcher/machine/bridges.h"
#include "launcher/machine/host_probe.h"
#include "launcher/machine/hostfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMED_MAX = 5 }; // hosts in one sentence
static const double answer_seconds = 10;

void launch_begin(struct launch *launch, const struct mpirun *job, double now)
{
    *launch = (struct launch){.job = job, .began = now};
    launch->begun = mem_new(job->ranks, sizeof *launch->begun);
}

void launch_clear(struct launch *launch)
{
    for (unsigned i = 0; i < launch->n_hosts; i++)
        free(launch->hosts[i]);
    free(launch->hosts);
    free(launch->begun);
    *launch = (struct launch){0};
}

static bool has_host(const struct launch *launch, const char *name)
{
    for (unsigned i = 0; i < launch->n_hosts; i++) {
        const char *host = launch->hosts[i];
        const size_t n = strcspn(host, "."); // one of the two may be without its domain
        if (!strcmp(host, name) ||
            (n == strcspn(name, ".") && !strncmp(host, name, n) && (!host[n] || !name[n])))
            return true;
    }
    return false;
}

bool launch_take_line(struct launch *launch, const char *line)
{
    unsigned rank = 0;
    int at = 0;
    if (sscanf(line, ENTRY_BEGUN "%u %n", &rank, &at) != 1 || at == 0)
        return false;
    if (rank >= launch->job->ranks || launch->begun[rank])
        return true;
    launch->begun[rank] = true;
    launch->n_begun++;
    if (!has_host(launch, line + at)) {
        launch->hosts = mem_resize(launch->hosts, launch->n_hosts + 1, sizeof *launch->hosts);
        launch->hosts[launch->n_hosts++] = mem_strdup(line + at);
    }
    return true;
}

bool launch_passes(struct launch *launch, bool connected, double now)
{
    if (connected || launch->late || now - launch->began < launch->job->launch_seconds)
        return false;
    launch->late = true;
    return true;
}

/* Hosts of the hostfile that no rank has begun on. They are borrowed. */
static size_t absent_hosts(const struct launch *launch, const char **names)
{
    const struct hostfile *file = launch->job->hosts;
    size_t n = 0;
    for (size_t i = 0; file && i < file->n; i++)
        if (!has_host(launch, file->hosts[i].name) && !hostfile_is_here(file->hosts[i].name))
            names[n++] = file->hosts[i].name;
    return n;
}

/* The hosts that do not answer, by name and how; NULL if all do. */
static char *silent_hosts(const char *const *names, size_t n)
{
    struct host_answer *answers = mem_new(n, sizeof *answers);
    struct text text = {0};
    struct err err;
    const char *agent = "";
    size_t n_silent = 0;
    if (host_probe(answers, &agent, names, n, "true", answer_seconds, &err) < 0)
        text_add(&text, err.text);
    for (size_t i = 0; !text.size && i < n; i++)
        n_silent += !answers[i].ended || answers[i].code;
    for (size_t i = 0, named = 0; n_silent && i < n && named < NAMED_MAX; i++) {
        const struct host_answer *a = &answers[i];
        if (a->ended && !a->code)
            continue;
        text_printf(&text, "%s", named++ ? "; " : "");
        if (a->ended)
            text_printf(&text, "`%s %s true` ended with code %d%s%s", agent, names[i], a->code,
                        a->line[0] ? ": " : "", a->line);
        else
            text_printf(&text, "%s does not answer: `%s %s true` did not end within %.0f s",
                        names[i], agent, names[i], answer_seconds);
    }
    if (n_silent > NAMED_MAX)
        text_printf(&text, "; and %zu more", n_silent - NAMED_MAX);
    free(answers);
    return text.size ? text_take(&text) : NULL;
}

static int explain_hosts(const struct launch *launch, const char *const *names, size_t n,
                         struct err *err)
{
    const double seconds = launch->job->launch_seconds;
    char *silent = silent_hosts(names, n), *networks = bridges_networks();
    if (silent)
        err_set(err, ERR_MACHINE, "no rank began on %s%s within %.0f s (wait.launch): %s", names[0],
                n > 1 ? " and other hosts" : "", seconds, silent);
    else
        err_set(
            err, ERR_MACHINE,
            "no rank began on %s%s within %.0f s (wait.launch), though it answers: can its "
            "daemon reach mpirun here? This host has %s: set OMPI_MCA_oob_tcp_if_include to the "
            "network that they share",
            names[0], n > 1 ? " and other hosts" : "", seconds, networks);
    free(networks);
    free(silent);
    return -1;
}

int launch_explain(const struct launch *launch, struct err *err)
{
    const struct mpirun *job = launch->job;
    const char **names = mem_new(job->hosts ? job->hosts->n : 0, sizeof *names);
    const size_t n = absent_hosts(launch, names);
    char *networks = bridges_networks();
    if (launch->n_begun == job->ranks)
        err_set(err, ERR_MACHINE,
                "all %u ranks began, on %s%s, but MPI did not connect them within %.0f s "
                "(wait.launch): have the hosts a network in common that is not a bridge of each? "
                "This host has %s: set OMPI_MCA_btl_tcp_if_include to the one that they share",
                job->ranks, launch->n_hosts ? launch->hosts[0] : "no host",
                launch->n_hosts > 1 ? " and others" : "", job->launch_seconds, networks);
    else if (n)
        explain_hosts(launch, names, n, err);
    else
        err_set(
            err, ERR_MACHINE,
            "%u of %u ranks began within %.0f s (wait.launch)%s%s: does each host answer, and is "
            "none too busy?",
            launch->n_begun, job->ranks, job->launch_seconds,
            environment_allocation()[0] ? " on the allocation's hosts " : "",
            environment_allocation());
    free(networks);
    free(names);
    return -1;
}
