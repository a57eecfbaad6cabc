/* SPDX-License-Identifier: Apache-2.0 */
/* NVML through a library that stands in for the driver's: tests/fakes/fake_nvml.c. */
#include "host/nvml.h"
#include "host/telemetry.h"

#include "base/clock.h"
#include "base/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define NEW CNN_FAKES "/nvml/libnvidia-ml.so.1"
#define OLD CNN_FAKES "/nvml_old/libnvidia-ml.so.1"

static char folder[] = "/tmp/cnn-nvml-XXXXXX";
static char *script;

static int make_folder(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(folder));
    assert_non_null(script = cnn_asprintf("%s/gpus", folder));
    setenv("FAKE_NVML", script, 1);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char *command = cnn_asprintf("rm -r '%s'", folder);
    assert_int_equal(system(command), 0);
    free(command);
    free(script);
    return 0;
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static cnn_nvml *open_fake(const char *library, const char *text)
{
    cnn_nvml *n = NULL;
    put(script, text);
    if (cnn_nvml_open(library, &n) != CNN_OK)
        fail_msg("%s", cnn_error_message());
    return n;
}

static void test_open_absent_says_why(void **state)
{
    (void)state;
    cnn_nvml *n = NULL;
    assert_int_equal(cnn_nvml_open("/nowhere/libnvidia-ml.so.1", &n), CNN_EENV);
    assert_null(n);
    assert_string_equal(cnn_error_message(), "there is no /nowhere/libnvidia-ml.so.1 on this host");
    assert_int_equal(cnn_nvml_open("libz.so.1", &n), CNN_EENV);
    assert_non_null(strstr(cnn_error_message(), "has no nvmlInit_v2"));
    put(script, "init 9\n");
    assert_int_equal(cnn_nvml_open(NEW, &n), CNN_EENV);
    assert_string_equal(cnn_error_message(), "NVML cannot start: Driver Not Loaded");
    assert_null(n);
}

static void test_list_describes_every_gpu(void **state)
{
    (void)state;
    cnn_gpu gpus[CNN_GPUS_MOST];
    int count = -1;
    cnn_nvml *n = open_fake(NEW, "driver 550.54.15\n"
                                 "gpu uuid=GPU-a;name=NVIDIA One;pci=0000:3b:00.0;cpus=f0f\n"
                                 "gpu uuid=GPU-b;name=NVIDIA Two;pci=10000:AF:1f.0\n");
    char *root = cnn_asprintf("%s/root", folder);
    char *command = cnn_asprintf("d='%s/sys/bus/pci/devices/0000:3b:00.0'; mkdir -p $d && "
                                 "echo 1 >$d/numa_node && echo 16-31,48-63 >$d/local_cpulist",
                                 root);
    assert_string_equal(cnn_nvml_driver(n), "550.54.15");
    assert_int_equal(cnn_nvml_list(n, "/nowhere", gpus, &count), CNN_OK);
    assert_int_equal(count, 2);
    assert_string_equal(gpus[0].uuid, "GPU-a");
    assert_string_equal(gpus[0].name, "NVIDIA One");
    assert_string_equal(gpus[0].pci, "0000:3b:00.0");
    assert_string_equal(gpus[0].cpus, "0-3,8-11"); /* NVML's, without /sys */
    assert_int_equal(gpus[0].numa_node, -1);
    assert_string_equal(gpus[1].pci, "10000:af:1f.0");
    assert_string_equal(gpus[1].cpus, "");
    assert_int_equal(gpus[1].index, 1);
    assert_false(gpus[1].instance || gpus[1].divided);
    assert_int_equal(system(command), 0);
    assert_int_equal(cnn_nvml_list(n, root, gpus, &count), CNN_OK);
    assert_string_equal(gpus[0].cpus, "16-31,48-63");
    assert_int_equal(gpus[0].numa_node, 1);
    free(command);
    free(root);
    cnn_nvml_close(&n);
    assert_null(n);
}

static void test_list_instances_follow_their_gpu(void **state)
{
    (void)state;
    cnn_gpu gpus[CNN_GPUS_MOST];
    int count = -1;
    cnn_nvml *n = open_fake(NEW, "gpu uuid=GPU-a;name=A;pci=0:1:0\n"
                                 "instance uuid=MIG-1;name=A 1g\n"
                                 "instance uuid=MIG-2;name=A 1g\n"
                                 "gpu uuid=GPU-b;name=B;pci=0:2:0\n");
    assert_int_equal(cnn_nvml_list(n, "", gpus, &count), CNN_OK);
    assert_int_equal(count, 4);
    assert_true(gpus[0].divided && !gpus[0].instance);
    assert_true(gpus[1].instance && !gpus[1].divided);
    assert_string_equal(gpus[2].uuid, "MIG-2");
    assert_string_equal(gpus[2].name, "A 1g");
    assert_string_equal(gpus[2].pci, "0000:01:00.0");
    assert_int_equal(gpus[2].index, 0);
    assert_true(!gpus[3].instance && !gpus[3].divided);
    assert_int_equal(gpus[3].index, 1);
    cnn_nvml_close(&n);
}

