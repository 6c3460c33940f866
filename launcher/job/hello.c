#include "launcher/job/hello.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/version.h"
#include "proto/net/endpoint.h"
#include "proto/net/idle.h"
#include "proto/schema/message.h"
#include "proto/schema/message_path.h"
#include "proto/schema/option.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

Trireme__Hello *hello_new(const char *const *command, const void *request,
                          const Trireme__Config *config, const struct err *refused)
{
    Trireme__Hello *hello = message_new(&trireme__hello__descriptor);
    char host[HOST_NAME_MAX + 1] = "";
    gethostname(host, sizeof host - 1);
    hello->host = mem_strdup(host);
    hello->pid = (uint64_t)getpid();
    hello->version = mem_strdup(TRIREME_VERSION);
    size_t n = 0;
    while (command[n])
        n++;
    hello->command = mem_new(n, sizeof *hello->command);
    for (; hello->n_command < n; hello->n_command++)
        hello->command[hello->n_command] = mem_strdup(command[hello->n_command]);
    if (request)
        hello->options = options_write(request, &hello->n_options);
    if (config) {
        hello->reads = true;
        message_free(hello->config);
        hello->config = message_copy(config);
    }
    if (refused) {
        hello->refused->code = (uint32_t)refused->code;
        hello->refused->text = mem_strdup(refused->text);
    }
    return hello;
}

static bool same_words(const Trireme__Hello *a, const Trireme__Hello *b)
{
    bool same = a->n_command == b->n_command;
    for (size_t i = 0; same && i < a->n_command; i++)
        same = !strcmp(a->command[i], b->command[i]);
    return same;
}

/* The name on the command line of the option that a path into a request begins with. */
static char *option_of(const void *request, const char *path)
{
    struct err unknown;
    const struct field_doc *doc =
        message_field_doc(((const ProtobufCMessage *)request)->descriptor, path, &unknown);
    if (doc && doc->place)
        return mem_strdup(doc->place);
    char *name = mem_format("--%s", path);
    name[strcspn(name, ".")] = 0; // of a list: the option, not its element
    for (char *at = name; *at; at++)
        if (*at == '_')
            *at = '-';
    return name;
}

/* The sentence on the first field in which two messages differ. what: of the command line, or of
 * the configuration. */
static int refuse(const char *who, const char *what, const void *mine, const void *theirs,
                  struct err *err)
{
    char *path = NULL;
    message_diff(&path, 1, mine, theirs);
    char *name = what ? mem_format("%s %s", what, path) : option_of(mine, path);
    char *found = message_path_value(theirs, path), *expected = message_path_value(mine, path);
    if (found || expected)
        err_set(err, ERR_USAGE, "%s was started with another %s: found %s, rank 0 has %s", who,
                name, found ? found : "none", expected ? expected : "none");
    else
        err_set(err, ERR_USAGE, "%s was started with another %s than rank 0", who, name);
    free(expected);
    free(found);
    free(name);
    free(path);
    return -1;
}

static int compare_options(const Trireme__Hello *theirs, const void *request, const char *who,
                           struct err *err)
{
    void *other = message_new(((const ProtobufCMessage *)request)->descriptor);
    bool help = false;
    int rc = options_read(other, (int)theirs->n_options, theirs->options, &help, err);
    if (rc < 0)
        err_context(err, "%s", who);
    else if (!message_equal(request, other))
        rc = refuse(who, NULL, request, other, err);
    message_free(other);
    return rc;
}

int hello_compare(const Trireme__Hello *mine, const Trireme__Hello *theirs, const void *request,
                  int rank, struct err *err)
{
    char *who = mem_format("rank %d (on %s, process %llu)", rank, theirs->host ? theirs->host : "",
                           (unsigned long long)theirs->pid);
    int rc = 0;
    if (theirs->refused->code)
        rc = err_set(err, (enum err_code)theirs->refused->code, "%s: %s", who,
                     theirs->refused->text ? theirs->refused->text : "");
    else if (!theirs->version || strcmp(mine->version, theirs->version))
        rc = err_set(err, ERR_USAGE, "%s is of version %s, rank 0 of %s", who,
                     theirs->version ? theirs->version : "unknown", mine->version);
    else if (!same_words(mine, theirs))
        rc = err_set(err, ERR_USAGE, "%s was started as another command: found %s, rank 0 is %s",
                     who, theirs->n_command ? theirs->command[0] : "none", mine->command[0]);
    else if (compare_options(theirs, request, who, err) < 0)
        rc = -1;
    else if (mine->reads && theirs->reads && !message_equal(mine->config, theirs->config))
        rc = refuse(who, "configuration:", mine->config, theirs->config, err);
    free(who);
    return rc;
}

/* What is known of the ranks that rank 0 has heard of. */
struct gathering {
    const Trireme__Hello *mine;
    const void *request;
    bool *here; /* one a rank */
    int n_here, differs;
    struct err why;
};

static int take(struct gathering *g, const struct parcel *parcel, struct err *err)
{
    if (parcel->tag != TAG_HELLO)
        return parcel->tag == TAG_BEAT
                   ? 0
                   : err_set(err, ERR_MACHINE,
                             "rank %d sent a message '%s' before the run was known", parcel->from,
                             tag_name(parcel->tag));
    Trireme__Hello *theirs = endpoint_open(parcel, err);
    if (!theirs)
        return -1;
    struct err why = {0};
    g->n_here += !g->here[parcel->from];
    g->here[parcel->from] = true;
    if (!g->mine->refused->code && (!g->differs || parcel->from < g->differs) &&
        hello_compare(g->mine, theirs, g->request, parcel->from, &why) < 0) {
        g->differs = parcel->from;
        g->why = why;
    }
    message_free(theirs);
    return 0;
}

static int lowest_absent(const struct gathering *g)
{
    int rank = 1;
    while (g->here[rank])
        rank++;
    return rank;
}

int hello_gather(struct endpoint *endpoint, const Trireme__Hello *mine, const void *request,
                 double seconds, const volatile sig_atomic_t *stop, struct err *err)
{
    struct gathering g = {.mine = mine, .request = request};
    struct idle idle = {0};
    const double end = clock_now() + seconds;
    int rc = 0;
    g.here = mem_new((size_t)endpoint->size, sizeof *g.here);
    while (rc == 0 && g.n_here + 1 < endpoint->size) {
        struct parcel parcel;
        if (endpoint_poll(endpoint, &parcel)) {
            rc = take(&g, &parcel, err);
            idle_reset(&idle);
        } else if (stop && *stop) {
            rc = err_set(err, ERR_STOPPED, "stopped on request before the ranks were there");
        } else if (clock_now() > end) {
            rc = err_set(err, ERR_MACHINE,
                         "rank %d did not say what it was started as within %.0f s (wait.launch)",
                         lowest_absent(&g), seconds);
        } else {
            idle_wait(&idle);
        }
    }
    if (rc == 0 && g.differs) {
        *err = g.why;
        rc = -1;
    }
    free(g.here);
    return rc;
}
