/* trireme price: a dry run of propose, from the files of the run. */
#include "base/mem.h"
#include "coordinator/briefing/curve.h"
#include "coordinator/ledger/history.h"
#include "coordinator/memory/known.h"
#include "coordinator/patch/patch.h"
#include "coordinator/proposals/validate.h"
#include "launcher/commands/command.h"
#include "launcher/commands/person.h"
#include "launcher/commands/run_view.h"
#include "launcher/commands/set_option.h"
#include "proto/schema/message.h"

#include "command.pb-c.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DECISIONS_MAX = 16 /* at least the rule's number of pairs */ };

#define TELL(message, field, value) ((message)->has_##field = 1, (message)->field = (value))

/* What is priced. */
struct change {
    const struct run_view *view;
    struct prospect now, after; /* borrowed of the view */
    Trireme__Proposal *proposal;
    bool person, given; /* given: --start says when */
    uint64_t start;     /* at which its stretch can begin at the earliest */
};

/* The first boundary at or after --start, not before a stretch can begin at all. */
static uint64_t start_of(const struct change *c, uint64_t wanted)
{
    const uint64_t first = prospect_next_start(&c->now);
    return wanted <= first ? first : prospect_boundary(&c->now, wanted - 1);
}

static bool changes_one_of(const Trireme__Proposal *a, const Trireme__Proposal *b)
{
    for (size_t i = 0; i < a->n_patch; i++)
        for (size_t k = 0; k < b->n_patch; k++)
            if (strcmp(a->patch[i]->path, b->patch[k]->path) == 0)
                return true;
    return false;
}

static void tell_collisions(Trireme__PriceReply *out, const struct change *c)
{
    const struct history *h = &c->view->history;
    out->collides = mem_new(h->n, sizeof *out->collides);
    for (size_t i = 0; i < h->n; i++)
        if (entry_is_pending(&h->entries[i]) && changes_one_of(h->entries[i].proposal, c->proposal))
            out->collides[out->n_collides++] = h->entries[i].number;
}

static void tell_stretch(Trireme__PriceReply *out, const struct change *c,
                         const struct prospect_change *change)
{
    const struct prospect_price price = prospect_price(&c->after, change, c->start);
    TELL(out, start, c->start);
    TELL(out, steps, price.stretch.horizon);
    TELL(out, tail, price.stretch.tail);
    TELL(out, tokens, (uint64_t)ceil(price.tokens));
    TELL(out, more, (uint64_t)ceil(price.more));
    out->decisions = mem_new(DECISIONS_MAX, sizeof *out->decisions);
    out->n_decisions =
        prospect_decisions(out->decisions, DECISIONS_MAX, &c->after, change, c->start);
}

/* What is told of a legal change. */
static void tell_change(Trireme__PriceReply *out, const struct change *c,
                        const Trireme__Config *recipe)
{
    struct err why = {0};
    const struct prospect_change change = prospect_change_of(&c->now, recipe, c->person);
    const uint64_t last = prospect_last_start(&c->after, &change, prospect_next_start(&c->now));
    TELL(out, calm, change.kind.kind == STRETCH_CALM);
    TELL(out, slow, change.kind.slow);
    if (last)
        TELL(out, last_start, last);
    tell_collisions(out, c);
    out->on_adoption = mem_strdup(entry_cause_word(TRIREME__CAUSE__superseded));
    if (!out->accepted)
        return;
    if (prospect_check_start(&c->after, &change, c->start, &why) == 0)
        tell_stretch(out, c, &change);
    else
        out->hindered = mem_strdup(why.text);
}

/* Tells where an earlier run has settled it; a memory that cannot be read harms nothing. */
static void tell_settled(Trireme__PriceReply *out, const struct change *c, const char *run)
{
    struct err unread;
    const uint64_t first = prospect_first(&c->now) * c->now.step_tokens,
                   now = curve_tokens(c->view->curve);
    const uint64_t ahead = c->given ? (c->start - c->now.step) * c->now.step_tokens : 0;
    const struct known_question question = {.run = run,
                                            .config = c->view->asked,
                                            .in_force = c->view->in_force,
                                            .tokens = now + ahead > first ? now + ahead : first,
                                            .patch = c->proposal->patch,
                                            .n_patch = c->proposal->n_patch,
                                            .person = c->person};
    if (!out->accepted || known_settled(&out->settled, &question, &unread) < 0 || !out->settled)
        return;
    char *text = known_answer(out->text, out->settled);
    free(out->text);
    out->text = text;
}

static void tell(Trireme__PriceReply *out, const struct change *c)
{
    struct err why = {0};
    struct validated found = {0};
    const struct validate v = {.prospect = &c->now, .policy = c->view->policy, .off = c->view->off};
    // asked at the step before that boundary, it would be for that one
    const uint64_t step = c->given ? c->start - 1 : c->now.step;
    const bool accepted =
        patch_check_proposal(c->proposal, &why) == 0 &&
        validate_proposal(&found, &v, c->proposal, NULL, step, c->person, &why) == 0;
    TELL(out, accepted, accepted);
    TELL(out, step, c->now.step);
    out->text = mem_strdup(accepted ? validate_says(validate_next(c->view->asked, c->person, false))
                                    : why.text);
    if (found.duplicate)
        TELL(out, duplicate, found.duplicate->number);
    if (found.after)
        tell_change(out, c, found.after);
    message_free(found.after);
}

static int price(Trireme__PriceReply *out, const Trireme__PriceRequest *r,
                 const Trireme__Proposal *proposal, const struct run_view *view, struct err *err)
{
    const int person = r->as == TRIREME__AS__planner ? 0 : person_is(r->run, view->asked, err);
    if (person < 0)
        return -1;
    struct change c = {.view = view,
                       .now = run_view_prospect(view),
                       .proposal = patch_number_sources(proposal, view->in_force),
                       .person = person,
                       .given = r->has_start};
    c.after = prospect_after(&c.now);
    c.start = start_of(&c, r->has_start ? r->start : 0);
    tell(out, &c);
    tell_settled(out, &c, r->run);
    message_free(c.proposal);
    return 0;
}

int command_price(const void *request, void *reply, struct err *err)
{
    const Trireme__PriceRequest *r = request;
    Trireme__Proposal *proposal = message_new(&trireme__proposal__descriptor);
    int rc = set_option_read(proposal, r->set, r->n_set, err);
    if (rc == 0) {
        struct run_view view;
        rc = run_view_read(&view, r->run, err);
        if (rc == 0)
            rc = price(reply, r, proposal, &view, err);
        run_view_clear(&view);
    }
    message_free(proposal);
    return rc;
}
