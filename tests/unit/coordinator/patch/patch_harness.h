/* Applies patches of one or two changes to a configuration, for the tests of patches and
 * policies. */
#pragma once
#include "tests/unit/coordinator/briefing/briefing_fixture.h"
#include "tests/unit/proto/config/change_fixture.h"

#include "coordinator/patch/patch.h"

/* words: path and value of two changes; of one where the second path is NULL. policy: or NULL. NULL
 * and err where the patch is refused; else the caller's, who frees it by message_free. */
static inline Trireme__Config *patch_harness_apply(const Trireme__Config *config,
                                                   const char *const words[4],
                                                   const Trireme__Policy *policy, struct err *err)
{
    Trireme__Change *changes[] = {change_fixture(words[0], words[1]),
                                  change_fixture(words[2], words[3])};
    Trireme__Config *changed = patch_apply(config, changes, words[2] ? 2 : 1, policy, err);
    message_free(changes[0]);
    message_free(changes[1]);
    return changed;
}

/* Fails unless the patch is refused with that part of a sentence. */
static inline void assert_patch_refused(const Trireme__Config *config, const char *const words[4],
                                        const Trireme__Policy *policy, const char *sentence)
{
    struct err err = {0};
    Trireme__Config *changed = patch_harness_apply(config, words, policy, &err);
    if (changed)
        fail_msg("%s=%s was taken, expected: %s", words[0], words[1], sentence);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, sentence);
    assert_ptr_equal(strstr(err.text, "patch: "), NULL);
}
