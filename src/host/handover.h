/* SPDX-License-Identifier: Apache-2.0 */
/** What a rank and the exec helper agree on. */
#ifndef CNN_HOST_HANDOVER_H
#define CNN_HOST_HANDOVER_H

/** Descriptor of a trainer's events pipe; $CNN_EVENTS_FD tells the trainer. */
#define CNN_EVENTS_DESCRIPTOR 3

/** Exit code of the helper when it cannot start the trainer; standard error says why. */
#define CNN_EXEC_FAILED 127

#endif
