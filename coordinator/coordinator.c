#include "coordinator/coordinator.h"

#include "base/clock.h"
#include "base/mem.h"
#include "coordinator/campaign/campaign.h"
#include "coordinator/campaign/override.h"
#include "coordinator/campaign/pair.h"
#include "coordinator/coordinator_internal.h"
#include "coordinator/gate/rule.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/memory/remember.h"
#include "coordinator/proposals/intake.h"
#include "coordinator/proposals/planner.h"
#include "coordinator/run/metrics.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "coordinator/run/run_lock.h"
#include "coordinator/train/checkpointer.h"
#include "coordinator/train/evaluator.h"
#include "coordinator/train/liveness.h"
#include "coordinator/train/roster.h"
#include "coordinator/train/resumption.h"
#include "coordinator/train/suspended.h"
#include "coordinator/train/whole_read.h"
#include "proto/config/run_config.h"
#include "proto/file/aside.h"
#include "proto/net/endpoint.h"
#include "proto/net/idle.h"
#include "proto/net/link.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"

#include "control.pb-c.h"

#include <stdlib.h>
#include <string.h>

enum { PARCELS_A_TURN = 64 };
static const double away_seconds = 5;
// Training waits so long for the digests of the token files: a file that has changed is refused
// before the first step, unless there is much to read.
static const double read_seconds = 5;
static const uint64_t none = UINT64_MAX;

static void send_start(struct coordinator *c)
{
    Trireme__Start start = TRIREME__START__INIT;
    start.incarnation = c->run->incarnation;
    start.servers = (uint32_t)c->options.n_servers;
    start.run = c->run->folder;
    start.config = c->run->in_force;
    start.checkpoint = c->run->checkpoint;
    start.manifest = c->run->manifest;
    start.segments = c->run->segments, start.n_segments = c->run->n_segments;
    for (int r = 1; r < c->endpoint->size; r++) {
        endpoint_send(c->endpoint, r, TAG_START, &start);
        liveness_await(c->liveness, r, AWAIT_READY, clock_now());
    }
}

static void make_trunk(struct coordinator *c)
{
    const struct run *run = c->run;
    Trireme__Segment **segments = mem_new(run->n_segments, sizeof *segments);
    for (size_t i = 0; i < run->n_segments; i++)
        segments[i] = message_copy(run->segments[i]);
    c->trunk =
        trials_first(c->trials, message_copy(run->in_force), segments, run->n_segments,
                     (struct position){run->step, run->samples, run->tokens}, run->step_tokens);
    if (run->manifest)
        trial_plan(c->trunk, run->manifest->planned_tokens);
}

static bool keeps_line(const void *context, const char *trial, uint64_t step)
{
    const struct coordinator *c = context;
    return pair_of_name_is_over(journal_history(c->journal), trial) ||
           suspended_has(c->suspended, trial, step);
}

static void warn_of_suspended(void *context, const char *sentence)
{
    const struct coordinator *c = context;
    progress_say(c->progress, "note: a suspended fork is trained again: %s", sentence);
}

static int check_run(void *context, struct err *err)
{
    return run_check(context, err);
}

static int open_files(struct coordinator *c, struct err *err)
{
    const Trireme__Manifest *m = c->run->manifest;
    const bool whole = c->run->goes_back; // it is cut once nothing speaks against it
    c->journal = journal_open(c->run->folder, m ? m->ledger_records : 0, m ? m->ledger_head : NULL,
                              c->options.replay, RULE_REVISION, err);
    if (!c->journal)
        return -1;
    journal_ask_before(c->journal, check_run, c->run);
    if (!c->options.replay)
        c->remember = remember_new(c->run->folder, c->run->config);
    c->suspended =
        suspended_open(c->run->checkpoint, m, c->run->in_force, warn_of_suspended, c, err);
    if (!c->suspended)
        return -1;
    c->metrics = metrics_open(c->run->folder, whole ? UINT64_MAX : c->run->step,
                              whole ? NULL : keeps_line, c, err);
    if (c->metrics)
        metrics_belongs(c->metrics, c->run);
    for (size_t i = 0; c->metrics && i < c->run->n_warnings; i++)
        if (metrics_event(c->metrics, c->run->step, c->run->warnings[i], err) < 0)
            return -1;
    return c->metrics ? 0 : -1;
}

