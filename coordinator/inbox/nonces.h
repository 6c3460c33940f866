/* RUN/nonces: the seals that the run has taken, so that none is taken twice, also by a later
 * launch.
 *
 * The newest NONCES_MAX are remembered, by the times in the seals. What is older than all of them,
 * once there are so many, is refused without a look, since it might be one that was forgotten: so
 * the file is bounded, and no clock is compared with another. The file is text of lines "TIME
 * NONCE" (nanoseconds in decimal, a blank, 32 hexadecimal digits), after a first line "FLOOR" (the
 * newest time that was forgotten). Local. */
#pragma once
#include "base/err.h"

#include <stdint.h>

struct nonces;

enum { NONCES_MAX = 1024 };

/* Reads them; none where the file is not there. ERR_DATA if it is damaged, ERR_MACHINE if it cannot
 * be read. */
struct nonces *nonces_open(const char *run, struct err *err);
void nonces_free(struct nonces *nonces); /* accepts NULL */

/* Takes a seal's time and nonce (32 hexadecimal digits): it is on the disk before this returns.
 * ERR_USAGE if it was taken before or is too old; ERR_TRAIN if it cannot be written down: then it
 * is not taken. */
int nonces_take(struct nonces *nonces, uint64_t time, const char *nonce, struct err *err);
