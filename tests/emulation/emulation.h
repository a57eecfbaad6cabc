/* SPDX-License-Identifier: Apache-2.0 */
/** An emulated GPU for tests: what gpu/ uses of the CUDA runtime, cuBLAS and cuDNN's graph API, on
 *  the CPU, behind the toolkit's own headers. A test double: slow, strict, and called "emulated".
 *
 *  Environment, read once:
 *    CNN_EMULATED_MEMORY  bytes of device memory (default 1 GiB); more is cudaErrorMemoryAllocation
 *    CNN_EMULATED_GUARD   0: device memory stays readable for the host (default: touching it
 * crashes) CNN_EMULATED_DEFER   1: queued work runs when something waits for it, not at once
 *    CNN_EMULATED_ORDER   forward (default), reverse, or a number: the order of a grid's blocks, of
 *                         a block's threads between two barriers, and of a graph's branches
 *    CNN_EMULATED_FAIL    NAME:N, the N-th call of function NAME (or of any) fails
 *    CNN_EMULATED_SMS     multiprocessors that the device reports (default 132)
 */
#ifndef CNN_TESTS_EMULATION_EMULATION_H
#define CNN_TESTS_EMULATION_EMULATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** As the environment variables of the same name; take effect at once. */
void cnn_emulated_defer(bool defer);
/** order: forward, reverse or a number. */
void cnn_emulated_order(const char *order);
void cnn_emulated_memory_limit(size_t bytes);

/** Call number nth (from 1, counted from now) of function name fails with its typical error;
 *  name "any": of every function but those that free and those that explain; name "a kernel of
 *  cuDNN": the call succeeds, and its kernel leaves an error that stays. NULL: no failure. */
void cnn_emulated_fail(const char *name, int64_t nth);
/** Whether the failure that was asked for has happened. */
bool cnn_emulated_has_failed(void);
/** The function that failed last on request, "" if none. */
const char *cnn_emulated_failed_call(void);

/** Device and pinned allocations, streams, events, graphs, handles and descriptors that live. */
size_t cnn_emulated_live_objects(void);
/** Writes what lives to standard error, one line each. */
void cnn_emulated_print_live(void);
/** Kernels that were launched, or captured, as dependents, since the start. */
size_t cnn_emulated_dependent_launches(void);
/** The libraries' kernels are dependent launches that never wait for what is before them. */
void cnn_emulated_libraries_never_wait(bool so);
/** A dependent launch may follow anything in its stream: only for a test of the edges that it gets.
 *  Otherwise one that follows no launch of gpu/ is an error. */
void cnn_emulated_permit_any_dependent(bool so);
/** The architecture that kernels say they were compiled for (default 90). */
void cnn_emulated_code_for(int architecture);
/** The cuDNN engines of this index give one wrong value from now on; -1: none does. */
void cnn_emulated_break_engine(int64_t index);
/** A graph's launch takes this much of the device's time for each node of its longest way: for one
 *  that begins when the kernel in front ends `dependent`, when that one has begun `early`, for
 * others `node`; in a branch `branch` more. 0 at first. */
void cnn_emulated_graph_seconds(double node, double dependent, double early, double branch);
/** Graphs lose the work of one node in a branch (of a stream that joined the capture). */
void cnn_emulated_break_branches(bool broken);
/** Forgets an error that a kernel left behind (on a real device: a new process). */
void cnn_emulated_clear_error(void);
/** Work that is queued and has not run: what nothing has waited for yet. */
size_t cnn_emulated_pending(void);

#ifdef __cplusplus
}
#endif

#endif
