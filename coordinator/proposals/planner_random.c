/* The random planner: one value at a time, by a factor or another word. It is the control that
 * others are compared with. */
#include "coordinator/proposals/planner.h"

#include "base/mem.h"
#include "base/random.h"
#include "proto/config/changes.h"
#include "proto/schema/message.h"
#include "proto/schema/message_path.h"
#include "proto/schema/number.h"
#include "proto/schema/read.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 200, DRAWS = 1024 /* numbers that a proposal may use up */ };
static const char weight_paths[] = "data.sources.*.weight";
static const double factors[] = {0.25, 0.5, 0.71, 1.41, 2, 4};

struct random_planner {
    struct planner planner;
    uint64_t seed;
    Trireme__Proposals *answer; /* to the last briefing, or NULL */
};

/* The random numbers of one proposal. */
struct draws {
    uint64_t seed, next;
};

static size_t draw(struct draws *draws, size_t n)
{
    return (size_t)(random_uniform(draws->seed, draws->next++) * (double)n);
}

static const char *config_value(const Trireme__Briefing *briefing, const char *path)
{
    for (size_t i = 0; i < briefing->n_config; i++)
        if (briefing->config[i]->path && !strcmp(briefing->config[i]->path, path))
            return briefing->config[i]->value;
    return NULL;
}

static double config_number(const Trireme__Briefing *briefing, const char *path, double otherwise)
{
    const char *text = config_value(briefing, path);
    double number;
    return text && number_read(&number, text, false) ? number : otherwise;
}

/* What the schema says of a value besides its bounds. */
struct nature {
    const char *path;
    bool whole, decay; /* decay: what counts is how far it is from 1 */
    double otherwise;  /* where it is 0: the default */
};

static void see_value(void *context, const struct message_path *leaf)
{
    struct nature *nature = context;
    double number;
    if (strcmp(leaf->path, nature->path) != 0)
        return;
    nature->whole = leaf->kind == SCALAR_UINT || leaf->kind == SCALAR_INT;
    nature->decay = leaf->doc->max < 1 && leaf->doc->max > 0.99;
    if (number_read(&number, leaf->text, false) && number > 0)
        nature->otherwise = number;
}

static struct nature nature_of(const char *path, double max)
{
    struct nature nature = {.path = path, .otherwise = max < 1000 ? max / 1000 : 1};
    Trireme__Config *defaults = message_new(&trireme__config__descriptor);
    message_path_visit(defaults, see_value, &nature);
    message_free(defaults);
    return nature;
}

/* Rounds whole numbers that others must divide; 0 if there is none nearby. */
static double round_whole(const Trireme__Briefing *briefing, const char *path, double value)
{
    if (!strcmp(path, "train.batch")) {
        double micro = config_number(briefing, "train.microbatch", 1);
        return fmax(round(value / micro), 1) * micro;
    }
    if (!strcmp(path, "train.context")) {
        double all = config_number(briefing, "model.context", 1), parts = round(all / value);
        return parts >= 1 && fmod(all, parts) == 0 ? all / parts : 0;
    }
    return round(value);
}

/* Draws another number for a value; false if this draw gives none that is legal. */
static bool draw_number(char text[NUMBER_SIZE], const Trireme__Briefing *briefing,
                        const Trireme__MayChange *may, struct draws *draws)
{
    double factor = factors[draw(draws, sizeof factors / sizeof *factors)], old, value;
    double min = may->has_min ? may->min : (double)-INFINITY,
           max = may->has_max ? may->max : (double)INFINITY;
    if (!may->value || !number_read(&old, may->value, false))
        return false;
    struct nature nature = nature_of(may->path, max);
    if (!strcmp(may->path, "train.context") && old == 0) // which stands for all of it
        old = config_number(briefing, "model.context", 1);
    double from = old != 0 ? old : nature.otherwise;
    value = nature.decay ? 1 - (1 - from) * factor : from * factor;
    if (nature.whole)
        value = round_whole(briefing, may->path, value);
    snprintf(text, NUMBER_SIZE, nature.whole ? "%.0f" : nature.decay ? "%.9g" : "%.3g", value);
    return number_read(&value, text, false) && value >= min && value <= max && value != old &&
           value > 0;
}

static bool draw_word(char text[NUMBER_SIZE], const Trireme__MayChange *may, struct draws *draws)
{
    const char *word = may->words[draw(draws, may->n_words)];
    snprintf(text, NUMBER_SIZE, "%s", word);
    return !may->value || strcmp(word, may->value) != 0;
}

/* Whether a source other than that of this path has a share. */
static bool others_have_shares(const Trireme__Briefing *briefing, const char *path)
{
    for (size_t i = 0; i < briefing->n_config; i++) {
        const char *other = briefing->config[i]->path;
        if (other && message_path_match(weight_paths, other) && strcmp(other, path) != 0 &&
            config_number(briefing, other, 0) > 0)
            return true;
    }
    return false;
}

