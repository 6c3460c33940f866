#include "launcher/commands/person.h"

#include "base/mem.h"
#include "coordinator/inbox/inbox.h"
#include "coordinator/inbox/seal.h"
#include "coordinator/run/secret.h"
#include "launcher/commands/passphrase.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "passphrase of RUN: " */
static int ask_passphrase(char *text, const char *run, const char *more, struct err *err)
{
    char *words = mem_format("%spassphrase of %s: ", more, run);
    const int rc = passphrase_ask(text, words, err);
    free(words);
    return rc;
}

int person_open_secret(struct secret **secret, const char *run, struct err *err)
{
    char text[PASSPHRASE_SIZE];
    Trireme__Config *config = run_config_of(run, err);
    if (!config)
        return -1;
    const char *where = config->experiment->secret;
    int rc;
    if (!secret_is_asked(where)) {
        rc = secret_open(secret, run, where, err);
    } else {
        rc = ask_passphrase(text, run, "", err);
        if (rc > 0)
            rc = secret_derive(secret, run, text, false, err) < 0 ? -1 : 1;
        explicit_bzero(text, sizeof text);
    }
    message_free(config);
    return rc;
}

int person_is(const char *run, const Trireme__Config *config, struct err *err)
{
    struct secret *secret = NULL;
    const char *where = config->experiment->secret;
    const int rc = secret_is_asked(where) ? 1 : secret_open(&secret, run, where, err);
    secret_free(secret);
    return rc;
}

int person_hand_over(const char *run, const char *where, struct err *err)
{
    char text[PASSPHRASE_SIZE], again[PASSPHRASE_SIZE];
    struct secret *secret = NULL;
    if (!secret_is_asked(where))
        return 0;
    const bool new = secret_is_new(run);
    int rc = ask_passphrase(text, run, new ? "new " : "", err);
    if (rc == 0)
        err_context(err, "experiment.secret");
    if (rc > 0 && new)
        rc = ask_passphrase(again, run, "once more: ", err);
    if (rc > 0 && new &&strcmp(text, again))
        rc = err_set(err, ERR_USAGE, "passphrase: found two different ones");
    if (rc > 0)
        rc = secret_derive(&secret, run, text, true, err) < 0 ||
                     secret_hand_over(secret, run, err) < 0
                 ? -1
                 : 1;
    secret_free(secret);
    explicit_bzero(text, sizeof text);
    explicit_bzero(again, sizeof again);
    return rc > 0 ? 0 : -1;
}

int person_ask(Trireme__Answer **answer, const char *run, const Trireme__Request *request,
               const struct secret *secret, double seconds, struct err *err)
{
    Trireme__Request asked = *request;
    asked.by = secret ? "person" : "planner";
    asked.has_pid = true, asked.pid = (uint32_t)getpid();
    if (!secret)
        return inbox_ask(answer, run, &asked, seconds, err);
    Trireme__Request *sealed = seal_put(&asked, secret, err);
    const int rc = sealed ? inbox_ask(answer, run, sealed, seconds, err) : -1;
    message_free(sealed);
    return rc;
}
