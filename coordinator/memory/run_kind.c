#include "coordinator/memory/run_kind.h"

#include "base/mem.h"
#include "proto/config/run_config.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"

#include <string.h>

static const char *name_of(const ProtobufCEnumDescriptor *type, int value)
{
    return protobuf_c_enum_descriptor_get_value(type, value)->name;
}

Trireme__RunKind *run_kind_of(const Trireme__Config *config)
{
    Trireme__RunKind *kind = message_new(&trireme__run_kind__descriptor);
    struct layout *layout = layout_new(config->model);
    kind->arch = mem_strdup(name_of(&trireme__model__arch__descriptor, (int)config->model->arch));
    kind->optimizer =
        mem_strdup(name_of(&trireme__optimizer__name__descriptor, (int)config->optimizer->name));
    kind->has_parameters = 1, kind->parameters = layout->n_params;
    kind->has_tokens = 1, kind->tokens = config->train->steps * run_config_step_tokens(config);
    layout_free(layout);
    return kind;
}

static bool is_near(uint64_t a, uint64_t b, unsigned factor)
{
    const uint64_t less = a < b ? a : b, more = a < b ? b : a;
    return (double)more < (double)factor * (double)less;
}

static bool is_same(const char *a, const char *b)
{
    return a && b && !strcmp(a, b);
}

bool run_kind_same(const Trireme__RunKind *a, const Trireme__RunKind *b)
{
    return a && b && is_same(a->arch, b->arch) && is_same(a->optimizer, b->optimizer) &&
           is_near(a->parameters, b->parameters, RUN_KIND_FACTOR) &&
           is_near(a->tokens, b->tokens, RUN_KIND_FACTOR);
}

bool run_scale_same(const Trireme__RunKind *a, uint64_t tokens_a, const Trireme__RunKind *b,
                    uint64_t tokens_b)
{
    return run_kind_same(a, b) && is_near(a->parameters, b->parameters, RUN_SCALE_FACTOR) &&
           is_near(tokens_a, tokens_b, RUN_SCALE_FACTOR);
}
