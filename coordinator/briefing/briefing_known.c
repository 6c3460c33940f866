/* What earlier runs of this kind have learned. */
#include "base/mem.h"
#include "coordinator/briefing/briefing_internal.h"
#include "proto/schema/message.h"

void briefing_tell_known(Trireme__Briefing *b, const struct briefing_input *input)
{
    for (size_t i = 0; i < input->n_known; i++)
        APPEND(b, known, message_copy(input->known[i]));
}
