/* Command lines: the options of a command are the fields of its request message.
 *
 * A field with `place` in its knob is positional (a repeated one takes all that is left, one at
 * least; positionals stand in declared order); every other field is --name VALUE or --name=VALUE
 * with '_' written '-', a bool is --name (or
 * --name=false), a repeated field may be given several times, others once. "--" ends options. A
 * value that begins with
 * "--" is given as --name=VALUE. A required field that is missing, an unknown option, a bad value
 * are errors of one sentence with code ERR_USAGE. Local. */
#pragma once
#include "base/err.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

/* Reads arguments (those behind the command's name) into a request made by message_new, which an
 * error leaves as it was. *help is set where --help or -h stands among them before "--", and
 * nothing else is then read or checked. */
int options_read(void *request, int n_args, char *const *args, bool *help, struct err *err);

/* The arguments that options_read would read back to this request, ended by NULL; words and array
 * are the caller's. Fields that have their defaults are left out. */
char **options_write(const void *request, size_t *n);

/* "usage: trireme train CONFIG.yaml --out TEXT [--set TEXT]...", below it the message's comment,
 * then an aligned entry for each argument and option: name, type, comment, unit, bounds, default;
 * for an enum each name with its meaning. At most 100 columns. command is "trireme train". Fresh
 * text. */
char *options_help(const char *command, const ProtobufCMessageDescriptor *request);
