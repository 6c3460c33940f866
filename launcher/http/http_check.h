/* What an HTTP request must be before its body is looked at: one whose end every reader finds at
 * the same byte, a POST to the one place there is, from a page of this server or of none, to a name
 * of this server, with the bearer token, in JSON. Pure. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#define HTTP_PATH "/mcp"

/* What the server is. All borrowed, constant. */
struct http_site {
    const char *authority; /* "127.0.0.1:4711", "[::1]:4711": where it listens */
    bool is_loopback;      /* then it has only this machine's names, with that port */
    const char *token;
};

/* Of a request; NULL where the header is not there. Borrowed. */
struct http_head {
    const char *method, *path, *host, *origin, *authorization, *content_type, *accept;
    const char *content_length, *transfer_encoding;
    bool repeats; /* one of http_once is there twice */
};

/* Names of headers that may be there once: of two, readers would choose differently. */
extern const char *const http_once[];
extern const size_t n_http_once;

/* Returns 0, or the status of the refusal, with a sentence that is constant. Compares the token in
 * a time that does not tell how much of it is right. */
int http_check(const struct http_site *site, const struct http_head *head, const char **sentence);

/* The text in a header's value without the blanks around it: that of =?base64?...?= decoded. The
 * caller frees it. NULL: it is none. */
char *http_value(const char *value);

/* A bucket that a request takes one from: `size` at once, `rate` more each second. Zeroed at the
 * start it is full. Times in seconds. */
struct http_bucket {
    double used, at;
};
bool http_bucket_take(struct http_bucket *bucket, double size, double rate, double now);
