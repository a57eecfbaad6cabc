/* SPDX-License-Identifier: Apache-2.0 */
#include "mpi/placement/placement.h"

#include "mpi/placement/devices.h"
#include "mpi/placement/divide.h"
#include "ranks/collectives.h"

#include <hwloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/** A rank's view of its host. */
typedef struct {
    hwloc_topology_t topology;
    hwloc_obj_type_t core_type; /* HWLOC_OBJ_CORE; PU where the machine reports no cores */
    int core_count;
} host_view;

static cnn_status open_view(host_view *v)
{
    cnn_status st = CNN_OK;
    CNN_CHECK(hwloc_topology_init(&v->topology) == 0, CNN_EENV, "hwloc cannot start");
    /* Ranks of one host may be confined to different cores, and must number them alike. */
    CNN_CHECK(hwloc_topology_set_flags(v->topology, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) == 0 &&
                  hwloc_topology_load(v->topology) == 0,
              CNN_EENV, "hwloc cannot read this machine's topology");
    v->core_type = HWLOC_OBJ_CORE;
    v->core_count = hwloc_get_nbobjs_by_type(v->topology, HWLOC_OBJ_CORE);
    if (v->core_count <= 0) {
        v->core_type = HWLOC_OBJ_PU;
        v->core_count = hwloc_get_nbobjs_by_type(v->topology, HWLOC_OBJ_PU);
    }
    CNN_CHECK(v->core_count > 0, CNN_EENV, "hwloc finds no processor on this machine");
done:
    return st;
}

static void close_view(host_view *v)
{
    if (v->topology)
        hwloc_topology_destroy(v->topology);
}

static hwloc_const_bitmap_t core_cpus(const host_view *v, int core)
{
    return hwloc_get_obj_by_type(v->topology, v->core_type, (unsigned)core)->cpuset;
}

static void copy_model(const host_view *v, char *field, size_t n)
{
    const hwloc_obj_t package = hwloc_get_obj_by_type(v->topology, HWLOC_OBJ_PACKAGE, 0);
    const char *model = package ? hwloc_obj_get_info_by_name(package, "CPUModel") : NULL;
    if (!model)
        model = hwloc_obj_get_info_by_name(hwloc_get_root_obj(v->topology), "CPUModel");
    cnn_copy_string(field, n, model ? model : "");
}

static cnn_status copy_list(hwloc_const_bitmap_t set, char *field, size_t n)
{
    const int needed = hwloc_bitmap_list_snprintf(field, n, set);
    if (needed < 0 || (size_t)needed >= n)
        return cnn_error_set(CNN_EENV, "the list of this rank's CPUs is too long (%d characters)",
                             needed);
    return CNN_OK;
}

/** What a rank knows without the others. */
static cnn_status look_around(const host_view *v, int rank, cnn_place *mine)
{
    cnn_status st = CNN_OK;
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    CNN_CHECK(set != NULL, CNN_ENOMEM, "a set of CPUs");
    mine->rank = rank;
    CNN_CHECK(gethostname(mine->host, sizeof mine->host - 1) == 0, CNN_EENV,
              "this host has no name");
    CNN_CHECK(hwloc_get_cpubind(v->topology, set, HWLOC_CPUBIND_THREAD) == 0, CNN_EENV,
              "the CPUs of this rank are unknown");
    CNN_TRY(copy_list(set, mine->launcher_cpus, sizeof mine->launcher_cpus));
    copy_model(v, mine->device_model, sizeof mine->device_model);
done:
    hwloc_bitmap_free(set);
    return st;
}

/** Marks in row [core_count] the cores that the launcher gave a rank, whole or in part. */
static cnn_status mark_cores(const host_view *v, const cnn_place *place, bool *row)
{
    cnn_status st = CNN_OK;
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    CNN_CHECK(set != NULL && hwloc_bitmap_list_sscanf(set, place->launcher_cpus) == 0, CNN_ENOMEM,
              "the CPUs of rank %d", place->rank);
    for (int c = 0; c < v->core_count; c++)
        row[c] = hwloc_bitmap_intersects(set, core_cpus(v, c)) != 0;
done:
    hwloc_bitmap_free(set);
    return st;
}

