/* Both sets of kernels by number, for tests that go through them. */
#pragma once
#include "tests/unit/support.h"

#include "math/kernels.h"

/* 0: the reference; 1: the fast ones. */
static inline const struct kernels *kernels_fixture(int i)
{
    return i ? kernels_fast() : kernels_reference();
}
