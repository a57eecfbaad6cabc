/* SPDX-License-Identifier: Apache-2.0 */
/* The processor, layouts, and primitives made from their descriptions. */
#include "cpu/onednn/internal.h"

#include <stdlib.h>

const char *cnn_dnn_status_text(dnnl_status_t s)
{
    switch (s) {
    case dnnl_success:
        return "dnnl_success";
    case dnnl_out_of_memory:
        return "dnnl_out_of_memory";
    case dnnl_invalid_arguments:
        return "dnnl_invalid_arguments";
    case dnnl_unimplemented:
        return "dnnl_unimplemented";
    case dnnl_runtime_error:
        return "dnnl_runtime_error";
    case dnnl_not_required:
        return "dnnl_not_required";
    default:
        return "unknown dnnl_status";
    }
}

cnn_status cnn_dnn_open(cnn_dnn *d)
{
    cnn_status st = CNN_OK;
    *d = (cnn_dnn){0};
    CNN_TRY(cnn_dnn_pin());
    CNN_DNN_CALL("dnnl_engine_create", "the processor",
                 dnnl_engine_create(&d->engine, dnnl_cpu, 0));
    CNN_DNN_CALL("dnnl_stream_create", "the processor",
                 dnnl_stream_create(&d->stream, d->engine, dnnl_stream_in_order));
done:
    if (st)
        cnn_dnn_close(d);
    return st;
}

void cnn_dnn_close(cnn_dnn *d)
{
    if (d->stream)
        dnnl_stream_destroy(d->stream);
    if (d->engine)
        dnnl_engine_destroy(d->engine);
    *d = (cnn_dnn){0};
}

/* ---- layouts ------------------------------------------------------------------------------- */

cnn_status cnn_dnn_layout_create(int rank, const dnnl_dim_t *dims, dnnl_format_tag_t tag,
                                 cnn_dnn_layout **out)
{
    cnn_status st = CNN_OK;
    cnn_dnn_layout *l = calloc(1, sizeof *l);
    CNN_CHECK(l, CNN_ENOMEM, "a tensor's layout");
#if DNNL_VERSION_MAJOR >= 3
    CNN_DNN_CALL("dnnl_memory_desc_create_with_tag", "a tensor's layout",
                 dnnl_memory_desc_create_with_tag(&l->md, rank, dims, dnnl_f32, tag));
#else
    CNN_DNN_CALL("dnnl_memory_desc_init_by_tag", "a tensor's layout",
                 dnnl_memory_desc_init_by_tag(&l->md, rank, dims, dnnl_f32, tag));
#endif
    *out = l;
    l = NULL;
done:
    free(l);
    return st;
}

void cnn_dnn_layout_destroy(cnn_dnn_layout **layout)
{
    if (!*layout)
        return;
#if DNNL_VERSION_MAJOR >= 3
    dnnl_memory_desc_destroy((*layout)->md);
#endif
    free(*layout);
    *layout = NULL;
}

size_t cnn_dnn_layout_bytes(const cnn_dnn_layout *layout)
{
    return dnnl_memory_desc_get_size(cnn_dnn_view(layout));
}

bool cnn_dnn_layout_equal(const cnn_dnn_layout *a, const cnn_dnn_layout *b)
{
    return dnnl_memory_desc_equal(cnn_dnn_view(a), cnn_dnn_view(b)) != 0;
}

/* ---- primitives ---------------------------------------------------------------------------- */

void cnn_dnn_primitive_destroy(cnn_dnn_primitive **p)
{
    if (!*p)
        return;
    for (int i = 0; i < (*p)->arg_count; i++)
        if ((*p)->args[i].memory)
            dnnl_memory_destroy((*p)->args[i].memory);
    if ((*p)->primitive)
        dnnl_primitive_destroy((*p)->primitive);
    if ((*p)->desc)
        dnnl_primitive_desc_destroy((*p)->desc);
    free(*p);
    *p = NULL;
}

static cnn_dnn_md argument_view(const cnn_dnn_primitive *p, int arg)
{
    return dnnl_primitive_desc_query_md(p->desc, dnnl_query_exec_arg_md, arg);
}

cnn_status cnn_dnn_primitive_layout(const cnn_dnn_primitive *p, int arg, cnn_dnn_layout **out)
{
    cnn_status st = CNN_OK;
    cnn_dnn_layout *l = NULL;
    cnn_dnn_md md = argument_view(p, arg);
    CNN_CHECK(md, CNN_EBACKEND, "oneDNN: %s has no argument %d", p->name, arg);
    CNN_CHECK((l = calloc(1, sizeof *l)), CNN_ENOMEM, "a tensor's layout");
#if DNNL_VERSION_MAJOR >= 3
    CNN_DNN_CALL("dnnl_memory_desc_clone", p->name, dnnl_memory_desc_clone(&l->md, md));
#else
    l->md = *md;
#endif
    *out = l;
    l = NULL;
done:
    free(l);
    return st;
}

const char *cnn_dnn_primitive_kernel(const cnn_dnn_primitive *p)
{
    const char *s = NULL;
    if (dnnl_primitive_desc_query(p->desc, dnnl_query_impl_info_str, 0, (void *)&s) != dnnl_success)
        return "unknown";
    return s;
}

cnn_status cnn_dnn_build(cnn_dnn *d, const char *name, dnnl_primitive_desc_t desc, int arg_count,
                         const int *args, cnn_dnn_primitive **out)
{
    cnn_status st = CNN_OK;
    cnn_dnn_primitive *p = calloc(1, sizeof *p);
    if (!p) {
        dnnl_primitive_desc_destroy(desc);
        return cnn_error_set(CNN_ENOMEM, "a oneDNN primitive for %s", name);
    }
    p->desc = desc;
    cnn_copy_string(p->name, sizeof p->name, name);
    CNN_DNN_CALL("dnnl_primitive_create", name, dnnl_primitive_create(&p->primitive, desc));
    for (int i = 0; i < arg_count; i++) {
        p->args[i].arg = args[i];
        p->arg_count = i + 1;
        CNN_DNN_CALL("dnnl_memory_create", name,
                     dnnl_memory_create(&p->args[i].memory, argument_view(p, args[i]), d->engine,
                                        DNNL_MEMORY_NONE));
    }
    *out = p;
    p = NULL;
done:
    cnn_dnn_primitive_destroy(&p);
    return st;
}

cnn_status cnn_dnn_run(cnn_dnn *d, cnn_dnn_primitive *p, const void *const *pointers)
{
    cnn_status st = CNN_OK;
    for (int i = 0; i < p->arg_count; i++) {
        if (p->pointers[i] == pointers[i])
            continue;
        CNN_DNN_CALL("dnnl_memory_set_data_handle", p->name,
                     dnnl_memory_set_data_handle(p->args[i].memory, (void *)pointers[i]));
        p->pointers[i] = pointers[i];
    }
    CNN_DNN_CALL("dnnl_primitive_execute", p->name,
                 dnnl_primitive_execute(p->primitive, d->stream, p->arg_count, p->args));
done:
    return st;
}