static void test_list_is_in_the_order_of_addresses(void **state)
{
    (void)state;
    cnn_gpu gpus[CNN_GPUS_MOST];
    int count = -1;
    cnn_nvml *n =
        open_fake(NEW, "gpu uuid=GPU-d;pci=10000:01:00.0\ngpu uuid=GPU-c;pci=0000:af:00.0\n"
                       "gpu uuid=GPU-x;pci=0000:00:00.0;broken=4\n" /* no permission */
                       "gpu uuid=GPU-a;pci=0000:3b:02.0\n"
                       "instance uuid=MIG-a\ngpu uuid=GPU-b;pci=0000:3b:10.0\n");
    assert_int_equal(cnn_nvml_list(n, "", gpus, &count), CNN_OK);
    assert_int_equal(count, 5);
    const char *const uuids[] = {"GPU-a", "MIG-a", "GPU-b", "GPU-c", "GPU-d"};
    const int indices[] = {0, 0, 1, 2, 3};
    for (int i = 0; i < count; i++) {
        assert_string_equal(gpus[i].uuid, uuids[i]);
        assert_int_equal(gpus[i].index, indices[i]);
    }
    cnn_nvml_close(&n);
}

static void test_list_a_lost_gpu_is_named(void **state)
{
    (void)state;
    cnn_gpu gpus[CNN_GPUS_MOST];
    int count;
    cnn_nvml *n = open_fake(NEW, "gpu uuid=GPU-a;name=A;pci=0:1:0\ngpu uuid=GPU-b;broken=15\n");
    assert_int_equal(cnn_nvml_list(n, "", gpus, &count), CNN_EENV);
    assert_string_equal(cnn_error_message(), "GPU 1 of this host: handle: NVML: GPU is lost");
    cnn_nvml_close(&n);
}

static void test_sample_tells_what_the_gpu_tells(void **state)
{
    (void)state;
    cnn_gpu_sample s;
    cnn_nvml *n = open_fake(NEW, "gpu uuid=GPU-a;sm=1980,-;mem=2619;temp=40;power=312500;"
                                 "reasons=0x8000000000000005;processes=17,4711\n");
    cnn_nvml_sample(n, &s); /* nothing watched */
    assert_true(isnan(s.sm_clock) && s.process_count == -1 && !s.lost);
    assert_int_equal(cnn_nvml_watch(n, "GPU-x"), CNN_EENV);
    assert_int_equal(cnn_nvml_watch(n, "GPU-a"), CNN_OK);
    cnn_nvml_sample(n, &s);
    assert_true(s.sm_clock == 1980 && s.memory_clock == 2619 && s.temperature == 40);
    assert_float_equal(s.power, 312.5, 1e-9);
    assert_true(s.reasons == (int64_t)0x8000000000000005u);
    assert_int_equal(s.process_count, 2);
    assert_int_equal(s.pids[0], 17);
    assert_int_equal(s.pids[1], 4711);
    cnn_nvml_sample(n, &s);
    assert_true(isnan(s.sm_clock)); /* not supported any more */
    assert_true(s.memory_clock == 2619);
    cnn_nvml_close(&n);
}

static void test_sample_of_an_old_driver(void **state)
{
    (void)state;
    cnn_gpu_sample s;
    cnn_nvml *n = open_fake(OLD, "gpu uuid=GPU-a;sm=1000;reasons=4;processes=17\n");
    assert_int_equal(cnn_nvml_watch(n, "GPU-a"), CNN_OK);
    cnn_nvml_sample(n, &s);
    assert_int_equal(s.reasons, 4); /* by the function's old name */
    assert_int_equal(s.process_count, -1);
    assert_true(isnan(s.memory_clock) && isnan(s.temperature) && isnan(s.power));
    cnn_nvml_close(&n);
}

static void test_sample_of_an_instance_is_its_gpus(void **state)
{
    (void)state;
    cnn_gpu_sample s;
    cnn_nvml *n = open_fake(NEW, "gpu uuid=GPU-a;sm=1410;processes=1,2,3\n"
                                 "instance uuid=MIG-1;processes=2\n");
    assert_int_equal(cnn_nvml_watch(n, "MIG-1"), CNN_OK);
    cnn_nvml_sample(n, &s);
    assert_true(s.sm_clock == 1410);
    assert_int_equal(s.process_count, 1);
    assert_int_equal(s.pids[0], 2);
    cnn_nvml_close(&n);
}

static void test_sample_too_many_processes_is_unknown(void **state)
{
    (void)state;
    cnn_gpu_sample s;
    cnn_text line = {0};
    cnn_text_append(&line, "gpu uuid=GPU-a;processes=1");
    for (int i = 0; i < CNN_GPU_PROCESSES_MOST; i++)
        cnn_text_printf(&line, ",%d", i + 2);
    cnn_nvml *n = open_fake(NEW, line.s);
    assert_int_equal(cnn_nvml_watch(n, "GPU-a"), CNN_OK);
    cnn_nvml_sample(n, &s);
    assert_int_equal(s.process_count, -1);
    cnn_text_free(&line);
    cnn_nvml_close(&n);
}

