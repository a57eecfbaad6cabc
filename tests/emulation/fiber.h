/* SPDX-License-Identifier: Apache-2.0 */
/** Stacks to switch between, within one thread of the host. */
#ifndef CNN_TESTS_EMULATION_FIBER_H
#define CNN_TESTS_EMULATION_FIBER_H

#include <cstddef>

namespace emulated
{

struct Fiber {
    void *stack_pointer = nullptr;
    void *stack = nullptr; /* NULL: the host's own */
    size_t stack_bytes =
        0; /* the top is a little lower for each, so that they share no cache set */
    bool context_owned = false;
    void *sanitizer_stack = nullptr;
    void (*main)(void *) = nullptr;
    void *argument = nullptr;
    Fiber() = default;
    ~Fiber();
    Fiber(const Fiber &) = delete;
    Fiber &operator=(const Fiber &) = delete;
};

/** Gives the fiber a stack on which main(argument) begins at the first switch; it never returns. */
void fiber_prepare(Fiber *fiber, void (*main)(void *), void *argument);
/** Leaves from, goes on in to. */
void fiber_switch(Fiber *from, Fiber *to);

} // namespace emulated

#endif
