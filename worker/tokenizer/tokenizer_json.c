/* tokenizer.json of Hugging Face's package `tokenizers`, version 1.0. Fields that change ids are
 * read or refused; truncation, padding, post_processor and decoder are left alone. */
#include "base/file.h"
#include "base/text.h"
#include "proto/schema/node.h"
#include "worker/tokenizer/byte_letters.h"
#include "worker/tokenizer/model_read.h"
#include "worker/tokenizer/nfc.h"
#include "worker/tokenizer/tokenizer_internal.h"

#include <stdlib.h>
#include <string.h>

struct reading {
    struct tokenizer *tokenizer;
    const char *path;
    struct err *err;
    const char *pattern; /* of the pre-tokenizer; borrowed from the nodes or a constant */
};

static const char *const root_keys[] = {
    "version",       "truncation",     "padding", "added_tokens", "normalizer",
    "pre_tokenizer", "post_processor", "decoder", "model",        NULL};
static const char *const model_keys[] = {"type",
                                         "dropout",
                                         "unk_token",
                                         "continuing_subword_prefix",
                                         "end_of_word_suffix",
                                         "fuse_unk",
                                         "byte_fallback",
                                         "ignore_merges",
                                         "vocab",
                                         "merges",
                                         NULL};
static const char *const byte_level_keys[] = {"type", "add_prefix_space", "trim_offsets",
                                              "use_regex", NULL};
static const char *const digits_keys[] = {"type", "individual_digits", NULL};
static const char *const split_keys[] = {"type", "pattern", "behavior", "invert", NULL};
static const char *const added_keys[] = {"id",     "content", "single_word", "lstrip",
                                         "rstrip", "special", "normalized",  NULL};

static int refuse(const struct reading *reading, const char *field, const struct node *found,
                  const char *expected)
{
    static const char *const kinds[] = {
        [NODE_NULL] = "null", [NODE_LIST] = "a list", [NODE_MAP] = "a map"};
    const char *what = !found ? "nothing" : found->text ? found->text : kinds[found->kind];
    return err_set(reading->err, ERR_DATA, "%s: %s: found %.100s, expected %s", reading->path,
                   field, what, expected);
}

/* The value of a key, NULL where it is missing or null. */
static const struct node *get(const struct node *map, const char *key)
{
    for (size_t i = 0; map->kind == NODE_MAP && i < map->n; i++)
        if (strcmp(map->children[i].key, key) == 0)
            return map->children[i].kind == NODE_NULL ? NULL : &map->children[i];
    return NULL;
}

static bool is_text(const struct node *node, const char *text)
{
    return node && node->kind == NODE_STRING && strcmp(node->text, text) == 0;
}

static int check_keys(const struct reading *reading, const struct node *map, const char *field,
                      const char *const keys[])
{
    if (map->kind != NODE_MAP)
        return refuse(reading, field, map, "a map");
    for (size_t i = 0; i < map->n; i++) {
        const char *key = map->children[i].key;
        size_t k = 0;
        while (keys[k] && strcmp(keys[k], key) != 0)
            k++;
        if (!keys[k])
            return err_set(reading->err, ERR_DATA,
                           "%s: %s: found the field %.100s, which is not known here", reading->path,
                           field, key);
    }
    return 0;
}

static int get_bool(const struct reading *reading, bool *value, const struct node *map,
                    const char *key, bool missing)
{
    const struct node *node = get(map, key);
    *value = missing;
    if (!node)
        return 0;
    if (node->kind != NODE_LITERAL ||
        (strcmp(node->text, "true") != 0 && strcmp(node->text, "false") != 0))
        return refuse(reading, key, node, "true or false");
    *value = node->text[0] == 't';
    return 0;
}

