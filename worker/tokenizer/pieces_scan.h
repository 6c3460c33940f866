/* The scanners of the known patterns: see pieces.h. Private to worker/tokenizer. */
#pragma once
#include <stddef.h>

struct char_class;

const unsigned char *pieces_scan_gpt2(const struct char_class *char_class, const unsigned char *s,
                                      const unsigned char *end);
const unsigned char *pieces_scan_llama3(const struct char_class *char_class, const unsigned char *s,
                                        const unsigned char *end);
const unsigned char *pieces_scan_qwen(const struct char_class *char_class, const unsigned char *s,
                                      const unsigned char *end);
const unsigned char *pieces_scan_smollm(const struct char_class *char_class, const unsigned char *s,
                                        const unsigned char *end);
