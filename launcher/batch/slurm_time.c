#include "launcher/batch/slurm_time.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { PARTS_MAX = 3, DIGITS_MAX = 7 };
static const uint64_t longest = (uint64_t)10 * 366 * 86400; // a mistake, not a plan

/* Reads "1:2:3" to the end of the text; returns how many numbers, 0 where it is something else. */
static size_t read_numbers(uint64_t numbers[PARTS_MAX], const char *text)
{
    size_t n = 0;
    for (;; text++) {
        char *end = NULL;
        if (n == PARTS_MAX || !isdigit((unsigned char)*text))
            return 0;
        numbers[n++] = strtoull(text, &end, 10);
        if (end - text > DIGITS_MAX || (*end && *end != ':'))
            return 0;
        if (!*end)
            return n;
        text = end;
    }
}

static bool read_seconds(uint64_t *seconds, const char *text)
{
    static const uint64_t after_days[PARTS_MAX] = {3600, 60, 1};
    static const uint64_t alone[PARTS_MAX][PARTS_MAX] = {
        {60},
        {   60,   1},
        { 3600, 60, 1}
    };
    uint64_t numbers[PARTS_MAX], days = 0;
    const char *rest = text;
    while (isdigit((unsigned char)*rest))
        rest++;
    const bool has_days = *rest == '-' && rest > text && rest - text <= DIGITS_MAX;
    if (has_days)
        days = strtoull(text, NULL, 10);
    const size_t n = read_numbers(numbers, has_days ? rest + 1 : text);
    *seconds = days * 86400;
    for (size_t i = 0; i < n; i++)
        *seconds += numbers[i] * (has_days ? after_days : alone[n - 1])[i];
    return n > 0;
}

int slurm_time_read(uint64_t *seconds, const char *option, const char *text, struct err *err)
{
    uint64_t found = 0;
    if (!read_seconds(&found, text) || found == 0 || found > longest)
        return err_set(err, ERR_USAGE,
                       "%s: found '%s', expected a time limit like 90 (minutes), 1:30:00, 2-12 or "
                       "1-06:00:00 (days-hours:minutes:seconds)",
                       option, text);
    *seconds = found;
    return 0;
}

void slurm_time_write(char text[SLURM_TIME_SIZE], uint64_t seconds)
{
    snprintf(text, SLURM_TIME_SIZE, "%" PRIu64 "-%02u:%02u:%02u", seconds / 86400,
             (unsigned)(seconds / 3600 % 24), (unsigned)(seconds / 60 % 60),
             (unsigned)(seconds % 60));
}
