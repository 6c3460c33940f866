/* A folder for each test, and a run in it. */
#pragma once
#include "tests/unit/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "coordinator/run/run.h"
#include "proto/config/run_config.h"

struct place {
    char *root, *run;
};

static inline int set_up(void **state)
{
    struct place *p = mem_new(1, sizeof *p);
    p->root = test_folder_new();
    p->run = file_join(p->root, "run");
    *state = p;
    return 0;
}

static inline int tear_down(void **state)
{
    struct place *p = *state;
    test_folder_free(p->root);
    free(p->run);
    free(p);
    return 0;
}

static inline void warn(void *context, const char *sentence)
{
    (void)context;
    fail_msg("unexpected: %s", sentence);
}

static inline Trireme__Config *config_of(const char *setting)
{
    struct err err;
    char *const settings[] = {
        "data.sources=[{name: a, path: x, weight: 2}, {name: b, path: y, weight: 1}]",
        (char *)setting};
    Trireme__Config *config = run_config_read(NULL, settings, setting ? 2 : 1, &err);
    if (!config)
        fail_msg("%s", err.text);
    return config;
}

static inline void claim(struct run *run, const struct place *p)
{
    struct err err;
    if (run_plan_train(run, p->run, config_of(NULL), &err) < 0 || run_claim(run, &err) < 0)
        fail_msg("%s", err.text);
}

static inline char *content(const char *folder, const char *name)
{
    struct err err;
    char *path = file_join(folder, name), *text = file_read(path, NULL, ERR_DATA, &err);
    free(path);
    if (!text)
        fail_msg("%s", err.text);
    return text;
}

static inline void put(const char *folder, const char *name, const char *text)
{
    struct err err;
    char *path = file_join(folder, name);
    assert_int_equal(file_make_dirs(folder, ERR_USAGE, &err), 0);
    assert_int_equal(file_write_atomic(path, text, strlen(text), ERR_USAGE, &err), 0);
    free(path);
}

#define test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
