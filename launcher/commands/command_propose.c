/* trireme propose, queue; trireme proposals approve, veto, kill, takeback: what people and scripts
 * ask of a running coordinator. */
#include "base/mem.h"
#include "coordinator/ledger/history.h"
#include "coordinator/run/run.h"
#include "coordinator/run/secret.h"
#include "launcher/commands/command.h"
#include "launcher/commands/person.h"
#include "launcher/commands/print_text.h"
#include "launcher/commands/run_history.h"
#include "launcher/commands/set_option.h"
#include "proto/config/changes.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include "command.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Fills in what is said of a request that nobody has answered. */
static void say_waits(Trireme__Answer *reply, const char *run, bool trained, double wait)
{
    reply->text =
        trained ? mem_format("nobody answered within %g seconds: it waits in %s/inbox", wait, run)
                : mem_format("nobody trains this run now: it waits in %s/inbox until somebody does",
                             run);
}

/* Sends a request and fills in the answer. A refusal is an error. secret: NULL asks as a planner;
 * why, unless it is "", is then said. */
static int send_request(Trireme__Answer *reply, const char *run, const Trireme__Request *request,
                        const struct secret *secret, const char *why, double wait, struct err *err)
{
    Trireme__Answer *answer = NULL;
    const bool trained = run_is_trained(run);
    if (person_ask(&answer, run, request, secret, trained ? wait : 0, err) < 0)
        return -1;
    int rc = 0;
    if (!answer) {
        say_waits(reply, run, trained, wait);
    } else if (answer->accepted) {
        reply->has_accepted = reply->accepted = true;
        reply->has_number = answer->number != 0, reply->number = answer->number;
        reply->has_tokens = answer->has_tokens, reply->tokens = answer->tokens;
        reply->text = mem_strdup(answer->text ? answer->text : "done");
    } else {
        rc = err_set(err, ERR_USAGE, "%s", answer->text ? answer->text : "refused");
    }
    if (!secret && why[0] && reply->text) {
        char *text = mem_format("%s (as a planner's: %s)", reply->text, why);
        free(reply->text);
        reply->text = text;
    }
    message_free(answer);
    return rc;
}

int command_propose_ask(Trireme__Answer *reply, const char *run, const Trireme__Request *request,
                        Trireme__As as, double wait, struct err *err)
{
    struct secret *secret = NULL;
    struct err why = {0};
    const bool for_persons = request->has_order && request->order != TRIREME__ORDER__kill &&
                             request->order != TRIREME__ORDER__queue;
    if (run_config_exists(run, err) < 0)
        return -1;
    if (as == TRIREME__AS__planner)
        return send_request(reply, run, request, NULL, "", wait, err);
    const int opened = person_open_secret(&secret, run, &why);
    int rc = -1;
    if (opened < 0 || (opened == 0 && for_persons))
        *err = why;
    else
        rc = send_request(reply, run, request, secret, why.text, wait, err);
    secret_free(secret);
    return rc;
}

/* A name that no other proposal has: "person-20250131T235959.123456789Z". */
static char *fresh_id(void)
{
    struct timespec now;
    struct tm utc;
    char seconds[sizeof "20000101T000000"];
    clock_gettime(CLOCK_REALTIME, &now);
    strftime(seconds, sizeof seconds, "%Y%m%dT%H%M%S", gmtime_r(&now.tv_sec, &utc));
    return mem_format("person-%s.%09ldZ", seconds, now.tv_nsec);
}

int command_propose(const void *request, void *reply, struct err *err)
{
    const Trireme__ProposeRequest *r = request;
    Trireme__Proposal *proposal = message_new(&trireme__proposal__descriptor);
    proposal->id = fresh_id();
    proposal->hypothesis = mem_strdup(r->why);
    proposal->predicted = mem_strdup(r->predict);
    proposal->has_after = r->has_after, proposal->after = r->after;
    proposal->has_on_adoption_of = r->has_on_adoption_of;
    proposal->on_adoption_of = r->on_adoption_of;
    proposal->has_replaces = r->has_replaces, proposal->replaces = r->replaces;
    Trireme__Request asked = TRIREME__REQUEST__INIT;
    asked.propose = proposal;
    int rc = set_option_read(proposal, r->set, r->n_set, err);
    if (rc == 0)
        rc = command_propose_ask(reply, r->run, &asked, r->as, r->wait, err);
    message_free(proposal);
    return rc;
}

/* Checks an order against the ledger, so that a wrong one is refused at once. */
static int check_order(const char *run, uint32_t number, Trireme__Order order, struct err *err)
{
    struct history history = {0};
    if (run_history_read(&history, run, err) < 0)
        return -1;
    int rc = history_check_order(&history, number, order, err);
    if (rc < 0)
        err_context(err, "%s", run);
    history_clear(&history);
    return rc;
}

