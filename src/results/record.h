/* SPDX-License-Identifier: Apache-2.0 */
/** What is kept of a run: the columns of the results file. One X-macro drives the struct, the
 *  writer, the reader and the documentation, so that a column is added in one place.
 *
 *  X(member, type, units, long_name); types: I8 I32 I64 F64 and TEXT(n) as T16, T32, T64, T96,
 *  T128. units "" for counts and labels. Unknown: NaN, -1, "". */
#ifndef CNN_RESULTS_RECORD_H
#define CNN_RESULTS_RECORD_H

#include <stdbool.h>
#include <stdint.h>

/** Known when the file is made; the labels of the factors are columns of their own, made by
 *  name. */
#define CNN_PLANNED_COLUMNS(X)                                                                     \
    X(cell, I32, "", "cell: combination of the levels of all factors")                             \
    X(combination, I32, "", "combination of the levels of all factors but the contrast")           \
    X(level, I32, "", "level of the contrast")                                                     \
    X(repeat, I32, "", "repeat within the combination; -1 for a warm-up run")                      \
    X(block, I32, "", "block: runs of one repeat, back to back on one device")                     \
    X(position, I32, "", "place within the block")                                                 \
    X(warmup, I8, "", "1: warm-up run, discarded by the analysis")                                 \
    X(seed, I64, "", "seed of weights, batch order and dropout")                                   \
    X(planned_device, I32, "", "device that the plan dealt the block to; -1: the first free one")  \
    X(planned_turn, I32, "", "place of the block in its device's queue")

/** Filled when the run has ended; `status` is written last. */
#define CNN_MEASURED_COLUMNS(X)                                                                    \
    X(attempts, I32, "", "attempts made, at most the places that the file has for them")           \
    X(session, I32, "", "invocation of cnnmpi that finished the run")                              \
    X(rank, I32, "", "MPI rank")                                                                   \
    X(host, T64, "", "host name")                                                                  \
    X(device, T96, "", "device: GPU UUID, or host and cores")                                      \
    X(device_model, T96, "", "processor or GPU model")                                             \
    X(backend, T16, "", "compute backend")                                                         \
    X(versions, T128, "", "versions of the compute libraries")                                     \
    X(driver, T32, "", "version of the GPU's driver, by NVML; empty: unknown, or no GPU")          \
    X(threads, I32, "", "CPU threads of the trainer")                                              \
    X(environment, I32, "", "its variables: place in environment_variables; -1: not recorded")     \
    X(shared_device, I8, "", "1: the device was shared with another rank")                         \
    X(parameters, I64, "", "trainable parameters")                                                 \
    X(train_images, I64, "", "training images")                                                    \
    X(test_images, I64, "", "test images")                                                         \
    X(epochs_done, I32, "", "epochs completed")                                                    \
    X(data_checksum, T32, "", "CRC-32 of the training and of the test data; empty: not reported")  \
    X(start_time, F64, "seconds since 1970-01-01 00:00:00", "start of the trainer process")        \
    X(setup_seconds, F64, "s", "set-up: process start to readiness, as the trainer reports it")    \
    X(train_seconds, F64, "s", "training: sum of the epochs, evaluation excluded")                 \
    X(evaluation_seconds, F64, "s", "evaluation on the test images, all epochs")                   \
    X(life_seconds, F64, "s", "life of the trainer process, start to exit")                        \
    X(train_loss, F64, "nat", "mean training loss of the last epoch")                              \
    X(test_loss, F64, "nat", "mean test loss after the last epoch")                                \
    X(test_error, F64, "1", "share of test images misclassified after the last epoch")             \
    X(weight_checksum, T32, "", "checksum of the final weights")                                   \
    X(sm_clock_mean, F64, "MHz", "mean SM clock")                                                  \
    X(sm_clock_min, F64, "MHz", "lowest SM clock")                                                 \
    X(memory_clock_mean, F64, "MHz", "mean memory clock")                                          \
    X(memory_clock_min, F64, "MHz", "lowest memory clock")                                         \
    X(gpu_temperature_max, F64, "degC", "highest GPU temperature")                                 \
    X(gpu_power_mean, F64, "W", "mean GPU power")                                                  \
    X(throttle_reasons, I64, "", "union of NVML's clock event (throttle) reason bits; -1 unknown") \
    X(foreign_processes, I32, "", "most processes of others seen on the GPU; -1 unknown")          \
    X(load_mean, F64, "1", "mean runnable processes on the host's load average (1 min)")           \
    X(steal_seconds, F64, "s", "CPU time stolen from the host by its hypervisor")                  \
    X(context_switches_voluntary, I64, "", "voluntary context switches of the trainer")            \
    X(context_switches_involuntary, I64, "", "involuntary context switches of the trainer")        \
    X(page_faults_minor, I64, "", "minor page faults of the trainer")                              \
    X(page_faults_major, I64, "", "major page faults of the trainer")                              \
    X(cpu_user_seconds, F64, "s", "user CPU time of the trainer")                                  \
    X(cpu_system_seconds, F64, "s", "system CPU time of the trainer")                              \
    X(resident_bytes_max, I64, "byte", "largest resident memory of the trainer")                   \
    X(memory_bytes_max, I64, "byte",                                                               \
      "largest resident memory of the trainer with its descendants")                               \
    X(memory_source, I8, "", "where memory_bytes_max comes from")                                  \
    X(gpu_memory_bytes_max, I64, "byte", "most GPU memory of them, by NVML; -1: unknown, no GPU")  \
    X(cpu_frequency_mean, F64, "MHz", "mean clock of the cores given to the trainer")              \
    X(throttled_seconds, F64, "s", "time the cgroup was throttled by its CPU quota")               \
    X(metric_1, F64, "", "the job's first metric; see the attribute metric_names")                 \
    X(metric_2, F64, "", "its second metric")                                                      \
    X(metric_3, F64, "", "its third metric")                                                       \
    X(metric_4, F64, "", "its fourth metric")                                                      \
    X(metric_5, F64, "", "its fifth metric")                                                       \
    X(metric_6, F64, "", "its sixth metric")                                                       \
    X(metric_7, F64, "", "its seventh metric")                                                     \
    X(metric_8, F64, "", "its eighth metric")

