/* A briefing as text. Words from outside (names, changes, hypotheses, reasons, notes) are quoted,
 * so that none can be taken for a line of the briefing, or control a terminal. */
#include "base/text.h"
#include "coordinator/briefing/briefing_internal.h"
#include "proto/schema/utf8.h"

#include <stdlib.h>
#include <string.h>

/* Characters that control a terminal, break a line, or turn the direction of what is read. */
static bool is_control(uint32_t c)
{
    return c < ' ' || (c >= 0x7f && c < 0xa0) || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) || c == 0xfeff;
}

static void quote(struct text *to, const char *s)
{
    text_add(to, "\"");
    while (s && *s) {
        const char *from = s;
        const uint32_t c = utf8_next(&s);
        if (c == '"' || c == '\\')
            text_printf(to, "\\%c", (int)c);
        else if (c == '\n')
            text_add(to, "\\n");
        else if (c == UTF8_BAD)
            text_add(to, "\\ufffd");
        else if (is_control(c))
            text_printf(to, "\\u%04x", (unsigned)c);
        else
            text_add_bytes(to, from, (size_t)(s - from));
    }
    text_add(to, "\"");
}

static unsigned long long u(uint64_t value)
{
    return value;
}

static void add_run(struct text *t, const Trireme__Briefing *b)
{
    text_printf(t,
                "RUN      step %llu of %llu (%llu of %llu tokens, %.0f %%), %llu tokens a step\n",
                u(b->step), u(b->steps), u(b->tokens), u(b->tokens_planned),
                b->tokens_planned ? 100 * (double)b->tokens / (double)b->tokens_planned : 0,
                u(b->step_tokens));
    text_printf(t, "         %g tokens a second; a step takes", b->tok_per_s);
    if (b->speed->has_alone)
        text_printf(t, " %g s alone", b->speed->alone);
    if (b->speed->has_beside)
        text_printf(t, "%s %g s beside trials", b->speed->has_alone ? "," : "", b->speed->beside);
    if (b->speed->has_held)
        text_printf(t, "; rested %g s for your answers in the last %u steps", b->speed->held,
                    b->recent->steps);
    if (b->speed->has_left)
        text_printf(t, "; about %.3g s are left", b->speed->left);
    text_add(t, "\n");
}

static void add_goal(struct text *t, const Trireme__Briefing *b)
{
    text_add(t, "GOAL     lowest loss at the end, mean over");
    for (size_t i = 0; i < b->n_sources; i++)
        if (b->sources[i]->counts > 0) {
            text_printf(t, " %g ", b->sources[i]->counts);
            quote(t, b->sources[i]->name);
        }
    text_add(t, "; judged on text that you never see, so only compare dev with dev\n");
    if (b->goal->has_loss)
        text_printf(t, "         dev now %g (step %llu)", b->goal->loss, u(b->goal->step));
    if (b->goal->has_falls_in_100_steps)
        text_printf(t, ", falls %g in 100 steps, %g in a million tokens",
                    b->goal->falls_in_100_steps, b->goal->falls_in_a_million_tokens);
    text_add(t, b->goal->has_loss ? "\n" : "");
    if (b->outlook && b->outlook->points) // one that was read from JSON is there, and empty
        text_printf(t,
                    "         at the end (%llu tokens) %g, 95 %% from %g to %g, if it goes on as a "
                    "%+g ln(tokens), fitted to the last %u evaluations; this knows nothing of the "
                    "rate's fall\n",
                    u(b->outlook->tokens), b->outlook->loss, b->outlook->low, b->outlook->high,
                    b->outlook->slope, b->outlook->points);
}

static void add_number(struct text *t, bool has, double value)
{
    if (has)
        text_printf(t, "  %g", value);
    else
        text_add(t, "  -");
}

