/* trireme plan: the planner llm elsewhere, as a client of the run (experiment.planner: client). It
 * waits for RUN/turn, makes the briefing from the run's files, asks the model as rank 0 would
 * (launcher/llm/planner_llm: the same process in the same cage, the same files in RUN/planner), and
 * sends by the inbox what the calls were, the proposals, and the end of the turn. One at a time
 * asks for a run: it holds a lock on RUN/planner/plan.
 *
 * Waits: for a turn, as long as somebody trains the run; for a launch, --wait; for an answer of the
 * model, as planner_llm; for one of the run, inbox_seconds, after which the request stays in the
 * inbox and is taken when the step under way is over. A signal ends it between these. */
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "coordinator/inbox/turn.h"
#include "coordinator/run/run.h"
#include "launcher/commands/command.h"
#include "launcher/commands/person.h"
#include "launcher/commands/print_text.h"
#include "launcher/job/stop_request.h"
#include "launcher/llm/llm_key.h"
#include "launcher/llm/planner_llm.h"
#include "proto/config/run_config.h"
#include "proto/file/incarnation.h"
#include "proto/schema/message.h"

#include "command.pb-c.h"
#include "files.pb-c.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const double turn_seconds = 0.1, answer_seconds = 0.02, /* between two looks */
    look_seconds = 1,                                          /* whether the run has ended */
    inbox_seconds = 30;

struct plan {
    const Trireme__PlanRequest *request;
    struct planner *planner;
    Trireme__PlanReply *done;
    bool speaks;
    uint64_t launch, step; /* of the turn that was answered last; launch 0: none was */
};

