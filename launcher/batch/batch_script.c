#include "launcher/batch/batch_script.h"

#include "base/mem.h"
#include "base/text.h"
#include "launcher/batch/shell_word.h"
#include "launcher/batch/slurm_time.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A word for bash; before each but the first of a line, a space. */
static void add_word(struct text *out, const char *word)
{
    const bool first = !out->size || out->bytes[out->size - 1] == '\n';
    text_add(out, first ? "" : " ");
    shell_word_add(out, word);
}

/* A line for sbatch, which has quotes of its own. */
static void add_option(struct text *out, const char *name, const char *value)
{
    const bool bare = shell_word_is_plain(value);
    text_printf(out, "#SBATCH --%s=%s", name, bare ? "" : "\"");
    for (const char *c = value; *c; c++)
        text_printf(out, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
    text_printf(out, "%s\n", bare ? "" : "\"");
}

/* In a file's name sbatch replaces what follows '%'. */
static char *escape_percents(const char *path)
{
    struct text out = {0};
    for (const char *c = path; *c; c++)
        text_printf(&out, "%s%c", *c == '%' ? "%" : "", *c);
    return text_take(&out);
}

/* A name for the job out of the run's folder: its last part; what may not stand there as '_'. */
static char *job_name(const char *run)
{
    size_t end = strlen(run);
    while (end > 1 && run[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && run[begin - 1] != '/')
        begin--;
    char *name = mem_format("%.*s", (int)(end - begin), run + begin);
    for (char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
            *c = '_';
    return name;
}

static void add_head(struct text *out)
{
    text_add(out,
             "#!/bin/bash\n"
             "# Trains a model by Trireme under Slurm. Written by `trireme submit`; to be read "
             "and edited.\n"
             "#\n"
             "# A job has as many lives as the run needs. Before the time limit the run is "
             "asked to end: it\n"
             "# writes a checkpoint and ends with code 85. The job then goes back to the queue, "
             "and its next\n"
             "# life gives the same command again, which goes on from that checkpoint. Code 0: "
             "the run is\n"
             "# complete. Any other code is a failure and is said in the output; nothing is "
             "queued again.\n"
             "# `scancel JOB` ends it for good, with a checkpoint; `sbatch` of this file goes "
             "on.\n\n");
}

static void add_options(struct text *out, const struct batch_script *s)
{
    const Trireme__SubmitRequest *r = s->request;
    char time[SLURM_TIME_SIZE], *name = job_name(r->out), *output = escape_percents(s->output);
    slurm_time_write(time, s->seconds);
    add_option(out, "job-name", name);
    if (r->partition && *r->partition)
        add_option(out, "partition", r->partition);
    text_printf(out, "#SBATCH --nodes=%u\n", r->nodes);
    if (s->ranks)
        text_printf(out, "#SBATCH --ntasks=%u\n#SBATCH --ntasks-per-node=%u\n", s->ranks,
                    r->ranks_per_node ? r->ranks_per_node : (s->ranks - 1) / r->nodes + 1);
    else
        text_add(out, "# Whole nodes: a rank for each of their CPUs, all of their memory.\n"
                      "#SBATCH --exclusive\n#SBATCH --mem=0\n");
    if (s->ranks && s->threads > 1)
        text_printf(out, "#SBATCH --cpus-per-task=%u\n", s->threads);
    text_printf(out,
                "#SBATCH --time=%s\n"
                "# USR1 to this script (B:) so many seconds before the limit; Slurm may send it "
                "up to a minute\n"
                "# earlier.\n"
                "#SBATCH --signal=B:USR1@%u\n"
                "# Back to the queue after preemption and after the loss of a node; the output of "
                "all lives in\n"
                "# one file.\n"
                "#SBATCH --requeue\n"
                "#SBATCH --open-mode=append\n",
                time, s->lead);
    add_option(out, "chdir", s->folder);
    add_option(out, "output", output);
    for (size_t i = 0; i < r->n_option; i++)
        text_printf(out, "#SBATCH %s\n", r->option[i]);
    free(output);
    free(name);
}

/* srun and its options; mpirun is started by train. */
static void add_launcher(struct text *out, const struct batch_script *s)
{
    if (s->request->launcher == TRIREME__SUBMIT_REQUEST__LAUNCHER__mpirun)
        return;
    if (s->ranks)
        text_add(out, "unset SLURM_NTASKS_PER_NODE # srun would count by it\n");
    text_add(out, "srun --mpi=pmix --cpu-bind=none");
    if (s->ranks)
        text_printf(out, " --ntasks=%u", s->ranks);
    else
        text_add(out, " --ntasks=$((SLURM_CPUS_ON_NODE * SLURM_JOB_NUM_NODES))");
    if (s->ranks && s->threads > 1)
        text_printf(out, " --cpus-per-task=%u", s->threads);
    if (s->request->nodes > 1)
        text_add(out, " --distribution=cyclic"); // spreads the servers, whose ranks come first
}

static void add_command(struct text *out, const struct batch_script *s)
{
    const Trireme__SubmitRequest *r = s->request;
    add_launcher(out, s);
    add_word(out, s->program);
    text_add(out, " train");
    add_word(out, r->config);
    text_add(out, " --out");
    add_word(out, r->out);
    if (s->ranks)
        text_printf(out, " --workers %u", s->ranks - 1 - r->servers);
    text_printf(out, " --servers %u", r->servers);
    for (size_t i = 0; i < r->n_set; i++) {
        text_add(out, " --set");
        add_word(out, r->set[i]);
    }
    text_add(out, " \\\n    ${seconds:+--max-seconds \"$seconds\"} &\n");
}

static void add_life(struct text *out, const struct batch_script *s)
{
    text_printf(
        out,
        "\n"
        "run= # process number, once there is one\n"
        "asked=no\n"
        "again=no # whether it is to be told again\n"
        "ask() { # TERM comes from scancel and from preemption\n"
        "    asked=yes\n"
        "    again=yes\n"
        "    [ -z \"$run\" ] || kill -USR1 \"$run\" 2>/dev/null\n"
        "}\n"
        "trap ask USR1 TERM\n"
        "echo \"== life ${SLURM_RESTART_COUNT:-0} of job $SLURM_JOB_ID on $SLURM_JOB_NODELIST, "
        "$(date)\"\n"
        "\n"
        "# Seconds until the run has to end, so that it does where no signal comes.\n"
        "end=$SLURM_JOB_END_TIME\n"
        "if [ -z \"$end\" ]; then # older Slurms do not set it\n"
        "    end=$(timeout 30 squeue -h -j \"$SLURM_JOB_ID\" -o %%e)\n"
        "    end=$(date -d \"${end:-unknown}\" +%%s 2>/dev/null)\n"
        "fi\n"
        "seconds=\n"
        "[ -z \"$end\" ] || seconds=$((end - $(date +%%s) - %u))\n"
        "[ -z \"$seconds\" ] || [ \"$seconds\" -gt 0 ] || seconds=1\n"
        "\n"
        "# Asked already: one step, so that each life gets on.\n"
        "early=$asked\n"
        "[ $early = no ] || seconds=1\n"
        "again=no\n",
        s->lead);
    add_command(out, s);
    text_add(out, "run=$!\n"
                  "[ $asked = $early ] || again=yes\n"
                  "while :; do\n"
                  "    if [ $again = yes ]; then # what comes while it begins may be lost\n"
                  "        again=no\n"
                  "        sleep 1 &\n"
                  "        wait $!\n"
                  "        [ -z \"$(jobs -rp)\" ] || kill -USR1 \"$run\" 2>/dev/null\n"
                  "    fi\n"
                  "    wait \"$run\"\n"
                  "    code=$?\n"
                  "    [ $again = yes ] || break # a signal ends wait, not the run\n"
                  "done\n"
                  "[ $code -ne 138 ] || code=85 # USR1 came before the run could catch it\n"
                  "echo \"== life ${SLURM_RESTART_COUNT:-0} ended with code $code, $(date)\"\n");
}

static void add_requeue(struct text *out)
{
    text_add(out,
             "\n"
             "if [ $code -eq 85 ] && [ -n \"$SLURM_JOB_ID\" ]; then\n"
             "    case $(timeout 30 squeue -h -j \"$SLURM_JOB_ID\" -o '%T %r') in\n"
             "    *TimeLimit) again=yes ;;\n"
             "    # Slurm itself has ended this life: it requeues the job, unless that is "
             "cancelled.\n"
             "    COMPLETING* | CANCELLED* | PENDING* | REQUEUED*) again=no ;;\n"
             "    *) again=yes ;;\n"
             "    esac\n"
             "    if [ $again = yes ]; then\n"
             "        timeout 60 scontrol requeue \"$SLURM_JOB_ID\" ||\n"
             "            echo \"scontrol cannot requeue the job: submit this script again to go "
             "on\"\n"
             "    fi\n"
             "fi\n"
             "exit $code\n");
}

char *batch_script_write(const struct batch_script *script)
{
    struct text out = {0};
    add_head(&out);
    add_options(&out, script);
    add_life(&out, script);
    add_requeue(&out);
    return text_take(&out);
}
