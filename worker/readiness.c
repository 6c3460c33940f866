#include "worker/readiness.h"

#include "base/file.h"
#include "base/mem.h"
#include "math/kernels.h"
#include "proto/net/link.h"
#include "proto/schema/message.h"
#include "worker/base_tokenizer.h"
#include "worker/data/dataset.h"

#include <stdlib.h>

enum { FINGERPRINT_SIZE = 256 };

void readiness_say(struct link *link, const struct dataset *dataset,
                   const Trireme__Compute *compute, const char *note)
{
    char fingerprint[FINGERPRINT_SIZE], digest[DIGEST_HEX_SIZE];
    kernels_fingerprint(fingerprint, sizeof fingerprint, kernels_best(),
                        protobuf_c_enum_descriptor_get_value(
                            &trireme__compute__precision__descriptor, compute->precision)
                            ->name);
    dataset_digest(dataset, digest);
    Trireme__Ready ready = TRIREME__READY__INIT;
    ready.fingerprint = fingerprint, ready.data_digest = digest;
    ready.note = (char *)note;
    size_t n = dataset_sources(dataset);
    Trireme__EvalSource *sources = mem_new(n, sizeof *sources);
    Trireme__EvalSource **pointers = mem_new(n, sizeof *pointers);
    for (size_t i = 0; i < n; i++) {
        trireme__eval_source__init(&sources[i]);
        sources[i].name = (char *)dataset_source_name(dataset, i);
        sources[i].samples = dataset_eval_samples(dataset, TRIREME__PART__dev, i);
        sources[i].gate_samples = dataset_eval_samples(dataset, TRIREME__PART__gate, i);
        sources[i].sealed_samples = dataset_eval_samples(dataset, TRIREME__PART__sealed, i);
        sources[i].val_tokens = dataset_val_tokens(dataset, i);
        sources[i].dev_longest = dataset_val_longest(dataset, TRIREME__PART__dev, i);
        pointers[i] = &sources[i];
    }
    ready.n_eval = n, ready.eval = pointers;
    link_note(link, "computes with %s", fingerprint);
    Trireme__RunData *data = dataset_describe(dataset);
    ready.n_files = data->n_files, ready.files = data->files;
    link_ready(link, &ready);
    message_free(data);
    free(pointers);
    free(sources);
}

int readiness_add_tokenizer(Trireme__WasRead *message, const Trireme__Start *start,
                            const struct dataset *dataset, struct err *err)
{
    const char *folder;
    const Trireme__Vocabulary *vocabulary = dataset_vocabulary(dataset, &folder);
    if (!vocabulary) {
        base_tokenizer_add(message, start, dataset);
        return 0;
    }
    message->tokenizer_files = mem_new(vocabulary->n_files, sizeof *message->tokenizer_files);
    for (size_t i = 0; i < vocabulary->n_files; i++) {
        size_t size;
        char *path = file_join(folder, vocabulary->files[i]->file),
             *bytes = file_read(path, &size, ERR_DATA, err);
        free(path);
        if (!bytes)
            return -1;
        message->tokenizer_files[message->n_tokenizer_files++] =
            (ProtobufCBinaryData){.len = size, .data = (uint8_t *)bytes};
    }
    return 0;
}
