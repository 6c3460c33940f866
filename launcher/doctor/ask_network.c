#include "launcher/doctor/ask_network.h"

#include "launcher/doctor/finding.h"
#include "launcher/machine/bridges.h"
#include "launcher/machine/question.h"

#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum { BRIDGES_MAX = 32 };

/* A resolver may wait for a name server for long: it is asked by another program. */
static void ask_name(Trireme__DoctorReply *reply, double seconds)
{
    char here[HOST_NAME_MAX + 1] = "";
    gethostname(here, sizeof here - 1);
    const char *const words[] = {"getent", "ahosts", here, NULL};
    struct question q;
    struct err why;
    const bool asked = question_ask(&q, words, seconds, &why) == 0;
    if (asked && q.code == 0)
        finding_add(reply, TRIREME__FINDING__LEVEL__ok, "name of this machine", NULL, "%s", here);
    else
        finding_add(reply, TRIREME__FINDING__LEVEL__warn, "name of this machine",
                    "name it in /etc/hosts or the name service: other hosts must find it",
                    "%s, which is not resolved%s%s", here, asked ? "" : ": ",
                    asked ? "" : why.text);
    question_end(&q);
}

void ask_network(Trireme__DoctorReply *reply, const Trireme__DoctorRequest *request)
{
    struct bridge bridges[BRIDGES_MAX];
    ask_name(reply, request->patience);
    const size_t n = bridges_find(bridges, BRIDGES_MAX);
    if (!n) {
        finding_add(reply, TRIREME__FINDING__LEVEL__ok, "networks", NULL,
                    "none that each machine has for itself");
        return;
    }
    char *list = bridges_list(bridges, n);
    finding_add(reply, TRIREME__FINDING__LEVEL__warn, "networks",
                "nothing for `train`, which leaves them out; under your own mpirun over several "
                "hosts leave them out by --mca oob_tcp_if_exclude",
                "%s: other machines may have the same addresses, and MPI would wait there for ever",
                list);
    free(list);
}
