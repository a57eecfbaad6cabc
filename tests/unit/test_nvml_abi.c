/* SPDX-License-Identifier: Apache-2.0 */
/* src/host/nvml_abi.h says what NVML's own header says. Compiling it is most of the test. */
#include "host/nvml_abi.h"

#include <nvml.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define SAME(ours, theirs) _Static_assert((long)(ours) == (long)(theirs), #ours " is not " #theirs)
#define MEMBER(ours, m, theirs, t)                                                                 \
    SAME(offsetof(ours, m), offsetof(theirs, t));                                                  \
    SAME(sizeof(((ours *)0)->m), sizeof(((theirs *)0)->t))

SAME(CNN_NVML_SUCCESS, NVML_SUCCESS);
SAME(CNN_NVML_INVALID_ARGUMENT, NVML_ERROR_INVALID_ARGUMENT);
SAME(CNN_NVML_NOT_SUPPORTED, NVML_ERROR_NOT_SUPPORTED);
SAME(CNN_NVML_NO_PERMISSION, NVML_ERROR_NO_PERMISSION);
SAME(CNN_NVML_NOT_FOUND, NVML_ERROR_NOT_FOUND);
SAME(CNN_NVML_INSUFFICIENT_SIZE, NVML_ERROR_INSUFFICIENT_SIZE);
SAME(CNN_NVML_DRIVER_NOT_LOADED, NVML_ERROR_DRIVER_NOT_LOADED);
SAME(CNN_NVML_FUNCTION_NOT_FOUND, NVML_ERROR_FUNCTION_NOT_FOUND);
SAME(CNN_NVML_GPU_IS_LOST, NVML_ERROR_GPU_IS_LOST);
SAME(CNN_NVML_CLOCK_SM, NVML_CLOCK_SM);
SAME(CNN_NVML_CLOCK_MEMORY, NVML_CLOCK_MEM);
SAME(CNN_NVML_TEMPERATURE_GPU, NVML_TEMPERATURE_GPU);
SAME(CNN_NVML_TEMPERATURE_SLOWDOWN, NVML_TEMPERATURE_THRESHOLD_SLOWDOWN);
SAME(CNN_NVML_MIG_ENABLED, NVML_DEVICE_MIG_ENABLE);
SAME(CNN_NVML_UUID_SIZE, NVML_DEVICE_UUID_V2_BUFFER_SIZE);
SAME(CNN_NVML_NAME_SIZE, NVML_DEVICE_NAME_V2_BUFFER_SIZE);
SAME(CNN_NVML_DRIVER_SIZE, NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE);

SAME(sizeof(cnn_nvml_pci), sizeof(nvmlPciInfo_t));
MEMBER(cnn_nvml_pci, bus_id_legacy, nvmlPciInfo_t, busIdLegacy);
MEMBER(cnn_nvml_pci, domain, nvmlPciInfo_t, domain);
MEMBER(cnn_nvml_pci, bus, nvmlPciInfo_t, bus);
MEMBER(cnn_nvml_pci, device, nvmlPciInfo_t, device);
MEMBER(cnn_nvml_pci, pci_device_id, nvmlPciInfo_t, pciDeviceId);
MEMBER(cnn_nvml_pci, pci_subsystem_id, nvmlPciInfo_t, pciSubSystemId);
MEMBER(cnn_nvml_pci, bus_id, nvmlPciInfo_t, busId);

SAME(sizeof(cnn_nvml_process), sizeof(nvmlProcessInfo_t));
MEMBER(cnn_nvml_process, pid, nvmlProcessInfo_t, pid);
MEMBER(cnn_nvml_process, used_memory, nvmlProcessInfo_t, usedGpuMemory);
MEMBER(cnn_nvml_process, gpu_instance, nvmlProcessInfo_t, gpuInstanceId);
MEMBER(cnn_nvml_process, compute_instance, nvmlProcessInfo_t, computeInstanceId);

/* GCC's enums without negative values are unsigned ints, so that the types must be the same. */
#define TYPE_IS_THE_SAME(need, member, symbol, arguments)                                          \
    _Static_assert(__builtin_types_compatible_p(__typeof__(((cnn_nvml_api *)0)->member),           \
                                                __typeof__(&symbol)),                              \
                   "the type of " #symbol);
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
CNN_NVML_FUNCTIONS(TYPE_IS_THE_SAME)
_Static_assert(__builtin_types_compatible_p(__typeof__(&nvmlDeviceGetPciInfo_v3),
                                            nvmlReturn_t (*)(nvmlDevice_t, nvmlPciInfo_t *)),
               "the type of nvmlDeviceGetPciInfo_v3");
_Static_assert(__builtin_types_compatible_p(__typeof__(&nvmlDeviceGetComputeRunningProcesses_v3),
                                            nvmlReturn_t (*)(nvmlDevice_t, unsigned *,
                                                             nvmlProcessInfo_t *)),
               "the type of nvmlDeviceGetComputeRunningProcesses_v3");
_Static_assert(__builtin_types_compatible_p(__typeof__(&nvmlErrorString),
                                            const char *(*)(nvmlReturn_t)),
               "the type of nvmlErrorString");

static void test_abi_returns_unsigned(void **state)
{
    (void)state;
    assert_int_equal(sizeof(nvmlReturn_t), sizeof(unsigned));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_abi_returns_unsigned)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
