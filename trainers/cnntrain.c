/* SPDX-License-Identifier: Apache-2.0 */
/** A trainer program: src/trainer's main, linked with one backend. */
#include "trainer/main.h"

int main(int argc, char **argv)
{
    return cnn_trainer_main(argc, argv);
}
