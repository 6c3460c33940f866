/* Command lines: the options of a command are the fields of its request message.
 *
 * A field with `place` in its knob is positional (a repeated one takes all that is left, one at
 * least; positionals are in declared order). Every other field is --name VALUE or --name=VALUE,
 * with '_' written as '-'. A bool is --name (or --name=false). A repeated field may be given
 * several times, others once. "--" ends options. A value that begins with "--" is given as
 * --name=VALUE. A missing required field, an unknown option and a bad value are errors of one
 * sentence with code ERR_USAGE. Local. */
#pragma once
#include "base/err.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

/* Reads arguments (those after the command's name) into a request made by message_new. On error the
 * request is unchanged. *help is set if --help or -h is among them before "--"; then nothing else
 * is read or checked. */
int options_read(void *request, int n_args, char *const *args, bool *help, struct err *err);

/* Returns the arguments that options_read would read back to this request, ended by NULL. The
 * caller frees words and array. Fields that have their defaults are left out. */
char **options_write(const void *request, size_t *n);

/* Returns the help: "usage: trireme train CONFIG.yaml --out TEXT [--set TEXT]...", then the
 * message's comment, then an aligned entry for each argument and option: name, type, comment, unit,
 * bounds, default; for an enum each name with its meaning. At most 100 columns. command is "trireme
 * train". The caller frees it. */
char *options_help(const char *command, const ProtobufCMessageDescriptor *request);
