#include "launcher/http/http_check.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const http_once[] = {"Host",
                                 "Origin",
                                 "Authorization",
                                 "Content-Type",
                                 "Content-Length",
                                 "Transfer-Encoding",
                                 "MCP-Protocol-Version",
                                 "Mcp-Method",
                                 "Mcp-Name"};
const size_t n_http_once = sizeof http_once / sizeof *http_once;

/* Reads all of b, whatever a holds: the time tells a's length alone. */
static bool is_same_token(const char *a, const char *b)
{
    const size_t n = strlen(b);
    const bool fits = strlen(a) == n;
    volatile unsigned char differs = 0; // no early end
    for (size_t i = 0; i < n; i++)
        differs |= (unsigned char)(a[fits ? i : 0] ^ b[i]);
    return fits && !differs;
}

static bool has_token(const struct http_site *site, const char *authorization)
{
    static const char scheme[] = "Bearer ";
    return authorization && strncasecmp(authorization, scheme, strlen(scheme)) == 0 &&
           is_same_token(authorization + strlen(scheme), site->token);
}

/* Whether "localhost:4711" is a name of this server. */
static bool is_ours(const struct http_site *site, const char *authority)
{
    static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};
    const char *port = strrchr(site->authority, ':');
    if (strcasecmp(authority, site->authority) == 0)
        return true;
    for (size_t i = 0; site->is_loopback && i < sizeof names / sizeof *names; i++) {
        const size_t n = strlen(names[i]);
        if (strncasecmp(authority, names[i], n) == 0 && strcmp(authority + n, port) == 0)
            return true;
    }
    return false;
}

/* A name that resolves to this machine does not make a page ours (DNS rebinding). */
static bool is_host_ours(const struct http_site *site, const char *host)
{
    return host && (!site->is_loopback || is_ours(site, host));
}

static bool is_origin_ours(const struct http_site *site, const char *origin, const char *host)
{
    static const char scheme[] = "http://";
    if (!origin)
        return true; // no page
    if (strncasecmp(origin, scheme, strlen(scheme)))
        return false;
    const char *authority = origin + strlen(scheme);
    return is_ours(site, authority) ||
           (!site->is_loopback && host && strcasecmp(authority, host) == 0);
}

static bool has_one_length(const struct http_head *head)
{
    const char *encoding = head->transfer_encoding;
    return !encoding || (!head->content_length && !strcasecmp(encoding, "chunked"));
}

static bool is_json(const char *type)
{
    static const char json[] = "application/json";
    const size_t n = strlen(json);
    return type && strncasecmp(type, json, n) == 0 && (!type[n] || strchr("; \t", type[n]));
}

static bool takes_json(const char *accept)
{
    return !accept || strcasestr(accept, "application/json") || strstr(accept, "*/*") ||
           strcasestr(accept, "application/*");
}

int http_check(const struct http_site *site, const struct http_head *head, const char **sentence)
{
    const struct {
        bool fits;
        int status;
        const char *sentence;
    } rules[] = {
  // clang-format off
        {!head->repeats,                           400, "found a header twice, expected once"},
        {has_one_length(head),                     400, "expected Content-Length, or chunks alone"},
        {is_host_ours(site, head->host),           403, "Host: expected a name of this server"},
        {is_origin_ours(site, head->origin, head->host), 403, "Origin: expected this server's"},
        {!strcmp(head->path, HTTP_PATH),           404, "found nothing there, expected " HTTP_PATH},
        {!strcmp(head->method, "POST"),            405, "expected POST"},
        {has_token(site, head->authorization),     401, "Authorization: expected Bearer TOKEN"},
        {is_json(head->content_type),              415, "Content-Type: expected application/json"},
        {takes_json(head->accept),                 406, "Accept: expected application/json"},
  // clang-format on
    };
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!rules[i].fits) {
            *sentence = rules[i].sentence;
            return rules[i].status;
        }
    return 0;
}

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* Decodes n characters of base64. NULL if they are none, or hold a NUL. */
static char *decode(const char *text, size_t n)
{
    char *bytes = mem_new(n / 4 * 3 + 1, 1), *to = bytes;
    size_t padding = 0;
    while (padding < 2 && n > padding && text[n - 1 - padding] == '=')
        padding++;
    bool fits = n % 4 == 0;
    for (size_t i = 0; fits && i < n; i += 4) {
        uint32_t group = 0;
        for (size_t k = 0; k < 4; k++) {
            const bool pad = i + k >= n - padding;
            const int value = pad ? 0 : digit(text[i + k]);
            fits = fits && value >= 0;
            group = group << 6 | (uint32_t)(value & 63);
        }
        for (size_t k = 0; fits && k < 3 - (i + 4 == n ? padding : 0); k++)
            fits = (*to++ = (char)(group >> (16 - 8 * k) & 255)) != 0;
    }
    if (fits)
        return bytes;
    free(bytes);
    return NULL;
}

char *http_value(const char *value)
{
    static const char begin[] = "=?base64?", end[] = "?=";
    value += strspn(value, " \t");
    size_t size = strlen(value);
    while (size && strchr(" \t", value[size - 1]))
        size--;
    const size_t n = strlen(begin) + strlen(end);
    if (size < n || strncmp(value, begin, strlen(begin)) || strncmp(value + size - 2, end, 2))
        return mem_format("%.*s", (int)size, value);
    return decode(value + strlen(begin), size - n);
}

bool http_bucket_take(struct http_bucket *bucket, double size, double rate, double now)
{
    const double given = (now - bucket->at) * rate;
    bucket->used = bucket->used > given ? bucket->used - given : 0;
    bucket->at = now;
    if (bucket->used + 1 > size)
        return false;
    bucket->used++;
    return true;
}