/** The NUMA node that holds all of a set; -1 when there are several. */
static int numa_node_of(const host_view *v, hwloc_const_bitmap_t cpus)
{
    int node = -1;
    hwloc_bitmap_t nodes = hwloc_bitmap_alloc();
    if (nodes) {
        hwloc_cpuset_to_nodeset(v->topology, cpus, nodes);
        if (hwloc_bitmap_weight(nodes) == 1)
            node = hwloc_bitmap_first(nodes);
    }
    hwloc_bitmap_free(nodes);
    return node;
}

/** Marks in row [core_count] the cores near a rank's GPU; none where that is unknown. */
static void mark_near(const host_view *v, const cnn_place *place, bool *row)
{
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    if (set && place->gpu_cpus[0] && hwloc_bitmap_list_sscanf(set, place->gpu_cpus) == 0)
        for (int c = 0; c < v->core_count; c++)
            row[c] = hwloc_bitmap_intersects(set, core_cpus(v, c)) != 0;
    hwloc_bitmap_free(set);
}

/** The GPU's node by the CPUs near it, where the system does not report it. */
static void find_gpu_node(const host_view *v, cnn_place *mine)
{
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    if (set && mine->gpu_node < 0 && mine->gpu_cpus[0] &&
        hwloc_bitmap_list_sscanf(set, mine->gpu_cpus) == 0)
        mine->gpu_node = numa_node_of(v, set);
    hwloc_bitmap_free(set);
}

/** Turns the row of cores that a rank got into its list of CPUs, node and, without a GPU,
 *  device. */
static cnn_status settle(const host_view *v, const bool *row, cnn_place *mine)
{
    cnn_status st = CNN_OK;
    hwloc_bitmap_t allowed = hwloc_bitmap_alloc(), cpus = hwloc_bitmap_alloc();
    CNN_CHECK(allowed && cpus && hwloc_bitmap_list_sscanf(allowed, mine->launcher_cpus) == 0,
              CNN_ENOMEM, "the CPUs of rank %d", mine->rank);
    mine->cores = 0;
    for (int c = 0; c < v->core_count; c++) {
        if (row[c]) {
            hwloc_bitmap_or(cpus, cpus, core_cpus(v, c));
            mine->cores++;
        }
    }
    hwloc_bitmap_and(cpus, cpus, allowed);
    CNN_TRY(copy_list(cpus, mine->cpus, sizeof mine->cpus));
    mine->numa_node = numa_node_of(v, cpus);
    if (!mine->on_gpu) {
        char device[512];
        snprintf(device, sizeof device, "%s cpus %s", mine->host, mine->cpus);
        cnn_copy_string(mine->device, sizeof mine->device, device);
    }
done:
    hwloc_bitmap_free(allowed);
    hwloc_bitmap_free(cpus);
    return st;
}

/** The end of the row of ranks that lack a core and are numbered on without a gap, from here[i] on. */
static int end_of_row(const cnn_place *const *places, const bool *lacks, int count, int i)
{
    while (i + 1 < count && lacks[i + 1] && places[i + 1]->rank == places[i]->rank + 1)
        i++;
    return i;
}

/** "ranks 0 to 4, 6 and 8" of those that lack a core. */
static void name_ranks(const cnn_place *const *places, const bool *lacks, int count, cnn_text *out)
{
    int rows = 0, n = 0;
    for (int i = 0; i < count; i++)
        if (lacks[i])
            rows++, i = end_of_row(places, lacks, count, i);
    cnn_text_append(out, "ranks ");
    for (int i = 0; i < count; i++) {
        if (!lacks[i])
            continue;
        const int end = end_of_row(places, lacks, count, i);
        cnn_text_printf(out, "%s%d", n == 0 ? "" : n == rows - 1 ? " and " : ", ", places[i]->rank);
        if (end > i)
            cnn_text_printf(out, "%s%d", end > i + 1 || rows > 1 ? " to " : " and ",
                            places[end]->rank);
        n++;
        i = end;
    }
}