struct coordinator *coordinator_new(struct endpoint *endpoint, struct run *run,
                                    const struct coordinator_options *options, struct err *err)
{
    struct coordinator *c = mem_new(1, sizeof *c);
    c->endpoint = endpoint;
    c->run = run;
    c->options = *options;
    c->config = run->config;
    c->first_worker = 1 + options->n_servers;
    c->layout = layout_new(c->config->model);
    c->liveness =
        liveness_new(endpoint->size, options->n_servers, c->config->wait->patience, clock_now());
    c->trials = trials_new(endpoint, c->liveness, c->layout, options->n_servers, options->plan);
    c->evaluator = evaluator_new(endpoint, c->liveness, options->n_servers);
    c->saved = run->step;
    c->turned = c->beaten = clock_now();
    make_trunk(c);
    c->progress = progress_new(run->folder, options->live, options->columns, run->step,
                               c->trunk->step_tokens);
    if (open_files(c, err) < 0) {
        coordinator_free(c);
        return NULL;
    }
    c->checkpointer = checkpointer_new(run, c->metrics, &c->roster, options->n_servers);
    checkpointer_hold(c->checkpointer);
    c->whole_read = whole_read_new(run, err);
    if (!c->whole_read) {
        coordinator_free(c);
        return NULL;
    }
    if (run->open)
        progress_say(c->progress,
                     "note: others may write to %s, and this cannot be changed: requests in its "
                     "inbox are refused if they may write there too",
                     run->folder);
    if (run_lock_note(run->lock)[0])
        progress_say(c->progress, "note: %s", run_lock_note(run->lock));
    if (options->left_out && options->left_out[0])
        progress_log(c->progress,
                     "not used between hosts, since each may have it for itself: %s (unless "
                     "OMPI_MCA_btl_tcp_if_include says otherwise)",
                     options->left_out);
    send_start(c);
    return c;
}

void coordinator_free(struct coordinator *c)
{
    if (!c)
        return;
    if (!c->intake && c->options.planner)
        c->options.planner->ops->free(c->options.planner);
    intake_free(c->intake);
    campaign_free(c->campaign);
    suspended_free(c->suspended);
    remember_free(c->remember);
    journal_free(c->journal);
    evaluation_free(c->evaluation);
    roster_clear(&c->roster);
    whole_read_free(c->whole_read);
    checkpointer_free(c->checkpointer);
    metrics_free(c->metrics);
    progress_free(c->progress);
    evaluator_free(c->evaluator);
    trials_free(c->trials);
    liveness_free(c->liveness);
    layout_free(c->layout);
    free(c);
}

uint64_t coordinator_kept_step(const struct coordinator *c)
{
    return checkpointer_step(c->checkpointer);
}

uint64_t coordinator_steps_done(const struct coordinator *c)
{
    return c->trunk->step - c->run->step;
}

static int make_campaign(struct coordinator *c, struct err *err)
{
    struct context context = {.run = c->run,
                              .roster = &c->roster,
                              .trials = c->trials,
                              .evaluator = c->evaluator,
                              .journal = c->journal,
                              .progress = c->progress,
                              .metrics = c->metrics,
                              .suspended = c->suspended,
                              .trunk = &c->trunk};
    c->campaign = campaign_new(&context);
    struct planner *planner = c->options.planner;
    c->options.planner = NULL;
    c->intake = intake_new(&context, c->campaign, planner, c->options.allow_noop, err);
    if (!c->intake)
        return -1;
    int overridden = override_apply(&context, c->campaign, err);
    if (overridden < 0)
        return -1;
    c->saves_anew = overridden > 0;
    if (planner && campaign_off(c->campaign))
        progress_say(c->progress, "note: %s", campaign_off(c->campaign));
    else if (c->config->gate->windows > campaign_windows_max(c->campaign))
        progress_say(
            c->progress,
            "note: gate.windows is %u: an arm reads %u, since there are no more to judge by",
            c->config->gate->windows, campaign_windows_max(c->campaign));
    return 0;
}

