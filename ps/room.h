/* Whether a server has the memory that one more trial would take. */
#pragma once
#include <stdint.h>

/* Returns the bytes that the machine can still give (MemAvailable of /proc/meminfo); UINT64_MAX if
 * it does not say. A tighter limit of a container is not seen. */
uint64_t room_available(void);

/* Returns why a fork of `bytes` has no place beside the other forks' bytes (`others`), as a
 * sentence that the caller frees; NULL if it has one. limit: for all forks together
 * (experiment.memory); 0: the fork may take half of what is available, whatever the others take. */
char *room_refusal(uint64_t bytes, uint64_t others, uint64_t limit, uint64_t available);
