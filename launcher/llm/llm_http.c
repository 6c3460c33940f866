#include "launcher/llm/llm_http.h"

#include <string.h>

/* A server of this host, which no proxy reaches: it would be asked for one of its own. */
static bool is_here(const char *url)
{
    const char *host = strstr(url, "://") ? strstr(url, "://") + 3 : url;
    const size_t size = strcspn(host, "/:");
    return !strncmp(host, "[::1]", 5) || (size == 9 && !strncmp(host, "localhost", size)) ||
           (size > 4 && !strncmp(host, "127.", 4) && strspn(host, "0123456789.") == size);
}

bool llm_http_in_clear(const char *url)
{
    return !strncmp(url, "http://", 7) && !is_here(url);
}

#ifdef TRIREME_CURL

#include "base/clock.h"
#include "base/mem.h"
#include "base/version.h"
#include "launcher/llm/llm_key.h"

#include <curl/curl.h>

enum { CONNECT_MS = 15000, HEADER_MAX = LLM_KEY_MAX + 64, DRIP_BYTES = 256 };
static const double drip_seconds = 10;

/* What is known of a transfer. */
struct transfer {
    struct llm_http_reply *reply;
    size_t blanks; /* before the answer: a server may send some while the model thinks */
    bool too_large, drips;
    double marked; /* when `mark` bytes were there; 0: none are */
    size_t mark;
};

bool llm_http_there(void)
{
    return true;
}

static size_t take(char *bytes, size_t size, size_t n, void *context)
{
    struct transfer *t = context;
    struct text *body = &t->reply->body;
    size *= n;
    if (body->size + size > LLM_HTTP_BYTES) {
        t->too_large = true;
        return 0;
    }
    if (t->blanks == body->size)
        for (size_t i = 0; i < size && bytes[i] && strchr(" \t\r\n", bytes[i]); i++)
            t->blanks++;
    text_add_bytes(body, bytes, size);
    return size;
}

/* A model may think for long before the first byte; from there on it is only sent. */
static int look(void *context, curl_off_t to_get, curl_off_t got, curl_off_t to_put, curl_off_t put)
{
    struct transfer *t = context;
    const double now = clock_now();
    (void)to_get, (void)got, (void)to_put, (void)put;
    if (t->reply->body.size == t->blanks)
        return 0;
    if (t->marked <= 0 || t->reply->body.size >= t->mark + DRIP_BYTES) {
        t->mark = t->reply->body.size;
        t->marked = now;
    }
    t->drips = now - t->marked > drip_seconds;
    return t->drips;
}

static struct curl_slist *make_headers(Trireme__Llm__Api api, const struct llm_key *key)
{
    const bool anthropic = api == TRIREME__LLM__API__anthropic;
    struct curl_slist *list = curl_slist_append(NULL, "Content-Type: application/json");
    char line[HEADER_MAX];
    list = curl_slist_append(list, "Accept: application/json");
    list = curl_slist_append(list, "Expect:"); // no answer is waited for before the body is sent
    if (anthropic)
        list = curl_slist_append(list, "anthropic-version: 2023-06-01");
    if (key) {
        snprintf(line, sizeof line, anthropic ? "x-api-key: %s" : "Authorization: Bearer %s",
                 llm_key_text(key));
        list = curl_slist_append(list, line);
        explicit_bzero(line, sizeof line);
    }
    return list;
}

static int explain(const struct transfer *t, CURLcode code, const char *url, double seconds,
                   struct err *err)
{
    const size_t host = strcspn(strstr(url, "://") ? strstr(url, "://") + 3 : url, "/");
    const char *at = strstr(url, "://") ? strstr(url, "://") + 3 : url;
    if (t->too_large)
        return err_set(err, ERR_MACHINE,
                       "the model's server at %.*s: found an answer of more than %d bytes",
                       (int)host, at, LLM_HTTP_BYTES);
    if (t->drips)
        return err_set(err, ERR_MACHINE,
                       "the model's server at %.*s: its answer drips: found less than %d bytes in "
                       "%g s",
                       (int)host, at, DRIP_BYTES, drip_seconds);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return err_set(err, ERR_MACHINE,
                       "the model's server at %.*s: found no whole answer within %.3g s", (int)host,
                       at, seconds);
    return err_set(err, ERR_MACHINE, "the model's server at %.*s: found no answer: %s", (int)host,
                   at, curl_easy_strerror(code));
}

static void set_up(CURL *curl, struct transfer *t, const char *url, const char *body,
                   struct curl_slist *headers, double seconds)
{
    const long all_ms = (long)(seconds * 1000) + 1;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    if (is_here(url))
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(body));
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "trireme/" TRIREME_VERSION);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                     all_ms < CONNECT_MS ? all_ms : (long)CONNECT_MS);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, all_ms);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
}

int llm_http_post(struct llm_http_reply *reply, Trireme__Llm__Api api, const char *url,
                  const char *body, const struct llm_key *key, double seconds, struct err *err)
{
    struct transfer t = {.reply = reply};
    *reply = (struct llm_http_reply){0};
    CURL *curl = curl_easy_init();
    if (!curl)
        return err_set(err, ERR_MACHINE, "libcurl: found no memory");
    struct curl_slist *headers = make_headers(api, key);
    set_up(curl, &t, url, body, headers, seconds);
    const CURLcode code = curl_easy_perform(curl);
    long status = 0;
    curl_off_t retry = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry);
    reply->status = status > 0 ? (unsigned)status : 0;
    reply->retry_after = retry > 0 ? (double)retry : 0;
    for (struct curl_slist *h = headers; h; h = h->next)
        explicit_bzero(h->data, strlen(h->data));
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return code == CURLE_OK ? 0 : explain(&t, code, url, seconds, err);
}

#else

bool llm_http_there(void)
{
    return false;
}

int llm_http_post(struct llm_http_reply *reply, Trireme__Llm__Api api, const char *url,
                  const char *body, const struct llm_key *key, double seconds, struct err *err)
{
    (void)api, (void)url, (void)body, (void)key, (void)seconds;
    *reply = (struct llm_http_reply){0};
    return err_set(err, ERR_MACHINE, "this build has no libcurl");
}

#endif
