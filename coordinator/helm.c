#include "coordinator/helm.h"

#include "base/clock.h"
#include "base/mem.h"
#include "coordinator/attempt.h"
#include "coordinator/brief.h"
#include "coordinator/campaign.h"
#include "coordinator/chronicle.h"
#include "coordinator/curve.h"
#include "coordinator/gate.h"
#include "coordinator/inbox.h"
#include "coordinator/patch.h"
#include "coordinator/plan.h"
#include "coordinator/planner.h"
#include "coordinator/policy.h"
#include "coordinator/progress.h"
#include "coordinator/run.h"
#include "coordinator/trial.h"
#include "proto/file/run_config.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>

enum {
    ASK_EVERY = GATE_HORIZON_MIN, /* the planner is asked at multiples of so many steps, */
    ASK_DOUBLINGS_MAX = 6,        /* and of twice as many for each answer in a row of which nothing was legal */
    REQUESTS_MAX = 16,            /* of people, taken at one step */
    PROPOSALS_MAX = 8             /* of one answer that are looked at, beyond those that there is room for */
};
static const double inbox_seconds = 0.25;

struct helm {
    struct ground ground;
    struct campaign *campaign; /* borrowed */
    struct planner *planner;   /* or NULL */
    Trireme__Policy *policy;   /* or NULL */
    struct curve *curve;
    bool allow_noop, asked, gone;
    bool owed;         /* an answer to the launch before, which ended meanwhile */
    unsigned failures; /* answers in a row that could not even be written down, or none at all */
    double looked;     /* into the inbox */
};

static struct history *history(const struct helm *h)
{
    return chronicle_history(h->ground.chronicle);
}

static const Trireme__Run *in_force(const struct helm *h)
{
    return (*h->ground.trunk)->config;
}

struct helm *helm_new(const struct ground *ground, struct campaign *campaign, struct planner *planner,
                      bool allow_noop, struct err *err)
{
    struct helm *h = mem_new(1, sizeof *h);
    *h = (struct helm){.ground = *ground, .campaign = campaign, .planner = planner, .allow_noop = allow_noop};
    h->curve = curve_new();
    h->owed = ground->run->manifest && ground->run->manifest->planner_owes;
    uint64_t step = 0;
    if (curve_read(h->curve, &step, ground->run->folder, err) < 0 ||
        policy_read(&h->policy, ground->run->config->experiment->policy, err) < 0) {
        helm_free(h);
        return NULL;
    }
    return h;
}

void helm_free(struct helm *h)
{
    if (!h)
        return;
    if (h->planner)
        h->planner->ops->free(h->planner);
    curve_free(h->curve);
    message_free(h->policy);
    free(h);
}

bool helm_is_owed(const struct helm *h)
{
    return h->asked || h->owed;
}

void helm_train(struct helm *h, const Trireme__TrainLine *line)
{
    curve_train(h->curve, line);
}

void helm_eval(struct helm *h, const Trireme__EvalLine *line)
{
    curve_eval(h->curve, line);
}

static int write_record(struct helm *h, Trireme__Record *record, Trireme__RecordKind kind, uint32_t number,
                        uint64_t step, const char *by, struct err *err)
{
    record->has_kind = 1, record->kind = kind;
    record->has_number = number > 0, record->number = number;
    record->has_step = 1, record->step = step;
    record->by = (char *)by;
    return chronicle_write(h->ground.chronicle, record, err);
}

static int write_event(struct helm *h, uint64_t step, const char *by, const char *text, struct err *err)
{
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.text = (char *)text;
    progress_log(h->ground.progress, "%s: %s", by, text);
    return write_record(h, &record, TRIREME__RECORD_KIND__event, 0, step, by, err);
}

