/* SPDX-License-Identifier: Apache-2.0 */
/* Mail: letters between two ranks keep their order, those of several arrive in any. */
#include "checks.h"

#include <stdlib.h>
#include <string.h>

static sim_rank *owner(cnn_mailbox *box)
{
    return ((sim_mailbox *)box)->rank;
}

static cnn_status send_letter(cnn_mailbox *box, int to, cnn_tag tag, const void *body, size_t n)
{
    sim_rank *rank = owner(box);
    sim_world *w = rank->world;
    sim_letter *letter = calloc(1, sizeof *letter);
    if (!letter)
        abort();
    letter->from = rank->number;
    letter->sent = fmax(w->now, rank->writing_until);
    letter->tag = tag;
    letter->bytes = n;
    if (n > 0)
        memcpy(&letter->body, body, n);
    sim_check_sent(rank, to, tag, &letter->body);
    double arrival = letter->sent + w->plan->latency * sim_random_uniform(&w->mail);
    arrival = fmax(arrival, rank->last_arrival[to]);
    rank->last_arrival[to] = arrival;
    sim_world_add(w, arrival, SIM_ARRIVES, to, letter);
    return CNN_OK;
}

static cnn_status receive_letter(cnn_mailbox *box, bool *received, int *from, cnn_tag *tag,
                                 cnn_message *body)
{
    sim_rank *rank = owner(box);
    sim_letter *letter = rank->inbox;
    *received = letter != NULL;
    if (!letter)
        return CNN_OK;
    rank->inbox = letter->next;
    if (!rank->inbox)
        rank->inbox_end = &rank->inbox;
    *from = letter->from;
    *tag = letter->tag;
    memcpy(body, &letter->body, letter->bytes);
    sim_check_received(rank, letter->from, letter->tag, body);
    free(letter);
    return CNN_OK;
}

static bool is_sent(cnn_mailbox *box)
{
    (void)box;
    return true;
}

static void destroy(cnn_mailbox *box)
{
    (void)box;
}

void sim_mailbox_make(sim_rank *rank)
{
    rank->box.interface = (cnn_mailbox){send_letter, receive_letter, is_sent, destroy};
    rank->box.rank = rank;
    rank->inbox_end = &rank->inbox;
    rank->last_arrival = calloc((size_t)rank->world->plan->ranks, sizeof *rank->last_arrival);
    if (!rank->last_arrival)
        abort();
    rank->context.mailbox = &rank->box.interface;
}

void sim_mailbox_clear(sim_rank *rank)
{
    while (rank->inbox) {
        sim_letter *letter = rank->inbox;
        rank->inbox = letter->next;
        free(letter);
    }
    rank->inbox_end = &rank->inbox;
    free(rank->last_arrival);
    rank->last_arrival = NULL;
}
