/* ASSERT: a programming error ends the process with file and line, in every build. Never for wrong
 * input from a user, a disk or a peer. */
#pragma once

_Noreturn void check_failed(const char *file, int line, const char *condition);

#define ASSERT(condition) ((condition) ? (void)0 : check_failed(__FILE__, __LINE__, #condition))