/** Per (run, epoch). */
#define CNN_EPOCH_COLUMNS(X)                                                                       \
    X(epoch_seconds, F64, "s", "training time of the epoch")                                       \
    X(epoch_train_loss, F64, "nat", "mean training loss of the epoch")                             \
    X(epoch_test_loss, F64, "nat", "mean test loss after the epoch")                               \
    X(epoch_test_error, F64, "1", "share of test images misclassified after the epoch")            \
    X(epoch_evaluation_seconds, F64, "s", "evaluation time of the epoch")

/** Per attempt: row = run * attempts per run + attempt. */
#define CNN_ATTEMPT_COLUMNS(X)                                                                     \
    X(attempt_outcome, I8, "", "how the attempt ended")                                            \
    X(attempt_session, I32, "", "invocation of cnnmpi")                                            \
    X(attempt_rank, I32, "", "MPI rank")                                                           \
    X(attempt_device, T96, "", "device")                                                           \
    X(attempt_start_time, F64, "seconds since 1970-01-01 00:00:00",                                \
      "start of the trainer process")                                                              \
    X(attempt_life_seconds, F64, "s", "life of the trainer process")                               \
    X(attempt_train_seconds, F64, "s", "training time, where it got that far")                     \
    X(attempt_exit_code, I32, "", "exit code, or -signal")                                         \
    X(attempt_reason, T128, "", "why it failed")                                                   \
    X(attempt_log, T512, "", "last lines of the trainer's output, of failed attempts")

/** Where the peak of memory comes from: the kernel's account of a trainer that was never seen with a
 *  descendant, or samples of the tree of processes, twice a second. */
#define CNN_MEMORY_SOURCES(X)                                                                      \
    X(CNN_MEMORY_KERNEL, "kernel")                                                                 \
    X(CNN_MEMORY_SAMPLED, "sampled")

