/* schema_gen SET OUT: reads the descriptor set that protoc wrote with --include_source_info and
 * writes the table of docs.h: comments, bounds, units, when a field may change.
 *
 * It fails, naming the place, on a message, a field or an enum value without a comment, on a
 * default out of bounds, and on what the walk does not support (oneof, groups, extensions, bytes
 * with a default, a map of anything but messages of two texts). Only files of package trireme are
 * looked at.
 *
 * protobuf-c knows no extensions, so a field's knob arrives as an unknown field of its options: tag
 * 50001, the length prefix still before the bytes. Written as (knob).min = 1, (knob).max = 2 it
 * arrives in several pieces, whose concatenation is the whole (a rule of protobuf's encoding). */
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include "google/protobuf/descriptor.pb-c.h"
#include "knob.pb-c.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KNOB_TAG = 50001, PATH_MAX_DEPTH = 32 };

// Numbers of descriptor.proto's fields, of which the paths to comments consist.
enum {
    FILE_MESSAGE = 4,
    FILE_ENUM = 5,
    MESSAGE_FIELD = 2,
    MESSAGE_NESTED = 3,
    MESSAGE_ENUM = 4,
    ENUM_VALUE = 2
};

struct row {
    char *key, *text;
};
struct rows {
    struct row *rows;
    size_t n, room;
};
struct gen {
    const Google__Protobuf__FileDescriptorSet *set;
    const Google__Protobuf__FileDescriptorProto *file; /* the current one of the set */
    struct text fields;                                /* the arrays of fields */
    struct rows messages, values;
    size_t mistakes;
};
struct path {
    int32_t steps[PATH_MAX_DEPTH];
    size_t n;
};

static void mistake(struct gen *gen, const char *what, const char *name, const char *why)
{
    fprintf(stderr, "schema_gen: %s: %s %s %s\n", gen->file->name, what, name, why);
    gen->mistakes++;
}

static struct path path_to(const struct path *above, int32_t field, size_t index)
{
    struct path path = {.n = 0};
    if (above)
        path = *above;
    if (path.n + 2 > PATH_MAX_DEPTH) {
        fprintf(stderr, "schema_gen: messages are nested too deep\n");
        exit(1);
    }
    path.steps[path.n++] = field;
    path.steps[path.n++] = (int32_t)index;
    return path;
}

static void add_row(struct rows *rows, char *key, char *text)
{
    rows->rows = mem_grow(rows->rows, rows->n, &rows->room, sizeof *rows->rows);
    rows->rows[rows->n++] = (struct row){key, text};
}

static int compare_rows(const void *a, const void *b)
{
    return strcmp(((const struct row *)a)->key, ((const struct row *)b)->key);
}

static void write_rows(struct text *out, struct rows *rows)
{
    qsort(rows->rows, rows->n, sizeof *rows->rows, compare_rows);
    for (size_t i = 0; i < rows->n; i++) {
        text_printf(out, "    %s,\n", rows->rows[i].text);
        free(rows->rows[i].key);
        free(rows->rows[i].text);
    }
    free(rows->rows);
}

static void add_literal(struct text *out, const char *s)
{
    if (!s) {
        text_add(out, "NULL");
        return;
    }
    text_add(out, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\' || c == '?')
            text_printf(out, "\\%c", c);
        else if (c < ' ' || c >= 127)
            text_printf(out, "\\%03o", c);
        else
            text_add_bytes(out, &c, 1);
    }
    text_add(out, "\"");
}

static void add_number(struct text *out, double value)
{
    if (isinf(value))
        text_add(out, value > 0 ? "HUGE_VAL" : "-HUGE_VAL");
    else
        text_printf(out, "%.17g", value);
}

