#include "coordinator/patch/patch.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/text.h"
#include "coordinator/patch/recipe.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/schema/message_path.h"
#include "proto/schema/number.h"
#include "proto/schema/read.h"
#include "proto/schema/utf8.h"
#include "proto/schema/value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char skip_path[] = "data.skip";

static const struct field_doc *path_doc(const char *path, struct err *err)
{
    return message_field_doc(&trireme__config__descriptor, path, err);
}

static int check_count(size_t n, struct err *err)
{
    if (n == 0)
        return err_set(
            err, ERR_USAGE,
            "found no change, expected a path with its value, such as optimizer.lr=0.0005");
    if (n > PATCH_PATHS_MAX)
        return err_set(err, ERR_USAGE, "found %zu changes in one patch, expected at most %d", n,
                       PATCH_PATHS_MAX);
    return 0;
}

/* A text of a proposal, which may be absent. */
static int check_text(const char *name, const char *text, struct err *err)
{
    size_t size = text ? strlen(text) : 0;
    if (size > PATCH_TEXT_MAX)
        return err_set(err, ERR_USAGE, "%s: found %zu bytes, expected at most %d", name, size,
                       PATCH_TEXT_MAX);
    if (text && !utf8_valid(text))
        return err_set(err, ERR_USAGE, "%s: found bytes that are no UTF-8, expected text", name);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < ' ' && c != '\n' && c != '\t') || c == 0x7f)
            return err_set(err, ERR_USAGE, "%s: found a control character (0x%02x), expected text",
                           name, c);
    }
    return 0;
}

int patch_check_proposal(const Trireme__Proposal *proposal, struct err *err)
{
    if (check_text("id", proposal->id, err) < 0 ||
        check_text("hypothesis", proposal->hypothesis, err) < 0 ||
        check_text("predicted", proposal->predicted, err) < 0 ||
        check_count(proposal->n_patch, err) < 0)
        return -1;
    for (size_t i = 0; i < proposal->n_patch; i++)
        if (check_text("a path of the patch", proposal->patch[i]->path, err) < 0 ||
            check_text("a value of the patch", proposal->patch[i]->value, err) < 0)
            return -1;
    return message_check(proposal, "the proposal", err);
}

/* The path with the source's number in the place of its name, fresh; NULL: it names none so. */
static char *numbered(const char *path, const Trireme__Config *config)
{
    static const char sources[] = "data.sources.";
    if (strncmp(path, sources, sizeof sources - 1))
        return NULL;
    const char *word = path + sizeof sources - 1;
    if (strspn(word, "0123456789") == strcspn(word, "."))
        return NULL; // a number stands there already
    for (size_t s = 0; s < config->data->n_sources; s++) {
        const char *name = config->data->sources[s]->name;
        const size_t length = name ? strlen(name) : 0;
        if (length && !strncmp(word, name, length) && word[length] == '.')
            return mem_format("%s%zu%s", sources, s, word + length);
    }
    return NULL;
}

Trireme__Proposal *patch_number_sources(const Trireme__Proposal *proposal,
                                        const Trireme__Config *config)
{
    Trireme__Proposal *copy = message_copy(proposal);
    for (size_t i = 0; i < copy->n_patch; i++) {
        char *path = copy->patch[i]->path ? numbered(copy->patch[i]->path, config) : NULL;
        if (!path)
            continue;
        free(copy->patch[i]->path);
        copy->patch[i]->path = path;
    }
    return copy;
}

static int check_bounds(const char *path, const char *value, double min, double max,
                        struct err *err)
{
    double number;
    if (number_read(&number, value, false) && (number < min || number > max))
        return err_set(err, ERR_USAGE,
                       "%s: found %s, expected a number from %g to %g, as the run's policy says",
                       path, value, min, max);
    return 0;
}

/* Sets a value in a scratch message. The sentence of an error begins with the path. */
static int set_value(Trireme__Config *to, const char *path, const char *value, struct err *err)
{
    static const char where[] = "patch";
    if (message_set_path(to, path, value, where, err) == 0)
        return 0;
    if (!strncmp(err->text, where, strlen(where))) // it says nothing that the reader does not know
        memmove(err->text, err->text + strlen(where) + 2,
                strlen(err->text + strlen(where) + 2) + 1);
    return -1;
}

static int apply_one(Trireme__Config *to, const Trireme__Config *config,
                     const Trireme__Change *change, const Trireme__Policy *policy, struct err *err)
{
    static const char hint[] = "`trireme briefing` lists what may be changed";
    const char *path = change->path, *value = change->value;
    if (!path || !*path)
        return err_set(err, ERR_USAGE, "found a change without a path; %s", hint);
    const struct field_doc *doc = path_doc(path, err);
    if (!doc)
        return -1;
    if (doc->judged == JUDGED_UNJUDGED)
        return err_set(err, ERR_USAGE, "%s: no experiment may change this; %s", path, hint);
    char *before = message_path_value(config, path); // one past the end of a list would be appended
    free(before);
    if (!before)
        return err_set(err, ERR_USAGE, "%s: the run has no such element; %s", path, hint);
    double min = -INFINITY, max = INFINITY;
    if (!policy_allows(&min, &max, policy, path))
        return err_set(err, ERR_USAGE, "%s: the run's policy lets no experiment change this; %s",
                       path, hint);
    if (!value)
        return err_set(err, ERR_USAGE, "%s: found no value, expected one", path);
    if (set_value(to, path, value, err) < 0 || check_bounds(path, value, min, max, err) < 0)
        return -1;
    if (!strcmp(path, skip_path) && to->data->skip < config->data->skip)
        return err_set(err, ERR_USAGE,
                       "%s: found %s, expected at least %llu: what was passed over stays so", path,
                       value, (unsigned long long)config->data->skip);
    if (!strcmp(path, skip_path) && to->data->skip - config->data->skip > PATCH_SKIP_MAX)
        return err_set(err, ERR_USAGE, "%s: found %s, expected at most %llu: %d more than now",
                       path, value, (unsigned long long)config->data->skip + PATCH_SKIP_MAX,
                       PATCH_SKIP_MAX);
    return 0;
}