/* A proposal that says the same and is or was tried beside the recipe that is in force; or was in force itself, and was a mistake. */
static const struct entry *duplicate(const struct helm *h, const Trireme__Proposal *proposal)
{
    for (size_t i = 0; i < history(h)->n; i++) {
        const struct entry *e = &history(h)->entries[i];
        bool counts = e->fate == FATE_ROLLED_BACK || e->step >= history(h)->changed_at;
        if (e->proposal != proposal && e->fate != FATE_REFUSED && e->fate != FATE_PROPOSED && counts &&
            patch_equal(e->proposal->patch, e->proposal->n_patch, proposal->patch, proposal->n_patch))
            return e;
    }
    return NULL;
}

/* Whether a proposal can become a hypothesis now; the plan is what it would be tried by. */
static int check(const struct helm *h, const Trireme__Proposal *proposal, uint64_t step, Trireme__Plan *plan,
                 struct err *err)
{
    if (campaign_off(h->campaign))
        return err_set(err, ERR_USAGE, "%s", campaign_off(h->campaign));
    Trireme__Run *after = patch_apply(in_force(h), proposal->patch, proposal->n_patch, h->policy, err);
    if (!after && h->allow_noop)
        after = message_copy(in_force(h));
    if (!after)
        return -1;
    int rc = plan_make(&h->ground, plan, step, patch_is_slow(proposal->patch, proposal->n_patch), after, err);
    message_free(after);
    return rc;
}

static int validate(const struct helm *h, const struct entry *entry, uint64_t step, struct err *err)
{
    Trireme__Plan plan;
    const struct entry *other = duplicate(h, entry->proposal);
    if (other && !h->allow_noop)
        return err_set(err, ERR_USAGE, "duplicate: proposal %u says the same, and is %s", other->number,
                       fate_name(other->fate));
    return check(h, entry->proposal, step, &plan, err);
}

static Trireme__Validation__Next next_of(const struct helm *h, const char *by)
{
    switch (h->ground.run->config->experiment->mode) {
    case TRIREME__EXPERIMENT__MODE__approve:
        return strcmp(by, "person") ? TRIREME__VALIDATION__NEXT__waiting : TRIREME__VALIDATION__NEXT__queued;
    case TRIREME__EXPERIMENT__MODE__observe:
        return TRIREME__VALIDATION__NEXT__observed;
    default:
        return TRIREME__VALIDATION__NEXT__queued;
    }
}

/* Takes a proposal: tells of it and of what the check says. *accepted and the reason are for who is to be answered. */
static int take_proposal(struct helm *h, const Trireme__Proposal *proposal, const char *by, uint64_t step,
                         bool *accepted, struct err *why, struct err *err)
{
    uint32_t number = (uint32_t)history(h)->n + 1;
    Trireme__Record record = TRIREME__RECORD__INIT;
    *why = (struct err){0};
    *accepted = false;
    if (patch_check_proposal(proposal, why) < 0) // its texts may be of any size: they are not written down
        return write_event(h, step, by, why->text, err);
    record.proposal = (Trireme__Proposal *)proposal;
    h->owed = h->owed && h->planner && strcmp(by, h->planner->ops->name);
    if (write_record(h, &record, TRIREME__RECORD_KIND__proposal, number, step, by, err) < 0)
        return -1;
    *accepted = validate(h, history_entry(history(h), number), step, why) == 0;
    Trireme__Validation validation = TRIREME__VALIDATION__INIT;
    validation.has_accepted = 1, validation.accepted = *accepted;
    validation.reason = *accepted ? NULL : why->text;
    validation.has_next = *accepted, validation.next = next_of(h, by);
    record = (Trireme__Record)TRIREME__RECORD__INIT;
    record.validation = &validation;
    if (write_record(h, &record, TRIREME__RECORD_KIND__validation, number, step, "rule", err) < 0)
        return -1;
    char *text = patch_text(proposal->patch, proposal->n_patch);
    progress_log(h->ground.progress, "proposal %u of %s: %s: %s", number, by, text, *accepted ? "legal" : why->text);
    if (history_entry(history(h), number)->fate == FATE_WAITING)
        progress_say(h->ground.progress, "proposal %u: %s - it waits: trireme trials approve %s %u", number, text,
                     h->ground.run->folder, number);
    free(text);
    return 0;
}

