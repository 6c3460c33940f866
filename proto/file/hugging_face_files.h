/* The files of weights in a Hugging Face directory, by the rule of transformers' from_pretrained:
 * model.safetensors where it is there, else exactly the files that the "weight_map" of
 * model.safetensors.index.json names. No other file of weights in the folder is read.
 *
 * Every tensor of these files is accounted for: it is a piece of the model, or a buffer that older
 * writers stored, or it is refused. With an index, each tensor stands in the file that the index
 * says, and in no other. */
#pragma once
#include "base/err.h"

#include "config.pb-c.h"

#include <stddef.h>

struct hugging_face_piece;
struct safetensors;
struct safetensors_entry;

/* A tensor and the path of its file, borrowed from struct hugging_face_files. */
struct hugging_face_found {
    const struct safetensors_entry *entry; /* NULL: not there */
    const char *path;
};

struct hugging_face_files {
    struct safetensors *files;
    char **paths; /* of each file */
    size_t n;
    struct hugging_face_found *found; /* of each piece */
    /* lm_head.weight of a tied model, beside its embedding. Where the embedding is not there, the
     * head is the embedding's piece, and this is empty. */
    struct hugging_face_found head;
};

/* Opens the files and finds every piece of a resolved model in them. Fails with ERR_DATA. */
int hugging_face_files_open(struct hugging_face_files *files, const char *folder,
                            const Trireme__Model *model, const struct hugging_face_piece *pieces,
                            size_t n_pieces, struct err *err);
void hugging_face_files_close(struct hugging_face_files *files);