static int apply_all(Trireme__Config *to, const Trireme__Config *config,
                     Trireme__Change *const *changes, size_t n, const Trireme__Policy *policy,
                     struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        if (apply_one(to, config, changes[i], policy, err) < 0)
            return -1;
        for (size_t k = 0; k < i; k++)
            if (!strcmp(changes[k]->path, changes[i]->path))
                return err_set(err, ERR_USAGE, "%s: found twice in one patch, expected once",
                               changes[i]->path);
    }
    return 0;
}

/* Refuses a patch that would change nothing in the training. */
static int check_effect(const Trireme__Config *before, const Trireme__Config *after,
                        Trireme__Change *const *changes, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        const char *because = recipe_idle_because(after, changes[i]->path);
        if (because)
            return err_set(err, ERR_USAGE, "%s: has no effect, since %s", changes[i]->path,
                           because);
    }
    int same_recipe = recipe_same(before, after, err);
    if (same_recipe <= 0)
        return same_recipe;
    char *old = message_path_value(before, changes[0]->path),
         *new = message_path_value(after, changes[0]->path);
    bool same = !strcmp(old, new);
    err_set(err, ERR_USAGE, "%s: found %s, which %s", changes[0]->path, new,
            same ? "it has already" : "has no effect: it says the same as before");
    free(old);
    free(new);
    return -1;
}

Trireme__Config *patch_apply(const Trireme__Config *config, Trireme__Change *const *changes,
                             size_t n, const Trireme__Policy *policy, struct err *err)
{
    if (check_count(n, err) < 0)
        return NULL;
    Trireme__Config *with = message_copy(config), *changed = NULL;
    if (apply_all(with, config, changes, n, policy, err) == 0)
        // Resolves, and checks rules over several fields.
        changed = run_config_change(with, NULL, 0, err);
    message_free(with);
    if (changed && check_effect(config, changed, changes, n, err) < 0) {
        message_free(changed);
        return NULL;
    }
    return changed;
}

struct may_change {
    const Trireme__Config *config;
    const Trireme__Policy *policy;
    void (*visit)(void *context, const Trireme__MayChange *may);
    void *context;
};

/* The words of an enum, in one string that *names owns. */
static size_t split_words(char ***words, struct text *names, const struct field_doc *doc)
{
    size_t n = 0, room = 0;
    char *rest = NULL;
    *words = NULL;
    value_names(names, doc);
    for (char *word = names->bytes ? strtok_r(names->bytes, ", ", &rest) : NULL; word;
         word = strtok_r(NULL, ", ", &rest)) {
        *words = mem_grow(*words, n, &room, sizeof **words);
        (*words)[n++] = word;
    }
    return n;
}

static void may_leaf(void *context, const struct message_path *leaf)
{
    const struct may_change *m = context;
    const struct field_doc *doc = leaf->doc;
    double min = leaf->kind == SCALAR_UINT ? fmax(doc->min, 0) : doc->min, max = doc->max;
    if (doc->judged == JUDGED_UNJUDGED || recipe_idle_because(m->config, leaf->path) ||
        !policy_allows(&min, &max, m->policy, leaf->path))
        return;
    if (!strcmp(leaf->path, skip_path))
        min = fmax(min, (double)m->config->data->skip);
    Trireme__MayChange may = TRIREME__MAY_CHANGE__INIT;
    struct text names = {0};
    may.path = (char *)leaf->path, may.value = (char *)leaf->text;
    may.has_min = isfinite(min), may.min = may.has_min ? min : 0;
    may.has_max = isfinite(max), may.max = may.has_max ? max : 0;
    may.n_words = split_words(&may.words, &names, doc);
    may.unit = (char *)doc->unit, may.meaning = (char *)doc->comment;
    may.has_slow = true, may.slow = doc->judged == JUDGED_SLOW || doc->calm != CALM_NEITHER;
    char *from = doc->calm_from ? mem_format("from %s", doc->calm_from) : NULL;
    may.calm = from                     ? from
               : doc->calm == CALM_DOWN ? (char *)"down"
               : doc->calm == CALM_UP   ? (char *)"up"
                                        : NULL;
    m->visit(m->context, &may);
    free(from);
    free(may.words);
    text_clear(&names);
}

void patch_may_change(const Trireme__Config *config, const Trireme__Policy *policy,
                      void (*visit)(void *context, const Trireme__MayChange *may), void *context)
{
    struct may_change may = {config, policy, visit, context};
    message_path_visit(config, may_leaf, &may);
}
