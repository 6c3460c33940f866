/* A row of the table of commands (commands/command.h): what the command line, and the protocol of
 * tools, know of a command. */
#pragma once
#include "base/err.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>

/* Does what the request says. Returns 0 with the reply filled in, or -1 with the sentence. */
typedef int (*command_fn)(const void *request, void *reply, struct err *err);

/* Does the same and writes to stdout meanwhile, for people who wait for it. */
typedef int (*command_speak_fn)(const void *request, struct err *err);

enum command_kind {
    COMMAND_ALONE,    /* it speaks wherever it runs */
    COMMAND_OF_RANKS, /* in an MPI job it is the work of all ranks together, and rank 0 speaks;
                       * it takes the signals that ask to stop (stop_request.h) */
    COMMAND_REPORTS   /* alone, and the reply is printed also where the command fails */
};

/* Whether a command is also a tool of clients of the Model Context Protocol (launcher/mcp), and the
 * least role that may call it; each role may do what those before it may. */
enum tool_role {
    TOOL_NONE,    /* no tool */
    TOOL_READ,    /* looks at the run */
    TOOL_PROPOSE, /* a planner: proposes */
    TOOL_APPROVE  /* a person: decides, and sees everything */
};

struct command {
    const char *name; /* one word, or two */
    const ProtobufCMessageDescriptor *request, *reply;
    command_fn run;
    void (*print)(const void *reply); /* for people; NULL: the reply as YAML */
    command_speak_fn speak;           /* for people, in the place of both; or NULL */
    enum command_kind kind;
    enum tool_role tool;
};