static void make_evaluation(struct coordinator *c)
{
    if (!c->config->eval->every)
        return;
    for (size_t s = 0; s < c->roster.n_sources; s++)
        coordinator_say_not_evaluated(c, &c->roster.sources[s]);
    c->evaluation = evaluation_new(c->roster.sources, c->roster.n_sources, c->config->eval->samples,
                                   c->config->model->context);
    if (!evaluation_possible(c->evaluation)) {
        evaluation_free(c->evaluation);
        c->evaluation = NULL;
    }
}

/* The journal says that somebody went back where it tells of what came after. */
static int record_back(struct coordinator *c, char *sentence, struct err *err)
{
    char head[LEDGER_HEAD_SIZE];
    if (journal_total(c->journal) == journal_known(c->journal, head))
        return 0;
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.text = sentence;
    char *by = context_operator(c->run);
    const int rc =
        journal_write(c->journal, &record, TRIREME__RECORD_KIND__event, 0, c->run->step, by, err);
    free(by);
    return rc;
}

/* Sets the checkpoints after the step that this launch goes back to aside, and cuts the curve. */
static int go_back(struct coordinator *c, struct err *err)
{
    const struct run *run = c->run;
    const unsigned long long step = run->step;
    char *folder = NULL;
    size_t n = 0;
    if (!run->goes_back)
        return 0;
    if (aside_newer(&folder, &n, run->folder, run->step, err) < 0)
        return -1;
    char *sentence = folder ? mem_format("going back to step %llu: the curve is cut there, and %zu "
                                         "newer checkpoint%s set aside in %s",
                                         step, n, n == 1 ? " is" : "s are", folder)
                            : mem_format("going back to step %llu", step);
    if (folder)
        progress_say(c->progress, "%s", sentence);
    int rc = metrics_cut(c->metrics, run->step, keeps_line, c, err);
    if (rc == 0 && folder)
        rc = metrics_event(c->metrics, run->step, sentence, err);
    if (rc == 0)
        rc = record_back(c, sentence, err);
    free(sentence);
    free(folder);
    return rc;
}

static int begin_training(struct coordinator *c, struct err *err)
{
    const Trireme__Manifest *manifest = c->run->manifest;
    const uint32_t leaves = run_config_leaves(c->trunk->config);
    const size_t n_workers = (size_t)(c->endpoint->size - c->first_worker);
    if (manifest && manifest->fingerprint && strcmp(manifest->fingerprint, c->roster.fingerprint))
        progress_say(c->progress,
                     "note: other kernels than before (%s; before: %s): the last bits may differ",
                     c->roster.fingerprint, manifest->fingerprint);
    if (n_workers > leaves)
        progress_say(c->progress,
                     "note: a step has %u microbatches: %zu of %zu workers will have nothing to do",
                     leaves, n_workers - leaves, n_workers);
    if (run_check(c->run, err) < 0 || run_write_changes(c->run, err) < 0 || go_back(c, err) < 0)
        return -1;
    if (c->options.began)
        c->options.began();
    coordinator_say_unseparated(c);
    coordinator_say_amended(c);
    coordinator_say_promoted(c);
    coordinator_say_files(c);
    make_evaluation(c);
    if (make_campaign(c, err) < 0)
        return -1;
    coordinator_remember(c);
    const uint64_t step = c->trunk->step;
    const bool last = coordinator_is_last(c, step), unfinished = manifest && manifest->unfinished;
    c->owes_eval =
        unfinished && coordinator_eval_due(c, step) && !metrics_has_eval(c->metrics, step);
    if (last && !unfinished) {
        progress_say(c->progress, "nothing to do: the run has its %llu steps",
                     (unsigned long long)step);
        c->over = true;
        return 0;
    }
    if (c->run->checkpoint)
        progress_say(c->progress, "continuing from %s", c->run->checkpoint);
    if (resumption_tell(c->run, c->trunk, c->progress, c->metrics, err) < 0)
        return -1;
    c->saves_anew = c->saves_anew || last; // it is complete now
    // What was due at this step when the checkpoint was written is done there already, unless it
    // says otherwise. Pairs that end here need their forks first; else the trunk, which has
    // arrived, rests here.
    c->stage = campaign_behind(c->campaign, step) ? STAGE_FORK : STAGE_TRAIN;
    return 0;
}