static cnn_status refuse(const host_view *v, const cnn_place *const *places, const bool *lacks,
                         const bool *may, int count)
{
    cnn_text names = {0};
    int cores = 0;
    for (int c = 0; c < v->core_count; c++) {
        bool used = false;
        for (int i = 0; i < count; i++)
            used = used || (lacks[i] && may[i * v->core_count + c]);
        cores += used;
    }
    name_ranks(places, lacks, count, &names);
    const cnn_status st = cnn_error_set(
        CNN_EENV,
        "%s on host %s have %d core%s between them, and every rank needs one of its own: start "
        "fewer ranks, or let them share (schedule: {sharing: allow}), which marks every run",
        names.s ? names.s : "ranks", places[0]->host, cores, cores == 1 ? "" : "s");
    cnn_text_free(&names);
    return st;
}

/** Whether another rank of the host got one of mine. */
static bool is_shared(const bool *gets, int me, int count, int cores)
{
    for (int i = 0; i < count; i++)
        for (int c = 0; i != me && c < cores; c++)
            if (gets[i * cores + c] && gets[me * cores + c])
                return true;
    return false;
}

/** Divides the host's cores among its ranks; every rank of the host comes to the same result.
 *  here [count]: the host's places by rank, mine being here[me]. */
static cnn_status divide(const host_view *v, const cnn_place *const *here, int count, int me,
                         cnn_sharing sharing, cnn_place *mine)
{
    cnn_status st = CNN_OK;
    const size_t cells = (size_t)count * (size_t)v->core_count;
    bool *may = calloc(cells, sizeof *may), *gets = calloc(cells, sizeof *gets);
    bool *near = calloc(cells, sizeof *near);
    bool *lacks = calloc((size_t)count, sizeof *lacks);
    CNN_CHECK(may && gets && near && lacks, CNN_ENOMEM, "division of %d cores", v->core_count);
    for (int i = 0; i < count; i++) {
        CNN_TRY(mark_cores(v, here[i], may + i * v->core_count));
        mark_near(v, here[i], near + i * v->core_count);
    }
    CNN_TRY(cnn_divide_cores(count, v->core_count, may, near, gets, lacks));
    for (int i = 0; i < count; i++)
        if (lacks[i] && sharing == CNN_SHARING_REFUSE)
            CNN_TRY(refuse(v, here, lacks, may, count));
    mine->local_rank = me;
    mine->cores_shared = is_shared(gets, me, count, v->core_count);
    mine->shared = mine->shared || mine->cores_shared;
    CNN_TRY(settle(v, gets + me * v->core_count, mine));
done:
    free(may);
    free(gets);
    free(near);
    free(lacks);
    return st;
}

/** The places on one's own host, by rank. */
static cnn_status find_share(const host_view *v, const cnn_place *all, int size,
                             cnn_sharing sharing, cnn_place *mine)
{
    cnn_status st = CNN_OK;
    int count = 0, me = 0;
    const cnn_place **here = calloc((size_t)size, sizeof *here);
    CNN_CHECK(here != NULL, CNN_ENOMEM, "places of %d ranks", size);
    for (int r = 0; r < size; r++) {
        if (strcmp(all[r].host, mine->host) != 0)
            continue;
        if (r == mine->rank)
            me = count;
        here[count++] = &all[r];
    }
    CNN_TRY(divide(v, here, count, me, sharing, mine));
done:
    free(here);
    return st;
}

/** Another rank on the same GPU; -1: none. A UUID is one device's only, on whatever host. */
static int rival_of(const cnn_place *all, int size, int rank)
{
    for (int r = 0; r < size; r++)
        if (r != rank && all[r].on_gpu && all[rank].on_gpu &&
            strcmp(all[r].device, all[rank].device) == 0)
            return r;
    return -1;
}

