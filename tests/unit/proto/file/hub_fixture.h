/* Hugging Face directories for tests: the tensors of a fixture, changed, and written into files. */
#pragma once
#include "tests/unit/proto/file/file_fixture.h"

#include "base/file.h"
#include "base/mem.h"
#include "proto/file/hugging_face.h"
#include "proto/file/hugging_face_config.h"
#include "proto/file/safetensors.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/model_shape.h"

enum { GPT2, LLAMA, TENSORS_MAX = 100 };

/* A folder to be written, its model, and the tensors to write. */
struct hub {
    char *folder;
    Trireme__Model *model;
    struct layout *layout;
    float *expected; /* the fixture's weights in our order */
    struct safetensors_part parts[TENSORS_MAX];
    size_t n;
};

/* Adds a tensor of one or two dimensions (columns 0: one). Names and numbers are copied. */
static inline void hub_add(struct hub *hub, const char *name, size_t rows, size_t columns,
                           enum safetensors_type type, const void *numbers)
{
    assert_true(hub->n < TENSORS_MAX);
    struct safetensors_part *p = &hub->parts[hub->n++];
    *p = (struct safetensors_part){
        .name = mem_strdup(name),
        .n_dims = columns ? 2 : 1,
        .shape = {rows, columns},
        .type = type
    };
    void *copy = mem_new(safetensors_part_bytes(p), 1);
    memcpy(copy, numbers, safetensors_part_bytes(p));
    p->numbers = copy;
}

static inline size_t hub_find(const struct hub *hub, const char *name)
{
    for (size_t i = 0; i < hub->n; i++)
        if (!strcmp(hub->parts[i].name, name))
            return i;
    fail_msg("no tensor %s", name);
    return 0;
}

static inline float *hub_numbers(struct hub *hub, const char *name)
{
    return (float *)hub->parts[hub_find(hub, name)].numbers;
}

static inline void hub_remove(struct hub *hub, const char *name)
{
    size_t i = hub_find(hub, name);
    free((char *)hub->parts[i].name);
    free((void *)hub->parts[i].numbers);
    hub->parts[i] = hub->parts[--hub->n];
}

static inline void hub_rename(struct hub *hub, const char *name, const char *new)
{
    size_t i = hub_find(hub, name);
    free((char *)hub->parts[i].name);
    hub->parts[i].name = mem_strdup(new);
}

/* Opens a fixture; the folder root/hub is made, with its config.json. */
static inline struct hub hub_new(const char *root, int fixture)
{
    static const char *const fixtures[] = {FIXTURES "/gpt2/hf", FIXTURES "/llama/hf"};
    struct err err;
    struct hub hub = {.folder = file_join(root, "hub"),
                      .model = message_new(&trireme__model__descriptor)};
    const char *from = fixtures[fixture];
    assert_int_equal(hugging_face_shape(hub.model, from, &err), 0);
    assert_int_equal(model_shape_resolve(hub.model, &err), 0);
    hub.layout = layout_new(hub.model);
    hub.expected = mem_floats(hub.layout->n_params);
    char *path = file_join(from, "model.safetensors"), *config = file_join(from, "config.json"),
         *to = file_join(hub.folder, "config.json");
    struct safetensors file;
    assert_int_equal(safetensors_open(&file, path, &err), 0);
    for (size_t i = 0; i < file.n; i++)
        hub_add(&hub, file.entries[i].name, file.entries[i].shape[0],
                file.entries[i].n_dims == 2 ? file.entries[i].shape[1] : 0, SAFETENSORS_F32,
                file.entries[i].bytes);
    safetensors_close(&file);
    assert_int_equal(
        hugging_face_read(from, hub.model, hub.layout, 0, hub.layout->n_params, hub.expected, &err),
        0);
    assert_int_equal(file_make_dirs(hub.folder, ERR_USAGE, &err), 0);
    size_t size = 0;
    char *json = must_read(config, &size);
    must_write(to, json, size);
    free(json);
    free(to);
    free(config);
    free(path);
    return hub;
}

static inline void hub_free(struct hub *hub)
{
    while (hub->n)
        hub_remove(hub, hub->parts[0].name);
    free(hub->expected);
    layout_free(hub->layout);
    message_free(hub->model);
    free(hub->folder);
}

/* Writes text into a file of the folder. */
static inline void hub_text(const struct hub *hub, const char *name, const char *text)
{
    char *path = file_join(hub->folder, name);
    must_write(path, text, strlen(text));
    free(path);
}

/* Writes tensors first, first + step, ... of the hub into a file of the folder. */
static inline void hub_write(const struct hub *hub, const char *name, size_t first, size_t step)
{
    struct err err;
    struct safetensors_part parts[TENSORS_MAX];
    size_t n = 0;
    for (size_t i = first; i < hub->n; i += step)
        parts[n++] = hub->parts[i];
    char *path = file_join(hub->folder, name);
    if (safetensors_write(path, parts, n, NULL, NULL, ERR_USAGE, &err) < 0)
        fail_msg("%s", err.text);
    free(path);
}

/* Fails unless the folder is read with the fixture's numbers. */
static inline void hub_check_read(const struct hub *hub)
{
    struct err err;
    size_t n = hub->layout->n_params;
    float *found = mem_floats(n);
    if (hugging_face_check(hub->folder, hub->model, hub->layout, &err) < 0 ||
        hugging_face_read(hub->folder, hub->model, hub->layout, 0, n, found, &err) < 0)
        fail_msg("%s", err.text);
    check_bits(found, hub->expected, n);
    free(found);
}

/* Fails unless the folder is refused with these parts of the sentence, by the check too if the
 * numbers do not matter. */
static inline void hub_check_refused(const struct hub *hub, bool numbers, const char *where,
                                     const char *what)
{
    struct err err;
    size_t n = hub->layout->n_params;
    float *found = mem_floats(n);
    for (int read = 0; read < 2; read++) {
        int rc = read ? hugging_face_read(hub->folder, hub->model, hub->layout, 0, n, found, &err)
                      : hugging_face_check(hub->folder, hub->model, hub->layout, &err);
        if (numbers && !read) {
            assert_int_equal(rc, 0);
            continue;
        }
        if (rc == 0)
            fail_msg("taken, expected a refusal with \"%s\"", what);
        assert_int_equal(err.code, ERR_DATA);
        assert_contains(err.text, where);
        assert_contains(err.text, what);
    }
    free(found);
}
