#include "launcher/doctor/ask_hosts.h"

#include "base/mem.h"
#include "base/text.h"
#include "base/version.h"
#include "launcher/batch/shell_word.h"
#include "launcher/doctor/finding.h"
#include "launcher/front/front_path.h"
#include "launcher/machine/host_probe.h"
#include "launcher/machine/hostfile.h"
#include "launcher/machine/question.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char own_version[] = "trireme " TRIREME_VERSION;

/* The command for a host: prints what its program says to --version, "|", and what it reads in the
 * file that was just made here. */
static char *host_command(const char *program, const char *file)
{
    struct text inner = {0}, command = {0};
    text_add(&inner, "echo \"$(");
    shell_word_add(&inner, program);
    text_add(&inner, " --version 2>/dev/null)|$(cat ");
    shell_word_add(&inner, file);
    text_add(&inner, " 2>/dev/null)\"");
    text_add(&command, "/bin/sh -c ");
    shell_word_add(&command, inner.bytes);
    text_clear(&inner);
    return text_take(&command);
}

/* A host that did not answer: whether its name is known. */
static void add_unreached(Trireme__DoctorReply *reply, const char *what, const char *host,
                          const struct host_answer *answer, const char *agent, double seconds)
{
    const char *const words[] = {"getent", "ahosts", host, NULL};
    struct question q;
    struct err why;
    const bool unknown = question_ask(&q, words, seconds, &why) == 0 && q.code != 0;
    question_end(&q);
    if (unknown)
        finding_add(reply, TRIREME__FINDING__LEVEL__bad, what,
                    "name it in /etc/hosts or the name service, or mend the hostfile",
                    "a name that is not resolved");
    else if (!answer->ended)
        finding_add(reply, TRIREME__FINDING__LEVEL__bad, what,
                    "see whether the host is up and lets you in without a password",
                    "no answer to %s within %.3g s", agent, seconds);
    else
        finding_add(reply, TRIREME__FINDING__LEVEL__bad, what,
                    "see to it that you get in there without a password",
                    "%s ended with code %d and said '%s'", agent, answer->code, answer->line);
}

static void add_reached(Trireme__DoctorReply *reply, const char *what,
                        const struct host_answer *answer, const char *key)
{
    const char *bar = strchr(answer->line, '|');
    const int n = bar ? (int)(bar - answer->line) : 0;
    if (n == 0)
        finding_add(reply, TRIREME__FINDING__LEVEL__bad, what,
                    "install the program there, at the same path",
                    "reached, but no such program there");
    else if (n != (int)strlen(own_version) || strncmp(answer->line, own_version, (size_t)n))
        finding_add(reply, TRIREME__FINDING__LEVEL__bad, what,
                    "install the same version on all hosts",
                    "reached, but there is '%.*s', here '%s'", n, answer->line, own_version);
    else if (strcmp(bar + 1, key))
        finding_add(reply, TRIREME__FINDING__LEVEL__bad, what,
                    "put runs and data on a file system that all hosts share",
                    "reached, but it does not see this folder");
    else
        finding_add(reply, TRIREME__FINDING__LEVEL__ok, what, NULL,
                    "reached, the same version, the same folder");
}

static void ask_all(Trireme__DoctorReply *reply, const char *const *hosts, size_t n,
                    const char *file, const char *key, double seconds)
{
    char program[PATH_MAX] = "";
    const char *agent = "";
    struct host_answer *answers = mem_new(n, sizeof *answers);
    struct err why;
    if (!front_path(program, sizeof program))
        program[0] = 0;
    char *command = host_command(program, file);
    if (host_probe(answers, &agent, hosts, n, command, seconds, &why) < 0)
        finding_add(reply, TRIREME__FINDING__LEVEL__bad, "hosts",
                    "install ssh, or set OMPI_MCA_plm_rsh_agent", "%s", why.text);
    else
        for (size_t i = 0; i < n; i++) {
            char *what = mem_format("host %s", hosts[i]);
            if (answers[i].ended && answers[i].code == 0)
                add_reached(reply, what, &answers[i], key);
            else
                add_unreached(reply, what, hosts[i], &answers[i], agent, seconds);
            free(what);
        }
    free(command);
    free(answers);
}

/* Asks the others, with a file in the folder that they should see. */
static void ask_others(Trireme__DoctorReply *reply, const Trireme__DoctorRequest *request,
                       const char *const *hosts, size_t n)
{
    char *folder = realpath(request->folder, NULL),
         *file = mem_format("%s/.trireme-doctor-XXXXXX", folder ? folder : request->folder);
    const int fd = mkostemp(file, O_CLOEXEC);
    const char *key = strrchr(file, '-') + 1;
    if (fd >= 0 && write(fd, key, strlen(key)) < 0)
        key = "";
    ask_all(reply, hosts, n, file, key, request->patience);
    if (fd >= 0) {
        unlink(file);
        close(fd);
    }
    free(file);
    free(folder);
}

void ask_hosts(Trireme__DoctorReply *reply, const Trireme__DoctorRequest *request)
{
    struct hostfile hostfile = {0};
    struct err why;
    size_t n = 0;
    if (!request->hostfile || !*request->hostfile)
        return;
    if (hostfile_read(&hostfile, request->hostfile, &why) < 0) {
        finding_add(reply, TRIREME__FINDING__LEVEL__bad, "hostfile", "mend it", "%s", why.text);
        hostfile_clear(&hostfile);
        return;
    }
    const char **others = mem_new(hostfile.n, sizeof *others);
    for (size_t i = 0; i < hostfile.n; i++)
        if (!hostfile_is_here(hostfile.hosts[i].name))
            others[n++] = hostfile.hosts[i].name;
    finding_add(reply, TRIREME__FINDING__LEVEL__ok, "hostfile", NULL, "%zu hosts, %zu others",
                hostfile.n, n);
    if (n)
        ask_others(reply, request, others, n);
    free(others);
    hostfile_clear(&hostfile);
}
