/* The secret of a run: 32 bytes. Who can read it is a person to the run; everybody else is a
 * planner. It is never sent: a request carries a seal that only who knows it can make, and a client
 * a token that follows from it.
 *
 * Where it is (experiment.secret):
 *   ""      RUN/secret, which the first launch that has none makes of random bytes. Programs of the
 *           same user can read it: they are not separated from persons.
 *   PATH    a file outside of RUN, by an absolute path; it may belong to another user
 *   ask     it follows from a passphrase, asked for at a terminal: PBKDF2-HMAC-SHA256 with
 *           SECRET_ROUNDS rounds
 *
 * The files:
 *   RUN/secret, PATH   64 hexadecimal digits in lower case and a line end; a regular file (no link)
 *                      that nobody but its owner can read or write; RUN/secret is its user's
 *   RUN/secret.salt    ROUNDS SALT CHECK in one line: the rounds in decimal, 16 random bytes and
 *                      HMAC(secret, "trireme check") in hexadecimal; what a passphrase is tried by
 *   RUN/secret.once    the derived secret, written as RUN/secret: from `train`, which asked, to
 *                      rank 0, which removes it when it has read it
 *   RUN/id             32 hexadecimal digits and a line end, random: which run this is, over all
 *                      launches; no secret. A copy of a folder is the same run.
 *
 * All functions are local. */
#pragma once
#include "base/err.h"
#include "base/hmac.h"

#include <stdbool.h>

struct secret;

enum {
    SECRET_ROUNDS = 600000, /* OWASP's figure for PBKDF2-HMAC-SHA256: about .2 s */
    SECRET_PASSPHRASE_MIN = 8,
    SECRET_TOKEN_SIZE = 2 * HMAC_SIZE + 1 /* hexadecimal digits and a NUL */
};

/* Whether `where` (experiment.secret) needs a passphrase. */
bool secret_is_asked(const char *where);

/* ERR_USAGE with a sentence if `where` is no such word or path. Reads nothing. */
int secret_check_where(const char *where, struct err *err);

/* Of a launch that holds the run: opens the secret, and makes RUN/secret and RUN/id where they are
 * missing. Of `ask` it takes RUN/secret.once. ERR_USAGE if a file's mode, owner or bytes are wrong,
 * or `train` asked nobody. The caller frees *secret. */
int secret_make(struct secret **secret, const char *run, const char *where, struct err *err);

/* Of a client: opens it; not for `ask`. Returns 1; 0, with the sentence too, where it is not there
 * or this user may not read it: it is a planner then; -1 with ERR_USAGE if something is wrong. */
int secret_open(struct secret **secret, const char *run, const char *where, struct err *err);

/* Of `ask`: derives it. new: of a launch, to be handed over and for nothing else; RUN/secret.salt
 * is made if it is not there. ERR_USAGE for a passphrase that is too short, or not that of the run.
 * secret_is_new: there is no salt yet. */
bool secret_is_new(const char *run);
int secret_derive(struct secret **secret, const char *run, const char *passphrase, bool new,
                  struct err *err);

/* Writes RUN/secret.once; removes it if it is still there. */
int secret_hand_over(const struct secret *secret, const char *run, struct err *err);
void secret_take_away(const char *run);

/* Wipes it. Accepts NULL. */
void secret_free(struct secret *secret);

/* Whether programs of the same user are kept from it (experiment.secret is set). */
bool secret_separates(const struct secret *secret);

/* HMAC(secret, "trireme PURPOSE RUN-ID\n" TEXT): what only who knows the secret can make of a text,
 * for this run and this purpose. */
void secret_mac(unsigned char mac[HMAC_SIZE], const struct secret *secret, const char *purpose,
                const char *text);

/* The token of a role for a purpose: HMAC(secret, "trireme token PURPOSE ROLE RUN-ID") in
 * hexadecimal. purpose, role: words without blanks ("mcp", "propose"). secret_token_fits compares
 * in constant time; false for NULL. */
void secret_token(char token[SECRET_TOKEN_SIZE], const struct secret *secret, const char *purpose,
                  const char *role);
bool secret_token_fits(const struct secret *secret, const char *purpose, const char *role,
                       const char *token);
