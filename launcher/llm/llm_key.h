/* The key of a language model's server: read once, kept in memory that is not swapped, dumped or
 * inherited by a fork, and wiped. It is in no argument, variable, message or sentence.
 *
 *   llm.key_file     a regular file of ours, mode 0600: the key in one line of printable ASCII
 *   RUN/secret.llm   the same: from `train`, which took it out of its environment (llm.key_env), to
 *                    rank 0, which removes it when it has read it
 *
 * All functions are local. */
#pragma once
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct llm_key;

enum { LLM_KEY_MAX = 1024, LLM_KEY_SECRET = 8 /* bytes of the shortest that is hidden */ };

/* A copy of a key of `size` bytes; the caller wipes its own. ERR_USAGE, without any of it in the
 * sentence, if it is empty, too long, or not of printable ASCII. what: where it came from. */
struct llm_key *llm_key_new(const char *bytes, size_t size, const char *what, struct err *err);

/* Reads a file of one. ERR_USAGE if its mode, owner or bytes are wrong. */
struct llm_key *llm_key_read(const char *path, struct err *err);

/* Takes that variable out of the environment (environment_take): it is one of ours alone then.
 * ERR_USAGE if it is not set, or holds no key. */
struct llm_key *llm_key_take_variable(const char *name, struct err *err);

/* Writes RUN/secret.llm; takes it, which removes it; removes it if it is still there. */
int llm_key_hand_over(const struct llm_key *key, const char *run, struct err *err);
struct llm_key *llm_key_take(const char *run, struct err *err);
void llm_key_take_away(const char *run);

/* The key, which ends with a NUL; borrowed. */
const char *llm_key_text(const struct llm_key *key);

/* Puts asterisks over each place where the bytes, which may be JSON, hold the key, in escapes of
 * JSON too. A key shorter than LLM_KEY_SECRET ("none", "text") is no secret, but may be a word of
 * the protocol, and stays. key: or NULL. */
void llm_key_hide(char *bytes, size_t size, const struct llm_key *key);

/* Wipes it. Accepts NULL. */
void llm_key_free(struct llm_key *key);
