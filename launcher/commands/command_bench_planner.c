/* trireme bench planner: a loop over `train`. Each run is a folder OUT/runs/TASK-ARM-SEED with its
 * configuration beside it (.yaml), what it printed (.log), and what it came to (.result.json),
 * which says that it is over. */
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/version.h"
#include "coordinator/run/run.h"
#include "launcher/bench/bench_result.h"
#include "launcher/bench/bench_run.h"
#include "launcher/bench/bench_table.h"
#include "launcher/bench/bench_task.h"
#include "launcher/bench/bench_texts.h"
#include "launcher/commands/command.h"
#include "launcher/commands/newest_manifest.h"
#include "launcher/job/stop_request.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double look_seconds = 0.05;

struct arm {
    char *name;
    Trireme__BenchPlanner *planner; /* NULL: none, oracle */
};

struct item {
    size_t task, arm;
    uint64_t seed;
    char *folder, *config, *result; /* paths */
    struct bench_run run;
    bool begun, over;
    Trireme__BenchRun *found; /* once it is over; the reply's */
};

struct bench {
    const Trireme__BenchPlannerRequest *request;
    char *out, *data; /* absolute */
    struct bench_named *tasks;
    size_t n_tasks;
    struct arm *arms;
    size_t n_arms;
    struct item *items;
    size_t n_items, n_over;
};

static void clear(struct bench *b)
{
    for (size_t i = 0; i < b->n_items; i++) {
        free(b->items[i].folder);
        free(b->items[i].config);
        free(b->items[i].result);
    }
    for (size_t i = 0; i < b->n_tasks; i++) {
        free((char *)b->tasks[i].name);
        message_free((void *)b->tasks[i].task);
    }
    for (size_t i = 0; i < b->n_arms; i++) {
        free(b->arms[i].name);
        message_free(b->arms[i].planner);
    }
    free(b->items);
    free(b->tasks);
    free(b->arms);
    free(b->data);
    free(b->out);
}

static int add_task(struct bench *b, const char *task, struct err *err)
{
    char *name = bench_name_of(task);
    for (size_t i = 0; i < b->n_tasks; i++)
        if (!strcmp(b->tasks[i].name, name)) {
            err_set(err, ERR_USAGE, "task '%s': found it twice, expected it once", name);
            free(name);
            return -1;
        }
    Trireme__BenchTask *read = bench_task_read(task, b->request->folder, err);
    if (!read) {
        free(name);
        return -1;
    }
    b->tasks = mem_resize(b->tasks, b->n_tasks + 1, sizeof *b->tasks);
    b->tasks[b->n_tasks++] = (struct bench_named){name, read};
    return 0;
}

static int read_tasks(struct bench *b, struct err *err)
{
    const Trireme__BenchPlannerRequest *r = b->request;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < r->n_task; i++)
        rc = add_task(b, r->task[i], err);
    if (r->n_task || rc < 0)
        return rc;
    size_t n = 0;
    char **names = file_names(r->folder, &n, ERR_USAGE, err);
    for (size_t i = 0; names && rc == 0 && i < n; i++)
        if (file_name_ends(names[i], ".yaml")) {
            char *path = file_join(r->folder, names[i]);
            rc = add_task(b, path, err);
            free(path);
        }
    if (!names)
        return -1;
    file_names_free(names);
    return rc < 0 || b->n_tasks
               ? rc
               : err_set(err, ERR_USAGE, "%s: found no task (*.yaml), expected one at least",
                         r->folder);
}

static int add_arm(struct bench *b, const char *planner, bool is_planner, struct err *err)
{
    struct arm arm = {.name = bench_name_of(planner)};
    for (size_t i = 0; i < b->n_arms; i++)
        if (!strcmp(b->arms[i].name, arm.name)) {
            const bool is_none = !strcmp(arm.name, "none");
            if (!is_none)
                err_set(err, ERR_USAGE, "planner '%s': found it twice, expected it once", arm.name);
            free(arm.name);
            return is_none ? 0 : -1; // it is always measured
        }
    if (is_planner && !(arm.planner = bench_planner_read(planner, err))) {
        free(arm.name);
        return -1;
    }
    b->arms = mem_resize(b->arms, b->n_arms + 1, sizeof *b->arms);
    b->arms[b->n_arms++] = arm;
    return 0;
}