/** status of a run; the file carries these as flag_values and flag_meanings. */
#define CNN_RUN_STATUSES(X)                                                                        \
    X(CNN_RUN_PLANNED, "planned")                                                                  \
    X(CNN_RUN_DONE, "done")                                                                        \
    X(CNN_RUN_DIVERGED, "diverged")                                                                \
    X(CNN_RUN_FAILED, "failed")

/** outcome of an attempt. */
#define CNN_OUTCOMES(X)                                                                            \
    X(CNN_OUTCOME_NONE, "none")                                                                    \
    X(CNN_OUTCOME_DONE, "done")                                                                    \
    X(CNN_OUTCOME_DIVERGED, "diverged")                                                            \
    X(CNN_OUTCOME_ERROR, "error") /* the trainer reported an error */                              \
    X(CNN_OUTCOME_EXIT, "exit")   /* non-zero exit without one */                                  \
    X(CNN_OUTCOME_SIGNAL, "signal")                                                                \
    X(CNN_OUTCOME_TIMEOUT, "timeout")                                                              \
    X(CNN_OUTCOME_PROTOCOL, "protocol") /* it broke the run protocol */                            \
    X(CNN_OUTCOME_STOPPED, "stopped")   /* cnnmpi was asked to stop */

#define CNN_ENUM_MEMBER(name, text) name,
typedef enum { CNN_RUN_STATUSES(CNN_ENUM_MEMBER) CNN_RUN_STATUS_COUNT } cnn_run_status;
typedef enum { CNN_OUTCOMES(CNN_ENUM_MEMBER) CNN_OUTCOME_COUNT } cnn_outcome;
typedef enum { CNN_MEMORY_SOURCES(CNN_ENUM_MEMBER) CNN_MEMORY_SOURCE_COUNT } cnn_memory_source;
#undef CNN_ENUM_MEMBER
extern const char *const cnn_run_status_names[]; /* NULL-terminated */
extern const char *const cnn_outcome_names[];
extern const char *const cnn_memory_source_names[];

/** Whether a run with this status is finished: it has a result, which is kept. */
static inline bool cnn_run_status_is_finished(int status)
{
    return status == CNN_RUN_DONE || status == CNN_RUN_DIVERGED;
}

#define CNN_MEMBER_I8(m)                           int8_t m;
#define CNN_MEMBER_I32(m)                          int32_t m;
#define CNN_MEMBER_I64(m)                          int64_t m;
#define CNN_MEMBER_F64(m)                          double m;
#define CNN_MEMBER_T16(m)                          char m[16];
#define CNN_MEMBER_T32(m)                          char m[32];
#define CNN_MEMBER_T64(m)                          char m[64];
#define CNN_MEMBER_T96(m)                          char m[96];
#define CNN_MEMBER_T128(m)                         char m[128];
#define CNN_MEMBER_T512(m)                         char m[512];
#define CNN_MEMBER(member, type, units, long_name) CNN_MEMBER_##type(member)

typedef struct {
    CNN_PLANNED_COLUMNS(CNN_MEMBER)
} cnn_planned;

typedef struct {
    CNN_MEASURED_COLUMNS(CNN_MEMBER)
} cnn_measured;

typedef struct {
    CNN_EPOCH_COLUMNS(CNN_MEMBER)
} cnn_epoch_row;

typedef struct {
    CNN_ATTEMPT_COLUMNS(CNN_MEMBER)
} cnn_attempt;

/** Metrics that a job may declare. */
enum { CNN_METRICS_MAX = 8 };
/** A run's value of the metric with a number from 0; NaN: not reported. */
double cnn_measured_metric(const cnn_measured *row, int metric);
void cnn_measured_set_metric(cnn_measured *row, int metric, double value);

/** Rows with everything unknown. */
cnn_measured cnn_measured_unknown(void);
cnn_epoch_row cnn_epoch_row_unknown(void);
cnn_attempt cnn_attempt_unknown(void);

#endif