static int read_model(struct reading *reading, const struct node *model)
{
    if (!model)
        return refuse(reading, "model", NULL, "a map");
    const struct node *type = get(model, "type");
    if (type ? !is_text(type, "BPE") : !get(model, "merges"))
        return refuse(reading, "model.type", type, "BPE");
    if (check_keys(reading, model, "model", model_keys) != 0)
        return -1;
    if (get(model, "dropout"))
        return refuse(reading, "model.dropout", get(model, "dropout"), "null");
    static const char *const affixes[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    for (size_t i = 0; i < 2; i++)
        if (get(model, affixes[i]) && !is_text(get(model, affixes[i]), ""))
            return refuse(reading, affixes[i], get(model, affixes[i]), "null or \"\"");
    // unk_token, fuse_unk, byte_fallback: there are tokens for all bytes, so nothing is unknown
    struct vocabulary *vocabulary = &reading->tokenizer->vocabulary;
    const struct node *vocab = get(model, "vocab"), *merges = get(model, "merges");
    if (!vocab || !merges)
        return refuse(reading, vocab ? "model.merges" : "model.vocab", NULL, "tokens and merges");
    if (get_bool(reading, &reading->tokenizer->ignore_merges, model, "ignore_merges", false) != 0 ||
        model_read_vocab(vocabulary, vocab, reading->path, reading->err) != 0 ||
        model_read_merges(vocabulary, merges, reading->path, reading->err) != 0)
        return -1;
    return vocabulary_end(vocabulary, reading->path, reading->err);
}

static int read_normalizer(struct reading *reading, const struct node *normalizer)
{
    if (!normalizer)
        return 0;
    const struct node *type = get(normalizer, "type");
    if (!is_text(type, "NFC"))
        return refuse(reading, "normalizer", type, "null or NFC");
    reading->tokenizer->nfc = nfc_open(reading->err);
    return reading->tokenizer->nfc ? 0 : err_context(reading->err, "%s", reading->path);
}

static int read_byte_level(struct reading *reading, const struct node *step, bool *use_regex)
{
    if (!is_text(get(step, "type"), "ByteLevel"))
        return refuse(reading, "pre_tokenizer", get(step, "type"),
                      "ByteLevel, alone or behind one Split or Digits");
    if (check_keys(reading, step, "pre_tokenizer", byte_level_keys) != 0 ||
        get_bool(reading, &reading->tokenizer->add_space, step, "add_prefix_space", true) != 0)
        return -1;
    return get_bool(reading, use_regex, step, "use_regex", true);
}

static int read_split(struct reading *reading, const struct node *step)
{
    bool invert;
    if (check_keys(reading, step, "pre_tokenizer.Split", split_keys) != 0 ||
        get_bool(reading, &invert, step, "invert", false) != 0)
        return -1;
    const struct node *pattern = get(step, "pattern"), *behavior = get(step, "behavior");
    const struct node *regex = pattern ? get(pattern, "Regex") : NULL;
    if (!is_text(behavior, "Isolated"))
        return refuse(reading, "pre_tokenizer.Split.behavior", behavior, "Isolated");
    if (invert)
        return refuse(reading, "pre_tokenizer.Split.invert", get(step, "invert"), "false");
    if (!regex || regex->kind != NODE_STRING)
        return refuse(reading, "pre_tokenizer.Split.pattern", regex, "a Regex");
    reading->pattern = regex->text;
    return 0;
}

static int read_digits(struct reading *reading, const struct node *step)
{
    bool individual;
    if (check_keys(reading, step, "pre_tokenizer.Digits", digits_keys) != 0 ||
        get_bool(reading, &individual, step, "individual_digits", false) != 0)
        return -1;
    if (!individual)
        return refuse(reading, "pre_tokenizer.Digits.individual_digits",
                      get(step, "individual_digits"), "true");
    reading->pattern = pieces_smollm;
    return 0;
}

/* The steps of a Sequence: ByteLevel, behind a Split or Digits or alone. */
static int read_sequence(struct reading *reading, const struct node *node, bool *use_regex)
{
    const struct node *steps = get(node, "pretokenizers");
    if (!steps || steps->kind != NODE_LIST || steps->n == 0)
        return refuse(reading, "pre_tokenizer.pretokenizers", steps, "a list");
    const struct node *first = get(&steps->children[0], "type");
    const bool split = steps->n == 2 && is_text(first, "Split"),
               digits = steps->n == 2 && is_text(first, "Digits");
    size_t at = split || digits;
    if ((split && read_split(reading, &steps->children[0]) != 0) ||
        (digits && read_digits(reading, &steps->children[0]) != 0) ||
        read_byte_level(reading, &steps->children[at++], use_regex) != 0)
        return -1;
    if (at < steps->n)
        return refuse(reading, "pre_tokenizer", get(&steps->children[at], "type"),
                      "nothing behind ByteLevel");
    if (split && (*use_regex || reading->tokenizer->add_space))
        return err_set(reading->err, ERR_DATA,
                       "%s: pre_tokenizer: found use_regex or add_prefix_space behind a Split, "
                       "expected false",
                       reading->path);
    if (digits && (!*use_regex || reading->tokenizer->add_space))
        return err_set(reading->err, ERR_DATA,
                       "%s: pre_tokenizer: found use_regex false or add_prefix_space behind "
                       "Digits, expected true and false",
                       reading->path);
    return 0;
}

static int read_pre_tokenizer(struct reading *reading, const struct node *node)
{
    bool use_regex = false;
    if (!node)
        return refuse(reading, "pre_tokenizer", NULL, "ByteLevel");
    if ((is_text(get(node, "type"), "Sequence") ? read_sequence(reading, node, &use_regex)
                                                : read_byte_level(reading, node, &use_regex)) != 0)
        return -1;
    if (use_regex && !reading->pattern)
        reading->pattern = pieces_gpt2;
    if (pieces_open(&reading->tokenizer->pieces, reading->pattern, true, reading->err) != 0)
        return err_context(reading->err, "%s: pre_tokenizer", reading->path);
    return 0;
}

/* Whether the model has a token of this name; its id then. */
static bool find_model_token(const struct reading *reading, uint32_t *id, const char *name,
                             const struct node *vocab)
{
    struct text bytes = {0};
    struct err ignored;
    bool found;
    if (byte_letters_read(&bytes, name, strlen(name)))
        found = vocabulary_find(&reading->tokenizer->vocabulary, id, bytes.bytes, bytes.size);
    else {
        const struct node *node = get(vocab, name);
        found = node && model_read_id(id, node, reading->path, &ignored) == 0;
    }
    text_clear(&bytes);
    return found;
}

/* `tokenizers` gives an added token the id that the model has for its name, else the next free one,
 * whatever the file says: a file that says something else would mean two things. */
static int read_added(struct reading *reading, const struct node *node, const struct node *vocab,
                      uint32_t *next_id)
{
    static const char *const refused[] = {"single_word", "lstrip", "rstrip"};
    struct tokenizer *tokenizer = reading->tokenizer;
    if (check_keys(reading, node, "added_tokens", added_keys) != 0)
        return -1;
    const struct node *content = get(node, "content"), *id_node = get(node, "id");
    if (!content || content->kind != NODE_STRING || !*content->text)
        return refuse(reading, "added_tokens.content", content, "a name");
    bool is_special, is_normalized, value;
    uint32_t id;
    for (size_t i = 0; i < 3; i++) {
        if (get_bool(reading, &value, node, refused[i], false) != 0)
            return -1;
        if (value)
            return err_set(reading->err, ERR_DATA,
                           "%s: added token \"%.100s\": found %s true, expected false",
                           reading->path, content->text, refused[i]);
    }
    if (!id_node)
        return refuse(reading, "added_tokens.id", NULL, "a number");
    if (get_bool(reading, &is_special, node, "special", false) != 0 ||
        get_bool(reading, &is_normalized, node, "normalized", !is_special) != 0 ||
        model_read_id(&id, id_node, reading->path, reading->err) != 0)
        return -1;
    uint32_t expected = *next_id;
    bool known = find_model_token(reading, &expected, content->text, vocab);
    if (id != expected)
        return err_set(reading->err, ERR_DATA,
                       "%s: added token \"%.100s\": found id %u, expected %u, %s", reading->path,
                       content->text, id, expected,
                       known ? "which it has in the model" : "the next free one");
    size_t size = strlen(content->text), name_size = size;
    struct text normal = {0};
    const char *name = content->text;
    if (is_normalized && tokenizer->nfc)
        name = nfc_apply(tokenizer->nfc, &normal, content->text, size, &name_size);
    added_tokens_add(is_normalized ? &tokenizer->normal : &tokenizer->raw, name, name_size, id,
                     is_special);
    text_clear(&normal);
    if (known)
        return 0;
    ++*next_id;
    return vocabulary_add(&tokenizer->vocabulary, id, content->text, size, false, reading->path,
                          reading->err);
}

static int read_all_added(struct reading *reading, const struct node *list,
                          const struct node *vocab)
{
    struct tokenizer *tokenizer = reading->tokenizer;
    uint32_t next_id = (uint32_t)tokenizer->vocabulary.n_there;
    if (list && list->kind != NODE_LIST)
        return refuse(reading, "added_tokens", list, "a list");
    for (size_t i = 0; list && i < list->n; i++)
        if (read_added(reading, &list->children[i], vocab, &next_id) != 0)
            return -1;
    added_tokens_end(&tokenizer->raw);
    added_tokens_end(&tokenizer->normal);
    return 0;
}

static int read_root(struct reading *reading, const struct node *root)
{
    if (check_keys(reading, root, "tokenizer", root_keys) != 0)
        return -1;
    if (get(root, "version") && !is_text(get(root, "version"), "1.0"))
        return refuse(reading, "version", get(root, "version"), "1.0");
    const struct node *model = get(root, "model");
    if (read_model(reading, model) != 0 || read_normalizer(reading, get(root, "normalizer")) != 0 ||
        read_pre_tokenizer(reading, get(root, "pre_tokenizer")) != 0)
        return -1;
    return read_all_added(reading, get(root, "added_tokens"), get(model, "vocab"));
}

int tokenizer_json_read(struct tokenizer *tokenizer, const char *path, struct err *err)
{
    size_t size;
    char *text = file_read(path, &size, ERR_USAGE, err);
    if (!text)
        return -1;
    struct node *root = json_node_read_foreign(text, size, path, ERR_DATA, err);
    free(text);
    if (!root)
        return -1;
    struct reading reading = {.tokenizer = tokenizer, .path = path, .err = err};
    int result = read_root(&reading, root);
    node_free(root);
    return result;
}
