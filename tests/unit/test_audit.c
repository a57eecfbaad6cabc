/* SPDX-License-Identifier: Apache-2.0 */
/** The audit of hosts that are folders and of GPUs that are not there: a quiet one, and others with
 *  one planted fault each. */
#include "audit/audit.h"
#include "audit/summary.h"
#include "base/text.h"
#include "document/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CPU0  "/sys/devices/system/cpu/cpu0/"
#define CPU1  "/sys/devices/system/cpu/cpu1/"
#define ZONE  "/sys/class/thermal/thermal_zone0/"
#define GROUP "/sys/fs/cgroup/job/"

typedef struct {
    const char *path, *text;
} file;

/** A host on which every rule of hosts and CPUs is as wanted. */
static const file quiet[] = {
    {CPU0 "cpufreq/scaling_governor", "performance\n"},
    {CPU1 "cpufreq/scaling_governor", "performance\n"},
    {"/sys/devices/system/cpu/intel_pstate/no_turbo", "1\n"},
    {CPU0 "topology/thread_siblings_list", "0\n"},
    {CPU1 "topology/thread_siblings_list", "1\n"},
    {CPU0 "cpuidle/state0/latency", "0\n"},
    {CPU0 "cpuidle/state0/name", "POLL\n"},
    {CPU0 "cpuidle/state1/latency", "2\n"},
    {CPU0 "cpuidle/state1/name", "C1\n"},
    {CPU0 "cpuidle/state2/latency", "133\n"},
    {CPU0 "cpuidle/state2/name", "C6\n"},
    {CPU0 "cpuidle/state2/disable", "1\n"},
    {CPU0 "thermal_throttle/core_throttle_count", "0\n"},
    {"/sys/devices/system/cpu/isolated", "0-1\n"},
    {"/proc/irq/24/effective_affinity_list", "2-3\n"},
    {"/proc/irq/default_smp_affinity", "f\n"},
    {"/proc/sys/kernel/numa_balancing", "0\n"},
    {"/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
    {"/proc/sys/kernel/randomize_va_space", "2\n"},
    {"/proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 1048576 0 -2\n"},
    {"/proc/self/cgroup", "0::/job\n"},
    {GROUP "cpu.max", "max 100000\n"},
    {GROUP "cpu.stat", "usage_usec 5\nthrottled_usec 0\n"},
    {"/proc/loadavg", "0.05 0.10 0.20 1/300 4711\n"},
    {"/proc/pressure/cpu", "some avg10=0.10 avg60=0.00 avg300=0.00 total=1\n"},
    {"/proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"},
    {"/proc/pressure/io", "some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n"},
    {"/proc/cpuinfo", "processor\t: 0\nmicrocode\t: 0x2b\nflags\t\t: fpu avx2\n"},
    {"/proc/stat", "cpu  1000 0 1000 98000 0 0 0 10\n"},
    {"/proc/sys/kernel/osrelease", "6.1.0\n"},
    {ZONE "temp", "45000\n"},
    {ZONE "trip_point_0_type", "active\n"},
    {ZONE "trip_point_0_temp", "50000\n"},
    {ZONE "trip_point_1_type", "passive\n"},
    {ZONE "trip_point_1_temp", "95000\n"},
};

static char folder[] = "/tmp/cnn-audit-XXXXXX";
static char *root;

static void shell(const char *format, const char *path)
{
    char *command = cnn_asprintf(format, path);
    assert_non_null(command);
    assert_int_equal(system(command), 0);
    free(command);
}

static void put(const char *path, const char *text)
{
    char *full = cnn_asprintf("%s%s", root, path);
    assert_non_null(full);
    shell("mkdir -p \"$(dirname '%s')\"", full);
    FILE *f = fopen(full, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
    free(full);
}

static int make_quiet_host(void **state)
{
    (void)state;
    root = cnn_asprintf("%s/root", folder);
    assert_non_null(root);
    for (size_t i = 0; i < sizeof quiet / sizeof quiet[0]; i++)
        put(quiet[i].path, quiet[i].text);
    return 0;
}

static int remove_host(void **state)
{
    (void)state;
    shell("rm -r '%s'", root);
    free(root);
    return 0;
}

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    shell("rm -r '%s'", folder);
    return 0;
}

static cnn_audit look(const cnn_nvml *nvml)
{
    cnn_audit audit = {.host = "node1", .device = "node1 cpus 0-1"};
    cnn_audit_look(&(cnn_audit_place){root, "0-1", true, nvml}, &audit);
    return audit;
}

/** Only `rule` disturbs, and what was found has the text; every other rule is fine. */
static void assert_only(const cnn_audit *audit, int rule, const char *text)
{
    for (int r = 0; r < CNN_AUDIT_RULE_COUNT; r++) {
        const cnn_audit_finding *f = &audit->findings[r];
        if (cnn_audit_rules[r].scope == CNN_AUDIT_GPU)
            assert_int_equal(f->outcome, CNN_AUDIT_ABSENT);
        else if (f->outcome != (r == rule ? CNN_AUDIT_DISTURBS : CNN_AUDIT_FINE))
            fail_msg("rule %s: outcome %d, found '%s'", cnn_audit_rules[r].name, f->outcome,
                     f->found);
    }
    if (rule >= 0)
        assert_non_null(strstr(audit->findings[rule].found, text));
}

static void test_audit_of_a_quiet_host_finds_nothing(void **state)
{
    (void)state;
    const cnn_audit audit = look(NULL);
    assert_only(&audit, -1, NULL);
    assert_string_equal(audit.findings[CNN_RULE_IDLE_STATES].found, "C1, 2 us");
    assert_string_equal(audit.findings[CNN_RULE_KERNEL].found, "6.1.0");
    assert_string_equal(audit.findings[CNN_RULE_MICROCODE].found, "0x2b");
}

static void test_audit_finds_each_planted_fault(void **state)
{
    (void)state;
    static const struct {
        file file;
        int rule;
        const char *found;
    } faults[] = {
        {{CPU1 "cpufreq/scaling_governor", "powersave\n"},
         CNN_RULE_GOVERNOR,
         "powersave on 1 of 2"},
        {{"/sys/devices/system/cpu/intel_pstate/no_turbo", "0\n"}, CNN_RULE_BOOST, "on"},
        {{CPU1 "topology/thread_siblings_list", "1,5\n"}, CNN_RULE_SMT, "siblings of 1 CPU"},
        {{CPU0 "cpuidle/state2/disable", "0\n"}, CNN_RULE_IDLE_STATES, "C6, 133 us"},
        {{CPU0 "thermal_throttle/core_throttle_count", "12\n"}, CNN_RULE_THERMAL_EVENTS, "12"},
        {{"/sys/devices/system/cpu/isolated", "1-3\n"}, CNN_RULE_ISOLATED, "1-3"},
        {{"/sys/devices/system/cpu/isolated", "\n"}, CNN_RULE_ISOLATED, "none"},
        {{"/proc/irq/24/effective_affinity_list", "1\n"}, CNN_RULE_INTERRUPTS, "1 of 1"},
        {{"/proc/sys/kernel/numa_balancing", "1\n"}, CNN_RULE_NUMA_BALANCING, "on"},
        {{"/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never\n"},
         CNN_RULE_HUGE_PAGES,
         "always"},
        {{"/proc/sys/kernel/randomize_va_space", "0\n"}, CNN_RULE_ASLR, "off (0)"},
        {{"/proc/swaps", "Filename Type Size Used Priority\n/dev/sda2 partition 1048576 2048 -2\n"},
         CNN_RULE_SWAP,
         "2 of 1024 MiB"},
        {{GROUP "cpu.max", "150000 100000\n"}, CNN_RULE_CPU_QUOTA, "1.50 CPUs"},
        {{GROUP "cpu.stat", "throttled_usec 2500000\n"}, CNN_RULE_THROTTLED, "2.5 s"},
        {{"/proc/loadavg", "3.25 0.10 0.20 1/300 4711\n"}, CNN_RULE_LOAD, "3.25"},
        {{"/proc/pressure/io", "some avg10=7.50 avg60=0.00 avg300=0.00 total=1\n"},
         CNN_RULE_PRESSURE,
         "io 7.5"},
        {{"/proc/cpuinfo", "microcode : 1\nflags\t: fpu hypervisor avx2\n"},
         CNN_RULE_VIRTUAL,
         "a virtual machine"},
        {{"/proc/stat", "cpu  1000 0 1000 97000 0 0 0 1000\n"}, CNN_RULE_STEAL, "1.00 %"},
        {{ZONE "temp", "85000\n"}, CNN_RULE_TEMPERATURE, "at most 85 degC, 10 below"},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        put(faults[i].file.path, faults[i].file.text);
        const cnn_audit audit = look(NULL);
        assert_only(&audit, faults[i].rule, faults[i].found);
        for (size_t q = 0; q < sizeof quiet / sizeof quiet[0]; q++)
            if (!strcmp(quiet[q].path, faults[i].file.path))
                put(quiet[q].path, quiet[q].text);
    }
}

/** A host that shows nothing: no finding is invented. */
static void test_audit_of_a_bare_root_knows_nothing(void **state)
{
    (void)state;
    shell("rm -r '%s'", root);
    put("/nothing", "");
    const cnn_audit audit = look(NULL);
    for (int r = 0; r < CNN_AUDIT_RULE_COUNT; r++)
        assert_int_equal(audit.findings[r].outcome, cnn_audit_rules[r].scope == CNN_AUDIT_GPU
                                                        ? CNN_AUDIT_ABSENT
                                                        : CNN_AUDIT_UNKNOWN);
}

static void test_audit_of_gpus_finds_each_planted_fault(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        int rule; /* -1: none */
        const char *found;
    } gpus[] = {
        {"", -1, NULL},
        {"persistence=0", CNN_RULE_PERSISTENCE, "off"},
        {"ecc=0", CNN_RULE_ECC, "off"},
        {"rows=2,0,0", CNN_RULE_REMAPPED_ROWS, "2"},
        {"rows=0,1,0", CNN_RULE_REMAPPED_ROWS, "0, pending"},
        {"rows=0,0,1", CNN_RULE_REMAPPED_ROWS, "0, failed"},
        {"limit=500000", CNN_RULE_POWER_LIMIT, "500 W, default 700 W"},
        {"width=8,16", CNN_RULE_PCIE_WIDTH, "8 of 16 lanes"},
        {"temp=80", CNN_RULE_GPU_TEMPERATURE, "80 degC, 10 below"},
        {"processes=1,2", CNN_RULE_GPU_PROCESSES, "2"},
        {"mps=3", CNN_RULE_MPS, "3 clients"},
    };
    char *script = cnn_asprintf("%s/gpus", folder);
    assert_non_null(script);
    setenv("FAKE_NVML", script, 1);
    for (size_t i = 0; i < sizeof gpus / sizeof gpus[0]; i++) {
        cnn_nvml *nvml = NULL;
        cnn_audit audit;
        FILE *f = fopen(script, "w");
        assert_non_null(f);
        /* of a key that stands twice the second is a later call's: the fault stands first */
        fprintf(f, "driver 550.54.15\ngpu uuid=GPU-a;name=One;pci=0000:3b:00.0;%s", gpus[i].keys);
        static const char *const usual[] = {
            "persistence=1", "ecc=1",   "rows=0,0,0", "limit=700000", "default=700000",
            "width=16,16",   "temp=40", "mps=0",      "slowdown=90",  "most=1980"};
        for (size_t u = 0; u < sizeof usual / sizeof usual[0]; u++)
            if (strncmp(usual[u], gpus[i].keys, strcspn(usual[u], "=") + 1) != 0)
                fprintf(f, ";%s", usual[u]);
        fputs("\n", f);
        fclose(f);
        assert_int_equal(cnn_nvml_open(CNN_FAKES "/nvml/libnvidia-ml.so.1", &nvml), CNN_OK);
        assert_int_equal(cnn_nvml_watch(nvml, "GPU-a"), CNN_OK);
        cnn_audit_look(&(cnn_audit_place){.root = root, .cpus = "0-1", .nvml = nvml}, &audit);
        for (int r = 0; r < CNN_AUDIT_RULE_COUNT; r++) {
            const cnn_audit_finding *one = &audit.findings[r];
            if (cnn_audit_rules[r].scope != CNN_AUDIT_GPU)
                continue;
            const int wanted = r == gpus[i].rule          ? CNN_AUDIT_DISTURBS
                               : r == CNN_RULE_GPU_CLOCKS ? CNN_AUDIT_UNKNOWN
                                                          : CNN_AUDIT_FINE;
            if (one->outcome != wanted)
                fail_msg("'%s', rule %s: outcome %d, found '%s'", gpus[i].keys,
                         cnn_audit_rules[r].name, one->outcome, one->found);
        }
        if (gpus[i].rule >= 0)
            assert_non_null(strstr(audit.findings[gpus[i].rule].found, gpus[i].found));
        cnn_nvml_close(&nvml);
    }
    free(script);
}

