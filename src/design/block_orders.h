/* SPDX-License-Identifier: Apache-2.0 */
/** Orders within blocks, balanced over everything that blocks are counted by. */
#ifndef CNN_DESIGN_BLOCK_ORDERS_H
#define CNN_DESIGN_BLOCK_ORDERS_H

#include "design/design.h"

/** Sets the order of every block that is no warm-up, whose combination and device must be known
 *  (device -1 counts as one device). The counts of the orders differ by at most 1 in each
 *  combination, on each device, in each combination on each device, and in total. Which block of
 *  a combination and device gets which order is random by the seed. */
cnn_status cnn_design_balance_orders(cnn_design *design, uint32_t seed);

#endif
