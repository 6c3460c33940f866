/* encode_file TOKENIZER [--specials] [--documents] [--times N] [--out IDS] FILE
 *
 * Encodes a file, and decodes it again. Writes the ids to IDS as 32-bit numbers, and one JSON
 * object to stdout: ids, bytes, vocab, end_of_text (-1: none), CPU seconds to open, of the fastest
 * and of the median of N times (each with a new encoder), whether decoding gave the same bytes.
 * --documents: FILE is a list of texts, each a 4-byte length (little-endian) and its bytes; IDS has
 * the number of ids before those of each text. */
#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "worker/tokenizer/encoder.h"
#include "worker/tokenizer/tokenizer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_TIMES = 101 };

struct options {
    const char *tokenizer, *file, *out;
    bool specials, documents;
    int times;
};

static int read_options(struct options *options, int argc, char **argv)
{
    const char **place[] = {&options->tokenizer, &options->file};
    size_t n = 0;
    options->times = 1;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--specials") == 0)
            options->specials = true;
        else if (strcmp(argv[i], "--documents") == 0)
            options->documents = true;
        else if (strcmp(argv[i], "--times") == 0 && i + 1 < argc)
            options->times = atoi(argv[++i]);
        else if (strcmp(argv[i], "--out") == 0 && i + 1 < argc)
            options->out = argv[++i];
        else if (n < 2 && argv[i][0] != '-')
            *place[n++] = argv[i];
        else
            return -1;
    }
    return n == 2 && options->times >= 1 && options->times <= MOST_TIMES ? 0 : -1;
}

/* Encodes the whole file once; ids of documents have their number before them. */
static int encode(const struct tokenizer *tokenizer, struct token_ids *ids, const char *text,
                  size_t size, const struct options *options, struct err *err)
{
    struct encoder *encoder = encoder_new(tokenizer);
    int result = 0;
    if (!options->documents)
        result = encoder_encode(encoder, ids, text, size, options->specials, err);
    for (size_t at = 0; options->documents && result == 0 && at + 4 <= size;) {
        uint32_t length;
        memcpy(&length, text + at, 4);
        at += 4;
        struct token_ids one = {0};
        result = encoder_encode(encoder, &one, text + at, length, options->specials, err);
        ids->ids = mem_resize(ids->ids, ids->n + one.n + 1, sizeof *ids->ids);
        ids->ids[ids->n] = (uint32_t)one.n;
        if (one.n > 0)
            memcpy(ids->ids + ids->n + 1, one.ids, one.n * sizeof *one.ids);
        ids->n += one.n + 1;
        ids->room = ids->n;
        free(one.ids);
        at += length;
    }
    encoder_free(encoder);
    return result;
}

/* Of this process: other processes on the machine hardly change it. */
static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static int run(const struct options *options, const struct tokenizer *tokenizer, double opened,
               struct err *err)
{
    size_t size;
    char *bytes = file_read(options->file, &size, ERR_USAGE, err);
    struct token_ids ids = {0};
    struct text decoded = {0};
    double seconds[MOST_TIMES];
    int result = bytes ? 0 : -1;
    for (int i = 0; i < options->times && result == 0; i++) {
        ids.n = 0;
        double began = cpu_seconds();
        result = encode(tokenizer, &ids, bytes, size, options, err);
        seconds[i] = cpu_seconds() - began;
    }
    if (result == 0 && !options->documents)
        result = tokenizer_decode(tokenizer, &decoded, ids.ids, ids.n, err);
    if (result == 0 && options->out)
        result = file_write_atomic(options->out, ids.ids, ids.n * sizeof *ids.ids, ERR_USAGE, err);
    if (result == 0) {
        uint32_t end;
        bool same = decoded.size == size && (size == 0 || !memcmp(decoded.bytes, bytes, size));
        qsort(seconds, (size_t)options->times, sizeof *seconds, compare);
        printf("{\"ids\": %zu, \"bytes\": %zu, \"vocab\": %" PRIu32 ", \"end_of_text\": %" PRId64
               ", \"open\": %.4f, \"fastest\": %.6f, \"median\": %.6f, \"same\": %s}\n",
               ids.n, size, tokenizer_vocab(tokenizer),
               tokenizer_end_of_text(tokenizer, &end) ? (int64_t)end : -1, opened, seconds[0],
               seconds[options->times / 2], same ? "true" : "false");
    }
    text_clear(&decoded);
    free(ids.ids);
    free(bytes);
    return result;
}

int main(int argc, char **argv)
{
    struct options options = {0};
    if (read_options(&options, argc, argv) != 0) {
        fprintf(stderr, "usage: encode_file TOKENIZER [--specials] [--documents] [--times N] "
                        "[--out IDS] FILE\n");
        return ERR_USAGE;
    }
    struct err err;
    double began = cpu_seconds();
    struct tokenizer *tokenizer = tokenizer_open(options.tokenizer, &err);
    int result = tokenizer ? run(&options, tokenizer, cpu_seconds() - began, &err) : -1;
    tokenizer_close(tokenizer);
    if (result != 0)
        fprintf(stderr, "%s\n", err.text);
    return result == 0 ? 0 : (int)err.code;
}
