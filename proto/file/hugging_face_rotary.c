#include "proto/file/hugging_face_rotary.h"

#include "proto/file/hugging_face_value.h"
#include "proto/schema/node.h"
#include "proto/schema/number.h"
#include "proto/schema/read.h"

#include <math.h>
#include <string.h>

enum setting { TYPE, THETA, FACTOR, LOW, HIGH, ORIGINAL, N_SETTINGS };

/* The settings by their names there and here, and what is expected of the numbers. */
// clang-format off
static const struct {
    const char *theirs, *ours;
    const char *expected;
    double min;
} rows[N_SETTINGS] = {
    {"rope_type",                        "rope_type",             "",                       0},
    {"rope_theta",                       "rope_theta",            "a number of at least 1", 1},
    {"factor",                           "rope_factor",           "a number of at least 1", 1},
    {"low_freq_factor",                  "rope_low_freq_factor",  "a number above 0",       0},
    {"high_freq_factor",                 "rope_high_freq_factor", "a number above 0",       0},
    {"original_max_position_embeddings", "rope_original_context", "a whole number",         1},
};
// clang-format on

/* The settings of one place, as texts; NULL: not there. */
struct place {
    const char *where;
    const char *text[N_SETTINGS];
};

static const char *value_or_null(const struct node *map, const char *key)
{
    const char *text = hugging_face_value(map, key);
    return strcmp(text, "null") != 0 ? text : NULL;
}

/* Takes the type of one place. Old writers called its key "type", and what they computed was not
 * always today's: under that key alone nothing but default is taken. */
static int take_type(struct place *place, const struct node *map, const char *path, struct err *err)
{
    const char *type = value_or_null(map, "rope_type"), *old = value_or_null(map, "type");
    if (type && !hugging_face_value_one_of("default linear llama3", type))
        return err_set(err, ERR_DATA,
                       "%s: found %s of type '%s', which is not computed here, expected default, "
                       "linear or llama3",
                       path, place->where, type);
    if (old && !type && strcmp(old, "default") != 0)
        return err_set(err, ERR_DATA,
                       "%s: found %s of type '%s' under the key 'type', which is not computed "
                       "here, expected rope_type",
                       path, place->where, old);
    if (old && type && strcmp(old, type) != 0)
        return err_set(err, ERR_DATA, "%s: found rope_type '%s' and type '%s' in %s, expected one",
                       path, type, old, place->where);
    if (!old && !type && value_or_null(map, "factor"))
        return err_set(err, ERR_DATA, "%s: found %s with a factor and no type, expected rope_type",
                       path, place->where);
    place->text[TYPE] = type ? type : "default";
    return 0;
}

/* Takes the settings of an object. One that is not there, or is empty, says nothing. */
static int take_place(struct place *place, const struct node *root, const char *path,
                      struct err *err)
{
    const struct node *map = hugging_face_value_node(root, place->where);
    if (!map || map->kind == NODE_NULL || (map->kind == NODE_MAP && map->n == 0))
        return 0;
    if (map->kind != NODE_MAP)
        return err_set(err, ERR_DATA, "%s: found %s %s, expected an object or null", path,
                       place->where, hugging_face_value(root, place->where));
    if (take_type(place, map, path, err) < 0)
        return -1;
    const char *part = hugging_face_value(map, "partial_rotary_factor");
    if (!hugging_face_value_one_of("null 1", part))
        return err_set(err, ERR_DATA,
                       "%s: found partial_rotary_factor %s in %s, which is not computed here, "
                       "expected 1",
                       path, part, place->where);
    for (size_t k = 0; k < map->n; k++)
        if (map->children[k].kind == NODE_MAP)
            return err_set(err, ERR_DATA, "%s: found %s for '%s' apart, which is not computed here",
                           path, place->where, map->children[k].key);
    for (enum setting i = THETA; i < N_SETTINGS; i++) {
        const struct node *node = hugging_face_value_node(map, rows[i].theirs);
        place->text[i] = value_or_null(map, rows[i].theirs);
        if (node && node->kind == NODE_STRING)
            return err_set(err, ERR_DATA, "%s: found %s '%s' in %s, expected %s", path,
                           rows[i].theirs, node->text, place->where, rows[i].expected);
    }
    return 0;
}

/* Fails if a place says what the one that is read does not say. */
static int check_same(const struct place *read, const struct place *other, const char *path,
                      struct err *err)
{
    for (enum setting i = TYPE; i < N_SETTINGS; i++)
        if (other->text[i] && (!read->text[i] || strcmp(read->text[i], other->text[i]) != 0))
            return err_set(err, ERR_DATA,
                           "%s: found %s %s in %s and %s in %s, expected one of them", path,
                           rows[i].theirs, read->text[i] ? read->text[i] : "missing", read->where,
                           other->text[i], other->where);
    return 0;
}

/* Leaves in *read what transformers reads: rope_scaling, where it says anything, else
 * rope_parameters; what it does not say is taken from the outer object. */
