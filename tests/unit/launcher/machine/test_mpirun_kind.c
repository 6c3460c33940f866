#include "tests/unit/support.h"

#include "launcher/machine/mpirun_kind.h"

static void an_mpirun_is_told_by_its_answer_to_version(void **state)
{
    (void)state;
    // clang-format off
    static const struct {
        enum mpi_kind kind;
        const char *version, *name, *answer;
    } cases[] = {
        {MPI_KIND_OPEN_MPI, "4.1.4",    "Open MPI",
         "mpirun (Open MPI) 4.1.4\n\nReport bugs to http://www.open-mpi.org/community/help/\n"},
        {MPI_KIND_OPEN_MPI, "5.0.3rc1", "Open MPI", "mpirun (Open MPI) 5.0.3rc1\n"},
        {MPI_KIND_MPICH,    "4.0.2",    "MPICH",
         "HYDRA build details:\n    Version:                                 4.0.2\n"},
        {MPI_KIND_MPICH,    "",         "MPICH",    "HYDRA build details:\n"},
        {MPI_KIND_INTEL,    "2021.9",   "Intel MPI",
         "Intel(R) MPI Library for Linux* OS, Version 2021.9 Build 20230307 (id: d82b3071db)\n"},
        {MPI_KIND_UNKNOWN,  "",         "an unknown MPI", "mpiexec version 1.2.9\n"},
        {MPI_KIND_UNKNOWN,  "",         "an unknown MPI", ""},
    };
    // clang-format on
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mpirun_kind kind = {0};
        mpirun_kind_read(&kind, cases[i].answer);
        assert_int_equal(kind.kind, cases[i].kind);
        assert_string_equal(kind.version, cases[i].version);
        assert_string_equal(mpirun_kind_name(kind.kind), cases[i].name);
        assert_memory_equal(kind.said, cases[i].answer, strlen(kind.said));
        assert_null(strchr(kind.said, '\n'));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_mpirun_is_told_by_its_answer_to_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