/* ---- telemetry ----------------------------------------------------------------------------- */

static cnn_measured train_for(cnn_nvml *n, double seconds, int trainer, cnn_telemetry **t)
{
    cnn_measured row = cnn_measured_unknown();
    assert_int_equal(cnn_telemetry_create(NULL, n, t), CNN_OK);
    cnn_telemetry_begin(*t);
    cnn_telemetry_trainer(*t, trainer);
    const double start = cnn_clock_monotonic();
    while (cnn_clock_monotonic() - start < seconds) {
        cnn_telemetry_sample(*t);
        usleep(5000);
    }
    cnn_telemetry_end(*t, NULL, &row);
    return row;
}

static void test_telemetry_means_and_extremes(void **state)
{
    (void)state;
    cnn_telemetry *t = NULL;
    cnn_nvml *n = open_fake(NEW, "driver 550.54.15\n"
                                 "gpu uuid=GPU-a;sm=1000,2000,1500;mem=2600,2500,-;temp=40,60,50;"
                                 "power=100000,300000,200000;reasons=1,-,4\n");
    assert_int_equal(cnn_nvml_watch(n, "GPU-a"), CNN_OK);
    const cnn_measured row = train_for(n, 0.6, (int)getpid(), &t); /* 3 samples, or more */
    assert_string_equal(row.driver, "550.54.15");
    assert_float_equal(row.sm_clock_mean, 1500, 1e-9);
    assert_float_equal(row.sm_clock_min, 1000, 1e-9);
    assert_float_equal(row.memory_clock_mean, 2550, 1e-9);
    assert_float_equal(row.memory_clock_min, 2500, 1e-9);
    assert_float_equal(row.gpu_temperature_max, 60, 1e-9);
    assert_float_equal(row.gpu_power_mean, 200, 1e-9);
    assert_int_equal(row.throttle_reasons, 5);
    assert_null(cnn_telemetry_trouble(t));
    cnn_telemetry_destroy(&t);
    cnn_nvml_close(&n);
}

static void test_telemetry_counts_processes_of_others(void **state)
{
    (void)state;
    cnn_telemetry *t = NULL;
    char *line = cnn_asprintf("gpu uuid=GPU-a;processes=%d,%d,1\n", (int)getpid(), (int)getppid());
    cnn_nvml *n = open_fake(NEW, line);
    assert_int_equal(cnn_nvml_watch(n, "GPU-a"), CNN_OK);
    cnn_measured row = train_for(n, 0.15, (int)getpid(), &t);
    assert_int_equal(row.foreign_processes, 2);
    assert_true(isnan(row.sm_clock_mean) && isnan(row.gpu_temperature_max));
    assert_int_equal(row.throttle_reasons, -1);
    cnn_telemetry_destroy(&t);
    row = train_for(n, 0.15, (int)getppid(), &t); /* this process descends from that trainer */
    assert_int_equal(row.foreign_processes, 1);
    cnn_telemetry_destroy(&t);
    cnn_nvml_close(&n);
    free(line);
}

static void test_telemetry_tells_a_lost_gpu(void **state)
{
    (void)state;
    cnn_telemetry *t = NULL;
    cnn_nvml *n = open_fake(NEW, "gpu uuid=GPU-a;sm=1000;power=5000;lost=2\n");
    assert_int_equal(cnn_nvml_watch(n, "GPU-a"), CNN_OK);
    cnn_measured row = train_for(n, 0.35, (int)getpid(), &t);
    assert_float_equal(row.sm_clock_mean, 1000, 1e-9); /* of the samples before */
    assert_non_null(cnn_telemetry_trouble(t));
    assert_non_null(strstr(cnn_telemetry_trouble(t), "lost"));
    cnn_telemetry_begin(t);
    assert_null(cnn_telemetry_trouble(t)); /* each run anew */
    cnn_telemetry_destroy(&t);
    cnn_nvml_close(&n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_absent_says_why),
        cmocka_unit_test(test_list_describes_every_gpu),
        cmocka_unit_test(test_list_instances_follow_their_gpu),
        cmocka_unit_test(test_list_is_in_the_order_of_addresses),
        cmocka_unit_test(test_list_a_lost_gpu_is_named),
        cmocka_unit_test(test_sample_tells_what_the_gpu_tells),
        cmocka_unit_test(test_sample_of_an_old_driver),
        cmocka_unit_test(test_sample_of_an_instance_is_its_gpus),
        cmocka_unit_test(test_sample_too_many_processes_is_unknown),
        cmocka_unit_test(test_telemetry_means_and_extremes),
        cmocka_unit_test(test_telemetry_counts_processes_of_others),
        cmocka_unit_test(test_telemetry_tells_a_lost_gpu),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
