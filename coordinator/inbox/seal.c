#include "coordinator/inbox/seal.h"

#include "base/mem.h"
#include "coordinator/run/secret.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { NONCE_SIZE = 16 };

/* What the seal covers: the request as it is read back, but for the mac. */
static char *covered(const Trireme__Request *request)
{
    Trireme__Request *copy = message_copy(request);
    free(copy->seal->mac);
    copy->seal->mac = NULL;
    char *json = json_write(copy);
    message_free(copy);
    return json;
}

static void make_mac(char hex[2 * HMAC_SIZE + 1], const Trireme__Request *request,
                     const struct secret *secret)
{
    unsigned char mac[HMAC_SIZE];
    char *json = covered(request);
    secret_mac(mac, secret, "request", json);
    hmac_hex(hex, mac, sizeof mac);
    free(json);
}

/* The request as its file will be read, which may spell numbers otherwise. */
static Trireme__Request *read_back(const Trireme__Request *request, struct err *err)
{
    char *json = json_write(request);
    Trireme__Request *again = message_new(&trireme__request__descriptor);
    if (json_read(again, json, strlen(json), "the request", ERR_USAGE, err) < 0) {
        message_free(again);
        again = NULL;
    }
    free(json);
    return again;
}

Trireme__Request *seal_put(const Trireme__Request *request, const struct secret *secret,
                           struct err *err)
{
    unsigned char nonce[NONCE_SIZE];
    char hex[2 * NONCE_SIZE + 1], mac[2 * HMAC_SIZE + 1];
    struct timespec now;
    if (getrandom(nonce, sizeof nonce, 0) != sizeof nonce) {
        err_set(err, ERR_MACHINE, "getrandom: found no random bytes: %s", strerror(errno));
        return NULL;
    }
    Trireme__Request *sealed = read_back(request, err);
    if (!sealed)
        return NULL;
    clock_gettime(CLOCK_REALTIME, &now);
    hmac_hex(hex, nonce, sizeof nonce);
    sealed->seal->has_time = true;
    sealed->seal->time = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    sealed->seal->nonce = mem_strdup(hex);
    make_mac(mac, sealed, secret);
    sealed->seal->mac = mem_strdup(mac);
    return sealed;
}

enum seal seal_check(const Trireme__Request *request, const struct secret *secret)
{
    const Trireme__Seal *seal = request->seal;
    unsigned char nonce[NONCE_SIZE];
    char mac[2 * HMAC_SIZE + 1];
    if (!seal || (!seal->mac && !seal->nonce && !seal->time))
        return SEAL_NONE;
    if (!secret || !seal->mac || !seal->nonce || strlen(seal->mac) != sizeof mac - 1 ||
        !hmac_from_hex(nonce, sizeof nonce, seal->nonce))
        return SEAL_BROKEN;
    make_mac(mac, request, secret);
    return hmac_same(mac, seal->mac, sizeof mac - 1) ? SEAL_HOLDS : SEAL_BROKEN;
}
