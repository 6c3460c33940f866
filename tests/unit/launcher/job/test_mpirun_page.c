#include "tests/unit/support.h"

#include "launcher/job/mpirun_page.h"

static const char dashes[] =
    "--------------------------------------------------------------------------\n";

static void pages_of_open_mpi_are_one_sentence_with_what_matters(void **state)
{
    (void)state;
    // clang-format off
    static const struct {
        const char *page, *says[3];
    } cases[] = {
        {"Conflicting directives for mapping policy are causing the policy\n"
         "to be redefined:\n\n  New policy:   oversubscribe\n"
         "  Prior policy:  BYSOCKET:NOOVERSUBSCRIBE\n",
         {"OMPI_MCA_rmaps_base_no_oversubscribe", "unset it", "BYSOCKET"}},
        {"There are not enough slots available in the system to satisfy the 4\n"
         "slots that were requested by the application:\n",
         {"not enough slots", "asked for 4", ""}},
        {"A call to mkdir was unable to create the desired directory:\n\n"
         "  Directory: /proc/x\n  Error:     No such file or directory\n",
         {"'/proc/x'", "TMPDIR", ""}},
        {"No components were able to be opened in the pml framework.\n\n"
         "  Host:      vm\n  Framework: pml\n",
         {"framework 'pml'", "OMPI_MCA_", ""}},
        {"The value of the MCA parameter \"plm_rsh_agent\" was set to a path\n"
         "that could not be found:\n\n  plm_rsh_agent: nosuch\n",
         {"'nosuch'", "ssh", "OMPI_MCA_plm_rsh_agent"}},
        {"It looks like MPI_INIT failed for some reason; here's some information (which may\n"
         "only be relevant to an Open MPI\ndeveloper):\n\n  mca_pml_base_open() failed\n",
         {"could not start", "(mca_pml_base_open() failed)", "OMPI_MCA_"}},
        {"The user-provided time limit for job execution has been reached:\n\n"
         "  Timeout: 1 seconds\n",
         {"after 1 seconds", "MPIEXEC_TIMEOUT", ""}},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[2000];
        struct err err = {0};
        snprintf(text, sizeof text, "%s%s%s[vm:1] 2 more processes have sent help message\n",
                 dashes, cases[i].page, dashes);
        assert_true(mpirun_page_known(&err, text));
        assert_int_equal(err.code, ERR_MACHINE);
        assert_null(strchr(err.text, '\n'));
        for (size_t k = 0; k < 3; k++)
            assert_contains(err.text, cases[i].says[k]);
    }
}

static void a_daemon_that_could_not_be_started_is_told_by_what_its_agent_said(void **state)
{
    (void)state;
    struct err err = {0};
    assert_true(mpirun_page_known(
        &err,
        "[vm:3] plm:rsh: Warning: setpgid(4,4) failed in parent with errno=Permission denied(13)\n"
        "ssh: Could not resolve hostname faraway: Name or service not known\r\n"
        "-----------\nORTE was unable to reliably start one or more daemons.\n"));
    assert_contains(err.text, "ssh: Could not resolve hostname faraway: Name or service not known");
    assert_null(strchr(err.text, '\r'));
}

static void other_text_is_no_page(void **state)
{
    (void)state;
    struct err err = {0};
    assert_false(mpirun_page_known(&err, NULL));
    assert_false(mpirun_page_known(&err, ""));
    assert_false(mpirun_page_known(&err, "mpirun: error while loading shared libraries\n"));
    assert_int_equal(err.code, ERR_NONE);
}

static void the_last_line_is_one_that_says_something(void **state)
{
    (void)state;
    static const struct {
        const char *text, *last;
    } cases[] = {
        {"one\ntwo\n------\n\n",                                                  "two"},
        {"one",                                                                   "one"},
        {"a\r\nb\r\n",                                                            "b"  },
        {"why\n[vm:1] 2 more processes have sent help message x\n"
         "[vm:1] Set MCA parameter \"orte_base_help_aggregate\" to 0\n", "why"},
    };
    int size = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *last = mpirun_page_last_line(cases[i].text, &size);
        assert_non_null(last);
        assert_int_equal(size, strlen(cases[i].last));
        assert_memory_equal(last, cases[i].last, (size_t)size);
    }
    assert_null(mpirun_page_last_line(NULL, &size));
    assert_null(mpirun_page_last_line("-----\n\n", &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_of_open_mpi_are_one_sentence_with_what_matters),
        cmocka_unit_test(a_daemon_that_could_not_be_started_is_told_by_what_its_agent_said),
        cmocka_unit_test(other_text_is_no_page),
        cmocka_unit_test(the_last_line_is_one_that_says_something),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
