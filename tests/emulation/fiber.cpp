/* SPDX-License-Identifier: Apache-2.0 */
#include "emulation/fiber.h"

#include <sys/mman.h>
#include <ucontext.h>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

namespace emulated
{

enum { STACK = 256 * 1024, GUARD = 4096 };

namespace
{

/* Tops of stacks at the same place of their pages would all want the same lines of the cache. */
size_t coloured()
{
    enum { LINES = 61, LINE = 64 };
    static size_t next;
    return STACK + GUARD - LINE * (next++ % LINES);
}

/* Stacks are kept: a launch needs as many as the last one. */
std::vector<void *> &spare()
{
    static std::vector<void *> stacks;
    return stacks;
}

void *take_stack()
{
    if (!spare().empty()) {
        void *stack = spare().back();
        spare().pop_back();
        /* The frames on it never returned. */
        ASAN_UNPOISON_MEMORY_REGION(static_cast<char *>(stack) + GUARD, STACK);
        return stack;
    }
    void *stack = mmap(nullptr, STACK + GUARD, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (stack == MAP_FAILED)
        __builtin_trap();
    mprotect(stack, GUARD, PROT_NONE);
    return stack;
}

} // namespace

Fiber::~Fiber()
{
    if (stack)
        spare().push_back(stack);
    if (context_owned)
        delete static_cast<ucontext_t *>(stack_pointer);
}

namespace
{

Fiber *left; /* by the last switch */

#if defined(__SANITIZE_ADDRESS__)

/* The host's own stack, learned when it is left. */
const void *host_stack;
size_t host_bytes;

void leave(Fiber *from, const Fiber *to)
{
    left = from;
    __sanitizer_start_switch_fiber(&from->sanitizer_stack,
                                   to->stack ? static_cast<char *>(to->stack) + GUARD : host_stack,
                                   to->stack ? to->stack_bytes - GUARD : host_bytes);
}

void arrive(void *sanitizer_stack)
{
    const void *bottom = nullptr;
    size_t bytes = 0;
    __sanitizer_finish_switch_fiber(sanitizer_stack, &bottom, &bytes);
    if (!left->stack) {
        host_stack = bottom;
        host_bytes = bytes;
    }
}

#else

void leave(Fiber *from, const Fiber *)
{
    left = from;
}

void arrive(void *)
{
}

#endif

void give_stack(Fiber *fiber, void (*main)(void *), void *argument)
{
    fiber->stack = take_stack();
    fiber->stack_bytes = coloured();
    fiber->main = main;
    fiber->argument = argument;
}

[[noreturn]] void run(Fiber *self)
{
    arrive(nullptr);
    self->main(self->argument);
    __builtin_trap();
}

} // namespace

#if defined(__x86_64__)

/* Pushes what a call must preserve, changes stacks, pops the other's. */
asm(R"(
.text
.p2align 4
.type cnn_emulated_switch, @function
cnn_emulated_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size cnn_emulated_switch, .-cnn_emulated_switch
)");
extern "C" void cnn_emulated_switch(void **from, void *to);

namespace
{

Fiber *starting;

[[noreturn]] void begin()
{
    run(starting);
}

} // namespace

void fiber_prepare(Fiber *fiber, void (*main)(void *), void *argument)
{
    give_stack(fiber, main, argument);
    void **top =
        reinterpret_cast<void **>(static_cast<char *>(fiber->stack) + fiber->stack_bytes) - 3;
    top[0] = nullptr; /* the return address of begin, which does not return */
    top[-1] = reinterpret_cast<void *>(begin);
    for (int i = 2; i <= 7; i++)
        top[-i] = nullptr;
    fiber->stack_pointer = top - 7;
}

void fiber_switch(Fiber *from, Fiber *to)
{
    leave(from, to);
    starting = to;
    cnn_emulated_switch(&from->stack_pointer, to->stack_pointer);
    arrive(from->sanitizer_stack);
}

#else

namespace
{

void begin(unsigned high, unsigned low)
{
    run(reinterpret_cast<Fiber *>((unsigned long)high << 32 | low));
}

ucontext_t *context(Fiber *fiber)
{
    if (!fiber->stack_pointer)
        fiber->stack_pointer = new ucontext_t();
    fiber->context_owned = true;
    return static_cast<ucontext_t *>(fiber->stack_pointer);
}

} // namespace

void fiber_prepare(Fiber *fiber, void (*main)(void *), void *argument)
{
    ucontext_t *c = context(fiber);
    give_stack(fiber, main, argument);
    getcontext(c);
    c->uc_stack.ss_sp = static_cast<char *>(fiber->stack) + GUARD;
    c->uc_stack.ss_size = fiber->stack_bytes - GUARD;
    c->uc_link = nullptr;
    const unsigned long address = reinterpret_cast<unsigned long>(fiber);
    makecontext(c, reinterpret_cast<void (*)()>(begin), 2, (unsigned)(address >> 32),
                (unsigned)address);
}

void fiber_switch(Fiber *from, Fiber *to)
{
    leave(from, to);
    swapcontext(context(from), context(to));
    arrive(from->sanitizer_stack);
}

#endif

} // namespace emulated
