/* Whether a server has the memory that one more trial would take. */
#pragma once
#include <stdint.h>

/* Bytes that the machine can still give (MemAvailable of /proc/meminfo); UINT64_MAX where it does
 * not say. It is the machine's figure: a tighter limit of a container is not seen. */
uint64_t room_available(void);

/* Why a fork of so many bytes has no place beside the other forks' bytes, as a sentence in fresh
 * memory; NULL: it has one. limit: for all forks (experiment.memory); 0: it may take half of what
 * is available, whatever others took. */
char *room_refusal(uint64_t bytes, uint64_t others, uint64_t limit, uint64_t available);
