/* SPDX-License-Identifier: Apache-2.0 */
/** The mailbox over MPI, with messages that need their sender to arrive whole: three ranks, whose
 *  transports send no more than a message's head at once. */
#include "mpi/mpi_mailbox.h"

#include "ranks/collectives.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static int rank;

static void check(cnn_status st)
{
    if (st != CNN_OK)
        fail_msg("rank %d: %s", rank, cnn_error_message());
}

static void rest(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static cnn_tag await(cnn_mailbox *box, int *from, cnn_message *body)
{
    bool received = false;
    cnn_tag tag = CNN_TAG_IDLE;
    while (!received) {
        check(cnn_mailbox_receive(box, &received, from, &tag, body));
        if (!received)
            rest();
    }
    return tag;
}

static void send_block(cnn_mailbox *box, int number)
{
    cnn_message_block block = {.block = number};
    block.task[CNN_MAX_LEVELS - 1] = (signed char)number;
    check(cnn_mailbox_send(box, 0, CNN_TAG_BLOCK, &block, sizeof block));
}

static void expect_block(cnn_mailbox *box, int number)
{
    cnn_message body;
    int from;
    assert_int_equal(await(box, &from, &body), CNN_TAG_BLOCK);
    assert_int_equal(from, 1);
    assert_int_equal(body.block.block, number);
    assert_int_equal(body.block.task[CNN_MAX_LEVELS - 1], number);
}

static bool is_stopped(pid_t pid)
{
    char path[64], state = ' ';
    snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
    FILE *f = fopen(path, "re");
    if (f && fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
        state = ' ';
    if (f)
        fclose(f);
    return state == 'T';
}

/** Rank 1 has announced a long message and does not go on; rank 2 is heard all the same. Then rank 1
 *  goes on, and its messages come in their order. */
static void hear_rank_2(cnn_mailbox *box, MPI_Comm comm, pid_t first)
{
    int announced = 0, from;
    cnn_message body;
    while (!announced || !is_stopped(first)) {
        MPI_Iprobe(1, MPI_ANY_TAG, comm, &announced, MPI_STATUS_IGNORE);
        rest();
    }
    check(cnn_mailbox_send(box, 2, CNN_TAG_LATE, NULL, 0));
    assert_int_equal(await(box, &from, &body), CNN_TAG_IDLE);
    assert_int_equal(from, 2);
    assert_int_equal(kill(first, SIGCONT), 0);
    expect_block(box, 3);
    expect_block(box, 4);
    assert_int_equal(await(box, &from, &body), CNN_TAG_IDLE);
    assert_int_equal(from, 1);
}

static void test_mailbox_hears_others_while_one_sends(void **state)
{
    (void)state;
    MPI_Comm comm;
    cnn_mailbox *box = NULL;
    cnn_message body;
    int from;
    const int64_t mine = getpid();
    int64_t pids[3];
    MPI_Comm_dup(MPI_COMM_WORLD, &comm);
    MPI_Comm_set_errhandler(comm, MPI_ERRORS_RETURN);
    check(cnn_mpi_mailbox_create(comm, &box));
    check(cnn_collective_gather(comm, &mine, sizeof mine, pids));
    if (rank == 0) {
        hear_rank_2(box, comm, (pid_t)pids[1]);
    } else if (rank == 1) {
        send_block(box, 3);
        raise(SIGSTOP);
        send_block(box, 4);
        check(cnn_mailbox_send(box, 0, CNN_TAG_IDLE, NULL, 0));
        while (!cnn_mailbox_is_sent(box))
            rest();
    } else {
        assert_int_equal(await(box, &from, &body), CNN_TAG_LATE);
        check(cnn_mailbox_send(box, 0, CNN_TAG_IDLE, NULL, 0));
    }
    check(cnn_collective_barrier(comm));
    cnn_mailbox_destroy(&box);
    MPI_Comm_free(&comm);
}

int main(int argc, char **argv)
{
    /* A long message goes by parts, each of which its sender has to send. */
    setenv("OMPI_MCA_btl", "self,vader", 1);
    setenv("OMPI_MCA_btl_vader_eager_limit", "256", 1);
    setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 1);
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mailbox_hears_others_while_one_sends),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    MPI_Finalize();
    return failed;
}
