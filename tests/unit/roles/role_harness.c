#include "tests/unit/roles/role_harness.h"
#include "tests/unit/worker/data/data_fixture.h"

#include "proto/net/idle.h"

static void harness_await_end(struct harness_rank *a, struct endpoint *endpoint)
{
    struct parcel parcel;
    while (!a->over && endpoint_poll(endpoint, &parcel)) {
        if (parcel.tag != TAG_END)
            continue;
        a->code = link_end_code(&parcel);
        a->over = true;
    }
}

static void harness_turn(struct role_harness *harness, int rank)
{
    struct harness_rank *a = &harness->ranks[rank];
    if (a->over || a->silent)
        return;
    if (a->failed) {
        harness_await_end(a, harness->endpoints[rank]);
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

static void harness_turn_all(struct role_harness *harness)
{
    double now = clock_now();
    // a slow disk or a busy machine held up the only thread: no rank was silent
    bool away = now - harness->turned > 0.3;
    harness->turned = now;
    for (int r = 1; r < harness->n_ranks && away; r++)
        harness->ranks[r].link->heard = now;
    struct harness_rank *silent =
        harness->silent_rank ? &harness->ranks[harness->silent_rank] : NULL;
    if (silent && silent->link->work >= harness->silent_after)
        silent->silent = true;
    for (int r = 1; r < harness->n_ranks; r++)
        harness_turn(harness, r);
}

/* Notes a trial that is about to begin. */
static void harness_note(struct role_harness *harness, uint32_t trial,
                         const Trireme__Config *config)
{
    assert_in_range(trial, 0, HARNESS_TRIALS_MAX - 1);
    harness->broken[trial] = harness->broken_lr == 0 || config->optimizer->lr == harness->broken_lr;
}

/* Puts losses that are not finite in the place of those that came, where they are to break. */
static void harness_break(struct role_harness *harness, struct parcel *parcel)
{
    if (parcel->tag != TAG_LOSSES || !harness->broken_after)
        return;
    Trireme__Losses *losses = trireme__losses__unpack(NULL, parcel->size, parcel->bytes);
    if (!losses->eval && harness->broken[losses->trial] && losses->step >= harness->broken_after) {
        losses->sums[0] = NAN;
        free(harness->losses);
        harness->losses = mem_new(parcel->size, 1);
        assert_int_equal(trireme__losses__pack(losses, harness->losses), parcel->size);
        parcel->bytes = harness->losses;
    }
    trireme__losses__free_unpacked(losses, NULL);
}

static void harness_send(struct endpoint *e, int to, int tag, const void *head, size_t head_size,
                         const void *body, size_t body_size, bool bulk)
{
    struct endpoint *inner = ((struct harness_endpoint *)e)->inner;
    struct role_harness *harness = ((struct harness_endpoint *)e)->harness;
    if (to == harness->deaf_rank && tag == TAG_START) {
        Trireme__Start *start = trireme__start__unpack(NULL, head_size, head);
        harness->own = message_copy(start->config);
        trireme__start__free_unpacked(start, NULL);
    }
    if (to == 1 && tag == TAG_START && harness->broken_after) {
        Trireme__Start *start = trireme__start__unpack(NULL, head_size, head);
        harness_note(harness, 0, start->config);
        trireme__start__free_unpacked(start, NULL);
    }
    if (to == 1 && tag == TAG_FORK && harness->broken_after) {
        Trireme__Fork *fork = trireme__fork__unpack(NULL, head_size, head);
        harness_note(harness, fork->trial, fork->config);
        trireme__fork__free_unpacked(fork, NULL);
    }
    if (to == harness->deaf_rank && tag == TAG_FORK) {
        Trireme__Fork *fork = trireme__fork__unpack(NULL, head_size, head);
        trireme__config__free_unpacked(fork->config, NULL);
        fork->config = harness->own;
        endpoint_send(inner, to, TAG_FORK, fork);
        fork->config = NULL;
        trireme__fork__free_unpacked(fork, NULL);
        return;
    }
    inner->ops->send(inner, to, tag, head, head_size, body, body_size, bulk);
}

static bool harness_room(struct endpoint *e, int to)
{
    return endpoint_room(((struct harness_endpoint *)e)->inner, to);
}

static bool harness_poll(struct endpoint *e, struct parcel *parcel)
{
    struct role_harness *harness = ((struct harness_endpoint *)e)->harness;
    harness_turn_all(harness);
    if (!endpoint_poll(((struct harness_endpoint *)e)->inner, parcel))
        return false;
    harness_break(harness, parcel);
    return true;
}

static const struct endpoint_ops harness_ops = {
    .send = harness_send, .room = harness_room, .poll = harness_poll};

void role_harness_open(struct role_harness *harness, const struct harness_launch *launch)
{
    *harness = (struct role_harness){.n_ranks = 1 + launch->servers + launch->workers,
                                     .n_servers = launch->servers,
                                     .silent_rank = launch->silent_rank,
                                     .silent_after = launch->silent_after,
                                     .deaf_rank = launch->deaf_rank,
                                     .broken_lr = launch->broken_lr,
                                     .broken_after = launch->broken_after};
    local_transport_open(harness->endpoints, harness->n_ranks, launch->room ? launch->room : 2);
    harness->front = (struct harness_endpoint){
        .base = {.ops = &harness_ops, .rank = 0, .size = harness->n_ranks},
        .inner = harness->endpoints[0],
        .harness = harness
    };
    for (int r = 1; r < harness->n_ranks; r++) {
        struct harness_rank *a = &harness->ranks[r];
        a->code = -1;
        if (r <= launch->servers) {
            struct server *server = server_new(harness->endpoints[r]);
            *a = (struct harness_rank){
                .role = server, .link = server_link(server), .turn = server_turn, .code = -1};
        } else {
            struct worker *worker = worker_new(harness->endpoints[r]);
            *a = (struct harness_rank){
                .role = worker, .link = worker_link(worker), .turn = worker_turn, .code = -1};
        }
    }
}

void role_harness_finish(struct role_harness *harness)
{
    for (int i = 0; i < 1000; i++)
        harness_turn_all(harness);
    for (int r = 1; r < harness->n_ranks; r++)
        if (!harness->ranks[r].over && !harness->ranks[r].silent)
            fail_msg("rank %d has not heard the end", r);
}

void role_harness_close(struct role_harness *harness)
{
    for (int r = 1; r < harness->n_ranks; r++) {
        if (r <= harness->n_servers)
            server_free(harness->ranks[r].role);
        else
            worker_free(harness->ranks[r].role);
    }
    for (int r = 0; r < harness->n_ranks; r++)
        endpoint_free(harness->endpoints[r]);
    message_free(harness->own);
    free(harness->losses);
}

/* Turns the coordinator until the run is over. False: it was not, after so many turns in which the
 * coordinator did something. */
static bool turn_coordinator(struct coordinator *coordinator, uint64_t turns)
{
    struct err err = {0};
    struct idle idle = {0};
    enum turn turn = TURN_IDLE;
    while (turn == TURN_IDLE || turn == TURN_BUSY) {
        if (turns == 0)
            return false;
        turn = coordinator_turn(coordinator, &err);
        if (turn == TURN_IDLE)
            idle_wait(&idle); // for a disk: what is written meanwhile takes no turns
        else
            idle_reset(&idle);
        turns -= turn == TURN_BUSY;
    }
    if (turn == TURN_FAILED)
        fail_msg("%s", err.text);
    return true;
}

bool role_harness_run(struct run *run, const struct harness_launch *launch, struct err *how)
{
    struct err err = {0};
    if (run_claim(run, &err) < 0 || run_open_secret(run, &err) < 0 ||
        run_locate(run, fail_on_warning, NULL, &err) < 0)
        fail_msg("%s", err.text);
    struct role_harness harness;
    role_harness_open(&harness, launch);
    struct coordinator_options options = {.n_servers = launch->servers,
                                          .plan = launch->plan,
                                          .stop = launch->stop,
                                          .planner = launch->planner,
                                          .replay = launch->replay,
                                          .allow_noop = launch->allow_noop};
    struct coordinator *coordinator = coordinator_new(&harness.front.base, run, &options, &err);
    if (!coordinator)
        fail_msg("%s", err.text);
    bool over = true;
    if (launch->killed_after) {
        over = turn_coordinator(coordinator, launch->killed_after);
    } else {
        coordinator_run(coordinator, how);
        over = how->code != ERR_STOPPED;
        if ((int)how->code != launch->expected && (over || !launch->may_stop))
            fail_msg("the run ended with code %d, expected %d: %s", (int)how->code,
                     launch->expected, how->text);
        role_harness_finish(&harness);
        for (int r = 1; r < harness.n_ranks; r++)
            if (!harness.ranks[r].silent)
                assert_int_equal(harness.ranks[r].code, how->code);
    }
    coordinator_free(coordinator);
    role_harness_close(&harness);
    run_clear(run);
    return over;
}

/* Uneven tokens below 256, so that there is something to learn. */
static void write_tokens_of(const char *folder, const char *name, uint32_t seed, uint32_t n)
{
    uint16_t *tokens = mem_new(n, sizeof *tokens);
    uint32_t x = seed;
    for (uint32_t i = 0; i < n; i++) {
        x = x * 1664525 + 1013904223;
        tokens[i] = (uint16_t)(i % 3 ? x >> 28 : x >> 24);
    }
    write_token_file(folder, name, tokens, n);
    free(tokens);
}

void role_harness_write_source(const char *data, const char *name, uint32_t seed, uint32_t n,
                               bool validation)
{
    char *folder = file_join(data, name);
    write_tokens_of(folder, "train_000000.bin", seed, n);
    if (validation)
        write_tokens_of(folder, "val_000000.bin", seed + 1, VALIDATION_TOKENS);
    free(folder);
}

Trireme__Config *role_harness_config(const char *data, const char *const *settings)
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

struct checkpoint_state checkpoint_state_read(const char *run, uint64_t step)
{
    struct err err;
    struct checkpoint_state kept = {.step = step};
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

void checkpoint_state_free(struct checkpoint_state *kept)
{
    for (int i = 0; i < 3; i++)
        free(kept->arrays[i]);
}

void checkpoint_state_check_equal(const struct checkpoint_state *found,
                                  const struct checkpoint_state *expected)
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
