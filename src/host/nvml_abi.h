/* SPDX-License-Identifier: Apache-2.0 */
/** The part of NVML's binary interface that is used here, declared by hand, so that nothing of
 *  NVIDIA's is needed to build. Its functions are found at run time (nvml.c).
 *  tests/unit/test_nvml_abi.c holds all of it against the real nvml.h, where there is one. */
#ifndef CNN_HOST_NVML_ABI_H
#define CNN_HOST_NVML_ABI_H

struct nvmlDevice_st; /* opaque; NVML's own tag, so that the functions' types are the same */
typedef struct nvmlDevice_st *cnn_nvml_device;

/** Return codes; the library has a text for each. */
enum {
    CNN_NVML_SUCCESS = 0,
    CNN_NVML_INVALID_ARGUMENT = 2,
    CNN_NVML_NOT_SUPPORTED = 3,
    CNN_NVML_NO_PERMISSION = 4,
    CNN_NVML_NOT_FOUND = 6,
    CNN_NVML_INSUFFICIENT_SIZE = 7,
    CNN_NVML_DRIVER_NOT_LOADED = 9,
    CNN_NVML_FUNCTION_NOT_FOUND = 13,
    CNN_NVML_GPU_IS_LOST = 15,
};

enum { CNN_NVML_CLOCK_SM = 1, CNN_NVML_CLOCK_MEMORY = 2 };
enum { CNN_NVML_TEMPERATURE_GPU = 0 };      /* a sensor */
enum { CNN_NVML_TEMPERATURE_SLOWDOWN = 1 }; /* a threshold */
enum { CNN_NVML_MIG_ENABLED = 1 };

/** Room for texts. */
enum { CNN_NVML_UUID_SIZE = 96, CNN_NVML_NAME_SIZE = 96, CNN_NVML_DRIVER_SIZE = 80 };

/** nvmlPciInfo_t of nvmlDeviceGetPciInfo_v3. */
typedef struct {
    char bus_id_legacy[16];
    unsigned domain, bus, device, pci_device_id, pci_subsystem_id;
    char bus_id[32];
} cnn_nvml_pci;

/** nvmlProcessInfo_t of nvmlDeviceGetComputeRunningProcesses_v3. */
typedef struct {
    unsigned pid;
    unsigned long long used_memory; /* bytes */
    unsigned gpu_instance, compute_instance;
} cnn_nvml_process;

/** X(need, member, symbol, arguments): functions that return a code. need: CNN_NVML_MUST, or
 *  CNN_NVML_MAY where older or newer drivers do without. */
#define CNN_NVML_FUNCTIONS(X)                                                                      \
    X(MUST, init, nvmlInit_v2, (void))                                                             \
    X(MUST, shutdown, nvmlShutdown, (void))                                                        \
    X(MUST, driver_version, nvmlSystemGetDriverVersion, (char *, unsigned))                        \
    X(MUST, count, nvmlDeviceGetCount_v2, (unsigned *))                                            \
    X(MUST, by_index, nvmlDeviceGetHandleByIndex_v2, (unsigned, cnn_nvml_device *))                \
    X(MUST, by_uuid, nvmlDeviceGetHandleByUUID, (const char *, cnn_nvml_device *))                 \
    X(MUST, uuid, nvmlDeviceGetUUID, (cnn_nvml_device, char *, unsigned))                          \
    X(MUST, name, nvmlDeviceGetName, (cnn_nvml_device, char *, unsigned))                          \
    X(MAY, affinity, nvmlDeviceGetCpuAffinity, (cnn_nvml_device, unsigned, unsigned long *))       \
    X(MAY, mig_mode, nvmlDeviceGetMigMode, (cnn_nvml_device, unsigned *, unsigned *))              \
    X(MAY, mig_most, nvmlDeviceGetMaxMigDeviceCount, (cnn_nvml_device, unsigned *))                \
    X(MAY, mig_by_index, nvmlDeviceGetMigDeviceHandleByIndex,                                      \
      (cnn_nvml_device, unsigned, cnn_nvml_device *))                                              \
    X(MAY, mig_parent, nvmlDeviceGetDeviceHandleFromMigDeviceHandle,                               \
      (cnn_nvml_device, cnn_nvml_device *))                                                        \
    X(MAY, clock, nvmlDeviceGetClockInfo, (cnn_nvml_device, unsigned, unsigned *))                 \
    X(MAY, temperature, nvmlDeviceGetTemperature, (cnn_nvml_device, unsigned, unsigned *))         \
    X(MAY, power, nvmlDeviceGetPowerUsage, (cnn_nvml_device, unsigned *))                          \
    X(MAY, event_reasons, nvmlDeviceGetCurrentClocksEventReasons,                                  \
      (cnn_nvml_device, unsigned long long *))                                                     \
    X(MAY, throttle_reasons, nvmlDeviceGetCurrentClocksThrottleReasons,                            \
      (cnn_nvml_device, unsigned long long *))                                                     \
    X(MAY, persistence, nvmlDeviceGetPersistenceMode, (cnn_nvml_device, unsigned *))               \
    X(MAY, ecc_mode, nvmlDeviceGetEccMode, (cnn_nvml_device, unsigned *, unsigned *))              \
    X(MAY, remapped_rows, nvmlDeviceGetRemappedRows,                                               \
      (cnn_nvml_device, unsigned *, unsigned *, unsigned *, unsigned *))                           \
    X(MAY, clock_most, nvmlDeviceGetMaxClockInfo, (cnn_nvml_device, unsigned, unsigned *))         \
    X(MAY, power_limit, nvmlDeviceGetEnforcedPowerLimit, (cnn_nvml_device, unsigned *))            \
    X(MAY, power_limit_default, nvmlDeviceGetPowerManagementDefaultLimit,                          \
      (cnn_nvml_device, unsigned *))                                                               \
    X(MAY, pcie_width, nvmlDeviceGetCurrPcieLinkWidth, (cnn_nvml_device, unsigned *))              \
    X(MAY, pcie_width_most, nvmlDeviceGetMaxPcieLinkWidth, (cnn_nvml_device, unsigned *))          \
    X(MAY, threshold, nvmlDeviceGetTemperatureThreshold, (cnn_nvml_device, unsigned, unsigned *))

/** Those that take a struct, which has another tag here than in nvml.h. */
#define CNN_NVML_STRUCT_FUNCTIONS(X)                                                               \
    X(MUST, pci, nvmlDeviceGetPciInfo_v3, (cnn_nvml_device, cnn_nvml_pci *))                       \
    X(MAY, processes, nvmlDeviceGetComputeRunningProcesses_v3,                                     \
      (cnn_nvml_device, unsigned *, cnn_nvml_process *))                                           \
    X(MAY, mps_processes, nvmlDeviceGetMPSComputeRunningProcesses_v3,                              \
      (cnn_nvml_device, unsigned *, cnn_nvml_process *))

#define CNN_NVML_MEMBER(need, member, symbol, arguments) unsigned(*member) arguments;
typedef struct {
    CNN_NVML_FUNCTIONS(CNN_NVML_MEMBER)
    CNN_NVML_STRUCT_FUNCTIONS(CNN_NVML_MEMBER)
    const char *(*error_text)(unsigned); /* nvmlErrorString */
} cnn_nvml_api;
#undef CNN_NVML_MEMBER

#endif
