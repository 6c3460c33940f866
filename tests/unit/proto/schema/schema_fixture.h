/* Messages with something in every field, for the tests of the schema library. The caller owns the
 * messages, and frees them by message_free. */
#pragma once
#include "tests/unit/support.h"

#include "base/mem.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"

#include "config.pb-c.h"
#include "files.pb-c.h"

/* Reads good YAML into a new message. */
static inline void *fixture_read(const ProtobufCMessageDescriptor *type, const char *yaml)
{
    struct err err = {.text = ""};
    void *message = message_new(type);
    if (yaml_read(message, yaml, strlen(yaml), "fixture", ERR_USAGE, &err) != 0)
        fail_msg("%s", err.text);
    return message;
}

static inline void *fixture_config(void)
{
    return fixture_read(
        &trireme__config__descriptor,
        "model: {arch: llama, layers: 3, heads: 4, kv_heads: 2, width: 64, ffn: 192, context: "
        "128,\n"
        "        vocab: 50257, rope_theta: 5.0e+5, norm_eps: 1.25e-6, tied: false,\n"
        "        head_dim: 10, rope_type: llama3, rope_factor: 3.3, rope_low_freq_factor: 1,\n"
        "        rope_high_freq_factor: 4.5, rope_original_context: 64, attention_bias: true,\n"
        "        mlp_bias: true}\n"
        "init: {from: 'runs/a:b #1@200'}\n"
        "data:\n"
        "  order: sequential\n"
        "  sources:\n"
        "    - {name: code, path: data/code, weight: 0.1, format: llmc}\n"
        "    - {name: \"yes\", path: '1e5', weight: 3, format: nanogpt}\n"
        "train: {steps: 1000000000, batch: 1, microbatch: 1, seed: 18446744073709551615}\n"
        "optimizer: {name: sgd, lr: 0.30000000000000004, beta1: 0, momentum: 0.123456789012345}\n"
        "schedule: {kind: linear, warmup: 0, min_lr: 3.0e-300}\n"
        "eval: {every: 0, samples: 1}\n"
        "checkpoint: {every: 7, keep: 1000000}\n"
        "compute: {precision: fp32, threads: 1024}\n"
        "wait: {patience: 86400}\n");
}

static inline void *fixture_manifest(void)
{
    Trireme__Manifest *manifest =
        fixture_read(&trireme__manifest__descriptor,
                     "format: 1\nversion: 0.1.0\nincarnation: 3\nstep: 200\nsamples: 6400\n"
                     "segments:\n"
                     "  - {first_sample: 0, cursors: [0, 0], weights: [1, 0.1]}\n"
                     "  - {first_sample: 3200, cursors: [2909, 291], weights: "
                     "[0.333333333333333314829616256247, 2]}\n"
                     "  - {}\n"
                     "shards:\n"
                     "  - {file: shard-0-of-1.safetensors, bytes: 9223372036854775808, digest: "
                     "0123456789abcdef}\n"
                     "fingerprint: \"reference \\\"fp32\\\"\\t1\\n\"\n"
                     "data_digest: 'ünïcödé 🚣'\n");
    message_free(manifest->config);
    manifest->config = fixture_config();
    return manifest;
}

static inline void *fixture_data_set(void)
{
    return fixture_read(
        &trireme__data_set__descriptor,
        "format: 1\nname: 'null'\ntokenizer: byte\nvocab: 256\ndocuments: 12\nduplicates: 0\n"
        "bytes: 123456\nsplit: documents\n"
        "train: {file: train_000000.bin, tokens: 100000, digest: "
        "'00000000000000000000000000000000'}\n"
        "val: {file: val_000000.bin, tokens: 23456, digest: ffffffffffffffffffffffffffffffff}\n"
        "dev: [{first: 0, tokens: 10}, {first: 20, tokens: 5}]\ngate: []\n"
        "sealed: [{first: 30, tokens: 1}]\nbigram_nats: 2.345\n");
}
