/* Reads Hugging Face directories as a training would, and writes what it read as new ones: lines
 * "FROM<tab>TO" on standard input; for each a line "0", or the exit code and the sentence. */
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "proto/file/hugging_face.h"
#include "proto/file/hugging_face_config.h"
#include "proto/file/hugging_face_write.h"
#include "proto/schema/message.h"
#include "proto/tensor/layout.h"
#include "proto/tensor/model_shape.h"

#include "config.pb-c.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* No mutation makes a model of this many parameters that could be read. */
enum { PARAMETERS_MAX = 10000000 };

static int copy_weights(const char *from, const char *to, const Trireme__Model *model,
                        struct err *err)
{
    struct layout *layout = layout_new(model);
    if (layout->n_params > PARAMETERS_MAX) {
        // the numbers cannot be there; what is asked is only that this is seen
        int rc = hugging_face_check(from, model, layout, err);
        layout_free(layout);
        return rc < 0 ? rc : err_set(err, ERR_DATA, "%s: read, but of a size never made", from);
    }
    float *weights = mem_new(layout->n_params, sizeof *weights);
    int rc = hugging_face_read(from, model, layout, 0, layout->n_params, weights, err);
    if (rc == 0)
        rc = file_make_dirs(to, ERR_USAGE, err);
    if (rc == 0)
        rc = hugging_face_write(to, model, layout, weights, NULL, err);
    free(weights);
    layout_free(layout);
    return rc;
}

static int copy_model(const char *from, const char *to, struct err *err)
{
    Trireme__Model *model = message_new(&trireme__model__descriptor);
    int rc = hugging_face_shape(model, from, err);
    if (rc == 0)
        rc = model_shape_resolve(model, err);
    if (rc == 0)
        rc = copy_weights(from, to, model, err);
    message_free(model);
    return rc;
}

int main(void)
{
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        line[strcspn(line, "\n")] = 0;
        char *tab = strchr(line, '\t');
        if (!tab)
            return ERR_USAGE;
        *tab = 0;
        struct err err = {0};
        if (copy_model(line, tab + 1, &err) < 0)
            printf("%d %s\n", (int)err.code, err.text);
        else
            puts("0");
        fflush(stdout);
    }
    free(line);
    return 0;
}
