#include "tests/unit/support.h"

#include "launcher/environment.h"

struct place {
    struct environment_said said;
    int size, rank;
};

static void assert_places(const struct place *places, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct environment_job job;
        environment_read_job(&job, &places[i].said);
        if (job.size != places[i].size || job.rank != places[i].rank)
            fail_msg("place %zu: found size %d, rank %d, expected size %d, rank %d", i, job.size,
                     job.rank, places[i].size, places[i].rank);
        assert_true((job.by != NULL) == (job.size != 0));
    }
}
#define assert_all(places) assert_places(places, sizeof(places) / sizeof *(places))

// clang-format off
static void a_process_is_in_a_job_of_more_than_one_rank(void **state)
{
    (void)state;
    static const struct place places[] = {
        {{.ompi_rank = "3", .ompi_size = "4", .pmix_rank = "3", .pmix_namespace = "77",
          .pmix_server = "u"}, 4, 3},                                           // mpirun -n 4
        {{.pmix_rank = "2", .pmix_namespace = "slurm.pmix.7.0", .pmix_server = "u",
          .slurm_step = "0", .slurm_rank = "2", .slurm_size = "4"}, 4, 2},      // srun --mpi=pmix
        {{.pmi_rank = "1", .pmi_size = "4", .slurm_step = "0", .slurm_rank = "1",
          .slurm_size = "4"}, 4, 1},                                            // srun --mpi=pmi2
        {{.pmi_rank = "1", .pmi_size = "4"}, 4, 1},                             // MPICH's mpirun
        {{.pmix_rank = "1", .pmix_namespace = "n", .pmix_server = "u"},
         ENVIRONMENT_SIZE_UNSAID, 1},                                           // prun
        {{.ompi_rank = "1", .ompi_size = "4", .slurm_step = "0", .slurm_rank = "0",
          .slurm_size = "2", .pmix_rank = "1"}, 4, 1},                          // mpirun in a step
    };
    assert_all(places);
}

static void a_rank_alone_or_one_left_over_is_in_no_job(void **state)
{
    (void)state;
    static const struct place places[] = {
        {{0}, 0, 0},
        {{.ompi_rank = "0", .ompi_size = "1", .pmix_rank = "0", .pmix_namespace = "77",
          .pmix_server = "u"}, 0, 0},                                           // mpirun -n 1
        {{.pmix_rank = "0", .pmix_namespace = "slurm.pmix.7.0", .pmix_server = "u",
          .slurm_step = "0", .slurm_rank = "0", .slurm_size = "1"}, 0, 0},      // srun -n 1
        {{.pmi_rank = "0", .pmi_size = "1"}, 0, 0},
        {{.pmix_rank = "0"}, 0, 0},                                  // a shell in an allocation
        {{.pmix_rank = "2", .pmix_namespace = "n"}, 0, 0},
        {{.pmi_rank = "3"}, 0, 0},
        {{.ompi_rank = "1"}, 0, 0},
        // srun --mpi=none -n 4 from a shell that has the variables of another step
        {{.pmix_rank = "0", .slurm_step = "1", .slurm_rank = "2", .slurm_size = "4"}, 0, 0},
        {{.pmix_rank = "0", .pmix_namespace = "slurm.pmix.13.0", .pmix_server = "u",
          .slurm_step = "1", .slurm_rank = "0", .slurm_size = "4"}, 0, 0},
        {{.pmix_rank = "0", .pmix_namespace = "slurm.pmix.13.0", .pmix_server = "u",
          .slurm_step = "1", .slurm_rank = "1", .slurm_size = "4"}, 0, 0},
        {{.pmix_rank = "x", .pmix_namespace = "n", .pmix_server = "u"}, 0, 0},
        {{.ompi_rank = "-1", .ompi_size = "4"}, 0, 0},
        {{.ompi_rank = "0", .ompi_size = "many"}, 0, 0},
        {{.ompi_rank = "", .ompi_size = ""}, 0, 0},
    };
    assert_all(places);
}
// clang-format on

/* Whether the shell's child would see the variable. */
static bool is_set(const char *name)
{
    return getenv(name) != NULL;
}

