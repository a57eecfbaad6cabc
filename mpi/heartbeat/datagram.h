/* SPDX-License-Identifier: Apache-2.0 */
/** Datagrams of signs of life and their answers, and the sockets for them: of the Unix domain
 *  within a host, UDP between hosts. Any thread; nothing blocks; not collective. */
#ifndef CNN_MPI_HEARTBEAT_DATAGRAM_H
#define CNN_MPI_HEARTBEAT_DATAGRAM_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

typedef enum {
    CNN_DATAGRAM_SIGN = 1,  /* to rank 0 */
    CNN_DATAGRAM_ANSWER,    /* to a rank: rank 0 counts it among the living */
    CNN_DATAGRAM_DISMISSAL, /* to a rank: it was declared dead, and has to end */
    CNN_DATAGRAM_END,       /* to a rank: the job has ended, and so has it */
} cnn_datagram_kind;

enum { CNN_DATAGRAM_KEY = 16, CNN_DATAGRAM_ADDRESSES = 24 };

/** Sent as bytes: ranks of one job have one architecture. */
typedef struct {
    uint8_t key[CNN_DATAGRAM_KEY]; /* of the job, random: others are ignored */
    int32_t kind;                  /* cnn_datagram_kind */
    int32_t rank;                  /* whose sign it is */
    int32_t address;               /* of rank 0, to which the sign was sent: an index */
    int32_t unused;
    double sent; /* by the rank's own clock; the answer returns it */
} cnn_datagram;

/** An address and its length. */
typedef struct {
    struct sockaddr_storage name;
    uint32_t length; /* socklen_t; 0: none */
} cnn_datagram_address;

/** Where rank 0 can be reached; rank 0 sends it to the others as bytes. */
typedef struct {
    uint8_t key[CNN_DATAGRAM_KEY];
    int32_t count;
    cnn_datagram_address of[CNN_DATAGRAM_ADDRESSES];
} cnn_datagram_directory;

enum { CNN_DATAGRAM_SOCKETS = 3 }; /* Unix, IPv4, IPv6 */

/** Sockets by family; -1: not open. */
typedef struct {
    int of[CNN_DATAGRAM_SOCKETS];
} cnn_datagram_sockets;

/** Opens rank 0's sockets and fills in the directory with a new key. near, far: whether there are
 *  ranks on this host, and elsewhere: without the latter nothing listens on the network. CNN_EENV:
 *  no socket, or no random numbers. Close with cnn_datagram_close, also after a failure. */
cnn_status cnn_datagram_listen(bool near, bool far, cnn_datagram_directory *directory,
                               cnn_datagram_sockets *sockets);
/** Opens another rank's sockets. */
cnn_status cnn_datagram_open(bool near, cnn_datagram_sockets *sockets);
void cnn_datagram_close(cnn_datagram_sockets *sockets);

/** Sends to an address by the socket of its family. Failures are losses, as of any datagram. */
void cnn_datagram_send(const cnn_datagram_sockets *sockets, const cnn_datagram_address *to,
                       const cnn_datagram *datagram);
/** Takes the next datagram with this key from a socket; others are dropped. false: there is none, or
 *  a thousand others came first. */
bool cnn_datagram_receive(int socket, const uint8_t key[CNN_DATAGRAM_KEY], cnn_datagram *datagram,
                          cnn_datagram_address *from);

#endif
