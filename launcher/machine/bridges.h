/* Networks that each machine has for itself: bridges of containers and virtual machines (docker0,
 * virbr0), and link-local addresses of management processors. Two machines may have the same
 * address there; Open MPI then tries for ever to reach the one at the other's. Local. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct bridge {
    char name[32]; /* of the interface */
    char net[32];  /* "172.17.0.0/16" */
};

/* Finds those of this machine with an IPv4 address, at most max. A bridge that a real interface is
 * part of is none of them. Returns their number. */
size_t bridges_find(struct bridge *bridges, size_t max);

/* Whether the interface is a bridge that no real interface is part of. net: the folder of the
 * system's interfaces, /sys/class/net but in tests. */
bool bridges_is_inner(const char *net, const char *name);

/* "docker0 (172.17.0.0/16), virbr0 (192.168.122.0/24)"; the caller frees it. */
char *bridges_list(const struct bridge *bridges, size_t n);

/* The same of all networks of this machine but its loopback; the caller frees it. */
char *bridges_networks(void);

/* The same for Open MPI: the networks, and names that other machines may have such bridges by. The
 * caller frees it. */
char *bridges_for_mpi(const struct bridge *bridges, size_t n);
