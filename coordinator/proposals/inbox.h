/* RUN/inbox: how people and scripts reach a running coordinator, from any node that sees the
 * folder. A request is a file NAME.json (message Request), renamed into place; its answer is
 * NAME.answer.json (message Answer) beside it. The coordinator takes requests in the order of their
 * names, which begin with the time, and removes each once it is answered. */
#pragma once
#include "base/err.h"

#include "planner.pb-c.h"

/* Takes the next file there is: 1, or 0 where there is none. The request and the name to answer it
 * by are the caller's; both are NULL where the file was none that can be read: it was answered with
 * its sentence and removed. Local; cheap where the folder is empty. */
int inbox_take_request(const char *run, char **name, Trireme__Request **request, struct err *err);
int inbox_answer(const char *run, const char *name, const Trireme__Answer *answer, struct err *err);

/* The other side: puts a request there and waits for its answer for so many seconds. *answer is the
 * caller's, and NULL where none came: the request stays there for whoever trains the run next. */
int inbox_ask(Trireme__Answer **answer, const char *run, const Trireme__Request *request,
              double seconds, struct err *err);
