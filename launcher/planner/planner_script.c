#include "launcher/planner/planner_script.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "launcher/planner/cage.h"
#include "launcher/planner/planner_process.h"
#include "launcher/planner/planner_program.h"
#include "launcher/planner/planner_reads.h"
#include "launcher/planner/planner_secrets.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAILURES_MAX = 3 };

struct script {
    struct planner planner;
    struct planner_ops ops;         /* of its kind */
    struct planner_program program; /* owned */
    struct planner_script_kind kind;
    struct planner_process process; /* pid 0: none runs */
    struct text question;           /* the briefing */
    size_t written;                 /* bytes of it that the process took */
    struct text answer;             /* its line so far */
    size_t unasked;                 /* bytes since its last answer */
    bool asked, gone;
    bool has_answered; /* this process */
    bool has_told;     /* something of the answer that is awaited */
    double deadline;
    unsigned failures; /* in a row */
};

static void end_process(struct script *s)
{
    planner_process_kill(&s->process);
    text_clear(&s->answer);
    s->written = s->unasked = 0;
    s->has_answered = false;
}

static void forget_question(struct script *s)
{
    text_clear(&s->question);
    s->written = 0;
    s->asked = s->has_told = false;
}

/* Ends the program; err has the sentence. */
static enum planner_answer fail(struct script *s, struct err *err)
{
    end_process(s);
    forget_question(s);
    if (++s->failures < FAILURES_MAX)
        return PLANNER_FAILED;
    s->gone = true;
    size_t size = strlen(err->text);
    snprintf(err->text + size, sizeof err->text - size,
             "; that was failure %u in a row: it is asked no more", s->failures);
    return PLANNER_GONE;
}

/* Reads and discards what the process wrote without being asked. */
static void drain(struct script *s)
{
    bool ended = planner_process_read(&s->process, &s->answer, s->kind.bytes + 1);
    s->unasked += s->answer.size;
    text_clear(&s->answer);
    if (ended)
        end_process(s);
}

static void ask(struct planner *planner, const Trireme__Briefing *briefing)
{
    struct script *s = (struct script *)planner;
    ASSERT(!s->asked && !s->gone);
    if (s->process.pid)
        drain(s);
    char *line = json_write(briefing);
    text_printf(&s->question, "%s\n", line);
    free(line);
    s->asked = true;
    s->deadline = clock_now() + s->kind.patience;
}

static void forget_calls(Trireme__Proposals *answer)
{
    while (answer->n_calls)
        message_free(answer->calls[--answer->n_calls]);
    free(answer->gave_up);
    answer->gave_up = NULL;
}

/* Takes a line of `size` bytes that is no answer yet; what stands behind it is looked at next. */
static enum planner_answer take_part(struct script *s, size_t size, Trireme__Proposals *so_far)
{
    s->kind.told(s->kind.context, so_far);
    message_free(so_far);
    s->has_told = true;
    struct text rest = {0};
    if (s->answer.size > size + 1)
        text_add_bytes(&rest, s->answer.bytes + size + 1, s->answer.size - size - 1);
    text_clear(&s->answer);
    s->answer = rest;
    return PLANNER_NOTHING;
}

/* Takes a line of `size` bytes as the answer. */
static enum planner_answer take_line(struct script *s, size_t size, Trireme__Proposals **proposals,
                                     struct err *err)
{
    Trireme__Proposals *answer = message_new(&trireme__proposals__descriptor);
    if (s->written < s->question.size) {
        err_set(
            err, ERR_USAGE,
            "the planner answered before it had read the briefing, expected one answer to each");
    } else if (json_read(answer, s->answer.bytes, size, "the planner's answer", ERR_USAGE, err) ==
               0) {
        if (s->kind.told && answer->under_way)
            return take_part(s, size, answer);
        size_t n = answer->n_proposals;
        for (size_t i = PLANNER_SCRIPT_PROPOSALS; i < n; i++)
            message_free(answer->proposals[i]);
        if (n > PLANNER_SCRIPT_PROPOSALS) {
            planner_program_note(&s->program,
                                 "trireme: %zu proposals in one answer: the first %d were taken\n",
                                 n, PLANNER_SCRIPT_PROPOSALS);
            answer->n_proposals = PLANNER_SCRIPT_PROPOSALS;
        }
        s->unasked = s->answer.size - size - 1; // what stands behind the line
        text_clear(&s->answer);
        forget_question(s);
        s->has_answered = true;
        s->failures = 0;
        if (!s->kind.told)
            forget_calls(answer);
        *proposals = answer;
        return PLANNER_PROPOSALS;
    }
    message_free(answer);
    return fail(s, err);
}

