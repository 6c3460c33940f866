/* A transport inside one thread: a hub of queues, for tests of several roles without MPI. */
#pragma once
#include "proto/net/endpoint.h"

/* Makes n endpoints of one hub and writes them to endpoints[0..n). A rank holds at most `room` bulk
 * frames that it has not read; with a small room, senders often have to wait. The hub is freed with
 * the last endpoint. */
void local_transport_open(struct endpoint **endpoints, int n, int room);