static void add_sources(struct text *t, const Trireme__Briefing *b)
{
    text_add(t, "SOURCES  name  counts  share  dev  before  epochs-read\n");
    for (size_t i = 0; i < b->n_sources; i++) {
        const Trireme__SourceState *s = b->sources[i];
        text_add(t, "         ");
        quote(t, s->name);
        add_number(t, s->has_counts, s->counts);
        add_number(t, s->has_share, s->share);
        add_number(t, s->has_val_loss, s->val_loss);
        add_number(t, s->has_before, s->before);
        add_number(t, s->has_epochs, s->epochs);
        text_add(t, s->guessing ? "  at uniform guessing, does not improve\n" : "\n");
    }
    text_printf(t, "         uniform guessing: %g\n", b->goal->guessing);
}

static void add_curves(struct text *t, const Trireme__Briefing *b)
{
    text_add(t, b->n_dev ? "DEV      step  tokens  goal  by-source  training-before\n" : "");
    for (size_t i = 0; i < b->n_dev; i++) {
        const Trireme__DevPoint *p = b->dev[i];
        text_printf(t, "         %llu  %llu", u(p->step), u(p->tokens));
        add_number(t, p->has_goal, p->goal);
        for (size_t s = 0; s < p->n_by_source; s++)
            text_printf(t, "%s%g", s ? "/" : "  ", p->by_source[s]);
        add_number(t, p->has_train, p->train);
        text_add(t, "\n");
    }
    text_add(t, b->n_curve ? "TRAINING loss (tokens):" : "");
    for (size_t i = 0; i < b->n_curve; i++)
        text_printf(t, " %g (%llu)", b->curve[i]->loss, u(b->curve[i]->tokens));
    text_add(t, b->n_curve ? "\n" : "");
}

static void add_recent(struct text *t, const Trireme__Briefing *b)
{
    const Trireme__RecentSteps *r = b->recent;
    if (!r->steps)
        return;
    text_printf(t, "RECENT   last %u steps: loss %g (of the last 20), ", r->steps, r->loss);
    if (r->has_noise)
        text_printf(t, "falls %g in 100 steps, noise %g, %u spikes, ", r->falls_in_100_steps,
                    r->noise, r->spikes);
    text_printf(t, "gradient norm %g, clipped %g %%, rate %g\n", r->grad_norm, 100 * r->clipped,
                b->lr);
    if (r->has_gap)
        text_printf(t, "         dev less training loss at the present shares %g", r->gap);
    if (r->has_gap_before)
        text_printf(t, ", before %g; where this grows, it overfits", r->gap_before);
    text_add(t, r->has_gap ? "\n" : "");
}

static void add_price(struct text *t, bool has, uint64_t steps, uint64_t tokens, uint64_t more)
{
    if (has)
        text_printf(t, "  %llu %llu +%llu", u(steps), u(tokens), u(more));
    else
        text_add(t, "  -");
}

static void add_budget(struct text *t, const Trireme__Briefing *b)
{
    const Trireme__Budget *m = b->budget;
    text_printf(t,
                "BUDGET   tokens for trials: free %llu (an adoption earns new ones), spent %llu, "
                "reserved %llu; %u changes may still be tried, %u at once now\n",
                u(b->tokens_left), u(m->spent), u(m->reserved), b->hypotheses_left, b->room);
    text_add(t, m->n_prices ? "         a trial by the step at which it begins: steps to its "
                              "decision, tokens, +each further one beside it: plain, then calm\n"
                            : "");
    for (size_t i = 0; i < m->n_prices; i++) {
        const Trireme__Price *p = m->prices[i];
        text_printf(t, "         %llu", u(p->start));
        add_price(t, p->has_plain_steps, p->plain_steps, p->plain_tokens, p->plain_more);
        add_price(t, p->has_calm_steps, p->calm_steps, p->calm_tokens, p->calm_more);
        text_add(t, "\n");
    }
    text_add(t, "         LAST CALL: ");
    if (m->has_last_plain)
        text_printf(t, "plain by step %llu, ", u(m->last_plain));
    else
        text_add(t, "none plain any more, ");
    if (m->has_last_calm)
        text_printf(t, "calm by step %llu\n", u(m->last_calm));
    else
        text_add(t, "none calm any more\n");
}

