#include "proto/tensor/model_flops.h"

#include "proto/tensor/layout.h"
#include "proto/tensor/model_shape.h"

double model_flops_per_token(const Trireme__Model *model)
{
    struct layout *layout = layout_new(model);
    double multiply = 0;
    for (size_t i = 0; i < layout->n_tensors; i++)
        if (layout->tensors[i].multiplies)
            multiply += (double)tensor_count(&layout->tensors[i]);
    layout_free(layout);
    const double attention = (double)(model->heads * model_shape_head(model));
    return 6 * multiply + 6.0 * model->layers * attention * model->context;
}
