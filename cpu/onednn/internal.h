/* SPDX-License-Identifier: Apache-2.0 */
/** Shared by the files of this folder only. */
#ifndef CNN_CPU_ONEDNN_INTERNAL_H
#define CNN_CPU_ONEDNN_INTERNAL_H

#include "cpu/onednn/api.h"

enum { CNN_DNN_MAX_ARGS = 9 };

/* Version 2 passes memory descriptors by address, version 3 as handles. */
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t cnn_dnn_md;
#else
typedef const dnnl_memory_desc_t *cnn_dnn_md;
#endif

struct cnn_dnn_layout {
    dnnl_memory_desc_t md;
};

struct cnn_dnn_primitive {
    char name[64];
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;
    int arg_count;
    dnnl_exec_arg_t args[CNN_DNN_MAX_ARGS];
    const void *pointers[CNN_DNN_MAX_ARGS]; /* what the memory objects point to now */
};

static inline cnn_dnn_md cnn_dnn_view(const cnn_dnn_layout *layout)
{
#if DNNL_VERSION_MAJOR >= 3
    return layout->md;
#else
    return &layout->md;
#endif
}

const char *cnn_dnn_status_text(dnnl_status_t status);

/** Settles the instruction set (the processor's best, or the limit that ONEDNN_MAX_CPU_ISA states)
 *  and arithmetic in fp32 without reduced formats, before oneDNN reads its variables. The first
 *  call of a process decides. CNN_EENV: the limit is unknown. */
cnn_status cnn_dnn_pin(void);

/** For functions with `st` and `done:`: st becomes an error that names the call when it fails. */
#define CNN_DNN_CALL(what, name, call)                                                             \
    do {                                                                                           \
        dnnl_status_t call_status = (call);                                                        \
        CNN_CHECK(call_status == dnnl_success,                                                     \
                  call_status == dnnl_out_of_memory ? CNN_ENOMEM : CNN_EBACKEND,                   \
                  "oneDNN: %s for %s: %s (%d)", (what), (name), cnn_dnn_status_text(call_status),  \
                  (int)call_status);                                                               \
    } while (0)

/** Takes ownership of desc; args are the execution arguments in the order of cnn_dnn_run's
 *  pointers. */
cnn_status cnn_dnn_build(cnn_dnn *d, const char *name, dnnl_primitive_desc_t desc, int arg_count,
                         const int *args, cnn_dnn_primitive **out);
#define CNN_DNN_BUILD(d, name, desc, out, ...)                                                     \
    cnn_dnn_build((d), (name), (desc), (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)),          \
                  (const int[]){__VA_ARGS__}, (out))

#endif
