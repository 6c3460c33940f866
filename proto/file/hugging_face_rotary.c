#include "proto/file/hugging_face_rotary.h"

#include "proto/file/hugging_face_value.h"
#include "proto/schema/node.h"
#include "proto/schema/number.h"
#include "proto/schema/read.h"

#include <math.h>
#include <string.h>

/* A setting, and where it was found: the first of its places. */
struct setting {
    const char *text, *where; /* NULL: not there */
};

struct rotary {
    struct setting type, theta, factor, low, high, original;
};

/* The numbers that a type needs, by their names there and here. */
struct number_row {
    const char *theirs, *ours;
    const char *expected;
    double min;
};

// clang-format off
static const struct number_row rows[] = {
    {"factor",                           "rope_factor",           "a number of at least 1", 1},
    {"low_freq_factor",                  "rope_low_freq_factor",  "a number above 0",       0},
    {"high_freq_factor",                 "rope_high_freq_factor", "a number above 0",       0},
    {"original_max_position_embeddings", "rope_original_context", "a whole number",         1},
};
// clang-format on
enum { N_ROWS = sizeof rows / sizeof *rows };

static struct setting *setting_of(struct rotary *rotary, size_t row)
{
    struct setting *const settings[N_ROWS] = {&rotary->factor, &rotary->low, &rotary->high,
                                              &rotary->original};
    return settings[row];
}

/* Takes a setting from one more place. Fails if another place says something else. */
static int take(struct setting *setting, const char *name, const char *text, const char *where,
                const char *path, struct err *err)
{
    if (!strcmp(text, "null"))
        return 0;
    if (setting->text && strcmp(setting->text, text) != 0)
        return err_set(err, ERR_DATA, "%s: found %s %s in %s and %s in %s, expected one of them",
                       path, name, setting->text, setting->where, text, where);
    if (!setting->text)
        *setting = (struct setting){text, where};
    return 0;
}

/* Takes the type from one place. Old writers called its key "type", and what they computed was not
 * always today's: under that key alone nothing but default is taken. */
static int take_type(struct rotary *rotary, const struct node *map, const char *where,
                     const char *path, struct err *err)
{
    const char *type = hugging_face_value(map, "rope_type"), *old = hugging_face_value(map, "type");
    bool is_new = strcmp(type, "null") != 0, is_old = strcmp(old, "null") != 0;
    if (!hugging_face_value_one_of("null default linear llama3", type))
        return err_set(err, ERR_DATA,
                       "%s: found %s of type '%s', which is not computed here, expected default, "
                       "linear or llama3",
                       path, where, type);
    if (is_old && !is_new && strcmp(old, "default") != 0)
        return err_set(err, ERR_DATA,
                       "%s: found %s of type '%s' under the key 'type', which is not computed "
                       "here, expected rope_type",
                       path, where, old);
    if (is_old && is_new && strcmp(old, type) != 0)
        return err_set(err, ERR_DATA, "%s: found rope_type '%s' and type '%s' in %s, expected one",
                       path, type, old, where);
    if (!is_old && !is_new && strcmp(hugging_face_value(map, "factor"), "null") != 0)
        return err_set(err, ERR_DATA, "%s: found %s with a factor and no type, expected rope_type",
                       path, where);
    const char *text = is_new ? type : map->n ? "default" : "null";
    return take(&rotary->type, "rope_type", text, where, path, err);
}

static int take_place(struct rotary *rotary, const struct node *root, const char *where,
                      const char *path, struct err *err)
{
    const struct node *map = hugging_face_value_node(root, where);
    if (!map || map->kind == NODE_NULL)
        return 0;
    if (map->kind != NODE_MAP)
        return err_set(err, ERR_DATA, "%s: found %s %s, expected an object or null", path, where,
                       hugging_face_value(root, where));
    if (take_type(rotary, map, where, path, err) < 0)
        return -1;
    const char *part = hugging_face_value(map, "partial_rotary_factor");
    if (!hugging_face_value_one_of("null 1", part))
        return err_set(err, ERR_DATA,
                       "%s: found partial_rotary_factor %s in %s, which is not computed here, "
                       "expected 1",
                       path, part, where);
    for (size_t k = 0; k < map->n; k++)
        if (map->children[k].kind == NODE_MAP)
            return err_set(err, ERR_DATA, "%s: found %s for '%s' apart, which is not computed here",
                           path, where, map->children[k].key);
    for (size_t i = 0; i < N_ROWS; i++)
        if (take(setting_of(rotary, i), rows[i].theirs, hugging_face_value(map, rows[i].theirs),
                 where, path, err) < 0)
            return -1;
    return take(&rotary->theta, "rope_theta", hugging_face_value(map, "rope_theta"), where, path,
                err);
}

/* Sets a number that the type needs. */
static int set_number(Trireme__Model *model, const struct number_row *row, const char *text,
                      const char *type, const char *path, struct err *err)
{
    double value = 0;
    bool whole = !strcmp(row->ours, "rope_original_context");
    if (!text || !number_read(&value, text, false) || value < row->min || !(value > 0) ||
        (whole && value != floor(value)))
        return err_set(err, ERR_DATA,
                       "%s: found rotary positions of type '%s' with %s %s, expected %s", path,
                       type, row->theirs, text ? text : "missing", row->expected);
    return message_set_path(model, row->ours, text, path, err);
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
    static const char top[] = "the outer object";
    struct rotary r = {0};
    if (take(&r.theta, "rope_theta", hugging_face_value(root, "rope_theta"), top, path, err) < 0 ||
        take_place(&r, root, "rope_scaling", path, err) < 0 ||
        take_place(&r, root, "rope_parameters", path, err) < 0)
        return -1;
    const char *type = r.type.text ? r.type.text : "default", *original = rows[N_ROWS - 1].theirs;
    bool linear = !strcmp(type, "linear"), llama3 = !strcmp(type, "llama3");
    // transformers 5 takes it from here first
    if (llama3 &&
        take(&r.original, original, hugging_face_value(root, original), top, path, err) < 0)
        return -1;
    if (message_set_path(model, "rope_theta", r.theta.text ? r.theta.text : "10000", path, err) < 0)
        return -1;
    if (!linear && !llama3)
        return 0;
    if (message_set_path(model, "rope_type", type, path, err) < 0)
        return -1;
    for (size_t i = 0; i < (llama3 ? N_ROWS : 1); i++)
        if (set_number(model, &rows[i], setting_of(&r, i)->text, type, path, err) < 0)
            return -1;
    return llama3 ? check_llama3(model, path, err) : 0;
}

/* Adds the type and its numbers, without braces. */
static void write_type(struct text *json, const Trireme__Model *m)
{
    const double numbers[] = {m->rope_factor, m->rope_low_freq_factor, m->rope_high_freq_factor};
    bool linear = m->rope_type == TRIREME__MODEL__ROPE_TYPE__linear,
         llama3 = m->rope_type == TRIREME__MODEL__ROPE_TYPE__llama3;
    text_printf(json, "\"rope_type\": \"%s\"", llama3 ? "llama3" : linear ? "linear" : "default");
    for (size_t i = 0; i < (llama3 ? N_ROWS - 1 : linear); i++) {
        char number[NUMBER_SIZE];
        number_write_real(number, numbers[i]);
        text_printf(json, ", \"%s\": %s", rows[i].theirs, number);
    }
    if (llama3)
        text_printf(json, ", \"%s\": %u", rows[N_ROWS - 1].theirs, m->rope_original_context);
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
