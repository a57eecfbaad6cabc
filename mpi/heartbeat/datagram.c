/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/heartbeat/datagram.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/un.h>
#include <unistd.h>

static const sa_family_t families[CNN_DATAGRAM_SOCKETS] = {AF_UNIX, AF_INET, AF_INET6};

static int open_socket(sa_family_t family)
{
    const int on = 1;
    const int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    return fd;
}

/** A name in no folder, which goes with its socket: made of half of the key, so that the datagrams'
 *  other half stays unknown to who lists such names. */
static cnn_status listen_here(cnn_datagram_directory *d, int *fd)
{
    cnn_status st = CNN_OK;
    cnn_datagram_address *address = &d->of[d->count];
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int n = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "cnnmpi-");
    for (int i = 0; i < CNN_DATAGRAM_KEY / 2; i++)
        n += snprintf(name.sun_path + 1 + n, sizeof name.sun_path - 1 - (size_t)n, "%02x",
                      d->key[i]);
    address->length = (uint32_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
    memcpy(&address->name, &name, address->length);
    *fd = open_socket(AF_UNIX);
    CNN_CHECK(*fd >= 0 && bind(*fd, (struct sockaddr *)&address->name, address->length) == 0,
              CNN_EENV, "a socket for signs of life: %s", strerror(errno));
    d->count++;
done:
    return st;
}

static bool is_reachable(const struct ifaddrs *i, sa_family_t family)
{
    if (!i->ifa_addr || i->ifa_addr->sa_family != family || !(i->ifa_flags & IFF_UP) ||
        (i->ifa_flags & IFF_LOOPBACK))
        return false;
    return family != AF_INET6 ||
           !IN6_IS_ADDR_LINKLOCAL(
               &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr);
}

/** Binds to a free port of every address and lists those that other hosts may reach. */
static cnn_status listen_on_network(sa_family_t family, const struct ifaddrs *all,
                                    cnn_datagram_directory *d, int *fd)
{
    cnn_status st = CNN_OK;
    struct sockaddr_storage any = {.ss_family = family};
    socklen_t length = family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6);
    *fd = open_socket(family);
    if (*fd < 0 && family == AF_INET6)
        goto done; /* not every host has it */
    CNN_CHECK(*fd >= 0 && bind(*fd, (struct sockaddr *)&any, length) == 0 &&
                  getsockname(*fd, (struct sockaddr *)&any, &length) == 0,
              CNN_EENV, "a socket for signs of life: %s", strerror(errno));
    for (const struct ifaddrs *i = all; i && d->count < CNN_DATAGRAM_ADDRESSES; i = i->ifa_next) {
        if (!is_reachable(i, family))
            continue;
        cnn_datagram_address *address = &d->of[d->count++];
        memcpy(&address->name, i->ifa_addr, length);
        address->length = (uint32_t)length;
        /* The port is at the same place in both. */
        ((struct sockaddr_in *)&address->name)->sin_port = ((struct sockaddr_in *)&any)->sin_port;
    }
done:
    return st;
}

cnn_status cnn_datagram_listen(bool near, bool far, cnn_datagram_directory *d,
                               cnn_datagram_sockets *sockets)
{
    cnn_status st = CNN_OK;
    struct ifaddrs *all = NULL;
    memset(d, 0, sizeof *d);
    *sockets = (cnn_datagram_sockets){{-1, -1, -1}};
    CNN_CHECK(getrandom(d->key, sizeof d->key, 0) == (ssize_t)sizeof d->key, CNN_EENV,
              "no random numbers: %s", strerror(errno));
    if (near)
        CNN_TRY(listen_here(d, &sockets->of[0]));
    if (far) {
        CNN_CHECK(getifaddrs(&all) == 0, CNN_EENV, "this host's addresses: %s", strerror(errno));
        CNN_TRY(listen_on_network(AF_INET, all, d, &sockets->of[1]));
        CNN_TRY(listen_on_network(AF_INET6, all, d, &sockets->of[2]));
    }
done:
    if (all)
        freeifaddrs(all);
    return st;
}

cnn_status cnn_datagram_open(bool near, cnn_datagram_sockets *sockets)
{
    cnn_status st = CNN_OK;
    const struct sockaddr_un unnamed = {.sun_family = AF_UNIX}; /* the kernel finds a name */
    *sockets = (cnn_datagram_sockets){{-1, -1, -1}};
    for (int i = 0; i < CNN_DATAGRAM_SOCKETS; i++)
        if ((families[i] == AF_UNIX) == near)
            sockets->of[i] = open_socket(families[i]);
    CNN_CHECK(!near ||
                  (sockets->of[0] >= 0 && bind(sockets->of[0], (const struct sockaddr *)&unnamed,
                                               sizeof unnamed.sun_family) == 0),
              CNN_EENV, "a socket for signs of life: %s", strerror(errno));
done:
    return st;
}

void cnn_datagram_close(cnn_datagram_sockets *sockets)
{
    for (int i = 0; i < CNN_DATAGRAM_SOCKETS; i++) {
        if (sockets->of[i] >= 0)
            close(sockets->of[i]);
        sockets->of[i] = -1;
    }
}

void cnn_datagram_send(const cnn_datagram_sockets *sockets, const cnn_datagram_address *to,
                       const cnn_datagram *datagram)
{
    for (int i = 0; i < CNN_DATAGRAM_SOCKETS; i++)
        if (families[i] == to->name.ss_family && sockets->of[i] >= 0)
            sendto(sockets->of[i], datagram, sizeof *datagram, MSG_NOSIGNAL,
                   (const struct sockaddr *)&to->name, to->length);
}

bool cnn_datagram_receive(int socket, const uint8_t key[CNN_DATAGRAM_KEY], cnn_datagram *datagram,
                          cnn_datagram_address *from)
{
    enum { FOREIGN_MAX = 1000 }; /* a flood of them must not keep the caller */
    for (int i = 0; i < FOREIGN_MAX; i++) {
        socklen_t length = sizeof from->name;
        const ssize_t n = recvfrom(socket, datagram, sizeof *datagram, MSG_TRUNC,
                                   (struct sockaddr *)&from->name, &length);
        if (n < 0 && errno != EINTR && errno != ECONNREFUSED)
            return false;
        from->length = (uint32_t)length;
        if (n == (ssize_t)sizeof *datagram && memcmp(datagram->key, key, CNN_DATAGRAM_KEY) == 0)
            return true;
    }
    return false;
}
