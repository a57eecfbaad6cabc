/* SPDX-License-Identifier: Apache-2.0 */
/** Settings of the kernel. */
#include "audit/sources.h"
#include "host/root_file.h"

#include <stdio.h>
#include <string.h>

static void audit_numa_balancing(const char *root, cnn_audit *out)
{
    double value;
    if (cnn_root_number(root, "/proc/sys/kernel/numa_balancing", &value))
        cnn_audit_enter(out, CNN_RULE_NUMA_BALANCING, value == 0, "%s", value ? "on" : "off");
    else
        cnn_audit_enter_unknown(out, CNN_RULE_NUMA_BALANCING);
}

/** "always [madvise] never": the word in brackets. */
static void audit_huge_pages(const char *root, cnn_audit *out)
{
    char line[128];
    cnn_root_line(root, "/sys/kernel/mm/transparent_hugepage/enabled", line, sizeof line);
    char *word = strchr(line, '['), *end = word ? strchr(word, ']') : NULL;
    if (!end) {
        cnn_audit_enter_unknown(out, CNN_RULE_HUGE_PAGES);
        return;
    }
    *end = '\0';
    cnn_audit_enter(out, CNN_RULE_HUGE_PAGES, strcmp(word + 1, "always") != 0, "%s", word + 1);
}

static void audit_aslr(const char *root, cnn_audit *out)
{
    static const char *const names[] = {"off (0)", "without the heap (1)", "full (2)"};
    double value;
    if (cnn_root_number(root, "/proc/sys/kernel/randomize_va_space", &value) && value >= 0 &&
        value <= 2)
        cnn_audit_enter(out, CNN_RULE_ASLR, value == 2, "%s", names[(int)value]);
    else
        cnn_audit_enter_unknown(out, CNN_RULE_ASLR);
}

static void audit_swap(const char *root, cnn_audit *out)
{
    char line[512];
    double size = 0, used = 0, one_size, one_used; /* KiB */
    FILE *f = cnn_root_open(root, "/proc/swaps");
    if (!f) {
        cnn_audit_enter_unknown(out, CNN_RULE_SWAP);
        return;
    }
    while (fgets(line, sizeof line, f)) {
        if (sscanf(line, "%*s %*s %lf %lf", &one_size, &one_used) != 2)
            continue; /* the head */
        size += one_size;
        used += one_used;
    }
    fclose(f);
    if (size == 0)
        cnn_audit_enter(out, CNN_RULE_SWAP, true, "there is none");
    else
        cnn_audit_enter(out, CNN_RULE_SWAP, used == 0, "%.0f of %.0f MiB in use", used / 1024,
                        size / 1024);
}

void cnn_audit_kernel(const char *root, cnn_audit *out)
{
    char release[96];
    audit_numa_balancing(root, out);
    audit_huge_pages(root, out);
    audit_aslr(root, out);
    audit_swap(root, out);
    if (cnn_root_line(root, "/proc/sys/kernel/osrelease", release, sizeof release))
        cnn_audit_enter(out, CNN_RULE_KERNEL, true, "%s", release);
    else
        cnn_audit_enter_unknown(out, CNN_RULE_KERNEL);
}
