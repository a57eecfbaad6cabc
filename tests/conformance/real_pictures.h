/* SPDX-License-Identifier: Apache-2.0 */
/** Real images for the whole-network tests. */
#ifndef CNN_TESTS_CONFORMANCE_REAL_PICTURES_H
#define CNN_TESTS_CONFORMANCE_REAL_PICTURES_H

#include "pair.h"

/** The first `count` training images of fashion_mnist (28x28x1) or idc (50x50x3), shuffled. Where
 *  they are not installed, synthetic ones of that shape: printed, with the reason. */
picture_set pictures_real(const char *name, int count);

#endif