static int order(Trireme__Answer *reply, const char *run, uint32_t number, Trireme__Order what,
                 Trireme__As as, double wait, struct err *err)
{
    if (check_order(run, number, what, err) < 0)
        return -1;
    Trireme__Request asked = TRIREME__REQUEST__INIT;
    asked.has_order = true, asked.order = what;
    asked.has_number = true;
    asked.number = number;
    return command_propose_ask(reply, run, &asked, as, wait, err);
}

int command_proposals_approve(const void *request, void *reply, struct err *err)
{
    const Trireme__ProposalsApproveRequest *r = request;
    return order(reply, r->run, r->number, TRIREME__ORDER__approve, TRIREME__AS__person, r->wait,
                 err);
}

int command_proposals_veto(const void *request, void *reply, struct err *err)
{
    const Trireme__ProposalsVetoRequest *r = request;
    return order(reply, r->run, r->number, TRIREME__ORDER__veto, TRIREME__AS__person, r->wait, err);
}

int command_proposals_kill(const void *request, void *reply, struct err *err)
{
    const Trireme__ProposalsKillRequest *r = request;
    return order(reply, r->run, r->number, TRIREME__ORDER__kill, r->as, r->wait, err);
}

int command_proposals_takeback(const void *request, void *reply, struct err *err)
{
    const Trireme__ProposalsTakebackRequest *r = request;
    return order(reply, r->run, r->number, TRIREME__ORDER__takeback, TRIREME__AS__person, r->wait,
                 err);
}

/* Sends the order of a queue; its answer goes to the reply. */
static int order_queue(Trireme__QueueReply *reply, const Trireme__QueueRequest *r, struct err *err)
{
    struct history history = {0};
    Trireme__Request asked = TRIREME__REQUEST__INIT;
    if (run_history_read(&history, r->run, err) < 0)
        return -1;
    int rc = history_check_queue(&history, r->numbers, r->n_numbers, err);
    if (rc < 0)
        err_context(err, "%s", r->run);
    history_clear(&history);
    asked.has_order = true, asked.order = TRIREME__ORDER__queue;
    asked.numbers = r->numbers, asked.n_numbers = r->n_numbers;
    Trireme__Answer *answer = message_new(&trireme__answer__descriptor);
    if (rc == 0)
        rc = command_propose_ask(answer, r->run, &asked, r->as, r->wait, err);
    if (rc == 0)
        reply->text = mem_strdup(answer->text);
    message_free(answer);
    return rc;
}

static Trireme__QueueRow *queue_row(const struct entry *e)
{
    Trireme__QueueRow *row = message_new(&trireme__queue_row__descriptor);
    const Trireme__Proposal *p = e->proposal;
    row->has_number = true, row->number = e->number;
    row->state = mem_strdup(entry_word(e));
    row->n_patch = p->n_patch;
    row->patch = mem_new(p->n_patch, sizeof *row->patch);
    for (size_t i = 0; i < p->n_patch; i++)
        row->patch[i] = message_copy(p->patch[i]);
    row->has_after = p->after > 0, row->after = p->after;
    row->has_on_adoption_of = p->on_adoption_of > 0, row->on_adoption_of = p->on_adoption_of;
    return row;
}

int command_queue(const void *request, void *reply, struct err *err)
{
    const Trireme__QueueRequest *r = request;
    Trireme__QueueReply *out = reply;
    struct history history = {0};
    if ((r->n_numbers && order_queue(out, r, err) < 0) ||
        run_history_read(&history, r->run, err) < 0)
        return -1;
    out->queue = mem_new(history.n, sizeof *out->queue);
    for (size_t i = 0; i < history.n; i++) {
        const struct entry *e = &history.entries[history.turns[i]];
        if (entry_is_in_queue(e))
            out->queue[out->n_queue++] = queue_row(e);
    }
    history_clear(&history);
    return 0;
}

void print_queue(const void *reply)
{
    const Trireme__QueueReply *r = reply;
    if (r->text) {
        print_text(r->text, SIZE_MAX);
        printf("\n");
    }
    if (!r->n_queue)
        printf("nothing is in the queue\n");
    for (size_t i = 0; i < r->n_queue; i++) {
        const Trireme__QueueRow *row = r->queue[i];
        char *patch = changes_text(row->patch, row->n_patch);
        printf("%4u  %-8s  ", row->number, row->state);
        print_text(patch, SIZE_MAX);
        if (row->after)
            printf("  until %u is over", row->after);
        if (row->on_adoption_of)
            printf("  until %u is adopted", row->on_adoption_of);
        printf("\n");
        free(patch);
    }
}

void print_answer(const void *reply)
{
    const Trireme__Answer *r = reply;
    print_text(r->text, SIZE_MAX);
    printf("\n");
}
