/* What a tensor of a layout is in the model, by its name. */
#pragma once

struct tensor;

enum tensor_kind {
    TENSOR_EMBEDDING,    /* of tokens and positions; a tied head, too */
    TENSOR_ATTENTION,    /* matrices and biases */
    TENSOR_FEED_FORWARD, /* matrices and biases */
    TENSOR_NORM,         /* weights and biases */
    TENSOR_OUTPUT,       /* a head that is not tied */
    N_TENSOR_KINDS
};

/* *layer: of which layer; -1: of none. Local. */
enum tensor_kind tensor_kind_of(const struct tensor *tensor, int *layer);