/* Carries out a person's order about a proposal. why: one sentence about what was done, or why not. */
static int take_order(struct helm *h, const char *order, uint32_t number, const char *by, uint64_t step,
                      bool *accepted, struct err *why, struct err *err)
{
    const struct entry *e = history_entry(history(h), number);
    *accepted = history_check_order(history(h), number, order, why) == 0;
    if (!*accepted)
        return 0;
    bool open = e->fate == FATE_OPEN || e->fate == FATE_PROMOTED || !strcmp(order, "kill");
    Trireme__Record record = TRIREME__RECORD__INIT;
    record.order = (char *)order;
    if (write_record(h, &record, TRIREME__RECORD_KIND__order, number, step, by, err) < 0)
        return -1;
    if (open && campaign_close(h->campaign, number, step, !strcmp(order, "veto") ? "vetoed" : "killed", err) < 0)
        return -1;
    err_set(why, ERR_USAGE, "proposal %u: %s", number,
            !strcmp(order, "approve") ? "approved"
            : !strcmp(order, "veto")  ? "vetoed"
                                      : "killed");
    return 0;
}

/* Closes a hypothesis that the machine could not go on with when this was done first. */
static int take_giving_up(struct helm *h, const Trireme__Record *record, uint64_t step, bool *accepted,
                          struct err *why, struct err *err)
{
    const struct entry *e = history_entry(history(h), record->number);
    bool reverse;
    *accepted = e && attempt_open(e, &reverse);
    err_set(why, ERR_USAGE, "hypothesis %u is not open", record->number);
    return *accepted ? campaign_give_up(h->campaign, record->number, step, record->judgement->reason, err) : 0;
}

/* What the ledger says that came at this step, when it is lived through again. */
static int take_recorded(struct helm *h, uint64_t step, struct err *err)
{
    const Trireme__Record *record;
    bool accepted;
    struct err why;
    while ((record = chronicle_input(h->ground.chronicle, step))) {
        int rc;
        if (record->kind == TRIREME__RECORD_KIND__proposal)
            rc = take_proposal(h, record->proposal, record->by, step, &accepted, &why, err);
        else if (record->kind == TRIREME__RECORD_KIND__order)
            rc = take_order(h, record->order, record->number, record->by, step, &accepted, &why, err);
        else
            rc = take_giving_up(h, record, step, &accepted, &why, err);
        if (rc < 0)
            return -1;
        if (record->kind != TRIREME__RECORD_KIND__proposal && !accepted)
            return chronicle_part(h->ground.chronicle, step, why.text, err);
    }
    return 0;
}

/* A request that an earlier launch took, and died before it answered. */
static const struct entry *taken_before(const struct helm *h, const Trireme__Proposal *proposal)
{
    for (size_t i = 0; proposal && proposal->id && proposal->id[0] && i < history(h)->n; i++)
        if (history(h)->entries[i].proposal->id && !strcmp(history(h)->entries[i].proposal->id, proposal->id))
            return &history(h)->entries[i];
    return NULL;
}

/* For whoever proposed. */
static const char *what_follows(const struct helm *h, uint32_t number)
{
    switch (history_entry(history(h), number)->fate) {
    case FATE_WAITING:
        return "legal; it waits for approval";
    case FATE_OBSERVED:
        return "legal; this run only observes, so it will not be tried";
    default:
        return "legal; it is tried as soon as there is room";
    }
}

static int take_request(struct helm *h, const char *name, const Trireme__Request *request, uint64_t step,
                        struct err *err)
{
    Trireme__Answer answer = TRIREME__ANSWER__INIT;
    bool accepted = false;
    struct err why = {0};
    const bool order = request->order && request->order[0];
    const struct entry *before = order ? NULL : taken_before(h, request->propose);
    int rc = 0;
    if (order)
        rc = take_order(h, request->order, request->number, "person", step, &accepted, &why, err);
    else if (!before)
        rc = take_proposal(h, request->propose, "person", step, &accepted, &why, err);
    if (rc < 0)
        return -1;
    answer.has_accepted = 1, answer.accepted = before ? before->fate != FATE_REFUSED : accepted;
    answer.has_number = 1;
    answer.number = order ? request->number : before ? before->number : (uint32_t)history(h)->n;
    if (!order && answer.accepted)
        err_set(&why, ERR_USAGE, "proposal %u: %s", answer.number, what_follows(h, answer.number));
    else if (before)
        err_set(&why, ERR_USAGE, "%s", before->reason ? before->reason : "refused");
    answer.text = why.text;
    struct err lost;
    if (inbox_answer(h->ground.run->folder, name, &answer, &lost) < 0)
        progress_log(h->ground.progress, "inbox: %s", lost.text); // who asked will see it in the ledger
    return 0;
}

