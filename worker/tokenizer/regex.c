#include "worker/tokenizer/regex.h"

#include "base/check.h"
#include "base/mem.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

enum { STACK_FIRST = 64 << 10, STACK_MOST = 64 << 20 };

struct regex {
    pcre2_code *code;
};

struct regex_space {
    pcre2_match_data *match;
    pcre2_match_context *context;
    pcre2_jit_stack *stack; /* may be NULL: the machine code then uses 32 KiB of its own */
};

struct regex *regex_open(const char *pattern, struct err *err)
{
    int mistake;
    PCRE2_SIZE at;
    pcre2_code *code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                                     PCRE2_UTF | PCRE2_UCP, &mistake, &at, NULL);
    if (!code) {
        PCRE2_UCHAR reason[200];
        pcre2_get_error_message(mistake, reason, sizeof reason);
        err_set(err, ERR_DATA, "pattern \"%.200s\": %s (at %zu)", pattern, (char *)reason,
                (size_t)at);
        return NULL;
    }
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE); // where it fails, matching is slower
    struct regex *regex = mem_new(1, sizeof *regex);
    regex->code = code;
    return regex;
}

void regex_close(struct regex *regex)
{
    if (!regex)
        return;
    pcre2_code_free(regex->code);
    free(regex);
}

struct regex_space *regex_space_new(const struct regex *regex)
{
    struct regex_space *space = mem_new(1, sizeof *space);
    space->match = pcre2_match_data_create_from_pattern(regex->code, NULL);
    space->context = pcre2_match_context_create(NULL);
    ASSERT(space->match && space->context);
    space->stack = pcre2_jit_stack_create(STACK_FIRST, STACK_MOST, NULL);
    if (space->stack)
        pcre2_jit_stack_assign(space->context, NULL, space->stack);
    return space;
}

void regex_space_free(struct regex_space *space)
{
    if (!space)
        return;
    pcre2_match_data_free(space->match);
    pcre2_match_context_free(space->context);
    pcre2_jit_stack_free(space->stack);
    free(space);
}

int regex_find(const struct regex *regex, struct regex_space *space, size_t *begin, size_t *end,
               const char *text, size_t size, size_t at, struct err *err)
{
    int found = pcre2_match(regex->code, (PCRE2_SPTR)text, size, at, PCRE2_NO_UTF_CHECK,
                            space->match, space->context);
    if (found == PCRE2_ERROR_NOMATCH)
        return 0;
    if (found < 0) {
        PCRE2_UCHAR reason[200];
        pcre2_get_error_message(found, reason, sizeof reason);
        return err_set(err, ERR_DATA, "matching the tokenizer's pattern at byte %zu of %zu: %s", at,
                       size, (char *)reason);
    }
    const PCRE2_SIZE *bounds = pcre2_get_ovector_pointer(space->match);
    *begin = bounds[0];
    *end = bounds[1];
    return 1;
}
