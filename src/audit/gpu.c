/* SPDX-License-Identifier: Apache-2.0 */
/** The rank's GPU. */
#include "audit/sources.h"
#include "host/nvml_settings.h"

#include <math.h>
#include <stdio.h>

static void enter_switch(cnn_audit *out, cnn_audit_rule_id rule, int value)
{
    if (value < 0)
        cnn_audit_enter_unknown(out, rule);
    else
        cnn_audit_enter(out, rule, value != 0, "%s", value ? "on" : "off");
}

static void audit_power(const cnn_gpu_settings *s, cnn_audit *out)
{
    if (isnan(s->power_limit) || isnan(s->power_limit_default))
        cnn_audit_enter_unknown(out, CNN_RULE_POWER_LIMIT);
    else
        cnn_audit_enter(out, CNN_RULE_POWER_LIMIT, s->power_limit >= s->power_limit_default - 0.5,
                        "%.0f W, default %.0f W", s->power_limit, s->power_limit_default);
}

/** NVML has no function that shows whether clocks are locked. */
static void audit_clocks(const cnn_gpu_settings *s, cnn_audit *out)
{
    cnn_audit_enter_unknown(out, CNN_RULE_GPU_CLOCKS);
    if (!isnan(s->sm_clock_most))
        snprintf(out->findings[CNN_RULE_GPU_CLOCKS].found, CNN_AUDIT_FOUND_SIZE,
                 "at most %.0f MHz, locked or not", s->sm_clock_most);
}

static void audit_rows(const cnn_gpu_settings *s, cnn_audit *out)
{
    if (s->remapped < 0)
        cnn_audit_enter_unknown(out, CNN_RULE_REMAPPED_ROWS);
    else
        cnn_audit_enter(out, CNN_RULE_REMAPPED_ROWS,
                        !s->remapped && !s->remap_pending && !s->remap_failed, "%d%s%s",
                        s->remapped, s->remap_pending ? ", pending" : "",
                        s->remap_failed ? ", failed" : "");
}

static void audit_others(const cnn_nvml *nvml, const cnn_gpu_settings *s, cnn_audit *out)
{
    cnn_gpu_sample now;
    cnn_nvml_sample(nvml, &now);
    if (now.process_count < 0)
        cnn_audit_enter_unknown(out, CNN_RULE_GPU_PROCESSES);
    else
        cnn_audit_enter(out, CNN_RULE_GPU_PROCESSES, now.process_count == 0, "%d",
                        now.process_count);
    if (s->mps_clients < 0)
        cnn_audit_enter_unknown(out, CNN_RULE_MPS);
    else
        cnn_audit_enter(out, CNN_RULE_MPS, s->mps_clients == 0, "%d clients", s->mps_clients);
}

static void audit_link(const cnn_gpu_settings *s, cnn_audit *out)
{
    if (s->pcie_width < 0 || s->pcie_width_most < 0)
        cnn_audit_enter_unknown(out, CNN_RULE_PCIE_WIDTH);
    else
        cnn_audit_enter(out, CNN_RULE_PCIE_WIDTH, s->pcie_width >= s->pcie_width_most,
                        "%d of %d lanes", s->pcie_width, s->pcie_width_most);
}

static void audit_temperature(const cnn_gpu_settings *s, cnn_audit *out)
{
    enum { MARGIN_LEAST = 15 };
    const double margin = s->slowdown - s->temperature;
    if (isnan(margin))
        cnn_audit_enter_unknown(out, CNN_RULE_GPU_TEMPERATURE);
    else
        cnn_audit_enter(out, CNN_RULE_GPU_TEMPERATURE, margin >= MARGIN_LEAST,
                        "%.0f degC, %.0f below the slowdown", s->temperature, margin);
}

void cnn_audit_gpu(const cnn_nvml *nvml, cnn_audit *out)
{
    cnn_gpu_settings s;
    cnn_nvml_settings(nvml, &s);
    if (cnn_nvml_driver(nvml)[0])
        cnn_audit_enter(out, CNN_RULE_GPU_DRIVER, true, "%s", cnn_nvml_driver(nvml));
    else
        cnn_audit_enter_unknown(out, CNN_RULE_GPU_DRIVER);
    enter_switch(out, CNN_RULE_PERSISTENCE, s.persistence);
    enter_switch(out, CNN_RULE_ECC, s.ecc);
    cnn_audit_enter(out, CNN_RULE_MIG, !s.is_instance, "%s",
                    s.is_instance ? "an instance" : "a whole GPU");
    audit_clocks(&s, out);
    audit_power(&s, out);
    audit_rows(&s, out);
    audit_others(nvml, &s, out);
    audit_link(&s, out);
    audit_temperature(&s, out);
}
