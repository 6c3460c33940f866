#include "tests/unit/support.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "coordinator/inbox/inbox.h"
#include "proto/schema/message.h"

#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static void put(const char *run, const char *name, const char *text)
{
    char *folder = file_join(run, "inbox");
    must_write_in(folder, name, text, strlen(text));
    free(folder);
}

/* The names in the inbox, in one text. */
static char *names(const char *run)
{
    struct err err = {.text = ""};
    char *folder = file_join(run, "inbox"), *all = mem_strdup("");
    size_t n = 0;
    char **list = file_names(folder, &n, ERR_USAGE, &err);
    assert_non_null(list);
    for (size_t i = 0; i < n; i++) {
        char *more = mem_format("%s%s ", all, list[i]);
        free(all);
        all = more;
    }
    file_names_free(list);
    free(folder);
    return all;
}

static void assert_names(const char *run, const char *expected)
{
    char *found = names(run);
    assert_string_equal(found, expected);
    free(found);
}

static Trireme__Request *take(const char *run, char **name)
{
    struct err err = {.text = ""};
    Trireme__Request *request = NULL;
    int rc;
    while ((rc = inbox_take_request(run, INBOX_PROPOSALS, name, &request, &err)) > 0 && !request) {
    } // what cannot be read is passed over
    if (rc < 0)
        fail_msg("%s", err.text);
    assert_int_equal(rc, request != NULL);
    return request;
}

static void answer_done(const char *run, const char *name, uint32_t number)
{
    struct err err = {.text = ""};
    Trireme__Answer answer = TRIREME__ANSWER__INIT;
    answer.accepted = answer.has_accepted = true;
    answer.number = number;
    answer.text = "done";
    if (inbox_answer(run, name, &answer, &err) < 0)
        fail_msg("%s", err.text);
}

static void a_request_to_stop_is_taken_apart_from_the_others(void **state)
{
    struct err err = {.text = ""};
    char *name = NULL;
    Trireme__Request *request = NULL;
    put(*state, "1.stop.json", "{\"stop\": 3}");
    put(*state, "2.json", "{\"order\": \"veto\", \"number\": 4}");
    assert_int_equal(inbox_take_request(*state, INBOX_STOPS, &name, &request, &err), 1);
    assert_string_equal(name, "1.stop");
    assert_int_equal(request->stop, 3);
    message_free(request);
    answer_done(*state, name, 0);
    free(name);
    assert_int_equal(inbox_take_request(*state, INBOX_STOPS, &name, &request, &err), 0);
    request = take(*state, &name);
    assert_string_equal(name, "2");
    message_free(request);
    free(name);
}

static void an_inbox_that_is_empty_or_not_there_gives_nothing(void **state)
{
    char *name = NULL;
    assert_null(take(*state, &name));
    assert_null(name);
    put(*state, "a.answer.json", "{}");
    put(*state, "a.json.tmp-12", "{");
    put(*state, "a.tmp-12.json", "{");
    put(*state, "notes.txt", "{");
    char *folder = mem_format("%s/inbox/folder.json", (char *)*state);
    assert_int_equal(mkdir(folder, 0755), 0);
    free(folder);
    assert_null(take(*state, &name));
    assert_null(name);
    assert_names(*state, "a.answer.json a.json.tmp-12 a.tmp-12.json folder.json notes.txt ");
}

static void requests_come_in_the_order_of_their_names_and_go_when_answered(void **state)
{
    put(*state, "2-b.json", "{\"order\": \"kill\", \"number\": 2}");
    put(*state, "1-c.json", "{\"propose\": {\"id\": \"x\", \"patch\": {\"optimizer.lr\": 5e-4}}}");
    char *name = NULL;
    Trireme__Request *request = take(*state, &name);
    assert_string_equal(name, "1-c");
    assert_false(request->has_order);
    assert_string_equal(request->propose->patch[0]->value, "0.0005");
    answer_done(*state, name, 1);
    free(name);
    message_free(request);
    request = take(*state, &name);
    assert_string_equal(name, "2-b");
    assert_int_equal(request->order, TRIREME__ORDER__kill);
    assert_int_equal(request->number, 2);
    answer_done(*state, name, 2);
    free(name);
    message_free(request);
    assert_null(take(*state, &name));
    assert_names(*state, "1-c.answer.json 2-b.answer.json ");
}