static int read_inbox(struct helm *h, uint64_t step, struct err *err)
{
    double now = clock_now();
    if (now - h->looked < inbox_seconds)
        return 0;
    h->looked = now;
    for (int i = 0; i < REQUESTS_MAX; i++) {
        char *name = NULL;
        Trireme__Request *request = NULL;
        struct err why = {0};
        int taken = inbox_take(h->ground.run->folder, &name, &request, &why);
        if (taken < 0)
            progress_log(h->ground.progress, "inbox: %s", why.text);
        if (taken <= 0)
            break;
        int rc = request ? take_request(h, name, request, step, err) : 0;
        message_free(request);
        free(name);
        if (rc < 0)
            return -1;
    }
    return 0;
}

/* How many more proposals of a planner there is room for. One that only writes down asks for no more than one that tries. */
static uint32_t room(const struct helm *h)
{
    const Trireme__Run *config = h->ground.run->config;
    uint32_t observed = 0;
    for (size_t i = 0; i < history(h)->n; i++)
        observed += history(h)->entries[i].fate == FATE_OBSERVED;
    return observed < config->gate->hypotheses ? history_room(history(h), config->experiment->forks) : 0;
}

static int take_answer(struct helm *h, const Trireme__Proposals *answer, uint64_t step, struct err *err)
{
    const char *by = h->planner->ops->name;
    const size_t before = history(h)->n;
    size_t max = room(h) + PROPOSALS_MAX, n = answer->n_proposals < max ? answer->n_proposals : max;
    for (size_t i = 0; i < n; i++) {
        bool accepted;
        struct err why;
        if (take_proposal(h, answer->proposals[i], by, step, &accepted, &why, err) < 0)
            return -1;
    }
    h->failures = n && history(h)->n == before ? h->failures + 1 : 0;
    if (n == answer->n_proposals)
        return 0;
    char *text = mem_format("%zu proposals came at once: those after the first %zu were not looked at",
                            answer->n_proposals, n);
    int rc = write_event(h, step, by, text, err);
    free(text);
    return rc;
}

static int poll_planner(struct helm *h, uint64_t step, struct err *err)
{
    Trireme__Proposals *answer = NULL;
    struct err why = {0};
    enum planner_answer kind = h->planner->ops->poll(h->planner, &answer, &why);
    if (kind == PLANNER_NOTHING)
        return 0;
    h->asked = false;
    int rc = 0;
    if (kind == PLANNER_PROPOSALS) {
        rc = take_answer(h, answer, step, err);
        message_free(answer);
    } else {
        h->failures++;
        h->gone = kind == PLANNER_GONE;
        if (h->gone)
            progress_say(h->ground.progress, "note: %s", why.text);
        rc = write_event(h, step, h->planner->ops->name, why.text, err);
    }
    return rc;
}

/* Whether the planner's turn has come: a function of the step and of the proposals in the ledger, so that a launch that goes on asks
 * when the one before would have asked (but for what failed in that one). */
static bool is_its_turn(const struct helm *h, uint64_t step)
{
    unsigned fruitless = h->failures;
    uint64_t last = UINT64_MAX; // proposals of one answer have one step
    for (size_t i = history(h)->n; i-- > 0 && history(h)->entries[i].fate == FATE_REFUSED;) {
        const struct entry *e = &history(h)->entries[i];
        if (strcmp(e->by, h->planner->ops->name) || e->step == last)
            continue;
        fruitless++;
        last = e->step;
    }
    fruitless = fruitless < ASK_DOUBLINGS_MAX ? fruitless : ASK_DOUBLINGS_MAX;
    return step % ((uint64_t)ASK_EVERY << fruitless) == 0;
}

