#include "launcher/llm/llm_answer.h"

#include "base/mem.h"
#include "base/text.h"
#include "launcher/llm/llm_schema.h"
#include "proto/schema/message.h"
#include "proto/schema/node.h"
#include "proto/schema/number.h"
#include "proto/schema/utf8.h"
#include "proto/schema/value.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char where[] = "the answer";
enum { WHY_MAX = 480, NAMES_MAX = 12 };

/* Words of the model, fit for a sentence. */
static char *found(const char *word)
{
    struct text text = {0};
    value_write_found(&text, word);
    return text_take(&text);
}

/* Without what stands around the object: blanks, and the fence in which chat models put code. */
static void strip(const char **bytes, size_t *size)
{
    static const char blanks[] = " \t\r\n`";
    while (*size && strchr(blanks, **bytes) && **bytes)
        ++*bytes, --*size;
    if (*size > 4 && !memcmp(*bytes, "json", 4))
        *bytes += 4, *size -= 4;
    while (*size && (*bytes)[*size - 1] && strchr(blanks, (*bytes)[*size - 1]))
        --*size;
}

static int check_keys(const struct node *map, const char *what, const char *const *names, size_t n,
                      struct err *err)
{
    if (map->kind != NODE_MAP)
        return err_set(err, ERR_DATA, "%s: %s: found no object, expected one", where, what);
    for (size_t i = 0; i < map->n; i++) {
        size_t k = 0;
        while (k < n && strcmp(names[k], map->children[i].key) != 0)
            k++;
        if (k == n) {
            char *key = found(map->children[i].key);
            err_set(err, ERR_DATA, "%s: %s: found the key %s, expected only %s%s%s%s%s", where,
                    what, key, names[0], n > 1 ? ", " : "", n > 1 ? names[1] : "",
                    n > 2 ? ", " : "", n > 2 ? names[2] : "");
            free(key);
            return -1;
        }
    }
    for (size_t k = 0; k < n; k++)
        if (!node_get(map, names[k]))
            return err_set(err, ERR_DATA, "%s: %s: found no %s, expected one", where, what,
                           names[k]);
    return 0;
}

static const Trireme__MayChange *find_setting(const Trireme__Briefing *briefing, const char *path)
{
    for (size_t i = 0; i < briefing->n_may_change; i++)
        if (briefing->may_change[i]->path && !strcmp(briefing->may_change[i]->path, path))
            return briefing->may_change[i];
    return NULL;
}

static int refuse_path(const char *path, const Trireme__Briefing *briefing, struct err *err)
{
    struct text names = {0};
    char *word = found(path);
    for (size_t i = 0; i < briefing->n_may_change && i < NAMES_MAX; i++)
        text_printf(&names, "%s%s", i ? ", " : "", briefing->may_change[i]->path);
    err_set(err, ERR_DATA, "%s: path: found %s, expected one of %s%s", where, word,
            names.size ? names.bytes : "nothing",
            briefing->n_may_change > NAMES_MAX ? ", and others of may_change" : "");
    text_clear(&names);
    free(word);
    return -1;
}

static int refuse_value(const Trireme__MayChange *may, const char *value, struct err *err)
{
    struct text expected = {0};
    char *values[LLM_VALUES_MAX], *word = found(value);
    const size_t n = llm_schema_values(values, may);
    for (size_t i = 0; i < n; i++) {
        text_printf(&expected, "%s%s", i ? ", " : "", values[i]);
        free(values[i]);
    }
    err_set(err, ERR_DATA, "%s: %s: found %s, expected one of %s", where, may->path, word,
            expected.size ? expected.bytes : "nothing");
    text_clear(&expected);
    free(word);
    return -1;
}

static int check_value(const Trireme__MayChange *may, const char *value, struct err *err)
{
    double number;
    bool sound = false;
    for (size_t i = 0; i < may->n_words; i++)
        sound = sound || !strcmp(may->words[i], value);
    for (size_t i = 0; i < may->n_ladder; i++)
        sound = sound || !strcmp(may->ladder[i], value);
    if (!sound && may->n_words == 0)
        sound = number_read(&number, value, false) && (!may->has_min || number >= may->min) &&
                (!may->has_max || number <= may->max);
    if (sound && may->value && !strcmp(may->value, value))
        return err_set(err, ERR_DATA, "%s: %s: found %s, which it has already, expected another",
                       where, may->path, may->value);
    return sound ? 0 : refuse_value(may, value, err);
}

