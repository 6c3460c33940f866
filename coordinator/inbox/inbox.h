/* RUN/inbox: how people and scripts reach a running coordinator from any node that sees the folder.
 * Who may ask for what is in people.h. A request is a file NAME.json (message Request), renamed
 * into place; the answer is NAME.answer.json (message Answer) beside it. Names begin with the time;
 * the coordinator takes requests in the order of their names and removes each once it is answered.
 * The name of a request to stop ends with ".stop": it is taken at any time, the others where the
 * trunk stands.
 *
 * A request has at most INBOX_REQUEST_BYTES_MAX bytes. What is under its name and no regular file
 * is passed over. Of answers that nobody has fetched the newest INBOX_ANSWERS_MAX are kept, by
 * their names.
 *
 * The folder is its owner's alone (0700), and a request must be a regular file of the user who
 * trains; one of somebody else is refused, a pipe or a link is no request, and a link no folder:
 * nothing is read, written or removed by way of it. Folder and file are opened once each, and only
 * what was opened is looked at and read. */
#pragma once
#include "base/err.h"

#include "planner.pb-c.h"

enum { INBOX_REQUEST_BYTES_MAX = 1 << 16, INBOX_ANSWERS_MAX = 256 };

/* Kinds of requests, by their names. */
enum inbox_kind { INBOX_PROPOSALS, INBOX_STOPS };

/* Takes the next request of a kind: returns 1, or 0 if there is none. The caller owns *request and
 * *name, by which to answer. Both are NULL if the file could not be read as a request: it was
 * answered with a sentence and removed. Local; reads the folder once, and one file. */
int inbox_take_request(const char *run, enum inbox_kind kind, char **name,
                       Trireme__Request **request, struct err *err);
int inbox_answer(const char *run, const char *name, const Trireme__Answer *answer, struct err *err);

/* The client's side: writes a request and waits up to so many seconds for the answer. The caller
 * owns *answer; it is NULL if none came. The request then stays there for the next launch, but for
 * one to stop, which is removed. */
int inbox_ask(Trireme__Answer **answer, const char *run, const Trireme__Request *request,
              double seconds, struct err *err);
