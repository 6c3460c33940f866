#include "tests/unit/support.h"

#include "base/mem.h"
#include "launcher/machine/cores.h"

static const char first[] =
    "33 32 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
    "34 32 0:29 / /sys/fs/cgroup/cpuset rw shared:9 - cgroup cgroup rw,cpuset\n";
static const char second[] = "36 32 0:28 / /sys/fs/cgroup rw shared:9 - cgroup2 cgroup2 rw\n";

static void write_file(const char *root, const char *folder, const char *name, const char *text)
{
    char *path = mem_format("%s/%s", root, folder);
    must_write_in(path, name, text, strlen(text));
    free(path);
}

static double quota_in(const char *root, const char *mounts, const char *groups)
{
    struct cores cores;
    write_file(root, "proc/self", "mountinfo", mounts);
    write_file(root, "proc/self", "cgroup", groups);
    cores_read(&cores, root);
    assert_true(cores.allowed >= 1);
    return cores.quota;
}

static void a_quota_of_version_1_is_that_of_the_group_or_one_above(void **state)
{
    static const char groups[] = "5:cpuset:/other\n4:cpu,cpuacct:/pods/a\n0::/\n";
    const char *const top = "sys/fs/cgroup/cpu,cpuacct";
    write_file(*state, top, "cpu.cfs_quota_us", "-1\n");
    write_file(*state, top, "cpu.cfs_period_us", "100000\n");
    assert_true(quota_in(*state, first, groups) == 0);
    write_file(*state, "sys/fs/cgroup/cpu,cpuacct/pods", "cpu.cfs_quota_us", "300000\n");
    write_file(*state, "sys/fs/cgroup/cpu,cpuacct/pods", "cpu.cfs_period_us", "100000\n");
    assert_true(quota_in(*state, first, groups) == 3);
    write_file(*state, "sys/fs/cgroup/cpu,cpuacct/pods/a", "cpu.cfs_quota_us", "50000\n");
    write_file(*state, "sys/fs/cgroup/cpu,cpuacct/pods/a", "cpu.cfs_period_us", "100000\n");
    assert_true(quota_in(*state, first, groups) == 0.5);
    write_file(*state, "sys/fs/cgroup/cpu,cpuacct/pods", "cpu.cfs_quota_us", "20000\n");
    assert_true(quota_in(*state, first, groups) == 0.2);
}

static void a_quota_of_version_2_is_that_of_the_group_or_one_above(void **state)
{
    static const char groups[] = "0::/user.slice/a\n";
    write_file(*state, "sys/fs/cgroup/user.slice/a", "cpu.max", "max 100000\n");
    assert_true(quota_in(*state, second, groups) == 0);
    write_file(*state, "sys/fs/cgroup/user.slice", "cpu.max", "150000 100000\n");
    assert_true(quota_in(*state, second, groups) == 1.5);
}

static void a_container_that_sees_its_group_as_the_root_finds_its_quota(void **state)
{
    write_file(*state, "sys/fs/cgroup", "cpu.max", "200000 100000\n");
    assert_true(quota_in(*state, second, "0::/\n") == 2);
    // its path is told from the machine's root, and the mount begins at it
    assert_true(quota_in(*state, "36 32 0:28 /box/7 /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
                         "0::/box/7\n") == 2);
}

static void without_control_groups_there_is_no_quota(void **state)
{
    struct cores cores;
    cores_read(&cores, *state);
    assert_true(cores.quota == 0);
    assert_true(cores.allowed >= 1);
}

static void usable_cores_are_whole_ones_and_at_least_one(void **state)
{
    (void)state;
    static const struct {
        struct cores cores;
        unsigned usable;
    } cases[] = {
        {{8, 0},   8},
        {{8, 0.5}, 1},
        {{8, 1},   1},
        {{8, 2.9}, 2},
        {{2, 16},  2},
        {{0, 0},   1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(cores_usable(&cases[i].cores), cases[i].usable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_quota_of_version_1_is_that_of_the_group_or_one_above),
        test_in_folder(a_quota_of_version_2_is_that_of_the_group_or_one_above),
        test_in_folder(a_container_that_sees_its_group_as_the_root_finds_its_quota),
        test_in_folder(without_control_groups_there_is_no_quota),
        cmocka_unit_test(usable_cores_are_whole_ones_and_at_least_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
