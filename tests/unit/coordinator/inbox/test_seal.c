/* Which requests count as a person's. */
#include "tests/unit/support.h"

#include "base/file.h"
#include "base/mem.h"
#include "coordinator/inbox/inbox.h"
#include "coordinator/inbox/seal.h"
#include "coordinator/run/secret.h"
#include "proto/schema/message.h"
#include "proto/schema/read.h"
#include "proto/schema/write.h"

#include <sys/stat.h>

static struct secret *secret_of(const char *run)
{
    struct err err = {.text = ""};
    struct secret *secret = NULL;
    if (secret_make(&secret, run, "", &err) < 0)
        fail_msg("%s", err.text);
    return secret;
}

/* A proposal with numbers that are spelled otherwise than they are read back. */
static Trireme__Request *proposal(void)
{
    static const char text[] =
        "{\"propose\": {\"id\": \"x\", \"patch\": {\"optimizer.lr\": 5e-4, \"train.batch\": 16}, "
        "\"hypothesis\": \"a \\\"b\\\" \\u001b \\u00e4\"}, \"by\": \"person\", \"pid\": 7}";
    struct err err = {.text = ""};
    Trireme__Request *request = message_new(&trireme__request__descriptor);
    if (json_read(request, text, strlen(text), "text", ERR_USAGE, &err) < 0)
        fail_msg("%s", err.text);
    free(request->propose->patch[0]->value);
    request->propose->patch[0]->value = mem_strdup("5.0e-04");
    return request;
}

static Trireme__Request *sealed(const struct secret *secret, const Trireme__Request *request)
{
    struct err err = {.text = ""};
    Trireme__Request *made = seal_put(request, secret, &err);
    if (!made)
        fail_msg("%s", err.text);
    return made;
}

static Trireme__Request *order_of(uint32_t number)
{
    Trireme__Request *request = message_new(&trireme__request__descriptor);
    request->has_order = true, request->order = TRIREME__ORDER__approve;
    request->has_number = true, request->number = number;
    request->by = mem_strdup("person");
    return request;
}

static void a_seal_holds_once_its_request_went_through_the_inbox(void **state)
{
    struct err err = {.text = ""};
    struct secret *secret = secret_of(*state);
    for (int i = 0; i < 2; i++) {
        Trireme__Request *request = i ? order_of(3) : proposal(), *made = sealed(secret, request),
                         *taken = NULL;
        Trireme__Answer *answer = NULL, done = TRIREME__ANSWER__INIT;
        char *name = NULL;
        assert_int_equal(seal_check(request, secret), SEAL_NONE);
        assert_int_equal(inbox_ask(&answer, *state, made, 0, &err), 0);
        assert_int_equal(inbox_take_request(*state, INBOX_PROPOSALS, &name, &taken, &err), 1);
        assert_non_null(taken);
        assert_int_equal(seal_check(taken, secret), SEAL_HOLDS);
        assert_int_equal(inbox_answer(*state, name, &done, &err), 0);
        free(name);
        message_free(taken);
        message_free(made);
        message_free(request);
    }
    secret_free(secret);
}

static void two_seals_of_one_request_differ(void **state)
{
    struct secret *secret = secret_of(*state);
    Trireme__Request *request = order_of(1), *a = sealed(secret, request),
                     *b = sealed(secret, request);
    assert_string_not_equal(a->seal->nonce, b->seal->nonce);
    assert_string_not_equal(a->seal->mac, b->seal->mac);
    assert_true(b->seal->time >= a->seal->time && a->seal->time > 1600000000000000000);
    message_free(b);
    message_free(a);
    message_free(request);
    secret_free(secret);
}

/* Each changes one thing of a sealed request. */
static void change_number(Trireme__Request *r)
{
    r->number = 2;
}

static void change_order(Trireme__Request *r)
{
    r->order = TRIREME__ORDER__takeback;
}

static void change_by(Trireme__Request *r)
{
    r->by[0] = 'q';
}

static void add_pid(Trireme__Request *r)
{
    r->has_pid = true, r->pid = 1;
}

static void add_stop(Trireme__Request *r)
{
    r->has_stop = true, r->stop = 1;
}

static void add_proposal(Trireme__Request *r)
{
    r->propose->id = mem_strdup("x");
}

static void change_time(Trireme__Request *r)
{
    r->seal->time++;
}

static void change_nonce(Trireme__Request *r)
{
    r->seal->nonce[0] = r->seal->nonce[0] == 'a' ? 'b' : 'a';
}

static void change_mac(Trireme__Request *r)
{
    r->seal->mac[63] = r->seal->mac[63] == 'a' ? 'b' : 'a';
}

static void shorten_mac(Trireme__Request *r)
{
    r->seal->mac[0] = 0;
}

static void drop_mac(Trireme__Request *r)
{
    free(r->seal->mac);
    r->seal->mac = NULL;
}

static void drop_nonce(Trireme__Request *r)
{
    free(r->seal->nonce);
    r->seal->nonce = NULL;
}

static void a_request_that_was_changed_breaks_its_seal(void **state)
{
    static void (*const changes[])(Trireme__Request *) = {
        change_number, change_order, change_by,  add_pid,     add_stop, add_proposal,
        change_time,   change_nonce, change_mac, shorten_mac, drop_mac, drop_nonce,
    };
    struct secret *secret = secret_of(*state);
    Trireme__Request *request = order_of(1);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        Trireme__Request *made = sealed(secret, request);
        assert_int_equal(seal_check(made, secret), SEAL_HOLDS);
        changes[i](made);
        if (seal_check(made, secret) != SEAL_BROKEN)
            fail_msg("change %zu left the seal whole", i);
        message_free(made);
    }
    message_free(request);
    secret_free(secret);
}

static void a_seal_holds_for_its_run_and_its_secret_alone(void **state)
{
    char *other = file_join(*state, "other");
    assert_int_equal(mkdir(other, 0700), 0);
    struct secret *secret = secret_of(*state);
    char *key = must_read_in(*state, "secret", NULL), *path = file_join(other, "secret");
    must_write(path, key, strlen(key));
    assert_int_equal(chmod(path, 0600), 0);
    struct secret *same_key = secret_of(other);
    Trireme__Request *request = order_of(1), *made = sealed(secret, request);
    assert_int_equal(seal_check(made, same_key), SEAL_BROKEN);
    assert_int_equal(seal_check(made, NULL), SEAL_BROKEN);
    assert_int_equal(seal_check(request, NULL), SEAL_NONE);
    message_free(made);
    message_free(request);
    secret_free(same_key);
    secret_free(secret);
    free(path);
    free(key);
    free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_seal_holds_once_its_request_went_through_the_inbox),
        test_in_folder(two_seals_of_one_request_differ),
        test_in_folder(a_request_that_was_changed_breaks_its_seal),
        test_in_folder(a_seal_holds_for_its_run_and_its_secret_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