static int on_ready(void *role, int from, const void *message, struct err *err)
{
    struct coordinator *c = role;
    const Trireme__Ready *ready = message;
    liveness_identify(c->liveness, from, ready->host, ready->pid);
    liveness_arrived(c->liveness, from, AWAIT_READY);
    progress_log(c->progress, "%s is ready", liveness_rank_name(c->liveness, from));
    if (ready->note && ready->note[0])
        progress_say(c->progress, "%s", ready->note);
    if (from >= c->first_worker &&
        roster_add(&c->roster, whole_read_compares(c->whole_read) ? NULL : c->run->manifest,
                   liveness_rank_name(c->liveness, from), ready, err) < 0)
        return -1;
    if (from >= c->first_worker && whole_read_ready(c->whole_read, ready)) {
        Trireme__ReadWhole order = TRIREME__READ_WHOLE__INIT;
        order.incarnation = c->run->incarnation;
        order.with_tokenizer = whole_read_wants_tokenizer(c->whole_read);
        endpoint_send(c->endpoint, from, TAG_READ_WHOLE, &order);
        liveness_await(c->liveness, from, AWAIT_FILES, clock_now());
    }
    if (!liveness_awaits(c->liveness, AWAIT_READY))
        c->all_ready = clock_now();
    return 0;
}

/* Lets checkpoints be completed once all hosts have read the token files. */
static int release_checkpoints(struct coordinator *c, struct err *err)
{
    if (!whole_read_done(c->whole_read) || liveness_awaits(c->liveness, AWAIT_READY))
        return 0;
    const bool busy = checkpointer_busy(c->checkpointer);
    if (checkpointer_release(c->checkpointer, err) < 0)
        return -1;
    if (busy && !checkpointer_busy(c->checkpointer))
        progress_log(c->progress, "complete: %s", checkpointer_folder(c->checkpointer));
    return 0;
}

static int on_was_read(void *role, int from, const void *message, struct err *err)
{
    struct coordinator *c = role;
    liveness_arrived(c->liveness, from, AWAIT_FILES);
    return whole_read_add(c->whole_read, liveness_rank_name(c->liveness, from), message, err) < 0
               ? -1
               : release_checkpoints(c, err);
}

/* Begins training once all ranks are ready and the token files were read, or take long. */
static int begin_when_ready(struct coordinator *c, struct err *err)
{
    if (!c->all_ready)
        return 0;
    struct err other = {0};
    const bool same = roster_check(&c->roster, c->run->manifest, &other) == 0;
    // Where something differs, the digests say which file does.
    if (!whole_read_done(c->whole_read) && (!same || clock_now() - c->all_ready < read_seconds))
        return 0;
    if (!same) {
        *err = other;
        return -1;
    }
    c->all_ready = 0;
    return release_checkpoints(c, err) < 0 || begin_training(c, err) < 0 ? -1 : 1;
}