/** Refuses two ranks on one GPU, or marks this one. */
static cnn_status check_gpus(const cnn_place *all, int size, cnn_sharing sharing, cnn_place *mine)
{
    cnn_status st = CNN_OK;
    for (int r = 0; r < size && sharing == CNN_SHARING_REFUSE; r++) {
        const int rival = rival_of(all, size, r);
        CNN_CHECK(rival < 0, CNN_EENV,
                  "ranks %d and %d on host %s have one GPU, %s at %s: start at most as many ranks "
                  "as the host has GPUs, give each its own (docs/gpu.md), or let them share "
                  "(schedule: {sharing: allow}), which marks every run",
                  r, rival, all[r].host, all[r].device, all[r].gpu_pci);
    }
    mine->shared = rival_of(all, size, mine->rank) >= 0;
done:
    return st;
}

/** Simulated runs compute nothing: they need no cores of their own. */
static cnn_sharing sharing_of(const cnn_job *job)
{
    return cnn_job_is_simulated(job) ? CNN_SHARING_ALLOW : (cnn_sharing)job->schedule.sharing;
}

cnn_status cnn_placement_find(MPI_Comm comm, const cnn_job *job, const char *argv0,
                              cnn_devices *devices, cnn_place **out)
{
    cnn_status st = CNN_OK;
    host_view view = {0};
    cnn_place mine = {.numa_node = -1, .gpu_node = -1}, *places = NULL;
    int rank, size;
    CNN_MPI(MPI_Comm_rank(comm, &rank));
    CNN_MPI(MPI_Comm_size(comm, &size));
    st = open_view(&view);
    if (st == CNN_OK)
        st = look_around(&view, rank, &mine);
    places = calloc((size_t)size, sizeof *places);
    if (st == CNN_OK && !places)
        st = cnn_error_set(CNN_ENOMEM, "places of %d ranks", size);
    CNN_TRY(cnn_collective_agree(comm, st));
    CNN_TRY(cnn_collective_gather(comm, &mine, sizeof mine, places));
    CNN_TRY(cnn_devices_find(comm, job, argv0, places, &mine, devices));
    find_gpu_node(&view, &mine);
    CNN_TRY(cnn_collective_gather(comm, &mine, sizeof mine, places));
    CNN_TRY(cnn_collective_agree(comm, check_gpus(places, size, sharing_of(job), &mine)));
    CNN_TRY(cnn_collective_agree(comm, find_share(&view, places, size, sharing_of(job), &mine)));
    CNN_TRY(cnn_collective_gather(comm, &mine, sizeof mine, places));
    *out = places;
    places = NULL;
done:
    free(places);
    close_view(&view);
    return st;
}

static void write_node(int node, char *text, size_t n)
{
    if (node >= 0)
        snprintf(text, n, "%d", node);
    else
        cnn_copy_string(text, n, "-");
}

static void describe_gpu(const cnn_place *p, cnn_text *out)
{
    char node[16];
    write_node(p->gpu_node, node, sizeof node);
    cnn_text_printf(out, "  %-12s  %4s  %s, %s", p->gpu_pci, node, p->device, p->device_model);
}

void cnn_placement_describe(const cnn_place *places, int count, cnn_text *out)
{
    const bool gpus = count > 0 && places[0].on_gpu; /* all or none */
    cnn_text_printf(out, "%4s  %-20s  %-16s  %-16s  %5s  %4s", "rank", "host", "launcher's CPUs",
                    "trainers' CPUs", "cores", "node");
    cnn_text_append(out, gpus ? "  GPU at        node  GPU\n" : "\n");
    for (int i = 0; i < count; i++) {
        const cnn_place *p = &places[i];
        char node[16];
        write_node(p->numa_node, node, sizeof node);
        cnn_text_printf(out, "%4d  %-20s  %-16s  %-16s  %5d  %4s", p->rank, p->host,
                        p->launcher_cpus, p->cpus, p->cores, node);
        if (gpus)
            describe_gpu(p, out);
        cnn_text_append(out, p->shared ? "  shared\n" : "\n");
    }
}
