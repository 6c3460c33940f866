#include "worker/data/data_tokenizer.h"

#include "base/digest.h"
#include "worker/data/data_yaml.h"
#include "worker/tokenizer/tokenizer.h"

#include <inttypes.h>
#include <string.h>

struct tokenizer *data_tokenizer_open(const char *folder, const Trireme__DataSet *set,
                                      struct err *err)
{
    if (data_yaml_verify_tokenizer(folder, set, err) < 0)
        return NULL;
    struct tokenizer *tokenizer = tokenizer_open(folder, err);
    if (!tokenizer) {
        err->code = ERR_DATA;
        return NULL;
    }
    char hex[DIGEST_HEX_SIZE];
    digest_hex(hex, tokenizer_digest(tokenizer));
    if (!strcmp(hex, set->vocabulary->digest) && tokenizer_vocab(tokenizer) == set->vocab)
        return tokenizer;
    err_set(err, ERR_DATA,
            "%s: found a tokenizer of %" PRIu32 " tokens of digest %s, expected %" PRIu32
            " of %s as in data.yaml",
            folder, tokenizer_vocab(tokenizer), hex, set->vocab, set->vocabulary->digest);
    tokenizer_close(tokenizer);
    return NULL;
}
