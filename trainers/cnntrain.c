/* SPDX-License-Identifier: Apache-2.0 */
/** A trainer program: src/trainer's main, linked with one backend. */
#include "trainer/main.h"
#include "trainer/run.h"

int main(int argc, char **argv)
{
    static const cnn_trainer trainer = {cnn_train_run, cnn_train_describe};
    return cnn_trainer_main(argc, argv, &trainer);
}
