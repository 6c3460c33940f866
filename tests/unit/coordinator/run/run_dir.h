/* A temporary folder with a run in it, for each test of its own. The test's *state is the struct,
 * which run_dir_set_up makes and run_dir_tear_down frees, with all that is in the folder. */
#pragma once
#include "tests/unit/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "coordinator/run/run.h"
#include "proto/config/run_config.h"

struct run_dir {
    char *root; /* the temporary folder */
    char *run;  /* the run's folder in it, which is not made yet */
};

static inline int run_dir_set_up(void **state)
{
    struct run_dir *dir = mem_new(1, sizeof *dir);
    dir->root = test_folder_new();
    dir->run = file_join(dir->root, "run");
    *state = dir;
    return 0;
}

static inline int run_dir_tear_down(void **state)
{
    struct run_dir *dir = *state;
    test_folder_free(dir->root);
    free(dir->run);
    free(dir);
    return 0;
}

#define test_in_run_dir(name)                                                                      \
    cmocka_unit_test_setup_teardown(name, run_dir_set_up, run_dir_tear_down)

/* The defaults with two sources and a setting, or none; the caller's. */
static inline Trireme__Config *run_dir_config(const char *setting)
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

/* Plans and claims the run, as a launch does; the caller clears it. */
static inline void run_dir_claim(struct run *run, const struct run_dir *dir)
{
    struct err err;
    if (run_plan_train(run, dir->run, run_dir_config(NULL), &err) < 0 || run_claim(run, &err) < 0)
        fail_msg("%s", err.text);
}

static inline void must_write_text(const char *folder, const char *name, const char *text)
{
    must_write_in(folder, name, text, strlen(text));
}
