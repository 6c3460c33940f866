/* Ranks in one process that the local transport connects, for tests of what stands on a transport.
 *
 * The harness owns the endpoints: net_harness_set_up opens them, with room for two bulk messages
 * each, and net_harness_tear_down frees them. A test that frees one sets it to NULL. */
#pragma once
#include "tests/unit/support.h"

#include "proto/net/endpoint.h"
#include "proto/net/local_transport.h"

#include "control.pb-c.h"

enum { RANKS = 3, ROOM = 2 };

static struct endpoint *ranks[RANKS];

static inline int net_harness_set_up(void **state)
{
    (void)state;
    local_transport_open(ranks, RANKS, ROOM);
    return 0;
}

static inline int net_harness_tear_down(void **state)
{
    (void)state;
    for (int r = 0; r < RANKS; r++)
        endpoint_free(ranks[r]);
    return 0;
}

#define test_with_ranks(name)                                                                      \
    cmocka_unit_test_setup_teardown(name, net_harness_set_up, net_harness_tear_down)

static inline void send_note(int from, int to, const char *text)
{
    Trireme__Note note = TRIREME__NOTE__INIT;
    note.text = (char *)text;
    endpoint_send(ranks[from], to, TAG_NOTE, &note);
}

/* Rank 0 ends the run for rank 1. */
static inline void send_end(uint32_t code)
{
    Trireme__End end = TRIREME__END__INIT;
    end.code = code;
    endpoint_send(ranks[0], 1, TAG_END, &end);
}