/* Whether a value is legal together with the other values. */
static bool goes_together(const Trireme__Briefing *briefing, const char *path, const char *value)
{
    const char *kind = config_value(briefing, "schedule.kind");
    double number, lr = config_number(briefing, "optimizer.lr", INFINITY);
    double min_lr = config_number(briefing, "schedule.min_lr", 0);
    bool constant = kind && !strcmp(kind, "constant");
    if (message_path_match(weight_paths, path))
        return others_have_shares(briefing, path);
    if (!strcmp(path, "schedule.kind"))
        return !constant || min_lr <= lr;
    if (!number_read(&number, value, false) || constant)
        return true;
    if (!strcmp(path, "optimizer.lr"))
        return number >= min_lr;
    return strcmp(path, "schedule.min_lr") != 0 || number <= lr;
}

static bool is_tried(const Trireme__Briefing *briefing, Trireme__Change *change)
{
    for (size_t i = 0; i < briefing->n_tried; i++)
        if (changes_equal(briefing->tried[i]->patch, briefing->tried[i]->n_patch, &change, 1))
            return true;
    return false;
}

/* Paths that are legal, but not worth a draw. */
static bool is_passed_over(const char *path)
{
    return !strcmp(path, "data.skip") ||     // there is no way back from it
           !strcmp(path, "schedule.warmup"); // over before the first hypothesis begins
}

/* Draws one change; false where this draw gives none. */
static bool draw_change(Trireme__Change *change, const Trireme__MayChange **from,
                        const Trireme__Briefing *briefing, struct draws *draws)
{
    char text[NUMBER_SIZE];
    const Trireme__MayChange *may = briefing->may_change[draw(draws, briefing->n_may_change)];
    if (!may->path || is_passed_over(may->path))
        return false;
    if (!(may->n_words ? draw_word(text, may, draws) : draw_number(text, briefing, may, draws)) ||
        !goes_together(briefing, may->path, text))
        return false;
    *change = (Trireme__Change)TRIREME__CHANGE__INIT;
    change->path = may->path, change->value = text;
    if (is_tried(briefing, change))
        return false;
    change->path = mem_strdup(may->path), change->value = mem_strdup(text);
    *from = may;
    return true;
}

static Trireme__Proposal *proposal_of(Trireme__Change change, const Trireme__MayChange *may,
                                      uint32_t number)
{
    Trireme__Proposal *proposal = message_new(&trireme__proposal__descriptor);
    Trireme__Change *fresh = message_new(&trireme__change__descriptor);
    fresh->path = change.path, fresh->value = change.value;
    proposal->id = mem_format("random-%u", number);
    proposal->patch = mem_new(1, sizeof *proposal->patch);
    proposal->patch[proposal->n_patch++] = fresh;
    proposal->hypothesis =
        mem_format("%s of %s in place of %s gives a lower loss (drawn at random)", fresh->path,
                   fresh->value, may->value ? may->value : "what it has");
    return proposal;
}

static void ask(struct planner *planner, const Trireme__Briefing *briefing)
{
    struct random_planner *p = (struct random_planner *)planner;
    uint32_t last = briefing->n_tried ? briefing->tried[briefing->n_tried - 1]->number : 0;
    struct draws draws = {p->seed, (uint64_t)last * DRAWS};
    Trireme__Change change;
    const Trireme__MayChange *may;
    message_free(p->answer);
    p->answer = message_new(&trireme__proposals__descriptor);
    if (briefing->room == 0 || briefing->n_may_change == 0)
        return;
    for (int i = 0; i < TRIES; i++)
        if (draw_change(&change, &may, briefing, &draws)) {
            p->answer->proposals = mem_new(1, sizeof *p->answer->proposals);
            p->answer->proposals[p->answer->n_proposals++] = proposal_of(change, may, last + 1);
            return;
        }
}

static enum planner_answer poll(struct planner *planner, Trireme__Proposals **proposals,
                                struct err *err)
{
    struct random_planner *p = (struct random_planner *)planner;
    (void)err;
    if (!p->answer)
        return PLANNER_NOTHING;
    *proposals = p->answer;
    p->answer = NULL;
    return PLANNER_PROPOSALS;
}

static void planner_free(struct planner *planner)
{
    message_free(((struct random_planner *)planner)->answer);
    free(planner);
}

struct planner *planner_random_new(uint64_t seed)
{
    static const struct planner_ops ops = {"random", ask, poll, planner_free, NULL};
    struct random_planner *p = mem_new(1, sizeof *p);
    p->planner.ops = &ops;
    p->seed = seed;
    return &p->planner;
}
