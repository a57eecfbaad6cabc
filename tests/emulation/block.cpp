/* SPDX-License-Identifier: Apache-2.0 */
/* One block after the other; the threads of a block are fibers that change only where they wait.
 * A fiber runs thread after thread on its stack until one of them waits, so that a kernel without
 * barriers is a loop of plain calls. */
#include "emulation/device.h"
#include "emulation/fiber.h"
#include "emulation/state.h"

#include <cstdio>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

extern "C" {
uint3 cnn_emulated_thread, cnn_emulated_block;
dim3 cnn_emulated_block_dim, cnn_emulated_grid_dim;
void *cnn_emulated_shared;
size_t cnn_emulated_waited;
}

namespace emulated
{

enum { WARP = 32, SHARED_MOST = 227 * 1024 };

namespace
{

enum class State { ready, at_barrier, in_exchange, done };

struct Thread {
    State state;
    uint3 index;
    unsigned mask;  /* of the exchange that it waits in */
    uint64_t given; /* to that exchange */
    Fiber *fiber;   /* its stack, while it waits */
};

struct Lanes {
    uint64_t values[WARP];
};

struct Order {
    enum { forward, reverse, shuffled } kind;
    std::mt19937 random;
};
Order &order()
{
    static Order o = {Order::forward, std::mt19937(1)};
    return o;
}

std::vector<unsigned> permutation(unsigned n)
{
    std::vector<unsigned> p(n);
    std::iota(p.begin(), p.end(), 0u);
    if (order().kind == Order::reverse)
        std::reverse(p.begin(), p.end());
    else if (order().kind == Order::shuffled)
        std::shuffle(p.begin(), p.end(), order().random);
    return p;
}

class Block
{
  public:
    Block(const Launch &launch)
        : launch_(launch), size_(launch.block.x * launch.block.y * launch.block.z), threads_(size_)
    {
        const dim3 size = launch.block;
        for (unsigned i = 0; i < size_; i++)
            threads_[i].index = {i % size.x, i / size.x % size.y, i / size.x / size.y};
    }
    /* False: it hangs, for the reason in problem(). */
    bool run(dim3 index);
    const std::string &problem() const
    {
        return problem_;
    }
    void barrier(int predicate);
    int barrier_count() const
    {
        return count_;
    }
    const uint64_t *exchange(unsigned mask, uint64_t value);
    unsigned lane() const
    {
        return current_ % WARP;
    }

  private:
    static void fiber_main(void *block);
    void run_threads();
    void enter(unsigned thread);
    void wait();
    Fiber *next();
    Fiber *fresh();
    bool release_barrier();
    bool complete_exchange(unsigned thread);
    std::string describe_hang() const;

