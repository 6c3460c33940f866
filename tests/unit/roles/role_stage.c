#include "tests/unit/roles/role_stage.h"

#include "proto/net/idle.h"

static void stage_await_end(struct actor *a, struct endpoint *endpoint)
{
    struct parcel parcel;
    while (!a->over && endpoint_poll(endpoint, &parcel)) {
        if (parcel.tag != TAG_END)
            continue;
        a->code = link_end_code(&parcel);
        a->over = true;
    }
}

static void stage_turn(struct stage *stage, int rank)
{
    struct actor *a = &stage->actors[rank];
    if (a->over || a->silent)
        return;
    if (a->failed) {
        stage_await_end(a, stage->endpoints[rank]);
        return;
    }
    struct err err = {0};
    switch (a->turn(a->role, &err)) {
    case TURN_IDLE:
    case TURN_BUSY:
        break;
    case TURN_OVER:
        a->over = true;
        a->code = (int)a->link->code;
        break;
    case TURN_FAILED:
        if (!err.text[0])
            fail_msg("rank %d failed without a sentence", rank);
        link_fault(a->link, &err);
        a->failed = true;
        break;
    }
}

static void stage_turn_all(struct stage *stage)
{
    stage->turns++;
    double now = clock_now();
    // a slow disk or a busy machine held the one thread: nobody was silent
    bool away = now - stage->turned > 0.3;
    stage->turned = now;
    for (int r = 1; r < stage->n_ranks && away; r++)
        stage->actors[r].link->heard = now;
    if (stage->silent_rank && stage->turns > stage->silent_after)
        stage->actors[stage->silent_rank].silent = true;
    for (int r = 1; r < stage->n_ranks; r++)
        stage_turn(stage, r);
}

static void stage_send(struct endpoint *e, int to, int tag, const void *head, size_t head_size,
                       const void *body, size_t body_size, bool bulk)
{
    struct endpoint *inner = ((struct stage_endpoint *)e)->inner;
    inner->ops->send(inner, to, tag, head, head_size, body, body_size, bulk);
}

static bool stage_room(struct endpoint *e, int to)
{
    return endpoint_room(((struct stage_endpoint *)e)->inner, to);
}

static bool stage_poll(struct endpoint *e, struct parcel *parcel)
{
    stage_turn_all(((struct stage_endpoint *)e)->stage);
    return endpoint_poll(((struct stage_endpoint *)e)->inner, parcel);
}

static const struct endpoint_ops stage_ops = {
    .send = stage_send, .room = stage_room, .poll = stage_poll};

void stage_open(struct stage *stage, const struct play *play)
{
    *stage = (struct stage){.n_ranks = 1 + play->servers + play->workers,
                            .n_servers = play->servers,
                            .silent_rank = play->silent_rank,
                            .silent_after = play->silent_after};
    local_transport_open(stage->endpoints, stage->n_ranks, play->room ? play->room : 2);
    stage->front = (struct stage_endpoint){
        .base = {.ops = &stage_ops, .rank = 0, .size = stage->n_ranks},
        .inner = stage->endpoints[0],
        .stage = stage
    };
    for (int r = 1; r < stage->n_ranks; r++) {
        struct actor *a = &stage->actors[r];
        a->code = -1;
        if (r <= play->servers) {
            struct server *server = server_new(stage->endpoints[r]);
            *a = (struct actor){
                .role = server, .link = server_link(server), .turn = server_turn, .code = -1};
        } else {
            struct worker *worker = worker_new(stage->endpoints[r]);
            *a = (struct actor){
                .role = worker, .link = worker_link(worker), .turn = worker_turn, .code = -1};
        }
    }
}

void stage_finish(struct stage *stage)
{
    for (int i = 0; i < 1000; i++)
        stage_turn_all(stage);
    for (int r = 1; r < stage->n_ranks; r++)
        if (!stage->actors[r].over && !stage->actors[r].silent)
            fail_msg("rank %d has not heard the end", r);
}

void stage_close(struct stage *stage)
{
    for (int r = 1; r < stage->n_ranks; r++) {
        if (r <= stage->n_servers)
            server_free(stage->actors[r].role);
        else
            worker_free(stage->actors[r].role);
    }
    for (int r = 0; r < stage->n_ranks; r++)
        endpoint_free(stage->endpoints[r]);
}

void no_warning(void *context, const char *sentence)
{
    (void)context;
    fail_msg("unexpected: %s", sentence);
}

/* Turns the coordinator until the run is over; false: so many turns in which it did something were
 * not enough. */
static bool play_turns(struct coordinator *coordinator, uint64_t turns)
{
    struct err err = {0};
    struct idle idle = {0};
    enum turn turn = TURN_IDLE;
    while (turn == TURN_IDLE || turn == TURN_BUSY) {
        if (turns == 0)
            return false;
        turn = coordinator_turn(coordinator, &err);
        if (turn == TURN_IDLE)
            idle_wait(&idle); // for a disk: whatever is written meanwhile takes no turns
        else
            idle_reset(&idle);
        turns -= turn == TURN_BUSY;
    }
    if (turn == TURN_FAILED)
        fail_msg("%s", err.text);
    return true;
}

