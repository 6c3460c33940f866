/* The texts of a task, made once by what `trireme data prepare` does. Local. */
#pragma once
#include "base/err.h"

#include "bench.pb-c.h"
#include "files.pb-c.h"

/* Makes texts/NAME where it is not there, from a folder texts/NAME.documents where the text is made
 * or cut. *made: what was made, or was there; freed by message_free. ERR_USAGE where nothing is
 * found of its input, and where a text of that name is there that is made from something else. */
int bench_text_make(Trireme__DataSet **made, const Trireme__BenchText *text, const char *texts,
                    struct err *err);
