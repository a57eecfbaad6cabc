/* SPDX-License-Identifier: Apache-2.0 */
/** The rules of src/audit by their sources. Each function fills the findings of its rules. */
#ifndef CNN_AUDIT_SOURCES_H
#define CNN_AUDIT_SOURCES_H

#include "audit/audit.h"

#include <sched.h>

void cnn_audit_processor(const char *root, const cpu_set_t *cpus, cnn_audit *out);
/** The value of a key of /proc/cpuinfo's first processor, cut to n - 1 bytes. false: it has none. */
bool cnn_audit_cpuinfo(const char *root, const char *key, char *value, size_t n);
void cnn_audit_processor_of_host(const char *root, cnn_audit *out);
void cnn_audit_kernel(const char *root, cnn_audit *out);
void cnn_audit_quota(const char *root, cnn_audit *out);
/** Other processes, guests, interrupts. */
void cnn_audit_neighbours(const char *root, cnn_audit *out);
void cnn_audit_interrupts(const char *root, const cpu_set_t *cpus, cnn_audit *out);
void cnn_audit_heat(const char *root, cnn_audit *out);
void cnn_audit_gpu(const cnn_nvml *nvml, cnn_audit *out);

/** Enters what was found of a rule: fine says whether that is as wanted. */
void cnn_audit_enter(cnn_audit *out, cnn_audit_rule_id rule, bool fine, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/** Enters that the host does not show it. */
void cnn_audit_enter_unknown(cnn_audit *out, cnn_audit_rule_id rule);

#endif
