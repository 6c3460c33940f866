#include "proto/tensor/tensor_kind.h"

#include "base/check.h"
#include "proto/tensor/layout.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *begin; /* of its name, behind the layer */
    enum tensor_kind kind;
} kinds[] = {
    {"embed.", TENSOR_EMBEDDING   },
    {"attn.",  TENSOR_ATTENTION   },
    {"mlp.",   TENSOR_FEED_FORWARD},
    {"norm",   TENSOR_NORM        },
    {"head.",  TENSOR_OUTPUT      },
};

enum tensor_kind tensor_kind_of(const struct tensor *tensor, int *layer)
{
    int behind = 0;
    if (sscanf(tensor->name, "layers.%d.%n", layer, &behind) != 1 || !behind)
        *layer = -1, behind = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(tensor->name + behind, kinds[i].begin, strlen(kinds[i].begin)) == 0)
            return kinds[i].kind;
    ASSERT(!"every tensor is of a kind");
    return TENSOR_OUTPUT;
}