bool stage_play(struct run *run, const struct play *play, struct err *how)
{
    struct err err = {0};
    if (run_claim(run, &err) < 0 || run_locate(run, no_warning, NULL, &err) < 0)
        fail_msg("%s", err.text);
    struct stage stage;
    stage_open(&stage, play);
    struct coordinator_options options = {.n_servers = play->servers,
                                          .plan = play->plan,
                                          .stop = play->stop,
                                          .planner = play->planner,
                                          .replay = play->replay,
                                          .allow_noop = play->allow_noop};
    struct coordinator *coordinator = coordinator_new(&stage.front.base, run, &options, &err);
    if (!coordinator)
        fail_msg("%s", err.text);
    bool over = true;
    if (play->killed_after) {
        over = play_turns(coordinator, play->killed_after);
    } else {
        coordinator_run(coordinator, how);
        over = how->code != ERR_STOPPED;
        if ((int)how->code != play->expected && (over || !play->may_stop))
            fail_msg("the run ended with code %d, expected %d: %s", (int)how->code, play->expected,
                     how->text);
        stage_finish(&stage);
        for (int r = 1; r < stage.n_ranks; r++)
            if (!stage.actors[r].silent)
                assert_int_equal(stage.actors[r].code, how->code);
    }
    coordinator_free(coordinator);
    stage_close(&stage);
    run_clear(run);
    return over;
}

void stage_write_tokens(const char *folder, const char *name, uint32_t seed, uint32_t n)
{
    struct err err;
    uint16_t *halves = mem_new(512 + n, sizeof *halves);
    const int32_t head[3] = {20240520, 1, (int32_t)n};
    memcpy(halves, head, sizeof head);
    uint32_t x = seed;
    for (uint32_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        // uneven, so that there is something to learn
        halves[512 + i] = (uint16_t)(i % 3 ? x >> 28 : x >> 24);
    }
    char *path = file_join(folder, name);
    if (file_make_dirs(folder, ERR_USAGE, &err) < 0 ||
        file_write_atomic(path, halves, (512 + n) * sizeof *halves, ERR_USAGE, &err) < 0)
        fail_msg("%s", err.text);
    free(path);
    free(halves);
}

Trireme__Config *stage_config(const char *data, const char *const *settings)
{
    static const char *const small[] = {"model.layers=1",     "model.heads=2", "model.width=16",
                                        "model.context=8",    "train.steps=6", "train.batch=12",
                                        "train.microbatch=2", "eval.every=0",  "schedule.warmup=2",
                                        "optimizer.lr=0.01"};
    struct err err;
    char *all[64];
    size_t n = 0;
    for (; n < sizeof small / sizeof *small; n++)
        all[n] = mem_strdup(small[n]);
    all[n++] = mem_format(
        "data.sources=[{name: a, path: '%s/a', weight: 2}, {name: b, path: '%s/b', weight: 1}]",
        data, data);
    for (; *settings; settings++)
        all[n++] = mem_strdup(*settings);
    Trireme__Config *config = run_config_read(NULL, all, n, &err);
    if (!config)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < n; i++)
        free(all[i]);
    return config;
}

struct kept kept_read(const char *run, uint64_t step)
{
    struct err err;
    struct kept kept = {.step = step};
    char *folder = checkpoint_folder(run, step);
    Trireme__Manifest *manifest = checkpoint_manifest(folder, &err);
    if (!manifest || checkpoint_verify(folder, manifest, &err) < 0)
        fail_msg("%s", err.text);
    struct layout *layout = layout_new(manifest->config->model);
    float *moments[2] = {0};
    if (checkpoint_read(folder, manifest, layout, &kept.arrays[0], moments, &kept.n_moments, &err) <
        0)
        fail_msg("%s", err.text);
    kept.arrays[1] = moments[0], kept.arrays[2] = moments[1];
    kept.samples = manifest->samples;
    kept.n = layout->n_params;
    layout_free(layout);
    message_free(manifest);
    free(folder);
    return kept;
}

void kept_free(struct kept *kept)
{
    for (int i = 0; i < 3; i++)
        free(kept->arrays[i]);
}

void kept_check_equal(const struct kept *found, const struct kept *expected)
{
    assert_int_equal(found->samples, expected->samples);
    assert_int_equal(found->n, expected->n);
    assert_int_equal(found->n_moments, expected->n_moments);
    for (int a = 0; a <= found->n_moments; a++)
        for (size_t i = 0; i < found->n; i++)
            if (found->arrays[a][i] != expected->arrays[a][i])
                fail_msg("array %d, element %zu of %zu: found %.9g, expected %.9g", a, i, found->n,
                         (double)found->arrays[a][i], (double)expected->arrays[a][i]);
}

char *metrics_of(const char *run, uint64_t steps)
{
    struct err err;
    char *path = file_join(run, "metrics.jsonl");
    size_t size = 0;
    char *text = file_read(path, &size, ERR_DATA, &err), *save = NULL;
    assert_non_null(text);
    assert_true(size > 0 && text[size - 1] == '\n');
    char *out = mem_strdup("");
    uint64_t step = 0;
    for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        char *more = NULL;
        if (strstr(line, "\"kind\":\"train\"")) {
            Trireme__TrainLine *t = message_new(&trireme__train_line__descriptor);
            if (json_read(t, line, strlen(line), "metrics.jsonl", ERR_DATA, &err) < 0)
                fail_msg("%s", err.text);
            if (t->step != ++step)
                fail_msg("found step %llu, expected %llu", (unsigned long long)t->step,
                         (unsigned long long)step);
            more = mem_format("%strain %llu %.17g %.17g %.17g %llu\n", out,
                              (unsigned long long)t->step, t->loss, t->grad_norm, t->lr,
                              (unsigned long long)t->tokens);
            message_free(t);
        } else if (strstr(line, "\"kind\":\"eval\"")) {
            more = mem_format("%s%s\n", out, line);
        }
        if (more) {
            free(out);
            out = more;
        }
    }
    assert_int_equal(step, steps);
    free(text);
    free(path);
    return out;
}