static int read_arms(struct bench *b, struct err *err)
{
    int rc = add_arm(b, "none", false, err);
    rc = rc < 0 ? rc : add_arm(b, "oracle", false, err);
    for (size_t i = 0; rc == 0 && i < b->request->n_planner; i++)
        rc = add_arm(b, b->request->planner[i], true, err);
    return rc;
}

static int make_folders(struct bench *b, struct err *err)
{
    char *runs = file_join(b->request->out, "runs");
    int rc = file_make_dirs(runs, ERR_USAGE, err);
    free(runs);
    if (rc == 0 && !(b->out = realpath(b->request->out, NULL)))
        rc = err_set(err, ERR_USAGE, "%s: %s", b->request->out, strerror(errno));
    b->data = b->out ? file_join(b->out, "data") : NULL;
    return rc < 0 ? rc : file_make_dirs(b->data, ERR_USAGE, err);
}

static int make_texts(const struct bench *b, Trireme__BenchPlannerReply *reply, struct err *err)
{
    for (size_t i = 0; i < b->n_tasks; i++)
        for (size_t k = 0; k < b->tasks[i].task->n_texts; k++) {
            Trireme__DataSet *set = NULL;
            if (bench_text_make(&set, b->tasks[i].task->texts[k], b->data, err) < 0)
                return err_context(err, "task '%s'", b->tasks[i].name);
            Trireme__BenchTextMade *made = message_new(&trireme__bench_text_made__descriptor);
            made->task = mem_strdup(b->tasks[i].name);
            made->name = mem_strdup(set->name);
            made->has_tokens = 1, made->tokens = set->train->tokens;
            made->train = mem_strdup(set->train->digest);
            made->val = mem_strdup(set->val->digest);
            message_free(set);
            reply->texts = mem_resize(reply->texts, reply->n_texts + 1, sizeof *reply->texts);
            reply->texts[reply->n_texts++] = made;
        }
    return 0;
}

/* Writes a run's configuration. One that is there must be the same: its run is gone on with. */
static int write_config(const struct bench *b, const struct item *item, struct err *err)
{
    const bool remedy = !strcmp(b->arms[item->arm].name, "oracle");
    char *yaml = bench_task_config(b->tasks[item->task].task, b->arms[item->arm].planner, remedy,
                                   item->seed, b->data, err);
    if (!yaml)
        return err_context(err, "task '%s', planner '%s'", b->tasks[item->task].name,
                           b->arms[item->arm].name);
    int rc = 0;
    if (file_exists(item->config)) {
        char *there = file_read(item->config, NULL, ERR_USAGE, err);
        rc = there ? 0 : -1;
        if (there && strcmp(there, yaml) != 0)
            rc = err_set(err, ERR_USAGE,
                         "%s: found the configuration of a run that is another one than the task "
                         "and the planner have now, expected the same, or another --out",
                         item->config);
        free(there);
    } else {
        rc = file_write_atomic(item->config, yaml, strlen(yaml), ERR_USAGE, err);
    }
    free(yaml);
    return rc;
}

/* Reads what a run that is over came to. */
static int read_found(struct item *item, struct err *err)
{
    if (!file_exists(item->result))
        return 0;
    size_t size = 0;
    char *json = file_read(item->result, &size, ERR_DATA, err);
    Trireme__BenchRun *found = message_new(&trireme__bench_run__descriptor);
    int rc = json ? json_read(found, json, size, item->result, ERR_DATA, err) : -1;
    free(json);
    if (rc == 0)
        item->found = found, item->over = true;
    else
        message_free(found);
    return rc;
}

static int add_item(struct bench *b, size_t task, size_t arm, uint64_t seed, struct err *err)
{
    struct item item = {.task = task, .arm = arm, .seed = seed};
    item.folder =
        mem_format("%s/runs/%s-%s-%" PRIu64, b->out, b->tasks[task].name, b->arms[arm].name, seed);
    item.config = mem_format("%s.yaml", item.folder);
    item.result = mem_format("%s.result.json", item.folder);
    const Trireme__BenchPlanner *planner = b->arms[arm].planner;
    item.run = (struct bench_run){.folder = item.folder,
                                  .config = item.config,
                                  .beside = planner ? planner->beside : NULL,
                                  .n_beside = planner ? planner->n_beside : 0};
    int rc = write_config(b, &item, err);
    if (rc == 0)
        rc = read_found(&item, err);
    b->items = mem_resize(b->items, b->n_items + 1, sizeof *b->items);
    b->items[b->n_items++] = item;
    b->n_over += item.over;
    return rc;
}

