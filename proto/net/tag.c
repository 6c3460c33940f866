#include "proto/net/tag.h"

#include "control.pb-c.h"

// clang-format off
static const struct {
    const char *name;
    const ProtobufCMessageDescriptor *type;
} tags[] = {
    [TAG_START]         = {"start",         &trireme__start__descriptor},
    [TAG_READY]         = {"ready",         &trireme__ready__descriptor},
    [TAG_LEASE]         = {"lease",         &trireme__lease__descriptor},
    [TAG_LOSSES]        = {"losses",        &trireme__losses__descriptor},
    [TAG_PULL]          = {"pull",          &trireme__pull__descriptor},
    [TAG_NORMS]         = {"norms",         &trireme__norms__descriptor},
    [TAG_STEP_DECISION] = {"step decision", &trireme__step_decision__descriptor},
    [TAG_COMMITTED]     = {"committed",     &trireme__committed__descriptor},
    [TAG_SAVE]          = {"save",          &trireme__save__descriptor},
    [TAG_SAVED]         = {"saved",         &trireme__saved__descriptor},
    [TAG_FAULT]         = {"fault",         &trireme__fault__descriptor},
    [TAG_NOTE]          = {"note",          &trireme__note__descriptor},
    [TAG_END]           = {"end",           &trireme__end__descriptor},
    [TAG_BEAT]          = {"beat",          &trireme__beat__descriptor},
    [TAG_FORK]          = {"fork",          &trireme__fork__descriptor},
    [TAG_FORKED]        = {"forked",        &trireme__forked__descriptor},
    [TAG_DROP]          = {"drop",          &trireme__drop__descriptor},
    [TAG_READ_WHOLE]    = {"read whole",    &trireme__read_whole__descriptor},
    [TAG_WAS_READ]      = {"was read",      &trireme__was_read__descriptor},
    [TAG_HELLO]         = {"hello",         &trireme__hello__descriptor},
    [TAG_ABANDON]       = {"abandon",       &trireme__abandon__descriptor},
    [TAG_PUSH]          = {"push",          NULL},
    [TAG_WEIGHTS]       = {"weights",       NULL},
};
// clang-format on

static int known(int tag)
{
    return tag > 0 && tag < (int)(sizeof tags / sizeof *tags);
}

const ProtobufCMessageDescriptor *tag_type(int tag)
{
    return known(tag) ? tags[tag].type : NULL;
}

const char *tag_name(int tag)
{
    return known(tag) ? tags[tag].name : "unknown";
}
