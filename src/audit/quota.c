/* SPDX-License-Identifier: Apache-2.0 */
/** Limits that the batch system or the container puts on this process. */
#include "audit/sources.h"
#include "host/proc.h"

#include <math.h>

void cnn_audit_quota(const char *root, cnn_audit *out)
{
    const double quota = cnn_proc_cpu_quota(root);
    const double throttled = cnn_proc_throttled_seconds(root);
    if (isnan(quota))
        cnn_audit_enter_unknown(out, CNN_RULE_CPU_QUOTA);
    else if (isinf(quota))
        cnn_audit_enter(out, CNN_RULE_CPU_QUOTA, true, "none");
    else
        cnn_audit_enter(out, CNN_RULE_CPU_QUOTA, false, "%.2f CPUs", quota);
    if (isnan(throttled))
        cnn_audit_enter_unknown(out, CNN_RULE_THROTTLED);
    else
        cnn_audit_enter(out, CNN_RULE_THROTTLED, throttled == 0, "%.3g s", throttled);
}