static int plan(struct bench *b, struct err *err)
{
    int rc = 0;
    for (size_t t = 0; t < b->n_tasks; t++)
        for (uint32_t s = 0; s < b->request->seeds; s++)
            for (size_t a = 0; rc == 0 && a < b->n_arms; a++)
                if (strcmp(b->arms[a].name, "oracle") != 0 || b->tasks[t].task->n_remedy)
                    rc = add_item(b, t, a, b->tasks[t].task->config->train->seed + s, err);
    return rc;
}

/* What the newest checkpoint says, and the loss on the sealed part. */
static int measure(Trireme__BenchRun *found, const char *folder, struct err *err)
{
    Trireme__Manifest *manifest = NULL;
    if (newest_manifest(&manifest, folder, err) < 0)
        return -1;
    if (!manifest)
        return err_set(err, ERR_DATA, "%s: found no checkpoint", folder);
    found->has_steps = 1, found->steps = manifest->step;
    found->has_trained = 1;
    found->trained =
        manifest->tokens ? manifest->tokens : manifest->samples * manifest->config->model->context;
    message_free(manifest);
    Trireme__EvalRequest *eval = message_new(&trireme__eval_request__descriptor);
    Trireme__EvalReply *loss = message_new(&trireme__eval_reply__descriptor);
    Trireme__CkptHashRequest *name = message_new(&trireme__ckpt_hash_request__descriptor);
    Trireme__CkptHashReply *hash = message_new(&trireme__ckpt_hash_reply__descriptor);
    eval->checkpoint = mem_strdup(folder), name->checkpoint = mem_strdup(folder);
    eval->has_part = 1, eval->part = TRIREME__PART__sealed;
    int rc = command_eval_uncounted(eval, loss, err);
    if (rc == 0)
        rc = command_ckpt_hash(name, hash, err);
    if (rc == 0) {
        found->has_sealed = 1, found->sealed = loss->val_loss;
        found->hash = mem_strdup(hash->hash);
    }
    message_free(hash);
    message_free(name);
    message_free(loss);
    message_free(eval);
    return rc;
}

/* How the training ended: 1: it is whole; 0: it failed by itself, with that sentence. */
static int look_at_end(char **failed, const struct item *item, struct err *err)
{
    struct err unread;
    Trireme__Status *status = run_status_read(item->folder, &unread);
    const uint32_t code = status ? status->code : (uint32_t)item->run.code;
    int rc = 1;
    if (code == ERR_TRAIN) {
        *failed = mem_strdup(status && status->text ? status->text : "it failed");
        rc = 0;
    } else if (code || item->run.code) {
        rc = err_set(err, ERR_MACHINE,
                     "%s: the training ended with code %d%s%s; what it printed is in %s.log",
                     item->folder, item->run.code, status && status->text ? ": " : "",
                     status && status->text ? status->text : "", item->folder);
    }
    message_free(status);
    return rc;
}

static int finish(struct bench *b, struct item *item, struct err *err)
{
    Trireme__BenchRun *found = message_new(&trireme__bench_run__descriptor);
    const struct bench_named *task = &b->tasks[item->task];
    found->task = mem_strdup(task->name), found->arm = mem_strdup(b->arms[item->arm].name);
    found->has_seed = 1, found->seed = item->seed;
    found->has_seconds = 1, found->seconds = item->run.ended - item->run.began;
    int rc = look_at_end(&found->failed, item, err);
    if (rc > 0)
        rc = measure(found, item->folder, err);
    if (rc == 0)
        rc = bench_result_read(found, task->task, item->folder, err);
    if (rc == 0) {
        char *json = json_write_pretty(found);
        rc = file_write_atomic(item->result, json, strlen(json), ERR_USAGE, err);
        free(json);
    }
    if (rc < 0) {
        message_free(found);
        return rc;
    }
    item->over = true, item->found = found;
    b->n_over++;
    fprintf(stderr, "ran %s-%s-%" PRIu64 ": ", found->task, found->arm, found->seed);
    if (found->has_sealed)
        fprintf(stderr, "sealed %.4f", found->sealed);
    else
        fprintf(stderr, "failed");
    fprintf(stderr, ", %.0f s (%zu of %zu)\n", found->seconds, b->n_over, b->n_items);
    return 0;
}

