/* Command lines: the options of a command are the fields of its request message.
 *
 * A field with `place` in its knob is positional (a repeated one takes all that is left; positionals stand in declared
 * order); every other field is --name VALUE or --name=VALUE with '_' written '-', a bool is --name (or --name=false), a
 * repeated field may be given several times. "--" ends options. A required field that is missing, an unknown option, a
 * bad value are errors of one sentence with code ERR_USAGE. */
#pragma once
#include "base/err.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

/* Reads arguments into a request made by message_new. *help is set where --help or -h stands among them, and nothing
 * else is then checked. */
int options_read(void *request, int n_args, char *const *args, bool *help, struct err *err);

/* "usage: trireme train CONFIG.yaml --out RUN [--set A.B=C]..." with one aligned line an option: name, type and
 * default, comment, bounds. command is "trireme train". Fresh text. */
char *options_help(const char *command, const ProtobufCMessageDescriptor *request);
