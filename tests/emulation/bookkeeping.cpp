/* SPDX-License-Identifier: Apache-2.0 */
/* Failures on request, what is alive, errors that stay, time. */
#include "emulation/state.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <map>

namespace emulated
{

namespace
{

struct Fault {
    std::string name;
    int64_t left = 0; /* calls until the failure; 0: none */
    std::string failed;
};

Fault from_environment()
{
    Fault f;
    const char *text = std::getenv("CNN_EMULATED_FAIL");
    const char *colon = text ? std::strchr(text, ':') : nullptr;
    if (colon) {
        f.name.assign(text, (size_t)(colon - text));
        f.left = std::strtoll(colon + 1, nullptr, 10);
    }
    return f;
}

Fault &fault()
{
    static Fault f = from_environment();
    return f;
}

std::map<const void *, const char *> &objects()
{
    static auto *o = new std::map<const void *, const char *>();
    return *o;
}

cudaError_t sticky = cudaSuccess, last = cudaSuccess;
double skipped; /* seconds */

} // namespace

bool fails(const char *function, bool frees)
{
    Fault &f = fault();
    if (f.left == 0 || (f.name == "any" ? frees : f.name != function))
        return false;
    if (--f.left > 0)
        return false;
    f.failed = function;
    return true;
}

void object_born(const void *object, const char *kind)
{
    objects()[object] = kind;
}

void object_died(const void *object)
{
    objects().erase(object);
}

bool object_is(const void *object, const char *kind)
{
    const auto found = objects().find(object);
    return found != objects().end() && !std::strcmp(found->second, kind);
}

cudaError_t result(cudaError_t error)
{
    if (error == cudaSuccess)
        error = sticky;
    if (error != cudaSuccess)
        last = error;
    return error;
}

void device_failed(cudaError_t error, const std::string &text)
{
    std::fprintf(stderr, "emulated device: %s\n", text.c_str());
    sticky = last = error;
}

cudaError_t sticky_error()
{
    return sticky;
}

double seconds()
{
    timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return skipped + (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void pass_time(double time)
{
    skipped += time;
}

} // namespace emulated

using namespace emulated;

extern "C" {

cudaError_t cudaGetLastError(void)
{
    const cudaError_t error = last;
    last = sticky;
    return error;
}

cudaError_t cudaPeekAtLastError(void)
{
    return last;
}

void cnn_emulated_fail(const char *name, int64_t nth)
{
    fault().name = name ? name : "";
    fault().left = name ? nth : 0;
    fault().failed.clear();
}

bool cnn_emulated_has_failed(void)
{
    return !fault().failed.empty();
}

const char *cnn_emulated_failed_call(void)
{
    return fault().failed.c_str();
}

size_t cnn_emulated_live_objects(void)
{
    return objects().size();
}

void cnn_emulated_print_live(void)
{
    for (const auto &o : objects())
        std::fprintf(stderr, "emulated device: alive: %s %p\n", o.second, o.first);
}

void cnn_emulated_clear_error(void)
{
    sticky = last = cudaSuccess;
}

} // extern "C"