static void tell(const struct plan *p, uint64_t step, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A line about a step, for people. Others' words may be in it. */
static void tell(const struct plan *p, uint64_t step, const char *format, ...)
{
    va_list args;
    char *text = NULL;
    if (!p->speaks)
        return;
    va_start(args, format);
    if (vasprintf(&text, format, args) >= 0) {
        printf("step %llu: ", (unsigned long long)step);
        print_text(text, SIZE_MAX);
        printf("\n");
        fflush(stdout);
        free(text);
    }
    va_end(args);
}

/* Whether the run has come to its end: no launch will follow. */
static bool is_complete(const char *run)
{
    struct err unread;
    Trireme__Status *status = run_is_trained(run) ? NULL : run_status_read(run, &unread);
    const bool complete = status && status->code == ERR_NONE;
    message_free(status);
    return complete;
}

static void end_with(const struct plan *p, const char *why)
{
    free(p->done->text);
    p->done->text = mem_format("%s: %s", p->request->run, why);
}

/* Whether a turn is open that was not answered: 1, 0, -1. */
static int find_turn(struct plan *p, uint64_t *launch, uint64_t *step, struct err *err)
{
    const char *run = p->request->run;
    const int open = incarnation_read(launch, run, err) < 0 ? -1 : turn_read(step, run, err);
    return open > 0 ? *launch != p->launch || *step != p->step : open;
}

/* Waits for the next turn: 1, or 0 where there will be none. */
static int wait_for_turn(struct plan *p, uint64_t *launch, uint64_t *step, struct err *err)
{
    const char *run = p->request->run;
    for (double trained = clock_now(); !*stop_request_flag(); clock_sleep(turn_seconds)) {
        if (run_is_trained(run)) {
            const int found = find_turn(p, launch, step, err);
            if (found)
                return found;
            trained = clock_now();
        } else if (is_complete(run)) {
            end_with(p, "this run is complete");
            return 0;
        } else if (clock_now() - trained >= p->request->wait) {
            end_with(p, "nobody trains this run now");
            return 0;
        }
    }
    end_with(p, "asked to end");
    return 0;
}

/* Asks the model: 1, or 0 where it is not to be waited for any more. */
static int ask_model(struct plan *p, Trireme__Proposals **answer, struct err *err)
{
    const char *run = p->request->run;
    Trireme__Briefing *briefing = command_briefing_make(run, p->launch ? &p->step : NULL, err);
    if (!briefing)
        return -1;
    p->planner->ops->ask(p->planner, briefing);
    message_free(briefing);
    struct err why = {0}; // it comes with an answer
    for (double looked = clock_now(); !*stop_request_flag(); clock_sleep(answer_seconds)) {
        if (p->planner->ops->poll(p->planner, answer, &why) == PLANNER_PROPOSALS)
            return 1;
        if (clock_now() - looked < look_seconds)
            continue;
        if (is_complete(run)) {
            end_with(p, "this run is complete");
            return 0;
        }
        looked = clock_now();
    }
    end_with(p, "asked to end");
    return 0;
}

/* Sends a request as a planner; *accepted: it was. Only where it could not be sent is that an
 * error. */
static int send(struct plan *p, bool *accepted, const Trireme__Request *request, uint64_t step,
                bool trained, struct err *err)
{
    Trireme__Answer *answer = NULL;
    *accepted = false;
    if (person_ask(&answer, p->request->run, request, NULL, trained ? inbox_seconds : 0, err) < 0)
        return -1;
    if (!answer && trained)
        tell(p, step, "nobody answered within %g s: it waits in %s/inbox", inbox_seconds,
             p->request->run);
    else if (!answer)
        tell(p, step, "nobody trains this run now: it waits in %s/inbox", p->request->run);
    else if (answer->text && !request->n_calls)
        tell(p, step, "%s%s", answer->accepted ? "" : "refused: ", answer->text);
    *accepted = answer && answer->accepted;
    message_free(answer);
    return 0;
}

static int send_calls(struct plan *p, const Trireme__Proposals *answer, uint64_t step, bool trained,
                      struct err *err)
{
    Trireme__Request request = TRIREME__REQUEST__INIT;
    bool accepted;
    for (size_t i = 0; i < answer->n_calls; i++) {
        const Trireme__Call *c = answer->calls[i];
        p->done->calls++;
        p->done->tokens += c->prompt_tokens + c->answer_tokens;
        p->done->usd += c->usd;
        tell(p, step, "%s", c->said ? c->said : "");
    }
    if (answer->gave_up)
        tell(p, step, "%s", answer->gave_up);
    request.calls = answer->calls, request.n_calls = answer->n_calls;
    request.gave_up = answer->gave_up;
    return answer->n_calls || answer->gave_up ? send(p, &accepted, &request, step, trained, err)
                                              : 0;
}

/* The model's names of its proposals are of the step; a step may have its turn twice. */
static void make_unique(Trireme__Proposal *proposal, const Trireme__Proposals *answer)
{
    if (!answer->n_calls || !proposal->id)
        return;
    char *id = mem_format("%s-turn-%u", proposal->id, answer->calls[answer->n_calls - 1]->turn);
    free(proposal->id);
    proposal->id = id;
}

/* Sends an answer, and the end of the turn. */
static int send_answer(struct plan *p, const Trireme__Proposals *answer, uint64_t step,
                       struct err *err)
{
    const bool trained = run_is_trained(p->request->run);
    bool accepted = false;
    int rc = send_calls(p, answer, step, trained, err);
    for (size_t i = 0; rc == 0 && trained && i < answer->n_proposals; i++) {
        Trireme__Request request = TRIREME__REQUEST__INIT;
        request.propose = answer->proposals[i];
        make_unique(request.propose, answer);
        rc = send(p, &accepted, &request, step, trained, err);
        p->done->proposals += accepted;
    }
    for (size_t i = 0; rc == 0 && trained && i < answer->n_notes; i++) {
        Trireme__Request request = TRIREME__REQUEST__INIT;
        request.note = answer->notes[i];
        rc = send(p, &accepted, &request, step, trained, err);
    }
    Trireme__Request over = TRIREME__REQUEST__INIT;
    over.has_done = true, over.done = step;
    return rc == 0 && trained ? send(p, &accepted, &over, step, trained, err) : rc;
}

static int answer_turns(struct plan *p, struct err *err)
{
    uint64_t launch = 0, step = 0;
    int rc;
    while ((rc = wait_for_turn(p, &launch, &step, err)) > 0) {
        Trireme__Proposals *answer = NULL;
        if ((rc = ask_model(p, &answer, err)) <= 0)
            break;
        rc = send_answer(p, answer, step, err);
        message_free(answer);
        if (rc < 0)
            break;
        p->done->turns++;
        p->launch = launch, p->step = step;
    }
    return rc;
}

/* The run's configuration with what was set of its llm block. */
static Trireme__Config *read_config(const Trireme__PlanRequest *r, struct err *err)
{
    for (size_t i = 0; i < r->n_set; i++)
        if (strncmp(r->set[i], "llm.", 4)) {
            err_set(err, ERR_USAGE,
                    "--set %s: expected a setting of the llm block, as llm.model=", r->set[i]);
            return NULL;
        }
    Trireme__Config *of_run = run_config_of(r->run, err), *config = NULL;
    if (of_run && of_run->experiment->planner != TRIREME__EXPERIMENT__PLANNER__client)
        err_set(err, ERR_USAGE,
                "%s: found experiment.planner %s, expected client: no other planner has turns that "
                "are answered from elsewhere",
                r->run,
                protobuf_c_enum_descriptor_get_value(&trireme__experiment__planner__descriptor,
                                                     (int)of_run->experiment->planner)
                    ->name);
    else if (of_run)
        config = run_config_change(of_run, r->set, r->n_set, err);
    message_free(of_run);
    return config;
}

/* *key: NULL where it needs none. */
static int find_key(struct llm_key **key, const Trireme__Llm *llm, struct err *err)
{
    *key = NULL;
    if (llm->key_file[0])
        return (*key = llm_key_read(llm->key_file, err)) ? 0 : err_context(err, "llm.key_file");
    return !llm->key_env[0] || (*key = llm_key_take_variable(llm->key_env, err)) ? 0 : -1;
}

/* Returns the descriptor that holds the lock, or -1. A file system without locks has it do without.
 */
static int lock(const char *run, struct err *err)
{
    bool open_folder;
    char *folder = file_join(run, "planner"), *path = file_join(folder, "plan");
    int fd = -1;
    if (file_make_private(&open_folder, folder, ERR_USAGE, err) == 0) {
        fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) {
            err_set(err, ERR_USAGE, "%s: cannot be opened: %s", path, strerror(errno));
        } else if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
            err_set(err, ERR_USAGE, "%s: another `trireme plan` asks for this run", path);
            close(fd);
            fd = -1;
        }
    }
    free(path);
    free(folder);
    return fd;
}

