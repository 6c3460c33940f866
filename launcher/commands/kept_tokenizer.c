#include "launcher/commands/kept_tokenizer.h"

#include "base/digest.h"
#include "base/file.h"
#include "coordinator/run/run_data.h"
#include "coordinator/run/run_tokenizer.h"
#include "proto/schema/message.h"
#include "worker/tokenizer/tokenizer.h"

#include <stdlib.h>
#include <string.h>

static int check(const struct tokenizer *tokenizer, const char *folder, const char *run,
                 struct err *err)
{
    Trireme__RunData *data = NULL;
    if (run_data_read(&data, run, err) < 0)
        return -1;
    char hex[DIGEST_HEX_SIZE];
    digest_hex(hex, tokenizer_digest(tokenizer));
    int rc = 0;
    if (data && data->vocabulary && strcmp(data->vocabulary->digest, hex))
        rc = err_set(err, ERR_DATA,
                     "%s: found a tokenizer of digest %s, expected that of the run's data, %s",
                     folder, hex, data->vocabulary->digest);
    message_free(data);
    return rc;
}

int kept_tokenizer_open(struct tokenizer **tokenizer, char **folder, const char *checkpoint,
                        struct err *err)
{
    char *run = file_join(checkpoint, "../.."), *place = run_tokenizer_folder(run);
    struct tokenizer *opened = NULL;
    int rc = 0;
    if (file_is_dir(place)) {
        opened = tokenizer_open(place, err);
        rc = opened ? check(opened, place, run, err) : -1;
        if (rc < 0)
            err->code = ERR_DATA;
    }
    free(run);
    if (rc < 0) {
        tokenizer_close(opened);
        free(place);
        return -1;
    }
    *tokenizer = opened;
    *folder = place;
    return 0;
}
