/* SPDX-License-Identifier: Apache-2.0 */
/** Telemetry: figures of /proc and cgroups, from this machine and from folders made like them. */
#include "base/clock.h"
#include "base/text.h"
#include "host/cores.h"
#include "host/proc.h"
#include "host/telemetry.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/** A folder that plays the machine's root; freed and removed by remove_root. */
static char *make_root(void)
{
    char *root = cnn_strdup("/tmp/cnn-telemetry-XXXXXX");
    assert_non_null(root);
    assert_non_null(mkdtemp(root));
    return root;
}

static void remove_root(char *root)
{
    char *command = cnn_asprintf("rm -r '%s'", root);
    assert_non_null(command);
    assert_int_equal(system(command), 0);
    free(command);
    free(root);
}

static void put(const char *root, const char *path, const char *text)
{
    char *command = cnn_asprintf("mkdir -p \"$(dirname '%s%s')\"", root, path);
    char *full = cnn_asprintf("%s%s", root, path);
    assert_true(command && full);
    assert_int_equal(system(command), 0);
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    free(full);
    free(command);
}

static void test_proc_reads_load_and_steal(void **state)
{
    (void)state;
    char *root = make_root();
    put(root, "/proc/loadavg", "1.25 0.50 0.10 2/300 4711\n");
    put(root, "/proc/stat", "cpu  14376 0 11273 324310 1433 0 298 250 0 0\ncpu0 1 2 3 4 5 6 7 8\n");
    assert_float_equal(cnn_proc_load(root), 1.25, 1e-12);
    assert_float_equal(cnn_proc_steal_seconds(root), 250.0 / (double)sysconf(_SC_CLK_TCK), 1e-12);
    remove_root(root);
}

static void test_proc_unknown_is_nan(void **state)
{
    (void)state;
    cpu_set_t cpus;
    char *root = make_root();
    CPU_ZERO(&cpus);
    CPU_SET(0, &cpus);
    assert_true(isnan(cnn_proc_load(root)) && isnan(cnn_proc_steal_seconds(root)) &&
                isnan(cnn_proc_frequency(root, &cpus)) && isnan(cnn_proc_throttled_seconds(root)));
    put(root, "/proc/loadavg", "no number\n");
    put(root, "/proc/stat", "cpu 1 2 3\n");
    put(root, "/proc/self/cgroup", "garbage\n0::/x\n");
    assert_true(isnan(cnn_proc_load(root)) && isnan(cnn_proc_steal_seconds(root)) &&
                isnan(cnn_proc_throttled_seconds(root)));
    remove_root(root);
}

static void test_proc_frequency_is_the_mean_of_the_cores(void **state)
{
    (void)state;
    cpu_set_t cpus;
    char *root = make_root();
    put(root, "/sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq", "9000000\n");
    put(root, "/sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq", "2000000\n");
    put(root, "/sys/devices/system/cpu/cpu3/cpufreq/scaling_cur_freq", "3000000\n");
    CPU_ZERO(&cpus);
    CPU_SET(1, &cpus);
    CPU_SET(2, &cpus); /* tells none */
    CPU_SET(3, &cpus);
    assert_float_equal(cnn_proc_frequency(root, &cpus), 2500, 1e-9);
    remove_root(root);
}

static void test_proc_throttled_version_2_sums_ancestors(void **state)
{
    (void)state;
    char *root = make_root();
    put(root, "/proc/self/cgroup", "0::/job/step\n");
    put(root, "/sys/fs/cgroup/cpu.stat", "usage_usec 5\n"); /* the root knows no throttling */
    put(root, "/sys/fs/cgroup/job/cpu.stat", "usage_usec 7\nnr_periods 3\nthrottled_usec 250000\n");
    put(root, "/sys/fs/cgroup/job/step/cpu.stat", "usage_usec 7\nthrottled_usec 1000000\n");
    assert_float_equal(cnn_proc_throttled_seconds(root), 1.25, 1e-12);
    remove_root(root);
}

static void test_proc_throttled_version_1(void **state)
{
    (void)state;
    char *root = make_root();
    put(root, "/proc/self/cgroup", "5:cpuset:/a\n4:cpu,cpuacct:/docker/b\n0::/docker/b\n");
    /* As in a container: the path is the host's, the mount shows only our own part. */
    put(root, "/sys/fs/cgroup/cpu,cpuacct/cpu.stat", "nr_throttled 3\nthrottled_time 2500000000\n");
    put(root, "/sys/fs/cgroup/cpuset/a/cpu.stat", "throttled_time 9000000000\n");
    assert_float_equal(cnn_proc_throttled_seconds(root), 2.5, 1e-12);
    remove_root(root);
}