/* Adds to the sentence of a trunk that diverged which step is kept. */
static int with_kept_step(struct coordinator *c, int rc, struct err *err)
{
    if (rc < 0 && err->code == ERR_TRAIN) {
        struct err why = *err;
        err_set(err, why.code, "%s; %s keeps step %llu", why.text, c->run->folder,
                (unsigned long long)checkpointer_step(c->checkpointer));
    }
    return rc;
}

/* Where a fork may take the place of a trunk that diverged, the run goes on for now. */
static int outlive(struct coordinator *c, int rc, struct err *err)
{
    if (with_kept_step(c, rc, err) == 0 || err->code != ERR_TRAIN ||
        !campaign_outlives_trunk(c->campaign, &c->outlived_at))
        return rc;
    c->diverged = *err;
    trial_diverge(c->trunk);
    progress_say(c->progress,
                 "note: step %llu is not finite: the recipe from before is trained beside it, and "
                 "takes its place at step %llu if it is finite",
                 (unsigned long long)c->trunk->step + 1, (unsigned long long)c->outlived_at);
    return 0;
}

static int on_losses(void *role, int from, const void *message, struct err *err)
{
    struct coordinator *c = role;
    const Trireme__Losses *losses = message;
    if (from < c->first_worker)
        return err_set(err, ERR_MACHINE, "rank %d, a server, sent losses", from);
    return losses->eval ? evaluator_losses(c->evaluator, from, losses, err)
                        : outlive(c, trials_losses(c->trials, from, losses, c->trunk, err), err);
}

static int on_norms(void *role, int from, const void *message, struct err *err)
{
    struct coordinator *c = role;
    return outlive(c, trials_norms(c->trials, from, message, c->trunk, err), err);
}

static int on_committed(void *role, int from, const void *message, struct err *err)
{
    struct coordinator *c = role;
    struct trial *trial = NULL;
    if (trials_committed(c->trials, from, message, &trial, err) < 0)
        return -1;
    if (!trial)
        return 0;
    if (trial == c->trunk && c->held_seconds > 0) {
        trial_note_held(trial, c->held_seconds);
        c->held_seconds = 0;
    }
    if (metrics_write(c->metrics, &trial->line, err) < 0)
        return -1;
    if (trial == c->trunk)
        return coordinator_trunk_stepped(c, err);
    intake_add_train(c->intake, &trial->line);
    return 0;
}

static int on_forked(void *role, int from, const void *message, struct err *err)
{
    return trials_forked(((struct coordinator *)role)->trials, from, message, err);
}

static int on_saved(void *role, int from, const void *message, struct err *err)
{
    struct coordinator *c = role;
    liveness_arrived(c->liveness, from, AWAIT_SHARD);
    if (from >= c->first_worker)
        return err_set(err, ERR_MACHINE, "rank %d, a worker, saved a shard", from);
    if (checkpointer_add_shard(c->checkpointer, from - 1, message, err) < 0)
        return -1;
    if (!checkpointer_busy(c->checkpointer))
        progress_log(c->progress, "complete: %s", checkpointer_folder(c->checkpointer));
    return 0;
}

static int on_fault(void *role, int from, const void *message, struct err *err)
{
    struct coordinator *c = role;
    const Trireme__Fault *fault = message;
    err_set(err, (enum err_code)fault->code, "%s", fault->text ? fault->text : "");
    if (err->code == ERR_MACHINE || err->code == ERR_TRAIN)
        err_context(err, "%s", liveness_rank_name(c->liveness, from));
    return -1;
}

static int on_note(void *role, int from, const void *message, struct err *err)
{
    (void)err;
    struct coordinator *c = role;
    progress_log(c->progress, "rank %d: %s", from, ((const Trireme__Note *)message)->text);
    return 0;
}

static int on_beat(void *role, int from, const void *message, struct err *err)
{
    (void)err;
    struct coordinator *c = role;
    const Trireme__Beat *beat = message;
    c->stop_asked = c->stop_asked || beat->stop;
    liveness_heard(c->liveness, from, beat->n, clock_now());
    return 0;
}

