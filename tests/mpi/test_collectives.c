/* SPDX-License-Identifier: Apache-2.0 */
/** Agreement of ranks, and messages that never block. Run with three ranks. */
#include "mpi/mpi_mailbox.h"
#include "ranks/collectives.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static int rank, size;

static void test_agree_all_well(void **state)
{
    (void)state;
    assert_int_equal(cnn_collective_agree(MPI_COMM_WORLD, CNN_OK), CNN_OK);
}

static void test_agree_gives_the_lowest_failure_to_all(void **state)
{
    (void)state;
    cnn_status mine = CNN_OK;
    if (rank == 1)
        mine = cnn_error_set(CNN_EIO, "the disk is full");
    if (rank == 2)
        mine = cnn_error_set(CNN_EDATA, "no data");
    assert_int_equal(cnn_collective_agree(MPI_COMM_WORLD, mine), CNN_EIO);
    assert_non_null(strstr(cnn_error_message(), "rank 1 on "));
    assert_non_null(strstr(cnn_error_message(), ": the disk is full"));
    /* Rank 0 is the one that speaks to people: its messages need no rank. */
    mine = rank == 0 ? cnn_error_set(CNN_EUSAGE, "no such key") : CNN_OK;
    assert_int_equal(cnn_collective_agree(MPI_COMM_WORLD, mine), CNN_EUSAGE);
    assert_string_equal(cnn_error_message(), "no such key");
}

static void test_collectives_move_data(void **state)
{
    (void)state;
    int value = rank == 0 ? 42 : 0, largest = 0, all[3] = {0};
    assert_int_equal(cnn_collective_broadcast(MPI_COMM_WORLD, &value, sizeof value), CNN_OK);
    assert_int_equal(value, 42);
    assert_int_equal(cnn_collective_max(MPI_COMM_WORLD, rank * 7, &largest), CNN_OK);
    assert_int_equal(largest, 14);
    assert_int_equal(cnn_collective_gather(MPI_COMM_WORLD, &rank, sizeof rank, all), CNN_OK);
    for (int r = 0; r < size; r++)
        assert_int_equal(all[r], r);
}

static double cpu_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void test_barrier_waits_asleep(void **state)
{
    (void)state;
    const struct timespec late = {0, 600 * 1000 * 1000};
    const double before = cpu_seconds();
    if (rank == 0)
        nanosleep(&late, NULL);
    assert_int_equal(cnn_collective_barrier(MPI_COMM_WORLD), CNN_OK);
    assert_true(cpu_seconds() - before < 0.2); /* MPI_Barrier would take all of 0.6 s */
}

static void test_mailbox_delivers_in_order_also_to_oneself(void **state)
{
    (void)state;
    enum { MANY = 200 };
    cnn_mailbox *box = NULL;
    int next[3] = {0}, got = 0;
    assert_int_equal(cnn_mpi_mailbox_create(MPI_COMM_WORLD, &box), CNN_OK);
    for (int i = 0; i < MANY; i++) {
        const cnn_message_run m = {.run = i, .reason = "r"};
        for (int to = 0; to < size; to++)
            assert_int_equal(cnn_mailbox_send(box, to, CNN_TAG_RUN, &m, sizeof m), CNN_OK);
    }
    while (got < MANY * size) {
        cnn_message body;
        cnn_tag tag;
        bool received;
        int from;
        assert_int_equal(cnn_mailbox_receive(box, &received, &from, &tag, &body), CNN_OK);
        if (!received)
            continue;
        got++;
        assert_int_equal(tag, CNN_TAG_RUN);
        assert_int_equal(body.run.run, next[from]++);
    }
    assert_int_equal(cnn_collective_barrier(MPI_COMM_WORLD), CNN_OK);
    while (!cnn_mailbox_is_sent(box))
        ;
    cnn_mailbox_destroy(&box);
    assert_null(box);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_agree_all_well),
        cmocka_unit_test(test_agree_gives_the_lowest_failure_to_all),
        cmocka_unit_test(test_collectives_move_data),
        cmocka_unit_test(test_barrier_waits_asleep),
        cmocka_unit_test(test_mailbox_delivers_in_order_also_to_oneself),
    };
    MPI_Init(&argc, &argv);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &size);
    const int failed = size == 3 ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
    MPI_Finalize();
    return failed;
}
