/* How many cores this process may use: those of its affinity, and the quotas of its control groups
 * (a container's --cpus, a pod's limit), of version 1 and 2. Local. */
#pragma once

struct cores {
    unsigned allowed; /* by affinity */
    double quota;     /* of a control group; 0: none */
};

/* root: what stands before /proc and the groups' folders; "" but in tests. */
void cores_read(struct cores *cores, const char *root);

/* Whole cores that may be used, at least one. */
unsigned cores_usable(const struct cores *cores);
