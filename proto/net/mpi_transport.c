#include "proto/net/mpi_transport.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#include <limits.h>
#include <mpi.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { BULK_FLIGHTS = 16, RECEIVE_FLIGHTS = 32 };
/* To finish: some seconds, and more where there are many ranks. */
static const double finish_seconds = 10, finish_seconds_a_rank = 0.01;

/* A message in flight, with its buffer, which must live until the request completes. */
struct flight {
    MPI_Request request;
    char *buffer; /* owned */
    size_t room, size;
    int peer, tag;
    bool busy, bulk;
};

struct mpi_endpoint {
    struct endpoint base;
    MPI_Comm comm;
    struct flight *sends; /* grows; BULK_FLIGHTS of them may be bulk at once */
    size_t n_sends, sends_room;
    int bulk_busy;
    struct flight receives[RECEIVE_FLIGHTS]; /* in order of arrival from `oldest` on, in a ring */
    size_t oldest, n_receives;
    int delivered; /* the ring's slot whose parcel the role holds, or -1 */
};

#define MPI_CALL(call) ((call) == MPI_SUCCESS ? (void)0 : mpi_failed(__FILE__, __LINE__, #call))

static _Noreturn void mpi_failed(const char *file, int line, const char *call)
{
    int rank = -1;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    fprintf(stderr, "trireme: rank %d: MPI failed at %s:%d: %s\n", rank, file, line, call);
    mpi_transport_abort(ERR_MACHINE);
}

/* What is said where MPI does not return within its bound, and the code to end with. Nothing here
 * may wait: it runs in a signal handler. */
static struct {
    const char *volatile late;
    volatile int code;
} bound;

static void say(const char *sentence)
{
    static const char before[] = "trireme: ";
    if (!sentence)
        return;
    ssize_t n = write(STDERR_FILENO, before, sizeof before - 1);
    n += write(STDERR_FILENO, sentence, strlen(sentence));
    n += write(STDERR_FILENO, "\n", 1);
    (void)n; // nobody may be there to read it
}

static void on_late(int signal)
{
    (void)signal;
    say(bound.late);
    _exit(bound.code);
}

static void bound_begin(double seconds, const char *late, int code)
{
    struct sigaction action = {.sa_handler = on_late};
    sigemptyset(&action.sa_mask);
    bound.late = late, bound.code = code;
    sigaction(SIGALRM, &action, NULL);
    struct itimerval timer = {.it_value.tv_sec = (time_t)seconds,
                              .it_value.tv_usec =
                                  (suseconds_t)(1e6 * (seconds - (double)(time_t)seconds)) + 1};
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void bound_end(void)
{
    setitimer(ITIMER_REAL, &(struct itimerval){.it_value.tv_sec = 0}, NULL);
    bound.late = NULL;
}

static void buffer_need(struct flight *flight, size_t size)
{
    ASSERT(size <= INT_MAX); // MPI counts are int; a frame is one block
    if (flight->room < size) {
        free(flight->buffer);
        flight->buffer = mem_new(size, 1);
        flight->room = size;
    }
    flight->size = size;
}

static void sends_test(struct mpi_endpoint *e)
{
    for (size_t i = 0; i < e->n_sends; i++) {
        struct flight *f = &e->sends[i];
        if (!f->busy)
            continue;
        int done = 0;
        MPI_CALL(MPI_Test(&f->request, &done, MPI_STATUS_IGNORE));
        if (done) {
            f->busy = false;
            e->bulk_busy -= f->bulk;
        }
    }
}

static struct flight *send_free(struct mpi_endpoint *e, size_t size)
{
    struct flight *any = NULL;
    for (size_t i = 0; i < e->n_sends; i++) {
        struct flight *f = &e->sends[i];
        if (!f->busy && f->room >= size)
            return f;
        if (!f->busy && !any)
            any = f;
    }
    if (any)
        return any;
    e->sends = mem_grow(e->sends, e->n_sends, &e->sends_room, sizeof *e->sends);
    e->sends[e->n_sends] = (struct flight){.request = MPI_REQUEST_NULL};
    return &e->sends[e->n_sends++];
}

static void mpi_send(struct endpoint *endpoint, int to, int tag, const void *head, size_t head_size,
                     const void *body, size_t body_size, bool bulk)
{
    struct mpi_endpoint *e = (struct mpi_endpoint *)endpoint;
    struct flight *f = send_free(e, head_size + body_size);
    buffer_need(f, head_size + body_size);
    if (head_size)
        memcpy(f->buffer, head, head_size);
    if (body_size)
        memcpy(f->buffer + head_size, body, body_size);
    f->busy = true, f->bulk = bulk, f->peer = to, f->tag = tag;
    e->bulk_busy += bulk;
    MPI_CALL(MPI_Isend(f->buffer, (int)f->size, MPI_BYTE, to, tag, e->comm, &f->request));
}

static bool mpi_room(struct endpoint *endpoint, int to)
{
    (void)to;
    struct mpi_endpoint *e = (struct mpi_endpoint *)endpoint;
    if (e->bulk_busy >= BULK_FLIGHTS)
        sends_test(e);
    return e->bulk_busy < BULK_FLIGHTS;
}

static struct flight *receive_at(struct mpi_endpoint *e, size_t i)
{
    return &e->receives[(e->oldest + i) % RECEIVE_FLIGHTS];
}

/* Begins to receive all messages that have arrived, as long as a flight is free. */
static void receives_begin(struct mpi_endpoint *e)
{
    while (e->n_receives < RECEIVE_FLIGHTS) {
        int there = 0, size = 0;
        MPI_Message message;
        MPI_Status status;
        MPI_CALL(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, e->comm, &there, &message, &status));
        if (!there)
            return;
        MPI_CALL(MPI_Get_count(&status, MPI_BYTE, &size));
        struct flight *f = receive_at(e, e->n_receives++);
        buffer_need(f, (size_t)size);
        f->busy = true, f->peer = status.MPI_SOURCE, f->tag = status.MPI_TAG;
        MPI_CALL(MPI_Imrecv(f->buffer, size, MPI_BYTE, &message, &f->request));
    }
}

