#include "launcher/doctor/ask_cage.h"

#include "launcher/doctor/finding.h"
#include "launcher/planner/cage.h"

enum { WORDS_SIZE = 300 };

void ask_cage(Trireme__DoctorReply *reply, const Trireme__DoctorRequest *request)
{
    char offered[WORDS_SIZE], missing[WORDS_SIZE];
    struct cage_layers layers;
    (void)request;
    cage_ask(&layers);
    cage_offered(offered, sizeof offered, &layers);
    cage_missing(missing, sizeof missing, &layers);
    if (!missing[0])
        finding_add(reply, TRIREME__FINDING__LEVEL__ok, "planner's cage", NULL, "%s", offered);
    else
        finding_add(reply, TRIREME__FINDING__LEVEL__warn, "planner's cage",
                    cage_hides_files(&layers)
                        ? "planners that are programs run with a warning; allow unprivileged user "
                          "namespaces, and Landlock (lsm=...,landlock,... at boot)"
                        : "planners that are programs can read the run: mode approve refuses them; "
                          "allow Landlock (lsm=...,landlock,... at boot) or unprivileged user "
                          "namespaces",
                    "missing: %s%s%s", missing, offered[0] ? "; there: " : "", offered);
}