static void test_proc_pci_device(void **state)
{
    (void)state;
    char list[16];
    char *root = make_root();
    put(root, "/sys/bus/pci/devices/0000:3b:00.0/numa_node", "1\n");
    put(root, "/sys/bus/pci/devices/0000:3b:00.0/local_cpulist", "16-31\n");
    put(root, "/sys/bus/pci/devices/0000:3c:00.0/numa_node", "-1\n"); /* one node only */
    put(root, "/sys/bus/pci/devices/0000:3c:00.0/local_cpulist", "0-9,20-29,40-49\n");
    assert_int_equal(cnn_proc_pci_node(root, "0000:3b:00.0"), 1);
    cnn_proc_pci_cpus(root, "0000:3b:00.0", list, sizeof list);
    assert_string_equal(list, "16-31");
    assert_int_equal(cnn_proc_pci_node(root, "0000:3c:00.0"), -1);
    cnn_proc_pci_cpus(root, "0000:3c:00.0", list, sizeof list);
    assert_string_equal(list, ""); /* it does not fit: better none than half of it */
    assert_int_equal(cnn_proc_pci_node(root, "0000:3d:00.0"), -1);
    cnn_proc_pci_cpus(root, "0000:3d:00.0", list, sizeof list);
    assert_string_equal(list, "");
    remove_root(root);
}

static void test_proc_descent(void **state)
{
    (void)state;
    char *root = make_root();
    put(root, "/proc/30/stat", "30 (a) name) S 20 30 30 0");
    put(root, "/proc/20/stat", "20 (sh) S 10 20 20 0");
    put(root, "/proc/10/stat", "10 (init) S 0 10 10 0");
    put(root, "/proc/7/stat", "7 (loop) S 7 7 7 0");
    assert_true(cnn_proc_descends(root, 30, 30) && cnn_proc_descends(root, 30, 20));
    assert_true(cnn_proc_descends(root, 30, 10));
    assert_false(cnn_proc_descends(root, 20, 30) || cnn_proc_descends(root, 40, 10));
    assert_false(cnn_proc_descends(root, 7, 1));
    remove_root(root);
}

static void test_memory_of_a_tree_of_processes(void **state)
{
    (void)state;
    char *root = make_root();
    const int64_t page = sysconf(_SC_PAGESIZE);
    int n;
    assert_int_equal(cnn_proc_tree_resident(root, 10, &n), -1);
    put(root, "/proc/10/statm", "900 100 7 1 0 50 0\n");
    put(root, "/proc/10/task/10/children", "");
    assert_int_equal(cnn_proc_tree_resident(root, 10, &n), 100 * page);
    assert_int_equal(n, 1);
    put(root, "/proc/10/task/10/children", "20 30 ");
    put(root, "/proc/10/task/11/children", "40 "); /* started by another thread */
    put(root, "/proc/20/statm", "900 10 7 1 0 50 0\n");
    put(root, "/proc/20/task/20/children", "50 ");
    put(root, "/proc/50/statm", "900 1 7 1 0 50 0\n");
    put(root, "/proc/40/statm", "900 1000 7 1 0 50 0\n"); /* 30 has ended meanwhile */
    assert_int_equal(cnn_proc_tree_resident(root, 10, &n), 1111 * page);
    assert_int_equal(n, 4);
    remove_root(root);
}

static void test_proc_numbers(void **state)
{
    (void)state;
    char *root = make_root();
    char *link = cnn_asprintf("%s/proc/self/ns/pid", root);
    assert_false(cnn_proc_numbers_are_the_hosts(root));
    put(root, "/proc/self/ns/x", "");
    assert_int_equal(symlink("pid:[4026531836]", link), 0);
    assert_true(cnn_proc_numbers_are_the_hosts(root));
    assert_int_equal(unlink(link), 0);
    assert_int_equal(symlink("pid:[4026532199]", link), 0);
    assert_false(cnn_proc_numbers_are_the_hosts(root));
    free(link);
    remove_root(root);
}

