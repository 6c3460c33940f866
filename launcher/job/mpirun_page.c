#include "launcher/job/mpirun_page.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* A page: words that are in it, words before the detail of ours, and our sentence, in which %s is
 * the detail. before: NULL: the first line of all that says something. */
struct page {
    const char *words, *before, *sentence;
};

// clang-format off
static const struct page pages[] = {
    {"NOOVERSUBSCRIBE", "Prior policy:",
     "mpirun is told not to put more ranks on a host than it has slots (%s; by the variable "
     "OMPI_MCA_rmaps_base_no_oversubscribe or a file of parameters), and train needs it: unset it"},
    {"not enough slots available", "to satisfy the",
     "mpirun has not enough slots for the ranks (asked for %s)"},
    {"time limit for job execution has been reached", "Timeout:",
     "mpirun ended the ranks after %s: unset MPIEXEC_TIMEOUT; --max-seconds ends a run with a "
     "checkpoint"},
    {"unable to create the desired directory", "Directory:",
     "mpirun cannot make its folder '%s': expected a TMPDIR that exists and can be written"},
    {"\"plm_rsh_agent\" was set to a path", "plm_rsh_agent:",
     "mpirun needs a program to reach other hosts with: found no '%s' in PATH, expected ssh, or "
     "another one in OMPI_MCA_plm_rsh_agent"},
    {"unable to reliably start one or more daemons", NULL,
     "mpirun could not start its daemon on a host of the hostfile: %s"},
    {"unable to find the specified executable file", "Executable:",
     "a host does not have the program %s, expected it at the same path on every host"},
    {"could not access", "Executable:",
     "a host does not have the program %s, expected it at the same path on every host"},
    {"multiple definitions of the slot count", NULL,
     "mpirun takes two hosts of the hostfile for one: %s"},
    {"components were able to be opened in the", "Framework:",
     "Open MPI has no component of those asked for in its framework '%s': unset the variable "
     "OMPI_MCA_ of that name, or install the component"},
    {"requested component was not found", "Component:",
     "Open MPI has no component '%s', which a variable OMPI_MCA_ or a file of parameters asks for"},
    {"unable to reach each other for MPI communication", NULL,
     "Open MPI found no way between two ranks: the btl that OMPI_MCA_btl asks for do not reach "
     "each other, or hosts have no network in common (%s)"},
    {"MPI_INIT failed for some reason", "developer):",
     "MPI could not start in the ranks (%s): does a variable OMPI_MCA_ or a file of parameters ask "
     "for what is not there?"},
    {"direct launched using \"srun\"", NULL,
     "srun's PMI is none that Open MPI knows (%s), expected `srun --mpi=pmix`, or mpirun inside of "
     "the allocation"},
    // Open MPI 4.1 loses pages on their way to mpirun when several ranks fail at once
    {"An error occurred in MPI_Init", NULL,
     "MPI could not start in the ranks: does a variable OMPI_MCA_ or a file of parameters ask for "
     "what is not there? (%s)"},
    {"orte/util/show_help.c at line", NULL,
     "the ranks ended as MPI started, and mpirun lost what they said: does a variable OMPI_MCA_ or "
     "a file of parameters ask for what is not there? (%s)"},
};
// clang-format on

/* A line of dashes or of blanks says nothing. */
static bool says_something(const char *line, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (isalnum((unsigned char)line[i]))
            return true;
    return false;
}

/* A line on other pages that are not shown, or on what harms nothing: mpirun and the agent that it
 * started both put the agent into a group, and who comes second is told of it. */
static bool is_aside(const char *line, size_t size)
{
    return memmem(line, size, "sent help message", 17) ||
           memmem(line, size, "orte_base_help_aggregate", 24) ||
           memmem(line, size, "plm:rsh: Warning: setpgid", 25);
}

/* The detail: from there to the line's end. *size: its length. */
static const char *detail(const char *text, const struct page *page, int *size)
{
    const char *at = page->before ? strstr(text, page->before) : text;
    *size = 0;
    if (at && page->before)
        at += strlen(page->before);
    while (at && *at) {
        at += strspn(at, " \t");
        const size_t n = strcspn(at, "\r\n");
        if (says_something(at, n) && !is_aside(at, n)) {
            *size = (int)n;
            return at;
        }
        at += n + strspn(at + n, "\r\n");
    }
    return "";
}

bool mpirun_page_known(struct err *err, const char *text)
{
    for (size_t i = 0; text && i < sizeof pages / sizeof *pages; i++) {
        char words[300];
        int size = 0;
        const char *from = strstr(text, pages[i].words);
        if (!from)
            continue;
        from = detail(text, &pages[i], &size);
        snprintf(words, sizeof words, "%.*s", size, from);
        const char *gap = strstr(pages[i].sentence, "%s");
        err_set(err, ERR_MACHINE, "%.*s%s%s", (int)(gap - pages[i].sentence), pages[i].sentence,
                words, gap + 2);
        return true;
    }
    return false;
}

const char *mpirun_page_last_line(const char *text, int *size)
{
    const char *last = NULL;
    for (const char *at = text; at && *at;) {
        const size_t n = strcspn(at, "\n");
        if (says_something(at, n) && !is_aside(at, n)) {
            last = at;
            *size = (int)strcspn(at, "\r\n");
        }
        at += n + (at[n] == '\n');
    }
    return last;
}
