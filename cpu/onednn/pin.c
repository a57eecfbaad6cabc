/* SPDX-License-Identifier: Apache-2.0 */
/* Settings that oneDNN would else take from the environment when it first needs them. */
#include "cpu/onednn/internal.h"

#include <oneapi/dnnl/dnnl_debug.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Limits that a user may state; 0 is the best set of the processor. */
static const dnnl_cpu_isa_t limits[] = {
    (dnnl_cpu_isa_t)0,
    dnnl_cpu_isa_sse41,
    dnnl_cpu_isa_avx,
    dnnl_cpu_isa_avx2,
    dnnl_cpu_isa_avx2_vnni,
    dnnl_cpu_isa_avx512_core,
    dnnl_cpu_isa_avx512_core_vnni,
    dnnl_cpu_isa_avx512_core_bf16,
    dnnl_cpu_isa_avx512_core_amx,
#if DNNL_VERSION_MAJOR >= 3
    dnnl_cpu_isa_avx2_vnni_2,
    dnnl_cpu_isa_avx512_core_fp16,
    dnnl_cpu_isa_avx512_core_amx_fp16,
#endif
};
enum { LIMITS = sizeof limits / sizeof limits[0] };

static const char *without(const char *prefix, const char *s)
{
    const size_t n = strlen(prefix);
    return strncmp(s, prefix, n) == 0 ? s + n : s;
}

/** oneDNN's name of a set: "avx2", of no limit "all" or "default". */
static const char *name_of(dnnl_cpu_isa_t isa)
{
    return without("cpu_isa_", dnnl_cpu_isa2str(isa));
}

static cnn_status read_limit(dnnl_cpu_isa_t *out)
{
    cnn_status st = CNN_OK;
    const char *variable = "ONEDNN_MAX_CPU_ISA", *value = getenv(variable);
    if (!value)
        value = getenv(variable = "DNNL_MAX_CPU_ISA");
    *out = limits[0];
    if (!value || !*value)
        return CNN_OK;
    int i = 0;
    while (i < LIMITS && strcasecmp(value, name_of(limits[i])) != 0)
        i++;
    CNN_CHECK(i < LIMITS, CNN_EENV, "%s is '%.40s', no instruction set that this oneDNN knows",
              variable, value);
    *out = limits[i];
done:
    return st;
}

/** Whether a setting is in force: the library may have been built without it, and keeps the first
 *  value for the life of the process. */
static bool is_settled(dnnl_status_t s)
{
    return s == dnnl_success || s == dnnl_unimplemented || s == dnnl_invalid_arguments ||
           s == dnnl_runtime_error;
}

cnn_status cnn_dnn_pin(void)
{
    cnn_status st = CNN_OK;
    dnnl_cpu_isa_t limit;
    CNN_TRY(read_limit(&limit));
    CNN_CHECK(is_settled(dnnl_set_max_cpu_isa(limit)) &&
                  is_settled(dnnl_set_cpu_isa_hints(dnnl_cpu_isa_no_hints)),
              CNN_EBACKEND, "oneDNN: its instruction set cannot be chosen");
    CNN_DNN_CALL("dnnl_set_default_fpmath_mode", "the processor",
                 dnnl_set_default_fpmath_mode(dnnl_fpmath_mode_strict));
done:
    return st;
}

void cnn_dnn_version(char *s, size_t n)
{
    const dnnl_version_t *v = dnnl_version();
    dnnl_fpmath_mode_t mode = dnnl_fpmath_mode_strict;
    dnnl_get_default_fpmath_mode(&mode);
    snprintf(s, n, "oneDNN %d.%d.%d, %s, fp-math %s", v->major, v->minor, v->patch,
             name_of(dnnl_get_effective_cpu_isa()),
             without("fpmath_mode_", dnnl_fpmath_mode2str(mode)));
}
