/* All ranks in one thread: a hub of queues, for tests of roles that talk to each other without MPI.
 */
#pragma once
#include "proto/net/endpoint.h"

/* n endpoints of one hub, written to endpoints[0..n). A rank takes at most `room` bulk frames that
 * it has not read; few make the roles keep their place often. The hub goes with the last endpoint.
 */
void local_transport_open(struct endpoint **endpoints, int n, int room);
