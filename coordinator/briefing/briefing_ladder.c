/* Other values of a setting that are legal and make sense: for most a quarter, half, twice and four
 * times what it is; of a decay, which is near 1, its distance from 1 by these factors. */
#include "base/mem.h"
#include "coordinator/briefing/briefing_internal.h"
#include "coordinator/briefing/stats.h"
#include "coordinator/patch/patch.h"
#include "proto/schema/message.h"
#include "proto/schema/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_decay(const Trireme__MayChange *may, double value)
{
    return value >= 0.5 && value < 1 && may->has_max && may->max <= 1;
}

static bool is_legal(const Trireme__MayChange *may, char *value, const struct briefing_input *input)
{
    struct err unread;
    Trireme__Change change = TRIREME__CHANGE__INIT, *changes[] = {&change};
    change.path = may->path, change.value = value;
    Trireme__Config *after = patch_apply(input->config, changes, 1, input->policy, &unread);
    message_free(after);
    return after != NULL;
}

void briefing_tell_ladder(Trireme__MayChange *may, const struct briefing_input *input)
{
    static const double factors[] = {0.25, 0.5, 2, 4};
    static const double nearer[] = {4, 2, 0.5, 0.25}; // to 1, in the order of the values
    double value;
    bool negative;
    uint64_t size;
    if (may->n_words || !number_read(&value, may->value, false) || value == 0)
        return;
    const bool whole = number_read_whole(&negative, &size, may->value) && may->max >= 2;
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        char text[NUMBER_SIZE];
        double rung = is_decay(may, value) ? 1 - (1 - value) * nearer[i] : value * factors[i];
        rung = whole && rung >= 1 ? round(rung) : stats_round(rung, is_decay(may, value) ? 6 : 3);
        number_write(text, rung, false);
        if (is_legal(may, text, input))
            APPEND(may, ladder, mem_strdup(text));
    }
}