/* Queued proposals become hypotheses as long as there is room. */
static int register_queued(struct helm *h, uint64_t step, struct err *err)
{
    for (size_t i = 0; i < history(h)->n; i++) {
        const struct entry *e = &history(h)->entries[i];
        if (e->fate != FATE_QUEUED)
            continue;
        if (campaign_open(h->campaign) >= h->ground.run->config->experiment->forks)
            return 0;
        Trireme__Plan plan;
        struct err why = {0};
        int rc = check(h, e->proposal, step, &plan, &why) < 0
                     ? campaign_close(h->campaign, e->number, step, why.text, err)
                     : campaign_register(h->campaign, e->number, step, &plan, err);
        if (rc < 0)
            return -1;
    }
    return 0;
}

static void ask(struct helm *h, uint64_t step)
{
    const Trireme__Run *config = h->ground.run->config;
    Trireme__Plan plan;
    struct err why = {0};
    uint64_t first = gate_first_start(config->train->steps, config->schedule->warmup);
    if (h->asked || h->gone || (!h->owed && !is_its_turn(h, step)) || step + ASK_EVERY < first || room(h) == 0 ||
        campaign_off(h->campaign) || plan_make(&h->ground, &plan, step, false, in_force(h), &why) < 0)
        return;
    struct brief brief = {.config = in_force(h),
                          .asked = config,
                          .policy = h->policy,
                          .history = history(h),
                          .curve = h->curve,
                          .step = step,
                          .room = room(h)};
    Trireme__Briefing *briefing = brief_make(&brief);
    h->planner->ops->ask(h->planner, briefing);
    message_free(briefing);
    h->asked = true;
    h->owed = false;
}

/* At the end of the run nothing can be tried any more. */
static int close_queued(struct helm *h, uint64_t step, struct err *err)
{
    for (size_t i = 0; i < history(h)->n; i++) {
        const struct entry *e = &history(h)->entries[i];
        if ((e->fate == FATE_QUEUED || e->fate == FATE_WAITING || e->fate == FATE_OPEN ||
             (e->fate == FATE_PROMOTED && e->reverse.plan)) &&
            campaign_close(h->campaign, e->number, step, "the run ended", err) < 0)
            return -1;
    }
    return 0;
}

/* Whether the planner has answered at this step already: a launch that goes on here does not ask it twice. */
static bool has_answered(const struct helm *h, uint64_t step)
{
    for (size_t i = history(h)->n; i-- > 0 && history(h)->entries[i].step == step;)
        if (!strcmp(history(h)->entries[i].by, h->planner->ops->name))
            return true;
    return false;
}

/* Recorded inputs and what follows from them, in the order in which they stand. */
static int take_and_register(struct helm *h, uint64_t step, struct err *err)
{
    do {
        if (take_recorded(h, step, err) < 0 || register_queued(h, step, err) < 0)
            return -1;
    } while (chronicle_input(h->ground.chronicle, step));
    return 0;
}

int helm_turn(struct helm *h, uint64_t step, bool last, struct err *err)
{
    if (last)
        return take_recorded(h, step, err) < 0 ? -1 : close_queued(h, step, err);
    if (take_and_register(h, step, err) < 0)
        return -1;
    bool free_hand = !chronicle_scripted(h->ground.chronicle);
    if (free_hand && (read_inbox(h, step, err) < 0 || (h->planner && h->asked && poll_planner(h, step, err) < 0)))
        return -1;
    // a launch that ended before the answer came had asked here, though forks of this step are still to be lived through
    if (h->planner && !chronicle_scripted_after(h->ground.chronicle, step) && !has_answered(h, step)) {
        ask(h, step);
        if (h->asked && poll_planner(h, step, err) < 0) // one that answers at once is heard at once
            return -1;
    }
    return register_queued(h, step, err);
}
