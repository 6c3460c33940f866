#include "launcher/llm/llm_schema.h"

#include "base/mem.h"
#include "proto/schema/json_out.h"
#include "proto/schema/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Four values about the present one. */
static size_t own_ladder(char *values[LLM_VALUES_MAX], const Trireme__MayChange *may)
{
    static const double factors[] = {0.25, 0.5, 2, 4};
    double value;
    bool negative;
    uint64_t size;
    size_t n = 0;
    if (!may->value || !number_read(&value, may->value, false) || value == 0)
        return 0;
    const bool whole = number_read_whole(&negative, &size, may->value) && may->max >= 2;
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        char text[NUMBER_SIZE];
        const double rung = whole ? round(value * factors[i]) : value * factors[i];
        if ((may->has_min && rung < may->min) || (may->has_max && rung > may->max) ||
            rung == value || (whole && rung < 1))
            continue;
        number_write(text, rung, false);
        values[n++] = mem_strdup(text);
    }
    return n;
}

size_t llm_schema_values(char *values[LLM_VALUES_MAX], const Trireme__MayChange *may)
{
    const size_t n_all = may->n_words ? may->n_words : may->n_ladder;
    char *const *all = may->n_words ? may->words : may->ladder;
    size_t n = 0;
    for (size_t i = 0; i < n_all && n < LLM_VALUES_MAX; i++)
        if (!may->value || strcmp(all[i], may->value) != 0)
            values[n++] = mem_strdup(all[i]);
    return n_all ? n : own_ladder(values, may);
}

static void require(struct json_out *out, const char *const *names, size_t n)
{
    json_out_open(out, "required", '[');
    for (size_t i = 0; i < n; i++)
        json_out_text(out, NULL, names[i]);
    json_out_close(out, ']');
    json_out_literal(out, "additionalProperties", "false");
}

static void add_enum(struct json_out *out, const char *key, char *const *words, size_t n)
{
    json_out_open(out, key, '{');
    json_out_text(out, "type", "string");
    json_out_open(out, "enum", '[');
    for (size_t i = 0; i < n; i++)
        json_out_text(out, NULL, words[i]);
    json_out_close(out, ']');
    json_out_close(out, '}');
}

/* A change of one setting; nothing where it is offered no value. */
static size_t add_change(struct json_out *out, const Trireme__MayChange *may)
{
    static const char *const names[] = {"path", "value"};
    char *values[LLM_VALUES_MAX];
    const size_t n = may->path ? llm_schema_values(values, may) : 0;
    if (n == 0)
        return 0;
    json_out_open(out, NULL, '{');
    json_out_text(out, "type", "object");
    json_out_open(out, "properties", '{');
    add_enum(out, "path", &may->path, 1);
    add_enum(out, "value", values, n);
    json_out_close(out, '}');
    require(out, names, 2);
    json_out_close(out, '}');
    for (size_t i = 0; i < n; i++)
        free(values[i]);
    return 1;
}

/* Lists are bounded by word alone where the dialect has no bound for them. */
static void bound_list(struct json_out *out, Trireme__Llm__Api api, unsigned min, unsigned max,
                       const char *what)
{
    char *text = mem_format("At most %u. %s", max, what), number[16];
    json_out_text(out, "description", text);
    free(text);
    if (min) {
        json_out_literal(out, "minItems", "1"); // the one bound that both know
    }
    snprintf(number, sizeof number, "%u", max);
    if (api == TRIREME__LLM__API__openai)
        json_out_literal(out, "maxItems", number);
}

static void add_text(struct json_out *out, const char *key, const char *what)
{
    json_out_open(out, key, '{');
    json_out_text(out, "type", "string");
    json_out_text(out, "description", what);
    json_out_close(out, '}');
}

static void add_changes(struct json_out *out, const Trireme__Briefing *briefing,
                        Trireme__Llm__Api api)
{
    size_t n = 0;
    json_out_open(out, "changes", '{');
    json_out_text(out, "type", "array");
    bound_list(out, api, 1, LLM_CHANGES,
               "What is changed together: one setting, or those that "
               "belong together.");
    json_out_open(out, "items", '{');
    json_out_open(out, "anyOf", '[');
    for (size_t i = 0; i < briefing->n_may_change; i++)
        n += add_change(out, briefing->may_change[i]);
    if (n == 0) // a list of nothing is no schema
        json_out_literal(out, NULL, "{\"type\":\"null\"}");
    json_out_close(out, ']');
    json_out_close(out, '}');
    json_out_close(out, '}');
}

char *llm_schema_write(const Trireme__Briefing *briefing, Trireme__Llm__Api api, uint32_t max)
{
    static const char *const names[] = {"why", "changes", "predict"}, *const root[] = {"proposals"};
    struct json_out out = {.pretty = false};
    json_out_open(&out, NULL, '{');
    json_out_text(&out, "type", "object");
    json_out_open(&out, "properties", '{');
    json_out_open(&out, "proposals", '{');
    json_out_text(&out, "type", "array");
    bound_list(&out, api, 0, max, "An empty list proposes nothing now.");
    json_out_open(&out, "items", '{');
    json_out_text(&out, "type", "object");
    json_out_open(&out, "properties", '{');
    add_text(&out, "why", "What you saw, and what follows from it, in one or two sentences.");
    add_changes(&out, briefing, api);
    add_text(&out, "predict", "What ought to be seen if you are right, in a sentence.");
    json_out_close(&out, '}');
    require(&out, names, sizeof names / sizeof *names);
    json_out_close(&out, '}');
    json_out_close(&out, '}');
    json_out_close(&out, '}');
    require(&out, root, 1);
    json_out_close(&out, '}');
    return json_out_take(&out);
}
