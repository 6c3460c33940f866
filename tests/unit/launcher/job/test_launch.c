#include "tests/unit/support.h"

#include "launcher/job/launch.h"
#include "launcher/job/mpirun.h"
#include "launcher/machine/hostfile.h"

#include <sys/stat.h>

/* A program that mpirun would reach hosts with: of the host's name the first letter says what it
 * does. */
static const char agent[] =
    "#!/bin/sh\n"
    "case $1 in s*) exec sleep 100;; r*) echo \"$1: refused\" >&2; exit 255;;"
    " esac\nexit 0\n";

struct scene {
    struct mpirun job;
    struct hostfile file;
    struct launch launch;
};

static void scene_init(struct scene *s, const char *folder, const char *const *hosts, size_t n)
{
    struct err err;
    char path[4096];
    must_write_in(folder, "agent", agent, sizeof agent - 1);
    snprintf(path, sizeof path, "%s/agent", folder);
    assert_int_equal(chmod(path, 0755), 0);
    setenv("OMPI_MCA_plm_rsh_agent", path, 1);
    char text[1000] = "";
    for (size_t i = 0; i < n; i++) {
        strcat(text, hosts[i]);
        strcat(text, "\n");
    }
    must_write_in(folder, "hosts", text, strlen(text));
    snprintf(path, sizeof path, "%s/hosts", folder);
    *s = (struct scene){0};
    assert_int_equal(n ? hostfile_read(&s->file, path, &err) : 0, 0);
    s->job = (struct mpirun){
        .ranks = 4, .servers = 1, .hosts = n ? &s->file : NULL, .launch_seconds = 7};
    launch_begin(&s->launch, &s->job, 100);
}

static void scene_clear(struct scene *s)
{
    launch_clear(&s->launch);
    hostfile_clear(&s->file);
    unsetenv("OMPI_MCA_plm_rsh_agent");
}

static void a_launch_is_late_once_when_its_bound_has_passed(void **state)
{
    struct scene s;
    scene_init(&s, *state, NULL, 0);
    assert_false(launch_passes(&s.launch, false, 106.9));
    assert_false(launch_passes(&s.launch, true, 200));
    assert_false(s.launch.late);
    assert_true(launch_passes(&s.launch, false, 107.1));
    assert_true(s.launch.late);
    assert_false(launch_passes(&s.launch, false, 107.2));
    scene_clear(&s);
}

static void ranks_that_began_are_counted_once(void **state)
{
    struct scene s;
    scene_init(&s, *state, NULL, 0);
    assert_true(launch_take_line(&s.launch, "trireme-begun 2 nodea"));
    assert_true(launch_take_line(&s.launch, "trireme-begun 2 nodea"));
    assert_true(launch_take_line(&s.launch, "trireme-begun 0 nodea.rack"));
    assert_true(launch_take_line(&s.launch, "trireme-begun 77 nodeb"));
    assert_false(launch_take_line(&s.launch, "trireme-launched"));
    assert_false(launch_take_line(&s.launch, "trireme-begun"));
    assert_int_equal(s.launch.n_begun, 2);
    assert_int_equal(s.launch.n_hosts, 1);
    struct err err;
    assert_int_equal(launch_explain(&s.launch, &err), -1);
    assert_contains(err.text, "2 of 4 ranks began within 7 s (wait.launch)");
    scene_clear(&s);
}

static void hosts_that_do_not_answer_are_named_with_how(void **state)
{
    static const char *const hosts[] = {"nodea.rack", "silent-b", "refused-c"};
    struct scene s;
    struct err err;
    scene_init(&s, *state, hosts, 3);
    assert_true(launch_take_line(&s.launch, "trireme-begun 0 nodea"));
    assert_int_equal(launch_explain(&s.launch, &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(err.text, "no rank began on silent-b and other hosts within 7 s");
    assert_contains(err.text, "silent-b does not answer");
    assert_contains(err.text, "refused-c true` ended with code 255: refused-c: refused");
    assert_null(strstr(err.text, "nodea"));
    scene_clear(&s);
}

static void hosts_that_answer_lack_a_way_back_or_a_network(void **state)
{
    static const char *const hosts[] = {"alive-a", "alive-b"};
    struct scene s;
    struct err err;
    scene_init(&s, *state, hosts, 2);
    assert_true(launch_take_line(&s.launch, "trireme-begun 0 alive-a"));
    launch_explain(&s.launch, &err);
    assert_contains(err.text, "no rank began on alive-b within 7 s");
    assert_contains(err.text, "OMPI_MCA_oob_tcp_if_include");
    for (int i = 1; i < 4; i++) {
        char line[100];
        snprintf(line, sizeof line, "trireme-begun %d alive-b", i);
        assert_true(launch_take_line(&s.launch, line));
    }
    launch_explain(&s.launch, &err);
    assert_contains(err.text, "all 4 ranks began, on alive-a and others");
    assert_contains(err.text, "OMPI_MCA_btl_tcp_if_include");
    scene_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_launch_is_late_once_when_its_bound_has_passed),
        test_in_folder(ranks_that_began_are_counted_once),
        test_in_folder(hosts_that_do_not_answer_are_named_with_how),
        test_in_folder(hosts_that_answer_lack_a_way_back_or_a_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