static int read_change(Trireme__Proposal *proposal, const struct node *node,
                       const Trireme__Briefing *briefing, struct err *err)
{
    static const char *const names[] = {"path", "value"};
    if (check_keys(node, "a change", names, 2, err) < 0)
        return -1;
    const struct node *path = node_get(node, "path"), *value = node_get(node, "value");
    if (path->kind != NODE_STRING)
        return err_set(err, ERR_DATA, "%s: path: found no text, expected one", where);
    if (!value->text)
        return err_set(err, ERR_DATA, "%s: value: found no text or number, expected one", where);
    const Trireme__MayChange *may = find_setting(briefing, path->text);
    if (!may)
        return refuse_path(path->text, briefing, err);
    if (check_value(may, value->text, err) < 0)
        return -1;
    for (size_t i = 0; i < proposal->n_patch; i++) {
        if (strcmp(proposal->patch[i]->path, may->path))
            continue;
        if (!strcmp(proposal->patch[i]->value, value->text)) // small models say so
            return 0;
        return err_set(err, ERR_DATA, "%s: path: found %s twice in one proposal, expected once",
                       where, may->path);
    }
    Trireme__Change *change = message_new(&trireme__change__descriptor);
    change->path = mem_strdup(may->path);
    change->value = mem_strdup(value->text);
    proposal->patch = mem_resize(proposal->patch, proposal->n_patch + 1, sizeof *proposal->patch);
    proposal->patch[proposal->n_patch++] = change;
    return 0;
}

/* A text without control characters, cut at a character; fresh. */
static char *clean(const char *s)
{
    struct text text = {0};
    while (*s) {
        const char *from = s;
        const uint32_t c = utf8_next(&s);
        if (text.size + (size_t)(s - from) > WHY_MAX) {
            text_add(&text, "...");
            break;
        }
        if (c == UTF8_BAD || c < ' ' || (c >= 0x7f && c < 0xa0))
            text_add(&text, " ");
        else
            text_add_bytes(&text, from, (size_t)(s - from));
    }
    return text_take(&text);
}

static int take_text(char **text, const struct node *map, const char *key, struct err *err)
{
    const struct node *node = node_get(map, key);
    if (node->kind != NODE_STRING && node->kind != NODE_PLAIN)
        return err_set(err, ERR_DATA, "%s: %s: found no text, expected one", where, key);
    *text = clean(node->text);
    return 0;
}

static int read_proposal(Trireme__Proposal *proposal, const struct node *node,
                         const Trireme__Briefing *briefing, struct err *err)
{
    static const char *const names[] = {"why", "changes", "predict"};
    if (check_keys(node, "a proposal", names, 3, err) < 0 ||
        take_text(&proposal->hypothesis, node, "why", err) < 0 ||
        take_text(&proposal->predicted, node, "predict", err) < 0)
        return -1;
    const struct node *changes = node_get(node, "changes");
    if (changes->kind != NODE_LIST)
        return err_set(err, ERR_DATA, "%s: changes: found no list, expected one", where);
    if (changes->n == 0 || changes->n > LLM_CHANGES)
        return err_set(err, ERR_DATA, "%s: changes: found %zu, expected 1 to %d", where, changes->n,
                       LLM_CHANGES);
    for (size_t i = 0; i < changes->n; i++)
        if (read_change(proposal, &changes->children[i], briefing, err) < 0)
            return -1;
    return 0;
}

static int read_all(Trireme__Proposals *to, const struct node *root,
                    const Trireme__Briefing *briefing, uint32_t max, struct err *err)
{
    static const char *const names[] = {"proposals"};
    if (check_keys(root, "the whole", names, 1, err) < 0)
        return -1;
    const struct node *list = node_get(root, "proposals");
    if (list->kind != NODE_LIST)
        return err_set(err, ERR_DATA, "%s: proposals: found no list, expected one", where);
    if (list->n > max)
        return err_set(err, ERR_DATA, "%s: proposals: found %zu, expected at most %u", where,
                       list->n, max);
    to->proposals = mem_new(list->n, sizeof *to->proposals);
    for (size_t i = 0; i < list->n; i++) {
        Trireme__Proposal *proposal = message_new(&trireme__proposal__descriptor);
        to->proposals[to->n_proposals++] = proposal;
        proposal->id = mem_format("llm-%llu-%zu", (unsigned long long)briefing->step, i + 1);
        if (read_proposal(proposal, &list->children[i], briefing, err) < 0)
            return -1;
    }
    return 0;
}

int llm_answer_read(Trireme__Proposals *proposals, const char *bytes, size_t size,
                    const Trireme__Briefing *briefing, uint32_t max, struct err *err)
{
    strip(&bytes, &size);
    struct node *root = json_node_read(bytes, size, where, ERR_DATA, err);
    Trireme__Proposals *read = message_new(&trireme__proposals__descriptor);
    const int rc = root ? read_all(read, root, briefing, max, err) : -1;
    if (rc == 0) {
        for (size_t i = 0; i < proposals->n_proposals; i++)
            message_free(proposals->proposals[i]);
        free(proposals->proposals);
        proposals->proposals = read->proposals, proposals->n_proposals = read->n_proposals;
        read->proposals = NULL, read->n_proposals = 0;
    }
    message_free(read);
    node_free(root);
    return rc;
}
