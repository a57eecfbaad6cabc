/* SPDX-License-Identifier: Apache-2.0 */
/* A tree of three images: one good one and two made of the input. Bytes 0 to 3: where the second
 * one begins (of 256), what is made good (bit 0: checksums of chunks; bit 1: split by patient, bit
 * 2: headers only), class and patient of the second one. */
#include "fuzz.h"

#include "data/dataset.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static const unsigned char good[] = {
    137, 80,  78,  71,  13, 10, 26, 10, 0,  0,  0,   13, 73,  72,  68,  82, 0,
    0,   0,   1,   0,   0,  0,  1,  8,  0,  0,  0,   0,  58,  126, 155, 85, 0,
    0,   0,   10,  73,  68, 65, 84, 8,  29, 99, 104, 0,  0,   0,   130, 0,  129,
    119, 205, 114, 182, 0,  0,  0,  0,  73, 69, 78,  68, 174, 66,  96,  130};

static char root[64];

static const char *in_root(const char *name)
{
    static char path[192];
    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

static void write_file(const char *name, const void *bytes, size_t size)
{
    const char *path = in_root(name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    MUST(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
}

static void remove_root(void)
{
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", root);
    if (root[0] && system(command) != 0)
        fprintf(stderr, "%s stays\n", root);
}

static void make_root(void)
{
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(root, sizeof root, "%s/cnn-fuzz-XXXXXX", memory);
    MUST(mkdtemp(root) != NULL);
    atexit(remove_root);
    MUST(mkdir(in_root("p"), 0700) == 0 && mkdir(in_root("p/0"), 0700) == 0);
    write_file("p/0/good_class0.png", good, sizeof good);
}

static uint32_t size_at(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/** A mutated chunk would hardly ever have the right checksum. */
static void repair(unsigned char *png, size_t size)
{
    for (size_t at = 8; at + 12 <= size;) {
        size_t body = size_at(png + at);
        if (body > size - at - 12)
            return;
        uint32_t sum = (uint32_t)crc32(0, png + at + 4, (uInt)body + 4);
        for (int i = 0; i < 4; i++)
            png[at + 8 + body + (size_t)i] = (unsigned char)(sum >> (24 - 8 * i));
        at += 12 + body;
    }
}

static void load(uint8_t flags)
{
    cnn_dataset *d = NULL;
    cnn_dataset info;
    cnn_source s = {.type = CNN_SOURCE_PNG_TREE, .name = "x", .path = root, .test_fraction = 0.5};
    s.split = flags & 2 ? CNN_SPLIT_BY_PATIENT : CNN_SPLIT_BY_IMAGE;
    if (flags & 4) {
        if (cnn_dataset_inspect(&s, &info) == CNN_OK)
            free(info.found);
    } else if (cnn_dataset_load(&s, &d) == CNN_OK) {
        size_t image = (size_t)d->height * (size_t)d->width * (size_t)d->channels;
        MUST(d->train.count > 0 && d->test.count > 0);
        MUST(d->train.count + d->test.count + d->skipped == d->files);
        fuzz_touch(d->train.images, image * (size_t)d->train.count);
        fuzz_touch(d->test.images, image * (size_t)d->test.count);
        cnn_dataset_destroy(&d);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const patients[] = {"p", "q", "-", "\xc3\xa4"};
    static const char *const classes[] = {"0", "1", "10", "\xff"};
    char folder[32], inner[40], path[64];
    if (size < 4)
        return 0;
    if (!root[0])
        make_root();
    size_t n = size - 4, first = n * data[0] / 256;
    unsigned char *bytes = malloc(n + 1);
    MUST(bytes);
    memcpy(bytes, data + 4, n);
    if (data[1] & 1) {
        repair(bytes, first);
        repair(bytes + first, n - first);
    }
    snprintf(folder, sizeof folder, "%s", patients[data[2] % 4]);
    snprintf(inner, sizeof inner, "%s/%s", folder, classes[data[3] % 4]);
    snprintf(path, sizeof path, "%s/x_class%s.png", inner, classes[data[3] / 4 % 4]);
    mkdir(in_root(folder), 0700);
    mkdir(in_root(inner), 0700);
    write_file("p/0/input.png", bytes, first);
    write_file(path, bytes + first, n - first);
    load(data[1]);
    unlink(in_root(path));
    rmdir(in_root(inner));
    rmdir(in_root(folder));
    free(bytes);
    return 0;
}