static void add_changes(struct text *t, Trireme__Change *const *changes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        text_add(t, i ? " " : "");
        quote(t, changes[i]->path);
        text_add(t, "=");
        quote(t, changes[i]->value);
    }
}

static void add_running(struct text *t, const Trireme__Briefing *b)
{
    for (size_t i = 0; i < b->n_running; i++) {
        const Trireme__RunningArm *a = b->running[i];
        text_printf(t, "%s %u%s: %u pairs, began at %llu, decided at step %llu",
                    i ? "        " : "RUNNING ", a->number,
                    a->watch ? " (watch: the recipe from before it)" : "", a->pairs, u(a->began),
                    u(a->decided_at));
        if (a->has_lead)
            text_printf(t, "; training loss below the trunk's by %g +- %g in %u steps (a hint)",
                        a->lead, a->lead_error, a->lead_steps);
        text_add(t, "\n");
    }
    text_add(t, b->n_running
                    ? "         if one is adopted, the others are closed as superseded (one that "
                      "was as good begins again); all may be proposed anew\n"
                    : "");
}

static void add_tried(struct text *t, const Trireme__Briefing *b)
{
    for (size_t i = 0; i < b->n_tried; i++) {
        const Trireme__Tried *tried = b->tried[i];
        text_printf(t, "%s %u ", i ? "        " : "TRIED   ", tried->number);
        quote(t, tried->id);
        text_add(t, " ");
        add_changes(t, tried->patch, tried->n_patch);
        text_printf(t, ": %s", tried->outcome);
        if (tried->pairs)
            text_printf(t, ", %u pairs", tried->pairs);
        if (tried->reason && tried->reason[0]) {
            text_add(t, ", ");
            quote(t, tried->reason);
        }
        if (tried->hypothesis && tried->hypothesis[0]) {
            text_add(t, "; why: ");
            quote(t, tried->hypothesis);
        }
        text_add(t, "\n");
    }
}

static void add_notes(struct text *t, const Trireme__Briefing *b)
{
    for (size_t i = 0; i < b->n_notes; i++) {
        text_printf(t, "%s %u (step %llu): ", i ? "        " : "NOTES   ", b->notes[i]->number,
                    u(b->notes[i]->step));
        quote(t, b->notes[i]->text);
        text_add(t, "\n");
    }
}

static void add_known(struct text *t, const Trireme__Briefing *b)
{
    text_add(t, b->n_known ? "KNOWN    from earlier runs of this kind; a change alone was adopted "
                             "in a run that was judged by the same text\n"
                           : "");
    for (size_t i = 0; i < b->n_known; i++) {
        const Trireme__Known *k = b->known[i];
        text_add(t, "         ");
        for (size_t r = 0; r < k->n_recipe; r++) {
            text_add(t, r ? ", " : "");
            quote(t, k->recipe[r]->path);
            text_add(t, " ");
            quote(t, k->recipe[r]->before);
            text_add(t, " -> ");
            quote(t, k->recipe[r]->after);
        }
        if (k->outcome)
            text_printf(t, ": %s", k->outcome);
        if (k->has_gain)
            text_printf(t, ", gain %g +- %g", k->gain, k->half_width);
        if (k->has_parameters)
            text_printf(t, " (%llu parameters, at %llu tokens)", u(k->parameters), u(k->tokens));
        if (k->text) {
            text_add(t, k->n_recipe ? " " : "");
            quote(t, k->text);
        }
        text_add(t, "\n");
    }
}

static void add_since(struct text *t, const Trireme__Briefing *b)
{
    if (!b->since)
        return;
    text_printf(t, "SINCE    step %llu:", u(b->since->step));
    if (b->since->has_goal && b->goal->has_loss)
        text_printf(t, " dev was %g;", b->since->goal);
    for (size_t i = 0; i < b->since->n_turned; i++) {
        const Trireme__Turned *turned = b->since->turned[i];
        text_printf(t, " %u is %s (%s%s);", turned->number, turned->is, turned->was ? "was " : "",
                    turned->was ? turned->was : "new");
    }
    text_add(t, b->since->n_turned ? "\n" : " no outcome is new\n");
}