static void what_a_job_tells_its_ranks_is_taken_away_and_what_users_set_stays(void **state)
{
    (void)state;
    static const char *const gone[] = {"OMPI_COMM_WORLD_RANK",
                                       "OMPI_COMM_WORLD_SIZE",
                                       "PMIX_RANK",
                                       "PMIX_SERVER_URI2",
                                       "PMI_RANK",
                                       "OMPI_MCA_orte_hnp_uri",
                                       "OMPI_MCA_ess",
                                       "OMPI_MCA_orte_ess_num_procs"};
    static const char *const stay[] = {"OMPI_MCA_btl_tcp_if_include", "OMPI_MCA_plm_rsh_agent",
                                       "PMIX_MCA_gds", "OMPI_ALLOW_RUN_AS_ROOT", "OMPI_HOME"};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        setenv(gone[i], "1", 1);
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++)
        setenv(stay[i], "1", 1);
    environment_leave_job();
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        if (is_set(gone[i]))
            fail_msg("%s is still set", gone[i]);
    for (size_t i = 0; i < sizeof stay / sizeof *stay; i++) {
        if (!is_set(stay[i]))
            fail_msg("%s was taken away", stay[i]);
        unsetenv(stay[i]);
    }
    // outside of an mpirun they are the user's
    setenv("OMPI_MCA_ess", "1", 1);
    environment_leave_job();
    assert_true(is_set("OMPI_MCA_ess"));
    unsetenv("OMPI_MCA_ess");
}

static void a_parameter_that_the_user_set_or_excludes_is_not_set(void **state)
{
    (void)state;
    setenv("OMPI_MCA_test_include", "eth0", 1);
    assert_false(environment_set_mca("test_exclude", "docker0", "test_include"));
    assert_false(is_set("OMPI_MCA_test_exclude"));
    unsetenv("OMPI_MCA_test_include");
    assert_true(environment_set_mca("test_exclude", "docker0", "test_include"));
    assert_string_equal(getenv("OMPI_MCA_test_exclude"), "docker0");
    assert_false(environment_set_mca("test_exclude", "virbr0", "test_include"));
    unsetenv("OMPI_MCA_test_exclude");
}

static void a_home_that_is_missing_is_set_to_a_folder_that_is_there(void **state)
{
    (void)state;
    char *home = getenv("HOME") ? strdup(getenv("HOME")) : NULL;
    unsetenv("HOME");
    environment_set_home();
    assert_non_null(getenv("HOME"));
    assert_int_equal(getenv("HOME")[0], '/');
    setenv("HOME", "/somewhere", 1);
    environment_set_home();
    assert_string_equal(getenv("HOME"), "/somewhere");
    if (home)
        setenv("HOME", home, 1);
    free(home);
}

static void mpi_that_found_another_number_of_ranks_is_refused_by_the_variable(void **state)
{
    (void)state;
    struct err err = {0};
    environment_leave_job();
    unsetenv("SLURM_STEP_ID");
    assert_int_equal(environment_check_size(1, "Open MPI v4", &err), 0);
    setenv("PMI_RANK", "0", 1);
    setenv("PMI_SIZE", "4", 1);
    assert_int_equal(environment_check_size(4, "Open MPI v4", &err), 0);
    assert_int_equal(environment_check_size(1, "Open MPI v4", &err), -1);
    assert_int_equal(err.code, ERR_MACHINE);
    assert_contains(err.text, "PMI_SIZE says 4 ranks, but Open MPI v4 found 1");
    setenv("SLURM_STEP_ID", "0", 1);
    setenv("SLURM_PROCID", "0", 1);
    assert_int_equal(environment_check_size(1, "Open MPI v4", &err), -1);
    assert_contains(err.text, "srun --mpi=pmix");
    unsetenv("SLURM_STEP_ID");
    unsetenv("SLURM_PROCID");
    environment_leave_job();
}

static void cpus_of_an_allocation_are_summed_over_its_nodes(void **state)
{
    (void)state;
    assert_int_equal(environment_read_cpus("16(x2),8"), 40);
    assert_int_equal(environment_read_cpus("4"), 4);
    assert_int_equal(environment_read_cpus("1(x3)"), 3);
    assert_int_equal(environment_read_cpus("sixteen"), 0);
    assert_int_equal(environment_read_cpus("16(y2)"), 0);
    assert_int_equal(environment_read_cpus(NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_is_in_a_job_of_more_than_one_rank),
        cmocka_unit_test(a_rank_alone_or_one_left_over_is_in_no_job),
        cmocka_unit_test(what_a_job_tells_its_ranks_is_taken_away_and_what_users_set_stays),
        cmocka_unit_test(a_parameter_that_the_user_set_or_excludes_is_not_set),
        cmocka_unit_test(a_home_that_is_missing_is_set_to_a_folder_that_is_there),
        cmocka_unit_test(cpus_of_an_allocation_are_summed_over_its_nodes),
        cmocka_unit_test(mpi_that_found_another_number_of_ranks_is_refused_by_the_variable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
