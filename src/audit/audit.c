/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/audit.h"

#include "audit/sources.h"
#include "host/cpulist.h"

#include <stdarg.h>
#include <stdio.h>

#define RULE(id, name, scope, is_setting, wanted, why, how)                                        \
    [CNN_RULE_##id] = {name, CNN_AUDIT_##scope, is_setting, wanted, why, how},
const cnn_audit_rule cnn_audit_rules[CNN_AUDIT_RULE_COUNT] = {CNN_AUDIT_RULES(RULE)};

void cnn_audit_enter(cnn_audit *out, cnn_audit_rule_id rule, bool fine, const char *format, ...)
{
    cnn_audit_finding *finding = &out->findings[rule];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(finding->found, sizeof finding->found, format, arguments);
    va_end(arguments);
    finding->outcome = fine ? CNN_AUDIT_FINE : CNN_AUDIT_DISTURBS;
}

void cnn_audit_enter_unknown(cnn_audit *out, cnn_audit_rule_id rule)
{
    out->findings[rule].outcome = CNN_AUDIT_UNKNOWN;
    out->findings[rule].found[0] = '\0';
}

void cnn_audit_look(const cnn_audit_place *place, cnn_audit *out)
{
    cpu_set_t cpus;
    for (int rule = 0; rule < CNN_AUDIT_RULE_COUNT; rule++)
        out->findings[rule] = (cnn_audit_finding){.outcome = CNN_AUDIT_ABSENT};
    if (place->cpus && cnn_cpulist_parse(place->cpus, &cpus)) {
        cnn_audit_processor(place->root, &cpus, out);
        cnn_audit_interrupts(place->root, &cpus, out);
    }
    if (place->answers_host) {
        cnn_audit_processor_of_host(place->root, out);
        cnn_audit_kernel(place->root, out);
        cnn_audit_quota(place->root, out);
        cnn_audit_neighbours(place->root, out);
        cnn_audit_heat(place->root, out);
    }
    if (place->nvml)
        cnn_audit_gpu(place->nvml, out);
}