static void what_is_no_request_is_answered_with_its_sentence_and_removed(void **state)
{
    put(*state, "1.json", "{\"propose\": 5}");
    put(*state, "2.json", "not json");
    put(*state, "3.json", "");
    char *large = mem_new(INBOX_REQUEST_BYTES_MAX + 2, 1), *name = NULL;
    memset(large, ' ', INBOX_REQUEST_BYTES_MAX + 1);
    put(*state, "4.json", large);
    free(large);
    put(*state, "5.json", "{\"order\": \"promote\", \"number\": 1}");
    put(*state, "6.json", "{\"order\": \"veto\", \"number\": 1}");
    Trireme__Request *request = take(*state, &name);
    assert_string_equal(name, "6");
    assert_names(*state, "1.answer.json 2.answer.json 3.answer.json 4.answer.json 5.answer.json "
                         "6.json ");
    static const char *const sentences[] = {"propose: found '5', expected keys and values",
                                            "not JSON", "not JSON", "expected at most 65536",
                                            "order: found 'promote', expected one of "};
    for (int i = 0; i < 5; i++) {
        struct err err = {.text = ""};
        char *path = mem_format("%s/inbox/%d.answer.json", (char *)*state, i + 1);
        char *text = file_read(path, NULL, ERR_DATA, &err);
        assert_non_null(text);
        assert_contains(text, "\"accepted\": false");
        assert_contains(text, sentences[i]);
        free(text);
        free(path);
    }
    message_free(request);
    free(name);
}

static char *inbox_path(const char *run, const char *name)
{
    return mem_format("%s/inbox/%s", run, name);
}

static void pipes_and_links_are_no_requests_and_block_nobody(void **state)
{
    char *name = NULL, *pipe = inbox_path(*state, "1.json"), *link = inbox_path(*state, "2.json");
    put(*state, "3.json", "{\"order\": \"veto\", \"number\": 3}");
    assert_int_equal(mkfifo(pipe, 0666), 0);
    assert_int_equal(symlink("3.json", link), 0);
    Trireme__Request *request = take(*state, &name);
    assert_non_null(request);
    assert_string_equal(name, "3");
    message_free(request);
    free(name);
    free(link);
    free(pipe);
}

static void of_answers_that_nobody_fetches_the_newest_are_kept(void **state)
{
    char *name = NULL;
    for (int i = 0; i < INBOX_ANSWERS_MAX + 20; i++) {
        char *file = mem_format("%04d.answer.json", i);
        put(*state, file, "{}");
        free(file);
    }
    for (int i = 0; i < 30; i++)
        assert_null(take(*state, &name));
    char *kept = names(*state);
    assert_null(strstr(kept, "0019.answer.json"));
    assert_memory_equal(kept, "0020.answer.json ", 17);
    assert_contains(kept, "0275.answer.json");
    free(kept);
}

static void nothing_is_removed_or_written_where_a_link_leads(void **state)
{
    struct err err = {.text = ""};
    char *elsewhere = file_join(*state, "elsewhere"), *link = file_join(*state, "inbox"),
         *kept = file_join(elsewhere, "manifest.json"), *name = NULL;
    Trireme__Answer answer = TRIREME__ANSWER__INIT;
    size_t n = 0;
    must_write_in(elsewhere, "manifest.json", "{}", 2);
    assert_int_equal(symlink(elsewhere, link), 0);
    assert_null(take(*state, &name));
    assert_int_equal(inbox_answer(*state, "manifest", &answer, &err), -1);
    assert_contains(err.text, "inbox: cannot open the folder");
    assert_true(file_exists(kept));
    char **list = file_names(elsewhere, &n, ERR_USAGE, &err);
    assert_int_equal(n, 1);
    file_names_free(list);
    free(kept);
    free(link);
    free(elsewhere);
}

static void assert_answer(const char *run, const char *name, const char *sentence)
{
    struct err err;
    char *path = inbox_path(run, name), *text = file_read(path, NULL, ERR_DATA, &err);
    if (!text)
        fail_msg("%s", err.text);
    assert_contains(text, "\"accepted\": false");
    assert_contains(text, sentence);
    free(text);
    free(path);
}