// clang-format off
static const struct handler handlers[] = {
    {TAG_READY,     on_ready},
    {TAG_WAS_READ,  on_was_read},
    {TAG_LOSSES,    on_losses},
    {TAG_NORMS,     on_norms},
    {TAG_COMMITTED, on_committed},
    {TAG_SAVED,     on_saved},
    {TAG_FORKED,    on_forked},
    {TAG_FAULT,     on_fault},
    {TAG_NOTE,      on_note},
    {TAG_BEAT,      on_beat},
};
// clang-format on

/* Sends beats to all ranks. Fails if a rank was silent for too long, and if the run was taken by
 * another launch. */
static int keep(struct coordinator *c, struct err *err)
{
    double now = clock_now();
    if (now - c->turned > away_seconds)
        liveness_forgive(c->liveness, now);
    c->turned = now;
    if (now - c->beaten >= link_beat_seconds(c->config->wait->patience)) {
        Trireme__Beat beat = TRIREME__BEAT__INIT;
        beat.n = ++c->beats;
        for (int r = 1; r < c->endpoint->size; r++)
            endpoint_send(c->endpoint, r, TAG_BEAT, &beat);
        c->beaten = now;
    }
    return run_check_seen(c->run, err) < 0 ? -1 : liveness_check(c->liveness, now, err);
}

enum turn coordinator_turn(void *role, struct err *err)
{
    struct coordinator *c = role;
    bool busy = false;
    struct parcel parcel;
    for (int i = 0; i < PARCELS_A_TURN && endpoint_poll(c->endpoint, &parcel); i++) {
        busy = true;
        if (parcel.tag != TAG_BEAT)
            liveness_heard(c->liveness, parcel.from, none, clock_now());
        if (endpoint_dispatch(handlers, sizeof handlers / sizeof *handlers, c, &parcel, err) < 0)
            return TURN_FAILED;
    }
    if (keep(c, err) < 0)
        return TURN_FAILED;
    coordinator_look_for_stop(c);
    int begun = begin_when_ready(c, err);
    int done = begun < 0 ? -1 : coordinator_act(c, err) | begun;
    if (done < 0)
        return TURN_FAILED;
    if (c->over || (c->stage == STAGE_FINISH && !checkpointer_busy(c->checkpointer)))
        return TURN_OVER;
    if (c->campaign && c->stage < STAGE_SUSPEND && !c->stopping)
        campaign_turn(c->campaign);
    if (c->stage < STAGE_SUSPEND)
        busy = trials_go(c->trials) || busy;
    return busy || done ? TURN_BUSY : TURN_IDLE;
}

static void send_end(struct coordinator *c, int code)
{
    Trireme__End end = TRIREME__END__INIT;
    end.code = (uint32_t)code;
    for (int r = 1; r < c->endpoint->size; r++)
        endpoint_send(c->endpoint, r, TAG_END, &end);
}

bool coordinator_run(struct coordinator *c, struct err *how)
{
    struct idle idle = {0};
    enum turn turn;
    *how = (struct err){0};
    while ((turn = coordinator_turn(c, how)) == TURN_IDLE || turn == TURN_BUSY) {
        if (turn == TURN_IDLE)
            idle_wait(&idle);
        else
            idle_reset(&idle);
    }
    if (turn == TURN_OVER && c->stopping)
        coordinator_say_stopped(c, how);
    else if (turn == TURN_OVER)
        *how = (struct err){0};
    struct err unwritten; // on a full disk
    // a loss is the reason for whatever else failed, and nothing is written any more
    if (turn == TURN_FAILED && !run_is_lost(c->run, how)) {
        progress_log(c->progress, "error: %s", how->text);
        // at the step that the next launch goes on from: what is later is cut off then
        metrics_event(c->metrics, checkpointer_step(c->checkpointer), how->text, &unwritten);
    }
    send_end(c, (int)how->code);
    return turn == TURN_OVER || how->code != ERR_MACHINE;
}
