#include "base/warn.h"

#include <stdio.h>

void warn_stderr(void *context, const char *sentence)
{
    (void)context;
    fprintf(stderr, "trireme: %s\n", sentence);
}
