#include "coordinator/proposals/recall.h"

#include "base/mem.h"
#include "coordinator/campaign/campaign.h"
#include "coordinator/ledger/actor.h"
#include "coordinator/ledger/journal.h"
#include "coordinator/memory/known.h"
#include "coordinator/proposals/intake_internal.h"
#include "coordinator/run/progress.h"
#include "coordinator/run/run.h"
#include "coordinator/train/trial.h"

#include <stdlib.h>

static void say_lost(struct intake *intake, const struct err *why)
{
    if (!intake->no_memory)
        progress_log(intake->context.progress,
                     "note: what earlier runs have learned is not told: %s", why->text);
    intake->no_memory = true;
}

void recall_known(struct known *known, struct intake *intake)
{
    const struct run *run = intake->context.run;
    struct err why = {0};
    if (known_read(known, run->folder, run->config, &why) < 0)
        say_lost(intake, &why);
}

/* Tokens of the trunk where a change that is proposed now can be tried first. */
static uint64_t tried_at(const struct intake *intake)
{
    const struct trial *trunk = context_trunk(&intake->context);
    const uint64_t now = trial_position(trunk).tokens,
                   first = campaign_first(intake->campaign) * trunk->step_tokens;
    return now > first ? now : first;
}

void recall_tell_settled(struct intake *intake, const struct entry *e, Trireme__Answer *answer)
{
    const struct run *run = intake->context.run;
    struct err why = {0};
    char *sentence = NULL;
    // a repetition answers nobody
    if (!answer->accepted || journal_repeats(intake->context.journal))
        return;
    const struct known_question question = {.run = run->folder,
                                            .config = run->config,
                                            .in_force = context_config(&intake->context),
                                            .tokens = tried_at(intake),
                                            .patch = e->proposal->patch,
                                            .n_patch = e->proposal->n_patch,
                                            .person = actor_is_person(e->by)};
    if (known_settled(&sentence, &question, &why) < 0)
        say_lost(intake, &why);
    if (!sentence)
        return;
    char *text = known_answer(answer->text, sentence);
    progress_log(intake->context.progress, "proposal %u: %s", e->number, sentence);
    free(answer->text);
    answer->text = text;
    free(sentence);
}