/* Begins runs up to the number that may go on at a time. Returns how many go on. */
static int begin_more(size_t *n_running, struct bench *b, struct err *err)
{
    *n_running = 0;
    for (size_t i = 0; i < b->n_items; i++)
        *n_running += b->items[i].begun && !b->items[i].over;
    for (size_t i = 0; i < b->n_items && *n_running < b->request->jobs; i++) {
        struct item *item = &b->items[i];
        if (item->over || item->begun)
            continue;
        if (bench_run_begin(&item->run, err) < 0)
            return -1;
        item->begun = true;
        ++*n_running;
    }
    return 0;
}

/* Asks all that run to stop, and waits for their ends; what failed has been said. */
static void stop_all(struct bench *b)
{
    struct err unsaid;
    for (size_t i = 0; i < b->n_items; i++)
        if (b->items[i].begun && !b->items[i].over)
            bench_run_stop(&b->items[i].run);
    for (size_t i = 0; i < b->n_items; i++)
        for (bool over = !b->items[i].begun || b->items[i].over; !over;) {
            bench_run_turn(&over, &b->items[i].run, &unsaid);
            clock_sleep(over ? 0 : look_seconds);
        }
}

static int run_all(struct bench *b, struct err *err)
{
    size_t n_running = 0;
    int rc = begin_more(&n_running, b, err);
    while (rc == 0 && n_running) {
        for (size_t i = 0; rc == 0 && i < b->n_items; i++) {
            struct item *item = &b->items[i];
            bool over = false;
            if (!item->begun || item->over)
                continue;
            rc = bench_run_turn(&over, &item->run, err);
            if (rc == 0 && over && !*stop_request_flag())
                rc = finish(b, item, err);
        }
        if (rc == 0 && *stop_request_flag())
            rc = err_set(err, ERR_STOPPED,
                         "stopped on request with %zu of %zu runs done; the same command goes on",
                         b->n_over, b->n_items);
        if (rc == 0)
            rc = begin_more(&n_running, b, err);
        if (rc == 0)
            clock_sleep(look_seconds);
    }
    if (rc < 0)
        stop_all(b);
    return rc;
}

static int write_results(const struct bench *b, Trireme__BenchPlannerReply *reply, struct err *err)
{
    char *json = json_write_pretty(reply), *svg = bench_table_picture(reply);
    char *json_path = file_join(b->out, "bench.json"), *svg_path = file_join(b->out, "bench.svg");
    int rc = file_write_atomic(json_path, json, strlen(json), ERR_USAGE, err);
    if (rc == 0 && svg)
        rc = file_write_atomic(svg_path, svg, strlen(svg), ERR_USAGE, err);
    free(svg_path);
    free(json_path);
    free(svg);
    free(json);
    return rc;
}

int command_bench_planner(const void *request, void *reply, struct err *err)
{
    Trireme__BenchPlannerReply *out = reply;
    struct bench b = {.request = request};
    stop_request_catch();
    int rc = read_tasks(&b, err);
    if (rc == 0)
        rc = read_arms(&b, err);
    if (rc == 0)
        rc = make_folders(&b, err);
    if (rc == 0)
        rc = plan(&b, err);
    if (rc == 0)
        rc = make_texts(&b, out, err);
    if (rc == 0)
        rc = run_all(&b, err);
    out->runs = mem_new(b.n_items, sizeof(*out->runs));
    for (size_t i = 0; i < b.n_items; i++)
        if (b.items[i].found)
            out->runs[out->n_runs++] = b.items[i].found;
    if (rc == 0) {
        out->version = mem_strdup(TRIREME_VERSION);
        bench_table_add_up(out, b.tasks, b.n_tasks);
        rc = write_results(&b, out, err);
    }
    clear(&b);
    return rc;
}

void print_bench_planner(const void *reply)
{
    char *text = bench_table_text(reply);
    fputs(text, stdout);
    free(text);
}