static void add_upcoming(struct text *t, const Trireme__Briefing *b)
{
    text_printf(t, "NEXT     a stretch can begin at step %llu", u(b->budget->next_start));
    if (b->upcoming->has_decision)
        text_printf(t, ", decisions at %llu", u(b->upcoming->decision));
    if (b->upcoming->has_evaluation)
        text_printf(t, ", evaluation at %llu", u(b->upcoming->evaluation));
    if (b->upcoming->has_checkpoint)
        text_printf(t, ", checkpoint at %llu", u(b->upcoming->checkpoint));
    text_add(t, "\n");
}

/* Of a path of a source its name. */
static void add_source_name(struct text *t, const Trireme__Briefing *b, const char *path)
{
    static const char sources[] = "data.sources.";
    if (strncmp(path, sources, sizeof sources - 1))
        return;
    const size_t s = strtoul(path + sizeof sources - 1, NULL, 10);
    if (s >= b->n_sources)
        return;
    text_add(t, " of ");
    quote(t, b->sources[s]->name);
}

static void add_may_change(struct text *t, const Trireme__Briefing *b)
{
    text_add(t, b->n_may_change
                    ? "MAY BE CHANGED  path = value (bounds) try values; class, calm changes\n"
                    : "");
    for (size_t i = 0; i < b->n_may_change; i++) {
        const Trireme__MayChange *m = b->may_change[i];
        text_printf(t, "  %s", m->path);
        add_source_name(t, b, m->path);
        text_add(t, " = ");
        quote(t, m->value);
        if (m->has_min || m->has_max)
            text_add(t, " (");
        if (m->has_min)
            text_printf(t, "%g", m->min);
        if (m->has_min || m->has_max)
            text_add(t, "..");
        if (m->has_max)
            text_printf(t, "%g", m->max);
        if (m->has_min || m->has_max)
            text_add(t, ")");
        for (size_t k = 0; k < m->n_words; k++)
            text_printf(t, "%s%s", k ? "|" : " ", m->words[k]);
        for (size_t k = 0; k < m->n_ladder; k++)
            text_printf(t, "%s%s", k ? " " : " try ", m->ladder[k]);
        text_printf(t, "; %s", m->slow ? "slow" : "fast");
        if (m->calm && m->calm[0])
            text_printf(t, ", calm %s", m->calm);
        text_add(t, "\n");
    }
}

static bool is_plain(const char *value)
{
    return value[0] && value[strspn(value, "0123456789abcdefghijklmnopqrstuvwxyz_.+-")] == 0;
}

static void add_config(struct text *t, const Trireme__Briefing *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n_config; i++) {
        bool may = false;
        for (size_t k = 0; k < b->n_may_change; k++)
            may = may || !strcmp(b->may_change[k]->path, b->config[i]->path);
        if (may)
            continue; // it stands there
        text_add(t, n++ ? " " : "FIXED    ");
        text_printf(t, "%s=", b->config[i]->path);
        if (is_plain(b->config[i]->value))
            text_add(t, b->config[i]->value);
        else
            quote(t, b->config[i]->value);
    }
    text_add(t, n ? "\n" : "");
}

static void add_cut(struct text *t, const Trireme__Briefing *b)
{
    for (size_t i = 0; i < b->n_cut; i++)
        text_printf(t, "%s%s", i ? ", " : "CUT      ", b->cut[i]);
    text_add(t, b->n_cut ? "\n" : "");
}

char *briefing_text(const Trireme__Briefing *b)
{
    struct text text = {0};
    add_run(&text, b);
    add_goal(&text, b);
    add_sources(&text, b);
    add_curves(&text, b);
    add_recent(&text, b);
    add_budget(&text, b);
    add_running(&text, b);
    add_tried(&text, b);
    add_notes(&text, b);
    add_known(&text, b);
    add_since(&text, b);
    add_upcoming(&text, b);
    add_may_change(&text, b);
    add_config(&text, b);
    add_cut(&text, b);
    return text_take(&text);
}