    const Launch &launch_;
    unsigned size_, current_ = 0, started_ = 0, done_ = 0, waiting_ = 0;
    int votes_ = 0, count_ = 0;
    std::vector<Thread> threads_;
    std::vector<Lanes> got_; /* by each thread, in its last exchange */
    std::vector<unsigned> order_, ready_;
    size_t next_ready_ = 0;
    std::vector<std::unique_ptr<Fiber>> fibers_;
    std::vector<Fiber *> idle_;
    Fiber *running_ = nullptr;
    Fiber home_;
    std::string problem_;
};

Block *block;

void Block::enter(unsigned thread)
{
    current_ = thread;
    cnn_emulated_thread = threads_[thread].index;
}

/* Threads that have not begun, one after the other. */
void Block::run_threads()
{
    while (started_ < size_) {
        enter(order_[started_++]);
        launch_.thread();
        threads_[current_].state = State::done;
        done_++;
    }
}

void Block::fiber_main(void *self)
{
    Block *b = static_cast<Block *>(self);
    for (;;) {
        b->run_threads();
        Fiber *from = b->running_, *to = b->next();
        b->idle_.push_back(from);
        b->running_ = to;
        fiber_switch(from, to);
    }
}

/* A stack for threads that have not begun. Rare, and kept out of next(), whose frame it would make
 * large: AddressSanitizer marks a frame at every call. */
__attribute__((noinline)) Fiber *Block::fresh()
{
    if (idle_.empty()) {
        fibers_.push_back(std::make_unique<Fiber>());
        fiber_prepare(fibers_.back().get(), fiber_main, this);
        idle_.push_back(fibers_.back().get());
    }
    Fiber *fiber = idle_.back();
    idle_.pop_back();
    return fiber;
}

/* The stack that goes on: of a thread that may, a fresh one, or home. */
Fiber *Block::next()
{
    if (next_ready_ == ready_.size() && started_ == size_)
        release_barrier();
    if (next_ready_ < ready_.size()) {
        const unsigned thread = ready_[next_ready_++];
        if (next_ready_ == ready_.size()) {
            ready_.clear();
            next_ready_ = 0;
        }
        enter(thread);
        return threads_[thread].fiber;
    }
    return started_ == size_ ? &home_ : fresh();
}

void Block::wait()
{
    const unsigned thread = current_;
    Fiber *from = running_;
    threads_[thread].fiber = from;
    Fiber *to = next();
    if (to == from) /* it may go on itself; next() has entered it */
        return;
    running_ = to;
    fiber_switch(from, to);
}

__attribute__((noinline)) bool Block::release_barrier()
{
    if (waiting_ == 0 || waiting_ != size_)
        return false;
    count_ = votes_;
    votes_ = 0;
    waiting_ = 0;
    for (unsigned thread : order_) {
        threads_[thread].state = State::ready;
        ready_.push_back(thread);
    }
    return true;
}

void Block::barrier(int predicate)
{
    threads_[current_].state = State::at_barrier;
    waiting_++;
    votes_ += predicate != 0;
    wait();
}

/* Ends the exchange of the thread's mask if all its lanes have come. */
bool Block::complete_exchange(unsigned thread)
{
    const unsigned mask = threads_[thread].mask, first = thread / WARP * WARP;
    uint64_t values[WARP] = {0};
    for (unsigned i = 0; i < WARP; i++) {
        if (!(mask >> i & 1u))
            continue;
        if (first + i >= size_)
            return false;
        const Thread &other = threads_[first + i];
        if (other.state != State::in_exchange || other.mask != mask)
            return false;
        values[i] = other.given;
    }
    for (unsigned i = 0; i < WARP; i++) {
        if (!(mask >> i & 1u))
            continue;
        std::copy(values, values + WARP, got_[first + i].values);
        threads_[first + i].state = State::ready;
        if (first + i != thread)
            ready_.push_back(first + i);
    }
    return true;
}

const uint64_t *Block::exchange(unsigned mask, uint64_t value)
{
    const unsigned thread = current_;
    Thread &t = threads_[thread];
    if (!(mask >> (thread % WARP) & 1u) && problem_.empty())
        problem_ = "a thread is not in the mask of its own warp operation";
    if (got_.empty())
        got_.resize(size_);
    t.mask = mask;
    t.given = value;
    t.state = State::in_exchange;
    if (!complete_exchange(thread))
        wait();
    return got_[thread].values;
}

std::string Block::describe_hang() const
{
    unsigned barrier = 0, exchange = 0;
    for (const Thread &t : threads_) {
        barrier += t.state == State::at_barrier;
        exchange += t.state == State::in_exchange;
    }
    char text[256];
    std::snprintf(
        text, sizeof text,
        "the block hangs: of its %u threads %u wait at a barrier, %u in a warp operation, "
        "%u have ended",
        size_, barrier, exchange, done_);
    return text;
}

bool Block::run(dim3 index)
{
    cnn_emulated_block = {index.x, index.y, index.z};
    for (Thread &t : threads_)
        t.state = State::ready;
    order_ = permutation(size_);
    ready_.clear();
    next_ready_ = 0;
    started_ = done_ = waiting_ = 0;
    votes_ = 0;
    Fiber *to = next();
    running_ = to;
    fiber_switch(&home_, to);
    if (problem_.empty() && done_ < size_)
        problem_ = describe_hang();
    return problem_.empty();
}

/* Not a number in any type, so that a read before a write shows. */
void poison_shared(size_t bytes)
{
    std::memset(cnn_emulated_shared, 0xff, bytes);
}

} // namespace

size_t pick(size_t n)
{
    switch (order().kind) {
    case Order::forward:
        return 0;
    case Order::reverse:
        return n - 1;
    default:
        return std::uniform_int_distribution<size_t>(0, n - 1)(order().random);
    }
}

void run_grid(const Launch &launch)
{
    alignas(128) static unsigned char shared[SHARED_MOST];
    const dim3 grid = launch.grid;
    const size_t blocks = (size_t)grid.x * grid.y * grid.z;
    Block b(launch);
    cnn_emulated_shared = shared;
    cnn_emulated_block_dim = launch.block;
    cnn_emulated_grid_dim = launch.grid;
    cnn_emulated_waited = 0;
    block = &b;
    const std::vector<unsigned> order_of_blocks = permutation((unsigned)blocks);
    for (unsigned i : order_of_blocks) {
        poison_shared(launch.shared_bytes);
        if (!b.run(dim3(i % grid.x, i / grid.x % grid.y, i / grid.x / grid.y))) {
            device_failed(cudaErrorLaunchFailure, b.problem());
            break;
        }
    }
    block = nullptr;
    const size_t threads = blocks * launch.block.x * launch.block.y * launch.block.z;
    if (sticky_error() == cudaSuccess && cnn_emulated_waited != threads)
        device_failed(cudaErrorLaunchFailure,
                      "a kernel whose threads do not all begin with cnn_wait_for_previous()");
}

} // namespace emulated

using emulated::block;

extern "C" void cnn_emulated_barrier(void)
{
    block->barrier(0);
}

extern "C" int cnn_emulated_barrier_count(int predicate)
{
    block->barrier(predicate);
    return block->barrier_count();
}

extern "C" const uint64_t *cnn_emulated_exchange(unsigned mask, uint64_t value)
{
    return block->exchange(mask, value);
}

extern "C" unsigned cnn_emulated_lane(void)
{
    return block->lane();
}

extern "C" void cnn_emulated_order(const char *text)
{
    using emulated::Order;
    Order &o = emulated::order();
    o.kind = !text || !std::strcmp(text, "forward") ? Order::forward
             : !std::strcmp(text, "reverse")        ? Order::reverse
                                                    : Order::shuffled;
    if (o.kind == Order::shuffled)
        o.random.seed((unsigned)std::strtoul(text, nullptr, 10));
}
