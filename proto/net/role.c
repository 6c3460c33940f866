#include "proto/net/role.h"

#include "base/clock.h"
#include "proto/net/endpoint.h"
#include "proto/net/idle.h"
#include "proto/net/link.h"

/* After a failure: reads messages until END and ignores the others. -1 if END does not come. */
static int await_end(struct link *link)
{
    double deadline = clock_now() + link->patience;
    struct idle idle = {0};
    while (clock_now() < deadline) {
        struct parcel parcel;
        if (!endpoint_poll(link->endpoint, &parcel)) {
            idle_wait(&idle);
        } else if (parcel.tag == TAG_END) {
            return link_end_code(&parcel);
        }
    }
    return -1;
}

int role_fail(struct link *link, const struct err *err)
{
    link_fault(link, err);
    return await_end(link);
}

int role_run(role_turn_fn turn, void *role, struct link *link)
{
    struct err err = {0};
    struct idle idle = {0};
    for (;;) {
        switch (turn(role, &err)) {
        case TURN_IDLE:
            idle_wait(&idle);
            break;
        case TURN_BUSY:
            idle_reset(&idle);
            break;
        case TURN_OVER:
            return (int)link->code;
        case TURN_FAILED:
            return role_fail(link, &err);
        }
    }
}
