#include "tests/unit/support.h"

#include "base/mem.h"
#include "launcher/machine/hostfile.h"

#include <unistd.h>

static int read_text(struct hostfile *file, const char *folder, const char *text, struct err *err)
{
    char *path = mem_format("%s/hosts", folder);
    must_write(path, text, strlen(text));
    int rc = hostfile_read(file, path, err);
    free(path);
    return rc;
}

static void hosts_are_read_with_slots_comments_and_users(void **state)
{
    struct hostfile file;
    struct err err = {0};
    assert_int_equal(read_text(&file, *state,
                               "# two racks\n"
                               "node1.rack7.example slots=2 max-slots=4 # the first\n"
                               "\n"
                               "  me@node2  slots = 3\r\n"
                               "192.0.2.7\tcount=1\n"
                               "node1.rack7.example slots=5\n"
                               "plain",
                               &err),
                     0);
    assert_int_equal(file.n, 4);
    assert_string_equal(file.hosts[0].name, "node1.rack7.example");
    assert_int_equal(file.hosts[0].slots, 7);
    assert_string_equal(file.hosts[1].name, "node2");
    assert_int_equal(file.hosts[1].slots, 3);
    assert_string_equal(file.hosts[2].name, "192.0.2.7");
    assert_string_equal(file.hosts[3].name, "plain");
    assert_int_equal(file.hosts[3].slots, 0);
    assert_true(hostfile_has_dots(&file));
    assert_true(hostfile_has_others(&file));
    hostfile_clear(&file);
}

static void what_is_no_hostfile_is_refused_with_the_number_of_the_line(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"",                         "found no host in 0 bytes"                   },
        {"# nothing\n\n",            "found no host"                              },
        {"nodea slots=two\n",        "line 1: found 'slots=two', expected slots=N"},
        {"a\nb slots=\n",            "line 2: found 'slots=', expected slots=N"   },
        {"a\nb slots\n",             "line 2: found 'slots', expected slots=N"    },
        {"a\n\nb speed=3\n",         "line 3: found 'speed=3', expected slots=N"  },
        {"a slots=-1\n",             "line 1: found 'slots=-1'"                   },
        {"a slots=99999999999999\n", "line 1: found 'slots=99999999999999'"       },
        {"a,b slots=1\n",            "line 1: found 'a,b', expected the name"     },
        {"slots=4\n",                "line 1: found 'slots=4', expected the name" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct hostfile file;
        struct err err = {0};
        assert_int_equal(read_text(&file, *state, cases[i].text, &err), -1);
        assert_int_equal(err.code, ERR_USAGE);
        assert_contains(err.text, cases[i].says);
        assert_contains(err.text, "/hosts");
        hostfile_clear(&file);
    }
}

static void a_file_that_is_not_there_is_a_mistake_of_the_user(void **state)
{
    struct hostfile file;
    struct err err = {0};
    assert_int_equal(hostfile_read(&file, *state, &err), -1); // a folder
    assert_int_equal(err.code, ERR_USAGE);
    assert_int_equal(hostfile_read(&file, "/nowhere/absent", &err), -1);
    assert_int_equal(err.code, ERR_USAGE);
    assert_contains(err.text, "--hostfile");
    assert_contains(err.text, "absent");
}

static void names_of_this_machine_are_not_others(void **state)
{
    struct hostfile file;
    struct err err = {0};
    char here[256] = "";
    gethostname(here, sizeof here - 1);
    char *text = mem_format("localhost\n127.0.0.1 slots=2\n%s\n", here);
    assert_int_equal(read_text(&file, *state, text, &err), 0);
    assert_false(hostfile_has_others(&file));
    assert_false(hostfile_has_dots(&file) && !strchr(here, '.')); // an address is no name
    hostfile_clear(&file);
    free(text);
    char *longer = mem_format("%sx", here);
    assert_false(hostfile_is_here(longer));
    assert_false(hostfile_is_here("192.0.2.77"));
    free(longer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(hosts_are_read_with_slots_comments_and_users),
        test_in_folder(what_is_no_hostfile_is_refused_with_the_number_of_the_line),
        test_in_folder(a_file_that_is_not_there_is_a_mistake_of_the_user),
        test_in_folder(names_of_this_machine_are_not_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
