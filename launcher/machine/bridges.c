#include "launcher/machine/bridges.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const usual_names[] = {"docker0", "virbr0", "lxcbr0",     "lxdbr0",
                                          "podman0", "cni0",   "cni-podman0"};
static const uint32_t link_local = 0xa9fe0000u, link_local_mask = 0xffff0000u;

static bool has(const char *net, const char *name, const char *what)
{
    char *path = mem_format("%s/%s/%s", net, name, what);
    const bool there = file_exists(path);
    free(path);
    return there;
}

/* Whether a bridge's port leads out of the machine: hardware, or a VLAN or bond, which stands on
 * it. */
static bool is_real(const char *net, const char *name)
{
    if (has(net, name, "device") || has(net, name, "bonding"))
        return true;
    char *path = mem_format("%s/%s/uevent", net, name), line[128];
    FILE *f = fopen(path, "re");
    free(path);
    bool real = false;
    while (f && fgets(line, sizeof line, f))
        real = real || !strncmp(line, "DEVTYPE=vlan", 12) || !strncmp(line, "DEVTYPE=bond", 12);
    if (f)
        fclose(f);
    return real;
}

bool bridges_is_inner(const char *net, const char *name)
{
    if (!has(net, name, "bridge"))
        return false;
    char *folder = mem_format("%s/%s/brif", net, name);
    size_t n = 0;
    struct err unread;
    char **ports = file_names(folder, &n, ERR_MACHINE, &unread);
    bool real = !ports;
    for (size_t i = 0; ports && i < n; i++)
        real = real || is_real(net, ports[i]);
    file_names_free(ports);
    free(folder);
    return !real;
}

static uint32_t number(const struct sockaddr *address)
{
    struct sockaddr_in in;
    memcpy(&in, address, sizeof in);
    return ntohl(in.sin_addr.s_addr);
}

static bool is_usable(const struct ifaddrs *i)
{
    return i->ifa_addr && i->ifa_netmask && i->ifa_addr->sa_family == AF_INET &&
           (i->ifa_flags & IFF_UP) && !(i->ifa_flags & IFF_LOOPBACK);
}

static bool is_left_out(const struct ifaddrs *i)
{
    return (number(i->ifa_addr) & link_local_mask) == link_local ||
           bridges_is_inner("/sys/class/net", i->ifa_name);
}

static void describe(struct bridge *bridge, const struct ifaddrs *i)
{
    const uint32_t mask = number(i->ifa_netmask);
    const struct in_addr net = {.s_addr = htonl(number(i->ifa_addr) & mask)};
    char text[INET_ADDRSTRLEN] = "";
    inet_ntop(AF_INET, &net, text, sizeof text);
    snprintf(bridge->name, sizeof bridge->name, "%.31s", i->ifa_name);
    snprintf(bridge->net, sizeof bridge->net, "%.20s/%d", text, __builtin_popcount(mask));
}

size_t bridges_find(struct bridge *bridges, size_t max)
{
    struct ifaddrs *all = NULL;
    size_t n = 0, n_others = 0;
    if (getifaddrs(&all) < 0)
        return false;
    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        if (!is_usable(i))
            continue;
        if (!is_left_out(i))
            n_others++;
        else if (n < max)
            describe(&bridges[n++], i);
    }
    freeifaddrs(all);
    return n_others ? n : 0; // what is the only way to the others is not left out
}

char *bridges_list(const struct bridge *bridges, size_t n)
{
    struct text text = {0};
    for (size_t i = 0; i < n; i++)
        text_printf(&text, "%s%s (%s)", i ? ", " : "", bridges[i].name, bridges[i].net);
    return text_take(&text);
}

char *bridges_networks(void)
{
    struct ifaddrs *all = NULL;
    struct text text = {0};
    struct bridge network;
    if (getifaddrs(&all) < 0)
        all = NULL;
    for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
        if (!is_usable(i))
            continue;
        describe(&network, i);
        text_printf(&text, "%s%s (%s)", text.size ? ", " : "", network.name, network.net);
    }
    freeifaddrs(all);
    if (!text.size)
        text_add(&text, "no network");
    return text_take(&text);
}

char *bridges_for_mpi(const struct bridge *bridges, size_t n)
{
    struct text text = {0};
    for (size_t i = 0; i < n; i++)
        text_printf(&text, "%s%s", i ? "," : "", bridges[i].net);
    for (size_t i = 0; i < sizeof usual_names / sizeof *usual_names; i++)
        text_printf(&text, "%s%s", text.size ? "," : "", usual_names[i]);
    return text_take(&text);
}
