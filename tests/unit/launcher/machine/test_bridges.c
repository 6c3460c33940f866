#include "tests/unit/support.h"

#include "base/mem.h"
#include "launcher/machine/bridges.h"

static void make(const char *net, const char *folder, const char *name, const char *text)
{
    char *path = mem_format("%s/%s", net, folder);
    must_write_in(path, name, text, strlen(text));
    free(path);
}

static void a_bridge_is_inner_unless_a_real_interface_is_part_of_it(void **state)
{
    const char *net = *state;
    make(net, "eth0/device", "vendor", "0x8086\n");
    make(net, "veth3", "uevent", "INTERFACE=veth3\nIFINDEX=7\n");
    make(net, "eth0.7", "uevent", "DEVTYPE=vlan\nINTERFACE=eth0.7\n");
    make(net, "docker0/bridge", "bridge_id", "8000\n");
    make(net, "docker0/brif/veth3", "state", "3\n");
    make(net, "virbr0/bridge", "bridge_id", "8000\n");
    make(net, "virbr0/brif", ".none", "");
    make(net, "br0/bridge", "bridge_id", "8000\n");
    make(net, "br0/brif/veth3", "state", "3\n");
    make(net, "br0/brif/eth0", "state", "3\n");
    make(net, "br7/bridge", "bridge_id", "8000\n");
    make(net, "br7/brif/eth0.7", "state", "3\n");
    assert_true(bridges_is_inner(net, "docker0"));
    assert_false(bridges_is_inner(net, "br0"));
    assert_false(bridges_is_inner(net, "br7"));
    assert_false(bridges_is_inner(net, "eth0"));
    assert_false(bridges_is_inner(net, "veth3"));
    assert_false(bridges_is_inner(net, "absent"));
}

static void what_is_left_out_is_told_to_people_and_to_open_mpi(void **state)
{
    (void)state;
    const struct bridge bridges[] = {
        {"docker0", "172.17.0.0/16"   },
        {"br-1f",   "192.168.122.0/24"},
    };
    char *list = bridges_list(bridges, 2), *mpi = bridges_for_mpi(bridges, 2);
    assert_string_equal(list, "docker0 (172.17.0.0/16), br-1f (192.168.122.0/24)");
    assert_memory_equal(mpi, "172.17.0.0/16,192.168.122.0/24,docker0,virbr0,", 46);
    free(mpi);
    free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test_in_folder(a_bridge_is_inner_unless_a_real_interface_is_part_of_it),
        cmocka_unit_test(what_is_left_out_is_told_to_people_and_to_open_mpi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