/* Finds the oldest complete message that has no older one of the same sender before it. False if
 * there is none. */
static bool receive_next(struct mpi_endpoint *e, size_t *index)
{
    for (size_t i = 0; i < e->n_receives; i++) {
        struct flight *f = receive_at(e, i);
        if (f->peer < 0)
            continue; // delivered; its slot is freed after the older ones
        bool behind = false;
        for (size_t j = 0; j < i && !behind; j++)
            behind = receive_at(e, j)->peer == f->peer;
        if (behind)
            continue;
        int done = !f->busy;
        if (!done)
            MPI_CALL(MPI_Test(&f->request, &done, MPI_STATUS_IGNORE));
        f->busy = !done;
        if (done) {
            *index = i;
            return true;
        }
    }
    return false;
}

static bool mpi_poll(struct endpoint *endpoint, struct parcel *parcel)
{
    struct mpi_endpoint *e = (struct mpi_endpoint *)endpoint;
    if (e->delivered >= 0) {
        e->receives[e->delivered].peer = -1;
        e->delivered = -1;
    }
    while (e->n_receives && receive_at(e, 0)->peer < 0) {
        e->oldest = (e->oldest + 1) % RECEIVE_FLIGHTS;
        e->n_receives--;
    }
    receives_begin(e);
    sends_test(e);
    size_t i = 0;
    if (!receive_next(e, &i))
        return false;
    struct flight *f = receive_at(e, i);
    e->delivered = (int)(f - e->receives);
    *parcel = (struct parcel){.from = f->peer, .tag = f->tag, .bytes = f->buffer, .size = f->size};
    return true;
}

static void mpi_free(struct endpoint *endpoint)
{
    struct mpi_endpoint *e = (struct mpi_endpoint *)endpoint;
    bool busy = true;
    while (busy) {
        struct parcel late;
        // messages after the end are not used, but their senders wait until they are received
        while (mpi_poll(endpoint, &late)) {
        }
        busy = false;
        for (size_t i = 0; i < e->n_sends; i++)
            busy |= e->sends[i].busy;
        if (busy)
            clock_sleep(1e-4);
    }
    // all ranks go on receiving until all have finished sending
    MPI_Request barrier;
    int done = 0;
    MPI_CALL(MPI_Ibarrier(e->comm, &barrier));
    while (!done) {
        struct parcel late;
        while (mpi_poll(endpoint, &late)) {
        }
        MPI_CALL(MPI_Test(&barrier, &done, MPI_STATUS_IGNORE));
        if (!done)
            clock_sleep(1e-3);
    }
    MPI_CALL(MPI_Comm_free(&e->comm));
    MPI_Finalize();
    for (size_t i = 0; i < e->n_sends; i++)
        free(e->sends[i].buffer);
    for (size_t i = 0; i < RECEIVE_FLIGHTS; i++)
        free(e->receives[i].buffer);
    free(e->sends);
    free(e);
}

static const struct endpoint_ops mpi_ops = {
    .send = mpi_send, .room = mpi_room, .poll = mpi_poll, .free = mpi_free};

struct endpoint *mpi_transport_open(double seconds, const char *sentence)
{
    struct mpi_endpoint *e = mem_new(1, sizeof *e);
    int provided = 0;
    bound_begin(seconds, sentence, ERR_MACHINE);
    MPI_CALL(MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided));
    MPI_CALL(MPI_Comm_dup(MPI_COMM_WORLD, &e->comm));
    MPI_CALL(MPI_Comm_set_errhandler(e->comm, MPI_ERRORS_RETURN));
    MPI_CALL(MPI_Comm_rank(e->comm, &e->base.rank));
    MPI_CALL(MPI_Comm_size(e->comm, &e->base.size));
    bound_end();
    e->base.ops = &mpi_ops;
    e->delivered = -1;
    return &e->base;
}

void mpi_transport_close(struct endpoint *endpoint, int code, const char *sentence)
{
    bound_begin(finish_seconds + finish_seconds_a_rank * endpoint->size, sentence, code);
    endpoint_free(endpoint);
    bound_end();
}

bool mpi_transport_is_open_mpi(void)
{
#ifdef OPEN_MPI
    return true;
#else
    return false;
#endif
}

const char *mpi_transport_library(void)
{
    static char text[MPI_MAX_LIBRARY_VERSION_STRING + 1];
    int size = 0;
    MPI_CALL(MPI_Get_library_version(text, &size));
    text[strcspn(text, ",\n")] = 0;
    return text;
}

_Noreturn void mpi_transport_abort(int code)
{
    MPI_Abort(MPI_COMM_WORLD, code);
    _exit(code);
}