static void test_summary_names_differences_first(void **state)
{
    (void)state;
    cnn_document document = {0};
    cnn_text text = {0};
    cnn_audit audits[3] = {look(NULL), look(NULL), look(NULL)};
    for (int i = 0; i < 3; i++)
        snprintf(audits[i].host, sizeof audits[i].host, "node%d", i + 1);
    put("/proc/sys/kernel/numa_balancing", "1\n");
    put("/proc/loadavg", "2.00 0.10 0.20 1/300 4711\n");
    cnn_audit_look(&(cnn_audit_place){root, "0-1", true, NULL}, &audits[1]);
    assert_int_equal(cnn_audit_describe(audits, 3, &document), 2);
    cnn_render_text(&document, NULL, 100, &text);
    assert_int_equal(cnn_document_status(&document), CNN_OK);
    const char *differ = strstr(text.s, "Settings that differ");
    const char *disturb = strstr(text.s, "What may disturb");
    assert_true(differ && disturb && differ < disturb);
    assert_non_null(strstr(differ, "node1, node3"));
    assert_true(strstr(differ, "load") > disturb); /* a state of the moment is no difference */
    assert_non_null(strstr(disturb, "kernel.numa_balancing=0"));
    cnn_text_free(&text);
    cnn_document_free(&document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ON_A_HOST(test) cmocka_unit_test_setup_teardown(test, make_quiet_host, remove_host)
        ON_A_HOST(test_audit_of_a_quiet_host_finds_nothing),
        ON_A_HOST(test_audit_finds_each_planted_fault),
        ON_A_HOST(test_audit_of_a_bare_root_knows_nothing),
        ON_A_HOST(test_audit_of_gpus_finds_each_planted_fault),
        ON_A_HOST(test_summary_names_differences_first),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
