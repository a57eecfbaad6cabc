/* SPDX-License-Identifier: Apache-2.0 */
/** Which images are for testing, and which of a part are kept. Pure functions of seed and labels;
 *  docs/trainer-protocol.md repeats these rules for other programs.
 *
 *  Split: T = test_fraction * n, rounded to the nearest, halves up, images are for testing. Class
 *  c with n_c images gets floor(T * n_c / n) of them, and what is left of T goes, one each, to
 *  the classes with the largest remainders (T * n_c) mod n, the lower class first among equals.
 *  Within a class they are the first in the order by (random word, index), the word drawn as
 *  cnn_random_order does: key split_seed, purpose CNN_RANDOM_SPLIT, epoch 0, index = place in the
 *  file. Both parts keep the file's order.
 *
 *  Split by groups (patients): all images of a group go to the same part, so that the number of
 *  test images is as near to T as groups allow, the lower one of two equally near; at least one
 *  group is left on each side. Groups are gone through in the order by (random word, index): the
 *  same key and purpose, epoch 3, index = group. A number of images that can be made from a set
 *  of the groups so far is made, from then on, by the set that made it first; when the next group
 *  makes several new ones, each is a set that was there plus that group. The search ends as soon
 *  as T is there. Classes are not looked at: each part has the classes of its groups.
 *
 *  Limit: the first `limit` images of the part in the order by (random word, index): the same key
 *  and purpose, epoch 1 for training and 2 for test images, index = place in the part. They stay
 *  in that order. Without a limit the part's order stays as it is. */
#ifndef CNN_DATA_SPLIT_H
#define CNN_DATA_SPLIT_H

#include "base/status.h"

#include <stdbool.h>
#include <stdint.h>

/** The epoch word of the random stream. */
typedef enum {
    CNN_SPLIT_TEST = 0,
    CNN_SPLIT_LIMIT_TRAIN = 1,
    CNN_SPLIT_LIMIT_TEST = 2,
    CNN_SPLIT_GROUPS = 3
} cnn_split_stream;

/** Writes is_test [n] for labels [n] in [0, classes), and how many are true.
 *  CNN_EDATA: one of the parts would be empty. */
cnn_status cnn_split_stratified(uint64_t seed, double test_fraction, int n, const int32_t *labels,
                                int classes, bool *is_test, int *test_count);

/** The same by groups: group [n] in [0, groups), each with at least one image. *test_groups is how
 *  many groups are for testing. CNN_EDATA: only one group, or T leaves a part empty. */
cnn_status cnn_split_grouped(uint64_t seed, double test_fraction, int n, const int32_t *group,
                             int groups, bool *is_test, int *test_count, int *test_groups);

#endif
