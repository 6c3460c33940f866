#include "worker/prepare/prepare_plan.h"

#include "base/check.h"
#include "base/mem.h"

#include <stdlib.h>

/* Each document is a unit. */
static struct split_unit *document_units(const struct documents *documents, size_t *n)
{
    struct split_unit *units = mem_new(documents->n, sizeof *units);
    for (size_t i = 0; i < documents->n; i++)
        units[i] = (struct split_unit){.tokens = documents_tokens(documents, &documents->list[i]),
                                       .hash = split_hash(documents->list[i].digest)};
    *n = documents->n;
    return units;
}

/* Each block of each document is a unit. */
static struct split_unit *block_units(const struct documents *documents, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < documents->n; i++)
        *n += documents_blocks(&documents->list[i]);
    struct split_unit *units = mem_new(*n, sizeof *units), *unit = units;
    for (size_t i = 0; i < documents->n; i++) {
        const struct document *document = &documents->list[i];
        const size_t blocks = documents_blocks(document);
        for (size_t block = 0; block < blocks; block++)
            *unit++ = (struct split_unit){.tokens = SPLIT_BLOCK, .hash = document->blocks[block]};
        unit[-1].tokens = documents_tokens(documents, document) - (blocks - 1) * SPLIT_BLOCK;
    }
    return units;
}

/* Adds a range, in as many pieces as it has files. */
static void add_range(struct prepare_plan *plan, enum split_part part, uint64_t first,
                      uint64_t tokens)
{
    struct prepare_ranges *ranges = &plan->ranges[part];
    while (tokens) {
        const uint64_t left = plan->file_tokens - first % plan->file_tokens,
                       now = tokens < left ? tokens : left;
        ranges->list = mem_grow(ranges->list, ranges->n, &ranges->room, sizeof *ranges->list);
        Trireme__Range *range = &ranges->list[ranges->n++];
        *range = (Trireme__Range)TRIREME__RANGE__INIT;
        range->has_first = range->has_tokens = true;
        range->first = first;
        range->tokens = now;
        first += now;
        tokens -= now;
    }
}

/* Places among the tokens: training in the text's order; validation part after part, each in the
 * text's order. */
static void place_units(struct prepare_plan *plan, const struct split_unit *units)
{
    uint64_t next[SPLIT_PARTS] = {0};
    for (size_t i = 0; i < plan->n; i++)
        next[units[i].part] += units[i].tokens;
    plan->train_tokens = next[SPLIT_TRAIN];
    next[SPLIT_TRAIN] = 0;
    for (enum split_part part = SPLIT_DEV; part < SPLIT_PARTS; part++) {
        const uint64_t tokens = next[part];
        next[part] = plan->val_tokens;
        if (plan->by_documents)
            add_range(plan, part, plan->val_tokens, tokens);
        plan->val_tokens += tokens;
    }
    for (size_t i = 0; i < plan->n; i++) {
        const enum split_part part = units[i].part;
        plan->pieces[i] = (struct prepare_piece){
            .tokens = units[i].tokens, .val = part != SPLIT_TRAIN, .first = next[part]};
        if (part != SPLIT_TRAIN && !plan->by_documents)
            add_range(plan, part, next[part], units[i].tokens);
        next[part] += units[i].tokens;
    }
    for (enum split_part part = SPLIT_DEV; part < SPLIT_PARTS; part++) {
        struct prepare_ranges *ranges = &plan->ranges[part];
        ranges->pointers = mem_new(ranges->n, sizeof *ranges->pointers);
        for (size_t i = 0; i < ranges->n; i++)
            ranges->pointers[i] = &ranges->list[i];
    }
}

void prepare_plan_init(struct prepare_plan *plan, const struct documents *documents, double val,
                       uint64_t file_tokens)
{
    ASSERT(documents->tokens > 0 && file_tokens > 0);
    *plan = (struct prepare_plan){.by_documents = documents->n >= SPLIT_FEW_DOCUMENTS,
                                  .file_tokens = file_tokens};
    struct split_unit *units =
        plan->by_documents ? document_units(documents, &plan->n) : block_units(documents, &plan->n);
    const bool enough = plan->by_documents || documents->tokens >= 2 * SPLIT_BLOCK;
    if (val > 0 && enough && plan->n > 1)
        plan->moved = split_choose(units, plan->n, val);
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