/* Returns the comment at a path as one paragraph. NULL, with a line on stderr, if there is none. */
static char *find_comment(struct gen *gen, const struct path *path, const char *what,
                          const char *name)
{
    const Google__Protobuf__SourceCodeInfo *info = gen->file->source_code_info;
    struct text comment = {0};
    for (size_t i = 0; info && i < info->n_location; i++) {
        const Google__Protobuf__SourceCodeInfo__Location *at = info->location[i];
        if (at->n_path != path->n ||
            memcmp(at->path, path->steps, path->n * sizeof *path->steps) != 0)
            continue;
        for (const char *s = at->leading_comments; s && *s; s++) {
            bool blank = isspace((unsigned char)*s);
            if (!blank)
                text_add_bytes(&comment, s, 1);
            else if (comment.size && comment.bytes[comment.size - 1] != ' ')
                text_add(&comment, " ");
        }
        break;
    }
    while (comment.size && comment.bytes[comment.size - 1] == ' ')
        comment.bytes[--comment.size] = 0;
    if (!comment.size) {
        mistake(gen, what, name, "has no comment, expected one above it");
        return NULL;
    }
    return text_take(&comment);
}

static Trireme__Knob *
read_knob(struct gen *gen, const Google__Protobuf__FieldDescriptorProto *field, const char *name)
{
    struct text bytes = {0};
    const Google__Protobuf__FieldOptions *options = field->options;
    for (size_t i = 0; options && i < options->base.n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *unknown = &options->base.unknown_fields[i];
        if (unknown->tag != KNOB_TAG || unknown->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
            continue;
        size_t prefix = 0;
        while (prefix < unknown->len && unknown->data[prefix] & 0x80)
            prefix++;
        if (prefix < unknown->len)
            text_add_bytes(&bytes, unknown->data + prefix + 1, unknown->len - prefix - 1);
    }
    Trireme__Knob *knob = trireme__knob__unpack(NULL, bytes.size, (const uint8_t *)bytes.bytes);
    if (!knob)
        mistake(gen, "field", name, "has a knob that is none of knob.proto");
    text_clear(&bytes);
    return knob;
}

/* Whether a type's name (".trireme.Change") is that of a top-level message of two optional
 * texts. */
static bool is_entry(const struct gen *gen, const char *name)
{
    for (size_t i = 0; i < gen->set->n_file; i++) {
        const Google__Protobuf__FileDescriptorProto *file = gen->set->file[i];
        for (size_t k = 0; k < file->n_message_type; k++) {
            const Google__Protobuf__DescriptorProto *type = file->message_type[k];
            char *full = mem_format(".%s.%s", file->package ? file->package : "", type->name);
            bool is_it = name && strcmp(full, name) == 0;
            free(full);
            if (!is_it)
                continue;
            size_t n_texts = 0;
            for (size_t f = 0; f < type->n_field; f++)
                n_texts += type->field[f]->type ==
                               GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_STRING &&
                           type->field[f]->label ==
                               GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_OPTIONAL;
            return type->n_field == 2 && n_texts == 2;
        }
    }
    return false;
}

static void check_field(struct gen *gen, const Google__Protobuf__FieldDescriptorProto *field,
                        const Trireme__Knob *knob, const char *name)
{
    if (field->has_oneof_index)
        mistake(gen, "field", name, "is in a oneof, which the walk does not support");
    if (field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_GROUP)
        mistake(gen, "field", name, "is a group, which the walk does not support");
    if (field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_BYTES &&
        field->default_value)
        mistake(gen, "field", name, "is bytes with a default, which the walk does not support");
    if (knob->map &&
        (field->label != GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__LABEL__LABEL_REPEATED ||
         !is_entry(gen, field->type_name)))
        mistake(gen, "field", name, "is a map, but no list of messages of two optional texts");
    if (knob->has_min && knob->has_max && !(knob->min <= knob->max))
        mistake(gen, "field", name, "has a min above its max");
    if (!field->default_value || (!knob->has_min && !knob->has_max))
        return;
    double value = strtod(field->default_value, NULL);
    if ((knob->has_min && !(value >= knob->min)) || (knob->has_max && !(value <= knob->max)))
        mistake(gen, "field", name, "has a default out of its bounds");
}

/* The index of a field in protobuf-c's list, which is in the order of field numbers. */
static size_t slot_of(const Google__Protobuf__DescriptorProto *type,
                      const Google__Protobuf__FieldDescriptorProto *field)
{
    size_t slot = 0;
    for (size_t i = 0; i < type->n_field; i++)
        slot += type->field[i]->number < field->number;
    return slot;
}

/* Writes the constant of walk.h for an enum's value: a prefix and its name in capitals. */
static void add_constant(struct text *out, const char *prefix, const ProtobufCEnumDescriptor *type,
                         int value)
{
    text_add(out, prefix);
    for (const char *s = protobuf_c_enum_descriptor_get_value(type, value)->name; *s; s++)
        text_printf(out, "%c", toupper((unsigned char)*s));
}

static void add_field(struct gen *gen, const Google__Protobuf__DescriptorProto *type, size_t i,
                      const struct path *above, const char *message)
{
    const Google__Protobuf__FieldDescriptorProto *field = type->field[i];
    struct path path = path_to(above, MESSAGE_FIELD, i);
    char *name = mem_format("%s.%s", message, field->name);
    char *comment = find_comment(gen, &path, "field", name);
    Trireme__Knob *knob = read_knob(gen, field, name);
    if (knob) {
        check_field(gen, field, knob, name);
        struct text *out = &gen->fields;
        text_add(out, "    {.message = ");
        add_literal(out, message);
        text_add(out, ", .field = ");
        add_literal(out, field->name);
        text_add(out, ", .comment = ");
        add_literal(out, comment);
        text_add(out, ", .unit = ");
        add_literal(out, knob->unit);
        text_add(out, ", .names = ");
        add_literal(out, field->type == GOOGLE__PROTOBUF__FIELD_DESCRIPTOR_PROTO__TYPE__TYPE_ENUM
                             ? field->type_name + 1
                             : NULL);
        text_add(out, ", .place = ");
        add_literal(out, knob->place);
        text_add(out, ", .min = ");
        add_number(out, knob->has_min ? knob->min : -HUGE_VAL);
        text_add(out, ", .max = ");
        add_number(out, knob->has_max ? knob->max : HUGE_VAL);
        add_constant(out, ", .when = WHEN_", &trireme__when__descriptor, (int)knob->when);
        add_constant(out, ", .judged = JUDGED_", &trireme__judged__descriptor, (int)knob->judged);
        add_constant(out, ", .calm = CALM_", &trireme__calm__descriptor, (int)knob->calm);
        text_add(out, ", .calm_from = ");
        add_literal(out, knob->calm_from);
        text_printf(out, ", .map = %s, .is_private = %s, .of_terminal = %s, .slot = %zu},\n",
                    knob->map ? "true" : "false", knob->private_ ? "true" : "false",
                    knob->terminal ? "true" : "false", slot_of(type, field));
        trireme__knob__free_unpacked(knob, NULL);
    }
    free(comment);
    free(name);
}

static void add_enum(struct gen *gen, const Google__Protobuf__EnumDescriptorProto *type,
                     const struct path *path, const char *scope)
{
    char *name = mem_format("%s.%s", scope, type->name);
    if (type->value[0]->number != 0)
        mistake(gen, "enum", name,
                "begins with another number than 0, which a value that is not set would have");
    for (size_t i = 0; i < type->n_value; i++) {
        struct path value_path = path_to(path, ENUM_VALUE, i);
        char *value = mem_format("%s %s", name, type->value[i]->name);
        char *comment = find_comment(gen, &value_path, "enum value", value);
        struct text row = {0};
        text_printf(&row, "{\"%s\", \"%s\", ", name, type->value[i]->name);
        add_literal(&row, comment);
        text_add(&row, "}");
        // a blank sorts before every letter of a name
        add_row(&gen->values, value, text_take(&row));
        free(comment);
    }
    free(name);
}

static void add_message(struct gen *gen, const Google__Protobuf__DescriptorProto *type,
                        const struct path *path, const char *scope)
{
    char *name = mem_format("%s.%s", scope, type->name);
    char *comment = find_comment(gen, path, "message", name);
    if (type->n_extension || type->n_extension_range)
        mistake(gen, "message", name, "has extensions, which the walk does not support");
    if (type->n_field) {
        text_printf(&gen->fields, "static const struct field_doc fields_%zu[] = {\n",
                    gen->messages.n);
        for (size_t i = 0; i < type->n_field; i++)
            add_field(gen, type, i, path, name);
        text_add(&gen->fields, "};\n");
    }
    struct text row = {0};
    text_printf(&row, "{\"%s\", ", name);
    add_literal(&row, comment);
    if (type->n_field)
        text_printf(&row, ", %zu, fields_%zu}", type->n_field, gen->messages.n);
    else
        text_add(&row, ", 0, NULL}");
    add_row(&gen->messages, mem_strdup(name), text_take(&row));
    for (size_t i = 0; i < type->n_enum_type; i++) {
        struct path at = path_to(path, MESSAGE_ENUM, i);
        add_enum(gen, type->enum_type[i], &at, name);
    }
    for (size_t i = 0; i < type->n_nested_type; i++) {
        struct path at = path_to(path, MESSAGE_NESTED, i);
        add_message(gen, type->nested_type[i], &at, name);
    }
    free(comment);
    free(name);
}

static void add_file(struct gen *gen, const Google__Protobuf__FileDescriptorProto *file)
{
    if (!file->package || strcmp(file->package, "trireme") != 0)
        return;
    gen->file = file;
    for (size_t i = 0; i < file->n_message_type; i++) {
        struct path at = path_to(NULL, FILE_MESSAGE, i);
        add_message(gen, file->message_type[i], &at, file->package);
    }
    for (size_t i = 0; i < file->n_enum_type; i++) {
        struct path at = path_to(NULL, FILE_ENUM, i);
        add_enum(gen, file->enum_type[i], &at, file->package);
    }
}

/* A const array of an enum's names, indexed by the constants that walk.h has for them. */
static void write_names(struct text *out, const char *array, const char *prefix,
                        const ProtobufCEnumDescriptor *type)
{
    text_printf(out, "const char *const %s[] = {\n", array);
    for (unsigned i = 0; i < type->n_values; i++) {
        text_add(out, "    [");
        add_constant(out, prefix, type, type->values[i].value);
        text_printf(out, "] = \"%s\",\n", type->values[i].name);
    }
    text_add(out, "};\n");
}

static char *write_table(struct gen *gen)
{
    struct text out = {0};
    text_add(
        &out,
        "/* Written by schema_gen from the .proto files. */\n#include \"proto/schema/docs.h\"\n\n"
        "#include <math.h>\n\n");
    text_add(&out, gen->fields.bytes ? gen->fields.bytes : "");
    text_clear(&gen->fields);
    size_t n_messages = gen->messages.n, n_values = gen->values.n;
    text_add(&out, "const struct message_doc schema_messages[] = {\n");
    write_rows(&out, &gen->messages);
    text_printf(&out, "};\nconst size_t schema_n_messages = %zu;\n", n_messages);
    text_add(&out, "const struct value_doc schema_values[] = {\n");
    write_rows(&out, &gen->values);
    text_printf(&out, "};\nconst size_t schema_n_values = %zu;\n", n_values);
    write_names(&out, "schema_when_names", "WHEN_", &trireme__when__descriptor);
    return text_take(&out);
}

int main(int argc, char **argv)
{
    struct err err;
    size_t size;
    if (argc != 3) {
        fprintf(stderr, "schema_gen: found %d arguments, expected SET OUT\n", argc - 1);
        return 2;
    }
    char *bytes = file_read(argv[1], &size, ERR_USAGE, &err);
    if (!bytes) {
        fprintf(stderr, "schema_gen: %s\n", err.text);
        return 2;
    }
    Google__Protobuf__FileDescriptorSet *set =
        google__protobuf__file_descriptor_set__unpack(NULL, size, (const uint8_t *)bytes);
    free(bytes);
    if (!set) {
        fprintf(stderr, "schema_gen: %s is no descriptor set\n", argv[1]);
        return 2;
    }
    struct gen gen = {.set = set};
    for (size_t i = 0; i < set->n_file; i++)
        add_file(&gen, set->file[i]);
    char *table = write_table(&gen);
    google__protobuf__file_descriptor_set__free_unpacked(set, NULL);
    int failed = gen.mistakes != 0;
    if (!failed && file_write_atomic(argv[2], table, strlen(table), ERR_USAGE, &err) != 0) {
        fprintf(stderr, "schema_gen: %s\n", err.text);
        failed = 1;
    }
    free(table);
    return failed;
}