static int take_all(struct place *read, const struct node *root, const char *path, struct err *err)
{
    struct place scaling = {.where = "rope_scaling"}, parameters = {.where = "rope_parameters"};
    struct place outer = {.where = "the outer object",
                          .text[THETA] = value_or_null(root, rows[THETA].theirs)};
    if (take_place(&scaling, root, path, err) < 0 || take_place(&parameters, root, path, err) < 0)
        return -1;
    *read = scaling.text[TYPE] ? scaling : parameters;
    if (!read->text[TYPE])
        read->text[TYPE] = "default";
    if (!strcmp(read->text[TYPE], "llama3"))
        outer.text[ORIGINAL] = value_or_null(root, rows[ORIGINAL].theirs);
    for (enum setting i = THETA; i < N_SETTINGS; i++)
        if (!read->text[i])
            read->text[i] = outer.text[i];
    if (check_same(read, &outer, path, err) < 0 ||
        (scaling.text[TYPE] && check_same(read, &parameters, path, err) < 0))
        return -1;
    if (!read->text[THETA])
        read->text[THETA] = "10000";
    return 0;
}

/* Sets a number that the type needs. */
static int set_number(Trireme__Model *model, enum setting i, const struct place *read,
                      const char *path, struct err *err)
{
    double value = 0;
    const char *text = read->text[i];
    if (!text || !number_read(&value, text, false) || value < rows[i].min || !(value > 0) ||
        (i == ORIGINAL && value != floor(value)))
        return err_set(err, ERR_DATA,
                       "%s: found rotary positions of type '%s' with %s %s, expected %s", path,
                       read->text[TYPE], rows[i].theirs, text ? text : "missing", rows[i].expected);
    return message_set_path(model, rows[i].ours, text, path, err);
}

/* Fails if the numbers of llama3 do not fit each other or the model. */
static int check_llama3(const Trireme__Model *model, const char *path, struct err *err)
{
    if (model->rope_high_freq_factor <= model->rope_low_freq_factor)
        return err_set(err, ERR_DATA,
                       "%s: found rotary positions of type 'llama3' with high_freq_factor %g, "
                       "expected more than low_freq_factor %g",
                       path, model->rope_high_freq_factor, model->rope_low_freq_factor);
    if (model->rope_original_context >= model->context)
        return err_set(err, ERR_DATA,
                       "%s: found rotary positions of type 'llama3' with "
                       "original_max_position_embeddings %u, expected less than "
                       "max_position_embeddings %u: they would stretch nothing",
                       path, model->rope_original_context, model->context);
    return 0;
}

int hugging_face_rotary_read(Trireme__Model *model, const struct node *root, const char *path,
                             struct err *err)
{
    struct place read;
    if (take_all(&read, root, path, err) < 0 || set_number(model, THETA, &read, path, err) < 0)
        return -1;
    bool llama3 = !strcmp(read.text[TYPE], "llama3");
    if (!strcmp(read.text[TYPE], "default"))
        return 0;
    if (message_set_path(model, rows[TYPE].ours, read.text[TYPE], path, err) < 0)
        return -1;
    for (enum setting i = FACTOR; i < (llama3 ? N_SETTINGS : LOW); i++)
        if (set_number(model, i, &read, path, err) < 0)
            return -1;
    return llama3 ? check_llama3(model, path, err) : 0;
}

/* Adds the type and its numbers, without braces. */
static void write_type(struct text *json, const Trireme__Model *m)
{
    const double numbers[] = {[FACTOR] = m->rope_factor,
                              [LOW] = m->rope_low_freq_factor,
                              [HIGH] = m->rope_high_freq_factor};
    bool linear = m->rope_type == TRIREME__MODEL__ROPE_TYPE__linear,
         llama3 = m->rope_type == TRIREME__MODEL__ROPE_TYPE__llama3;
    text_printf(json, "\"rope_type\": \"%s\"", llama3 ? "llama3" : linear ? "linear" : "default");
    const enum setting end = llama3 ? ORIGINAL : linear ? LOW : FACTOR;
    for (enum setting i = FACTOR; i < end; i++) {
        char number[NUMBER_SIZE];
        number_write_real(number, numbers[i]);
        text_printf(json, ", \"%s\": %s", rows[i].theirs, number);
    }
    if (llama3)
        text_printf(json, ", \"%s\": %u", rows[ORIGINAL].theirs, m->rope_original_context);
}

void hugging_face_rotary_write(struct text *json, const Trireme__Model *model)
{
    text_printf(json, "  \"rope_theta\": %.17g,\n", model->rope_theta);
    if (model->rope_type != TRIREME__MODEL__ROPE_TYPE__default) {
        text_add(json, "  \"rope_scaling\": {");
        write_type(json, model);
        text_add(json, "},\n");
    }
    text_printf(json, "  \"rope_parameters\": {\"rope_theta\": %.17g, ", model->rope_theta);
    write_type(json, model);
    text_add(json, "},\n");
}