static void test_telemetry_fills_what_the_cpu_knows(void **state)
{
    (void)state;
    cnn_telemetry *t = NULL;
    cnn_measured row = cnn_measured_unknown();
    const struct rusage usage = {.ru_utime = {2, 500000},
                                 .ru_stime = {0, 250000},
                                 .ru_maxrss = 10,
                                 .ru_nvcsw = 11,
                                 .ru_nivcsw = 12,
                                 .ru_minflt = 13,
                                 .ru_majflt = 14};
    assert_int_equal(cnn_telemetry_create(NULL, NULL, &t), CNN_OK);
    cnn_telemetry_begin(t);
    const double start = cnn_clock_monotonic();
    while (cnn_clock_monotonic() - start < 0.25)
        cnn_telemetry_sample(t);
    cnn_telemetry_end(t, &usage, &row);
    assert_true(row.load_mean >= 0);
    assert_true(row.steal_seconds >= 0 && row.steal_seconds < 100);
    assert_float_equal(row.cpu_user_seconds, 2.5, 1e-9);
    assert_float_equal(row.cpu_system_seconds, 0.25, 1e-9);
    assert_int_equal(row.resident_bytes_max, 10240);
    assert_int_equal(row.memory_bytes_max, 10240);
    assert_int_equal(row.memory_source, CNN_MEMORY_KERNEL);
    assert_int_equal(row.gpu_memory_bytes_max, -1);
    assert_int_equal(row.context_switches_voluntary, 11);
    assert_int_equal(row.context_switches_involuntary, 12);
    assert_int_equal(row.page_faults_minor, 13);
    assert_int_equal(row.page_faults_major, 14);
    assert_true(isnan(row.sm_clock_mean) && isnan(row.gpu_power_mean));
    assert_int_equal(row.throttle_reasons, -1);
    cnn_telemetry_destroy(&t);
    assert_null(t);
}

static void test_telemetry_without_usage_leaves_it_unknown(void **state)
{
    (void)state;
    cnn_telemetry *t = NULL;
    cnn_measured row = cnn_measured_unknown();
    assert_int_equal(cnn_telemetry_create("0", NULL, &t), CNN_OK);
    cnn_telemetry_begin(t);
    cnn_telemetry_end(t, NULL, &row);
    assert_true(isnan(row.cpu_user_seconds));
    assert_int_equal(row.page_faults_minor, -1);
    assert_int_equal(row.memory_bytes_max, -1);
    assert_int_equal(row.memory_source, -1);
    assert_true(row.load_mean >= 0); /* a run shorter than the interval has a sample too */
    cnn_telemetry_destroy(&t);
    assert_int_equal(cnn_telemetry_create("x", NULL, &t), CNN_EINVAL);
}

static void assert_first_cores(const char *root, const char *cpus, int count, const char *kept)
{
    char list[64];
    cnn_copy_string(list, sizeof list, cpus);
    assert_int_equal(cnn_cores_keep_first(root, count, list, sizeof list), CNN_OK);
    assert_string_equal(list, kept);
}

static void test_first_cores_are_whole_cores(void **state)
{
    (void)state;
    char *root = make_root(), path[128];
    for (int cpu = 0; cpu < 8; cpu++) { /* threads c and c + 4 are core c */
        char siblings[16];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
                 cpu);
        snprintf(siblings, sizeof siblings, "%d,%d\n", cpu % 4, cpu % 4 + 4);
        put(root, path, siblings);
    }
    assert_first_cores(root, "0-7", 1, "0,4");
    assert_first_cores(root, "0-7", 3, "0-2,4-6");
    assert_first_cores(root, "0-7", 4, "0-7");
    assert_first_cores(root, "0-7", 9, "0-7");
    assert_first_cores(root, "1,3,7", 1, "1"); /* core 1 has only one thread in the list */
    assert_first_cores(root, "1,3,7", 2, "1,3,7");
    assert_first_cores(root, "6-9", 3, "6-8"); /* 8 and 9 are unknown: cores of their own */
    char none[16] = "x";
    assert_int_equal(cnn_cores_keep_first(root, 1, none, sizeof none), CNN_EINVAL);
    remove_root(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proc_reads_load_and_steal),
        cmocka_unit_test(test_proc_unknown_is_nan),
        cmocka_unit_test(test_proc_frequency_is_the_mean_of_the_cores),
        cmocka_unit_test(test_proc_throttled_version_2_sums_ancestors),
        cmocka_unit_test(test_proc_throttled_version_1),
        cmocka_unit_test(test_proc_pci_device),
        cmocka_unit_test(test_proc_descent),
        cmocka_unit_test(test_memory_of_a_tree_of_processes),
        cmocka_unit_test(test_proc_numbers),
        cmocka_unit_test(test_telemetry_fills_what_the_cpu_knows),
        cmocka_unit_test(test_first_cores_are_whole_cores),
        cmocka_unit_test(test_telemetry_without_usage_leaves_it_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
