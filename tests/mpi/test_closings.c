/* SPDX-License-Identifier: Apache-2.0 */
/** After a death: rank 0 waits until those that are left have closed the results file. */
#include "mpi/closings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 8 };

/** Gives out messages in order, with looks that find nothing between them; keeps what is sent. */
typedef struct {
    cnn_mailbox box;
    cnn_message_closed in[MOST];
    int count, next, looks;
    cnn_message_closed sent;
    int sent_to, sent_count;
    cnn_losses losses;
    int dead[MOST], dead_count, told; /* ranks that die while rank 0 waits */
} mail;

static cnn_status send_to(cnn_mailbox *box, int to, cnn_tag tag, const void *body, size_t n)
{
    mail *m = (mail *)box;
    assert_int_equal(tag, CNN_TAG_CLOSED);
    memcpy(&m->sent, body, n);
    m->sent_to = to;
    m->sent_count++;
    return CNN_OK;
}

static cnn_status receive(cnn_mailbox *box, bool *received, int *from, cnn_tag *tag,
                          cnn_message *body)
{
    mail *m = (mail *)box;
    *received = m->looks++ % 2 && m->next < m->count;
    assert_true(m->looks < 100); /* nobody is left to wait for */
    if (!*received)
        return CNN_OK;
    body->closed = m->in[m->next++];
    *from = body->closed.rank;
    *tag = body->closed.status < 0 ? CNN_TAG_STATE : CNN_TAG_CLOSED;
    return CNN_OK;
}

/** Deaths show after the messages. */
static bool next_loss(cnn_losses *losses, cnn_loss *out)
{
    mail *m = (mail *)(void *)((char *)losses - offsetof(mail, losses));
    if (m->next < m->count || m->told == m->dead_count)
        return false;
    *out = (cnn_loss){.rank = m->dead[m->told++], .ended = true};
    return true;
}

static bool is_sent(cnn_mailbox *box)
{
    return ((mail *)box)->sent_count > 0;
}

static const cnn_job job = {.output = "r.h5"};

static cnn_status gather(mail *m, int rank, int lost, cnn_status st)
{
    m->box = (cnn_mailbox){send_to, receive, is_sent, NULL};
    m->losses.next = next_loss;
    const cnn_rank_context context = {
        .job = &job, .rank = rank, .size = 4, .mailbox = &m->box, .losses = &m->losses};
    return cnn_closings_gather(&context, lost, st);
}

static void test_closings_of_all_that_are_left_are_awaited(void **state)
{
    (void)state;
    /* a state that is still on its way, and a report that comes twice */
    mail m = {.in = {{1, -1}, {1, CNN_OK}, {1, CNN_OK}, {3, CNN_OK}}, .count = 4};
    assert_int_equal(gather(&m, 0, 1, CNN_OK), CNN_OK);
    assert_int_equal(m.next, 4);
    assert_int_equal(m.sent_count, 0);
}

static void test_closings_of_ranks_that_die_meanwhile_are_not_awaited(void **state)
{
    (void)state;
    mail m = {.in = {{1, CNN_OK}}, .count = 1, .dead = {1, 3}, .dead_count = 2};
    assert_int_equal(gather(&m, 0, 1, CNN_OK), CNN_OK);
    assert_int_equal(m.told, 2);
}

static void test_closings_that_fail_are_named(void **state)
{
    (void)state;
    mail m = {.in = {{3, CNN_EIO}, {1, CNN_OK}}, .count = 2};
    assert_int_equal(gather(&m, 0, 1, CNN_OK), CNN_EIO);
    assert_int_equal(m.next, 2);
    assert_non_null(strstr(cnn_error_message(), "rank 3 could not close 'r.h5'"));
}

static void test_closings_are_not_awaited_when_rank_0_has_failed(void **state)
{
    (void)state;
    mail m = {.count = 0};
    assert_int_equal(gather(&m, 0, 1, CNN_EIO), CNN_EIO);
    assert_int_equal(m.looks, 0);
    assert_int_equal(gather(&m, 0, 3, CNN_OK), CNN_OK); /* it is the only one */
    assert_int_equal(m.looks, 0);
}

static void test_closings_are_reported_to_rank_0(void **state)
{
    (void)state;
    mail m = {.count = 0};
    assert_int_equal(gather(&m, 2, 1, CNN_EIO), CNN_EIO);
    assert_int_equal(m.sent_to, 0);
    assert_int_equal(m.sent.rank, 2);
    assert_int_equal(m.sent.status, CNN_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closings_of_all_that_are_left_are_awaited),
        cmocka_unit_test(test_closings_of_ranks_that_die_meanwhile_are_not_awaited),
        cmocka_unit_test(test_closings_that_fail_are_named),
        cmocka_unit_test(test_closings_are_not_awaited_when_rank_0_has_failed),
        cmocka_unit_test(test_closings_are_reported_to_rank_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
