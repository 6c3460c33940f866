/* trireme diagnose: the last steps of a line of training, its rate, and the weights and the
 * optimizer's state in the newest checkpoint. */
#include "base/mem.h"
#include "coordinator/briefing/curve.h"
#include "coordinator/briefing/recent.h"
#include "coordinator/briefing/stats.h"
#include "coordinator/ledger/history.h"
#include "coordinator/ledger/ledger.h"
#include "coordinator/train/trial.h"
#include "launcher/commands/command.h"
#include "launcher/commands/parameter_groups.h"
#include "launcher/commands/trial_config.h"
#include "launcher/commands/trial_steps.h"
#include "proto/config/run_config.h"
#include "proto/file/checkpoint.h"
#include "proto/schema/message.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { RATES = 5 };

struct looked {
    Trireme__DiagnoseReply *reply;
    bool is_trunk;
    struct trial_steps steps;
    Trireme__Config *asked, *config; /* config: of the line of training; NULL: not known */
    uint64_t tokens;                 /* by now */
    uint64_t all;                    /* of the whole run, if experiments cost nothing more */
};

/* text: taken over. */
static void miss(Trireme__DiagnoseReply *reply, char *text)
{
    reply->missing = mem_resize(reply->missing, reply->n_missing + 1, sizeof *reply->missing);
    reply->missing[reply->n_missing++] = text;
}

/* What the experiments have left of the tokens that were asked for, as campaign_plan_trunk has it.
 */
static uint64_t all_tokens(const Trireme__Config *asked, const struct ledger *ledger)
{
    const uint64_t unit = run_config_step_tokens(asked), all = asked->train->steps * unit;
    struct history h = {0};
    history_read(&h, ledger, ledger_records(ledger));
    // what the first rule spent came on top of the run
    const uint64_t spent = h.first_rule ? 0 : history_tokens(&h, h.spent, unit);
    history_clear(&h);
    return spent < all ? all - spent : 0;
}

static int read_config(struct looked *l, const char *run, const char *trial, struct err *err)
{
    l->asked = run_config_of(run, err);
    struct ledger *ledger = l->asked ? ledger_open(run, false, err) : NULL;
    if (!ledger)
        return -1;
    struct err unknown;
    l->all = all_tokens(l->asked, ledger);
    l->config = trial_config(ledger, l->asked, trial, &unknown);
    if (!l->config)
        miss(l->reply, mem_format("clip and rates to come: %s", unknown.text));
    ledger_free(ledger);
    return 0;
}

static double tokens_a_second(const struct curve_step *steps, size_t n, bool beside)
{
    const double seconds = recent_seconds(steps, n, beside);
    return seconds > 0 ? stats_round((double)steps[n - 1].tokens / seconds, 4) : 0;
}

static void tell_steps(struct looked *l)
{
    Trireme__DiagnoseReply *out = l->reply;
    const size_t n = l->steps.n < CURVE_RECENT ? l->steps.n : CURVE_RECENT;
    const struct curve_step *last = l->steps.steps + (l->steps.n - n);
    const double clip = l->config ? l->config->optimizer->clip : 0;
    l->tokens = l->steps.before;
    for (size_t i = 0; i < l->steps.n; i++)
        l->tokens += l->steps.steps[i].tokens;
    recent_tell(out->recent, last, n, clip);
    out->has_clip = l->config != NULL, out->clip = clip;
    out->recent->has_clipped = out->recent->has_clipped && l->config;
    out->has_step = true, out->step = n ? last[n - 1].step : 0;
    out->has_tokens = true, out->tokens = l->tokens;
    if (n == 0) {
        miss(out, mem_strdup("the last steps: none is done yet"));
        return;
    }
    out->has_lr = true, out->lr = last[n - 1].lr;
    out->alone = tokens_a_second(last, n, false), out->has_alone = out->alone > 0;
    out->beside = tokens_a_second(last, n, true), out->has_beside = out->beside > 0;
}

/* Of the next update, of the last, and of some between. */
static void tell_rates(struct looked *l)
{
    Trireme__DiagnoseReply *out = l->reply;
    const uint64_t size = run_config_step_tokens(l->config),
                   left = l->all > l->tokens ? (l->all - l->tokens) / size : 0;
    if (left == 0) {
        miss(out, mem_strdup("rates to come: the run is over"));
        return;
    }
    out->rates = mem_new(RATES, sizeof *out->rates);
    for (uint64_t i = 0; i < RATES; i++) {
        const uint64_t done = (left - 1) * i / (RATES - 1), tokens = l->tokens + done * size;
        if (out->n_rates && out->rates[out->n_rates - 1]->step == out->step + done)
            continue;
        Trireme__RatePoint *rate = out->rates[out->n_rates++] =
            message_new(&trireme__rate_point__descriptor);
        rate->has_step = true, rate->step = out->step + done;
        rate->has_tokens = true, rate->tokens = tokens;
        rate->has_lr = true,
        rate->lr = trial_scheduled_lr(l->config, tokens, l->all, run_config_step_tokens(l->asked));
    }
}

/* False, with the reason, where it cannot be read: it is damaged, or a running coordinator has just
 * removed it. */
static bool tell_checkpoint(struct looked *l, const char *run, uint64_t step, struct err *why)
{
    Trireme__DiagnoseReply *out = l->reply;
    char *folder = checkpoint_folder(run, step);
    Trireme__Manifest *manifest = checkpoint_manifest(folder, why);
    const bool read = manifest && checkpoint_verify(folder, manifest, why) == 0 &&
                      parameter_groups_tell(out, folder, manifest, out->lr, why) == 0;
    if (read) {
        out->has_checkpoint = true, out->checkpoint = manifest->step;
        out->has_optimizer = true, out->optimizer = manifest->config->optimizer->name;
    }
    message_free(manifest);
    free(folder);
    return read;
}

static int tell_newest(struct looked *l, const char *run, struct err *err)
{
    size_t n = 0;
    uint64_t *steps = checkpoint_steps(run, &n, err);
    if (!steps)
        return -1;
    bool read = false;
    for (size_t i = n; !read && i > 0; i--) {
        struct err why = {0};
        read = tell_checkpoint(l, run, steps[i - 1], &why);
        if (!read)
            miss(l->reply, mem_format("the checkpoint of step %llu: %s",
                                      (unsigned long long)steps[i - 1], why.text));
    }
    if (n == 0)
        miss(l->reply, mem_strdup("weights and the optimizer's state: there is no checkpoint yet"));
    free(steps);
    return 0;
}

static int look(struct looked *l, const char *run, const char *trial, struct err *err)
{
    if (trial_steps_read(&l->steps, run, trial, err) < 0 || read_config(l, run, trial, err) < 0)
        return -1;
    tell_steps(l);
    if (l->config)
        tell_rates(l);
    if (l->is_trunk)
        return tell_newest(l, run, err);
    miss(l->reply, mem_strdup("weights and the optimizer's state: of forks there is no checkpoint, "
                              "expected the trunk"));
    return 0;
}

int command_diagnose(const void *request, void *reply, struct err *err)
{
    const Trireme__DiagnoseRequest *r = request;
    struct looked l = {.reply = reply, .is_trunk = strcmp(r->trial, "trunk") == 0};
    int rc = run_config_exists(r->run, err);
    if (rc == 0)
        rc = look(&l, r->run, r->trial, err);
    trial_steps_clear(&l.steps);
    message_free(l.config);
    message_free(l.asked);
    return rc;
}
