#include "worker/data/prepare_plan.h"

#include "base/check.h"
#include "base/mem.h"
#include "base/random.h"

#include <stdlib.h>

/* Returns the key of the split: the same for the same documents in the same order. */
static uint64_t split_key(const struct documents *documents)
{
    struct digest_stream *stream = digest_stream_new();
    for (size_t i = 0; i < documents->n; i++)
        digest_stream_add(stream, &documents->list[i].digest, sizeof documents->list[i].digest);
    const struct digest digest = digest_stream_end(stream);
    return digest_key(digest.high ^ digest.low, "split");
}

static struct split_unit *document_units(const struct documents *documents, uint64_t key)
{
    struct split_unit *units = mem_new(documents->n, sizeof *units);
    for (size_t i = 0; i < documents->n; i++) {
        const struct document *document = &documents->list[i];
        uint32_t words[4];
        random_block(words, key, document->digest.low, document->digest.high);
        units[i] = (struct split_unit){.tokens = document->bytes,
                                       .hash = (uint64_t)words[1] << 32 | words[0]};
    }
    return units;
}

static void add_range(struct prepare_ranges *ranges, uint64_t first, uint64_t tokens)
{
    Trireme__Range *range = &ranges->list[ranges->n];
    *range = (Trireme__Range)TRIREME__RANGE__INIT;
    range->has_first = range->has_tokens = true;
    range->first = first;
    range->tokens = tokens;
    ranges->pointers[ranges->n++] = range;
}

/* Gives every unit its place: training in the text's order; validation one part after the other,
 * each in the text's order. */
static void place_units(struct prepare_plan *plan, const struct split_unit *units)
{
    uint64_t next[SPLIT_PARTS] = {0};
    size_t n_units[SPLIT_PARTS] = {0};
    for (size_t i = 0; i < plan->n; i++) {
        next[units[i].part] += units[i].tokens;
        n_units[units[i].part]++;
    }
    plan->train_tokens = next[SPLIT_TRAIN];
    next[SPLIT_TRAIN] = 0;
    for (enum split_part part = SPLIT_DEV; part < SPLIT_PARTS; part++) {
        struct prepare_ranges *ranges = &plan->ranges[part];
        const size_t room = plan->by_documents ? 1 : n_units[part];
        const uint64_t tokens = next[part];
        ranges->list = mem_new(room, sizeof *ranges->list);
        ranges->pointers = mem_new(room, sizeof *ranges->pointers);
        next[part] = plan->val_tokens;
        if (plan->by_documents && tokens)
            add_range(ranges, plan->val_tokens, tokens);
        plan->val_tokens += tokens;
    }
    for (size_t i = 0; i < plan->n; i++) {
        const enum split_part part = units[i].part;
        plan->pieces[i] = (struct prepare_piece){
            .tokens = units[i].tokens, .val = part != SPLIT_TRAIN, .first = next[part]};
        if (part != SPLIT_TRAIN && !plan->by_documents)
            add_range(&plan->ranges[part], next[part], units[i].tokens);
        next[part] += units[i].tokens;
    }
}

void prepare_plan_init(struct prepare_plan *plan, const struct documents *documents, double val)
{
    ASSERT(documents->bytes > 0);
    *plan = (struct prepare_plan){.by_documents = documents->n >= SPLIT_FEW_DOCUMENTS};
    const uint64_t key = split_key(documents);
    const double target = val * (double)documents->bytes;
    struct split_unit *units = NULL;
    if (plan->by_documents) {
        plan->n = documents->n;
        units = document_units(documents, key);
    } else {
        units = split_blocks(&plan->n, documents->bytes, key);
    }
    // the last block stays in training: of few blocks, validation must not be the tail of the text
    const size_t candidates = plan->by_documents ? plan->n : plan->n - 1;
    if (target > 0 && candidates > 0)
        split_choose(units, candidates, target);
    plan->pieces = mem_new(plan->n, sizeof *plan->pieces);
    place_units(plan, units);
    free(units);
}

void prepare_plan_clear(struct prepare_plan *plan)
{
    for (enum split_part part = SPLIT_DEV; part < SPLIT_PARTS; part++) {
        free(plan->ranges[part].list);
        free(plan->ranges[part].pointers);
    }
    free(plan->pieces);
    *plan = (struct prepare_plan){0};
}