static enum planner_answer poll_answer(struct script *s, bool ended, Trireme__Proposals **proposals,
                                       struct err *err)
{
    const char *end = s->answer.size ? memchr(s->answer.bytes, '\n', s->answer.size) : NULL;
    size_t size = end ? (size_t)(end - s->answer.bytes) : s->answer.size;
    if (size > s->kind.bytes) {
        err_set(err, ERR_USAGE, "the planner's answer has more than %zu bytes in a line",
                s->kind.bytes);
        return fail(s, err);
    }
    if (end)
        return take_line(s, size, proposals, err);
    if (ended && s->has_answered && !s->has_told &&
        s->answer.size == 0) { // one that is started for each question
        end_process(s);
        return PLANNER_NOTHING;
    }
    if (ended && planner_process_failed(&s->process, err) < 0)
        return fail(s, err);
    if (ended) {
        char how[100];
        planner_process_how(how, sizeof how, &s->process);
        err_set(err, ERR_USAGE, "the planner %s without an answer; what it said is in %s", how,
                s->program.log);
        return fail(s, err);
    }
    if (clock_now() > s->deadline) {
        err_set(err, ERR_USAGE,
                "the planner gave no answer within %g s (%s); what it said is in %s",
                s->kind.patience, s->kind.bound, s->program.log);
        return fail(s, err);
    }
    return PLANNER_NOTHING;
}

static enum planner_answer poll_planner(struct planner *planner, Trireme__Proposals **proposals,
                                        struct err *err)
{
    struct script *s = (struct script *)planner;
    if (s->asked && s->process.pid == 0) {
        if (planner_process_start(&s->process, &s->program, err) < 0)
            return fail(s, err);
        if (s->kind.begin)
            s->kind.begin(s->kind.context, s->process.in);
    }
    if (s->process.pid)
        s->planner.pid = (uint32_t)s->process.pid;
    if (s->process.pid && !s->asked)
        drain(s);
    if (s->unasked > s->kind.bytes) {
        err_set(
            err, ERR_USAGE,
            "the planner wrote more than %zu bytes that nobody asked for, expected one line for "
            "each briefing",
            s->kind.bytes);
        return fail(s, err);
    }
    if (!s->asked)
        return PLANNER_NOTHING;
    planner_process_write(&s->process, &s->question, &s->written);
    bool ended = planner_process_read(&s->process, &s->answer, s->kind.bytes + 1);
    return poll_answer(s, ended, proposals, err);
}

static void planner_free(struct planner *planner)
{
    struct script *s = (struct script *)planner;
    end_process(s);
    forget_question(s);
    planner_program_clear(&s->program);
    free(s);
}

enum { LAYERS_SIZE = 300 };

int planner_script_check_layers(const struct cage_layers *layers, const Trireme__Config *config,
                                warn_fn warn, void *context, struct err *err)
{
    const Trireme__Experiment *e = config->experiment;
    char missing[LAYERS_SIZE], sentence[2 * LAYERS_SIZE];
    const bool open = !cage_hides_files(layers);
    cage_missing(missing, sizeof missing, layers);
    if (open && e->mode == TRIREME__EXPERIMENT__MODE__approve && !e->unlocked)
        return err_set(err, ERR_USAGE,
                       "experiment.planner: it cannot be kept from reading the run, and "
                       "experiment.mode is approve: missing here: %s; experiment.unlocked: true "
                       "lets it run all the same",
                       missing);
    if (!missing[0] || !warn)
        return 0;
    snprintf(sentence, sizeof sentence,
             "WARNING: the planner is not wholly locked in%s: missing here: %s",
             open ? " and can read the run" : "", missing);
    warn(context, sentence);
    return 0;
}

/* layers: NULL: they are asked for. */
static int find_program(struct planner_program *program, const Trireme__Config *config,
                        const char *run, const struct cage_layers *layers, warn_fn warn,
                        void *context, struct err *err)
{
    const Trireme__Experiment *e = config->experiment;
    struct cage_layers here;
    if (e->n_command == 0)
        return err_set(
            err, ERR_USAGE,
            "experiment.command: found none, expected the planner's program, as experiment.planner "
            "is script");
    if (!layers)
        cage_ask(&here);
    struct planner_secrets secrets = planner_secrets_of(config, run);
    int rc = planner_program_init(program, e->command, e->n_command, &secrets,
                                  layers ? layers : &here, NULL, err);
    planner_secrets_clear(&secrets);
    if (rc == 0 &&
        planner_script_check_layers(layers ? layers : &here, config, warn, context, err) < 0) {
        planner_program_clear(program);
        rc = -1;
    }
    return rc;
}

int planner_script_check(const Trireme__Config *config, const char *run, struct err *err)
{
    struct planner_program program;
    if (find_program(&program, config, run, NULL, NULL, NULL, err) < 0)
        return -1;
    planner_program_clear(&program);
    return 0;
}

struct planner *planner_script_new(const Trireme__Config *config, const char *run,
                                   const struct cage_layers *layers, warn_fn warn, void *context,
                                   struct err *err)
{
    struct planner_program program;
    if (find_program(&program, config, run, layers, warn, context, err) < 0)
        return NULL;
    const struct planner_script_kind kind = {
        .name = "script",
        .patience = config->experiment->patience,
        .bytes = PLANNER_SCRIPT_BYTES,
        .bound = "experiment.patience",
    };
    return planner_script_of(&program, &kind);
}

struct planner *planner_script_of(struct planner_program *program,
                                  const struct planner_script_kind *kind)
{
    struct script *s = mem_new(1, sizeof *s);
    s->ops = (struct planner_ops){kind->name, ask, poll_planner, planner_free, NULL};
    s->planner.ops = &s->ops;
    s->kind = *kind;
    s->program = *program;
    *program = (struct planner_program){0};
    return &s->planner;
}