static int run_plan(struct plan *p, struct err *err)
{
    const char *run = p->request->run;
    struct llm_key *key;
    Trireme__PlanReply *d = p->done;
    d->has_turns = d->has_proposals = d->has_calls = d->has_tokens = d->has_usd = true;
    Trireme__Config *config = read_config(p->request, err);
    int held = -1, rc = -1;
    if (config && find_key(&key, config->llm, err) == 0) {
        if ((held = lock(run, err)) < 0) {
            llm_key_free(key);
        } else {
            stop_request_catch();
            p->planner = planner_llm_new(config, run, NULL, key, NULL, warn_stderr, NULL, err);
        }
    }
    if (p->planner) {
        rc = answer_turns(p, err);
        p->planner->ops->free(p->planner);
    }
    if (held >= 0)
        close(held);
    message_free(config);
    return rc;
}

int command_plan(const void *request, void *reply, struct err *err)
{
    struct plan p = {.request = request, .done = reply};
    return run_plan(&p, err);
}

int speak_plan(const void *request, struct err *err)
{
    Trireme__PlanReply *done = message_new(&trireme__plan_reply__descriptor);
    struct plan p = {.request = request, .done = done, .speaks = true};
    const int rc = run_plan(&p, err);
    if (rc == 0) {
        printf("%u turn%s, %u call%s, %llu tokens, %u proposal%s taken; ", done->turns,
               done->turns == 1 ? "" : "s", done->calls, done->calls == 1 ? "" : "s",
               (unsigned long long)done->tokens, done->proposals, done->proposals == 1 ? "" : "s");
        print_text(done->text, SIZE_MAX);
        printf("\n");
    }
    message_free(done);
    return rc;
}