static void an_inbox_is_its_owners_alone_whatever_the_umask_and_is_made_so(void **state)
{
    struct err err = {.text = ""};
    struct stat st;
    char *folder = inbox_path(*state, ""), *name = NULL;
    Trireme__Answer *answer = NULL;
    Trireme__Request request = TRIREME__REQUEST__INIT, *taken;
    request.has_order = true, request.order = TRIREME__ORDER__kill;
    request.has_number = true, request.number = 1;
    for (int i = 0; i < 2; i++) {
        const mode_t before = umask(i ? 0777 : 0);
        assert_int_equal(inbox_ask(&answer, *state, &request, 0, &err), 0);
        umask(before);
        assert_int_equal(stat(folder, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0700);
        assert_int_equal(chmod(folder, 0777), 0); // of a version that left it open
        taken = take(*state, &name);
        assert_non_null(taken);
        assert_int_equal(stat(folder, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0700);
        answer_done(*state, name, 1);
        message_free(taken);
        free(name);
    }
    free(folder);
}

static void a_request_of_another_user_is_refused(void **state)
{
    if (geteuid() != 0)
        skip(); // only root can give a file away
    char *name = NULL, *path = inbox_path(*state, "1.json"), *folder = inbox_path(*state, "");
    put(*state, "1.json", "{\"order\": \"veto\", \"number\": 3}");
    assert_int_equal(chown(path, 4711, (gid_t)-1), 0);
    assert_null(take(*state, &name));
    assert_answer(*state, "1.answer.json", "found a request of user 4711, expected one of user 0");
    put(*state, "2.json", "{\"order\": \"veto\", \"number\": 3}");
    assert_int_equal(chown(folder, 4711, (gid_t)-1), 0);
    assert_null(take(*state, &name));
    assert_answer(*state, "2.answer.json",
                  "found the folder of user 4711, expected that of user 0");
    free(folder);
    free(path);
}

static void nobody_answers_and_the_request_waits_for_the_next_launch(void **state)
{
    struct err err = {.text = ""};
    Trireme__Answer *answer = NULL;
    Trireme__Request request = TRIREME__REQUEST__INIT;
    request.has_order = true, request.order = TRIREME__ORDER__kill;
    for (uint32_t i = 1; i <= 3; i++) {
        request.has_number = true, request.number = i;
        assert_int_equal(inbox_ask(&answer, *state, &request, 0, &err), 0);
        assert_null(answer);
    }
    for (uint32_t i = 1; i <= 3; i++) {
        char *name = NULL;
        Trireme__Request *taken = take(*state, &name);
        assert_non_null(taken);
        assert_int_equal(taken->number, i);
        answer_done(*state, name, i);
        message_free(taken);
        free(name);
    }
}

/* Answers one request, as the coordinator does. */
static void *serve(void *run)
{
    char *name = NULL;
    Trireme__Request *request = NULL;
    for (int i = 0; i < 2000 && !(request = take(run, &name)); i++)
        clock_sleep(0.005);
    if (request)
        answer_done(run, name, request->number + 1);
    message_free(request);
    free(name);
    return NULL;
}

static void the_answer_comes_to_who_asked_and_nothing_is_left(void **state)
{
    struct err err = {.text = ""};
    pthread_t server;
    assert_int_equal(pthread_create(&server, NULL, serve, *state), 0);
    Trireme__Answer *answer = NULL;
    Trireme__Request request = TRIREME__REQUEST__INIT;
    request.has_order = true, request.order = TRIREME__ORDER__approve;
    request.has_number = true, request.number = 6;
    int rc = inbox_ask(&answer, *state, &request, 20, &err);
    pthread_join(server, NULL);
    assert_int_equal(rc, 0);
    assert_non_null(answer);
    assert_true(answer->accepted);
    assert_int_equal(answer->number, 7);
    assert_string_equal(answer->text, "done");
    message_free(answer);
    assert_names(*state, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(an_inbox_that_is_empty_or_not_there_gives_nothing),
        test_in_folder(a_request_to_stop_is_taken_apart_from_the_others),
        test_in_folder(requests_come_in_the_order_of_their_names_and_go_when_answered),
        test_in_folder(what_is_no_request_is_answered_with_its_sentence_and_removed),
        test_in_folder(of_answers_that_nobody_fetches_the_newest_are_kept),
        test_in_folder(pipes_and_links_are_no_requests_and_block_nobody),
        test_in_folder(nothing_is_removed_or_written_where_a_link_leads),
        test_in_folder(an_inbox_is_its_owners_alone_whatever_the_umask_and_is_made_so),
        test_in_folder(a_request_of_another_user_is_refused),
        test_in_folder(nobody_answers_and_the_request_waits_for_the_next_launch),
        test_in_folder(the_answer_comes_to_who_asked_and_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
