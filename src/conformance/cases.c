/* SPDX-License-Identifier: Apache-2.0 */
#include "conformance/internal.h"

#include <stdlib.h>
#include <string.h>

/* Steps without consequences: the rate is the least that there is, so that what a run reports
 * follows from its initial weights. Steps of rate 1 make single changes as large as gradients, well
 * above the rounding of the weights. Where a batch is the whole epoch, its order does not matter.
 *
 * The seeds are such that no step comes near a kink, where rounding decides which value is the maximum
 * of a window or whether a ReLU lets it through. */
#define STANDS_STILL 1e-12

#define CASE(id, label, net, set, n, test, size, count, how, speed, inertia, number, cores)        \
    [CASE_##id] = {.name = label,                                                                  \
                   .network = NET_##net,                                                           \
                   .data = DATA_##set,                                                             \
                   .images = n,                                                                    \
                   .test_images = test,                                                            \
                   .batch = size,                                                                  \
                   .epochs = count,                                                                \
                   .optimizer = how,                                                               \
                   .rate = speed,                                                                  \
                   .momentum = inertia,                                                            \
                   .seed = number,                                                                 \
                   .threads = cores}

const trial_case trial_cases[TRIAL_CASES] = {
    CASE(STEPS, "20 steps", BASE, DIGITS, 16, 40, 16, 20, "sgd", 0.01, 0, 10, 1),
    CASE(INITIAL, "initial weights", BASE, DIGITS, 16, 16, 16, 1, "sgd", STANDS_STILL, 0, 10, 1),
    CASE(ORDER, "two epochs", BASE, DIGITS, 96, 16, 16, 2, "sgd", 0.05, 0, 10, 1),
    CASE(AGAIN, "two epochs again", BASE, DIGITS, 96, 16, 16, 2, "sgd", 0.05, 0, 10, 1),
    CASE(OTHER, "another seed", BASE, DIGITS, 96, 16, 16, 2, "sgd", 0.05, 0, 11, 1),
    CASE(RAGGED, "a smaller last batch", BASE, DIGITS, 40, 16, 16, 1, "sgd", STANDS_STILL, 0, 10,
         1),
    CASE(SMALL, "a single small batch", BASE, DIGITS, 8, 16, 16, 3, "sgd", 0.05, 0, 10, 1),
    CASE(MOMENTUM, "momentum", BASE, DIGITS, 16, 16, 16, 10, "sgd", 0.01, 0.9, 10, 1),
    CASE(ADAM, "Adam", BASE, DIGITS, 16, 16, 16, 10, "adam", 0.001, 0, 10, 1),
    CASE(EPSILON, "Adam's epsilon", BASE, FAINT, 16, 16, 16, 1, "adam", 0.01, 0, 10, 1),
    CASE(LAYERS, "other layers", LAYERS, PATCHES, 8, 15, 8, 3, "sgd", 0.05, 0, 7, 1),
    CASE(ARCH1_28, "arch1 on 28x28x1", ARCH1, DIGITS, 8, 8, 8, 1, "sgd", 1, 0, 7, 1),
    CASE(ARCH1_50, "arch1 on 50x50x3", ARCH1, PATCHES, 8, 8, 8, 1, "sgd", 1, 0, 7, 1),
    CASE(ARCH2_28, "arch2 on 28x28x1", ARCH2, DIGITS, 4, 4, 4, 1, "sgd", 1, 0, 7, 1),
    CASE(ARCH2_50, "arch2 on 50x50x3", ARCH2, PATCHES, 4, 4, 4, 1, "sgd", 1, 0, 7, 1),
    CASE(LONG, "many epochs", BASE, DIGITS, 192, 16, 16, 0, "sgd", 0.01, 0, 7, 1),
    CASE(THREADS, "two threads", BASE, DIGITS, 192, 16, 16, 0, "sgd", 0.01, 0, 7, 2),
    CASE(SIGNALS, "signals", BASE, DIGITS, 192, 16, 16, 0, "sgd", 0.01, 0, 7, 1),
    CASE(DIVERGES, "divergence", LINEAR, DIGITS, 96, 16, 16, 9, "sgd", 1e6, 0, 7, 1),
    CASE(ABSENT, "missing data", BASE, ABSENT, 16, 16, 16, 1, "sgd", 0.01, 0, 7, 1),
    CASE(VERSION, "unknown version", BASE, DIGITS, 16, 16, 16, 1, "sgd", 0.01, 0, 7, 1),
};

/* arch1 with a quarter of its filters; arch1 itself, for trainers that know one network; a network
 * for trainers without convolutions. */
const trial_base trial_bases[] = {
    {"base", "[{\"conv2d\":{\"filters\":4}},\"relu\",{\"maxpool\":2},{\"conv2d\":{\"filters\":8}},"
             "\"relu\",{\"maxpool\":2},{\"dense\":\"classes\"}]"},
    {"arch1", NULL},
    {"dense", "[{\"dense\":16},\"relu\",{\"dense\":\"classes\"}]"},
    {0},
};

static const char linear[] = "[{\"dense\":16},{\"dense\":16},{\"dense\":\"classes\"}]";

/* Strides, both paddings with and without a surplus, overlapping and average pools, both axes of
 * batch norm. */
static const char layers[] =
    "[{\"conv2d\":{\"filters\":4,\"kernel\":4,\"stride\":2}},{\"batchnorm\":{\"axis\":\"channels\"}},\"relu\","
    "{\"maxpool\":{\"window\":3,\"stride\":2}},{\"batchnorm\":{\"axis\":\"height\"}},"
    "{\"conv2d\":{\"filters\":6,\"kernel\":3,\"padding\":\"valid\"}},\"relu\","
    "{\"avgpool\":{\"window\":4,\"stride\":3}},{\"dense\":16},\"relu\",{\"dense\":\"classes\"}]";

/** The networks of the cases but NET_BASE. */
static const trial_base networks[] = {
    [NET_LAYERS] = {"layers", layers},
    [NET_LINEAR] = {"linear", linear},
    [NET_ARCH1] = {"arch1", NULL},
    [NET_ARCH2] = {"arch2", NULL},
};

static cnn_status append_network(const trial *t, trial_network network, cnn_text *out)
{
    cnn_status st = CNN_OK;
    cnn_network net;
    const trial_base *base = t->base ? t->base : &trial_bases[0];
    const trial_base *n = network == NET_BASE ? base : &networks[network];
    cnn_text_printf(out, "\"network\":{\"name\":\"%s\",\"layers\":", n->name);
    if (n->layers) {
        cnn_text_append(out, n->layers);
    } else {
        CNN_CHECK(cnn_network_builtin(n->name, &net), CNN_EINVAL, "no network %s", n->name);
        cnn_network_write_json(&net, out);
    }
    cnn_text_append(out, "}");
done:
    return st;
}

/** The specification as cnnmpi reads it, without the members that do not matter to the network and
 *  the data. */
static cnn_status read_spec(const trial *t, trial_case_id id, cnn_spec *out)
{
    cnn_status st = CNN_OK;
    const trial_case *c = &trial_cases[id];
    cnn_text text = {0};
    cnn_text_printf(&text,
                    "{\"protocol\":1,\"framework\":\"contender\",\"path\":\"%s\","
                    "\"seed\":%d,\"threads\":%d,",
                    cnn_path_names[t->options->path], c->seed, c->threads);
    CNN_TRY(append_network(t, c->network, &text));
    cnn_text_append(&text, ",\"dataset\":{\"name\":\"trial\",\"source\":");
    trial_data_source(t, c, &text);
    cnn_text_printf(&text,
                    "},\"train\":{\"epochs\":%d,\"batch_size\":%d,\"optimizer\":\"%s\","
                    "\"learning_rate\":%.17g,\"momentum\":%.17g,\"autotune\":false}}",
                    c->epochs ? c->epochs : t->paced_epochs, c->batch, c->optimizer, c->rate,
                    c->momentum);
    CNN_TRY(cnn_text_status(&text));
    CNN_TRY(cnn_spec_parse(text.s, out));
done:
    cnn_text_free(&text);
    return st;
}

/** Members that only the trainer gets. */
static cnn_status add_wishes(const cnn_conformance_options *o, cnn_spec *spec)
{
    cnn_status st = CNN_OK;
    spec->train.deterministic = !o->nondeterministic;
    spec->mode = cnn_strdup(o->mode ? o->mode : "");
    spec->backend = cnn_strdup(o->backend ? o->backend : "");
    CNN_CHECK(spec->mode && spec->backend, CNN_ENOMEM, "a specification");
done:
    return st;
}

cnn_status trial_spec_write(const trial *t, trial_case_id id, trial_who who, cnn_text *out)
{
    cnn_status st = CNN_OK;
    cnn_spec spec = {0};
    cnn_text text = {0};
    CNN_TRY(read_spec(t, id, &spec));
    if (who == REFERENCE)
        spec.path = CNN_PATH_NATIVE; /* its path without rounding between layers */
    else
        CNN_TRY(add_wishes(t->options, &spec));
    if (who == REFERENCE || t->version > 1) {
        spec.weights_out = cnn_asprintf("%s/weights", t->folder);
        CNN_CHECK(spec.weights_out, CNN_ENOMEM, "a file's name");
    }
    cnn_spec_write(&spec, &text);
    CNN_TRY(cnn_text_status(&text));
    if (id == CASE_VERSION) /* every member behind it is as it was */
        cnn_text_printf(out, "{\"protocol\":99%s", strchr(text.s, ','));
    else
        cnn_text_append(out, text.s);
done:
    cnn_text_free(&text);
    cnn_spec_free(&spec);
    return st;
}

cnn_status trial_network_of(const trial *t, trial_case_id id, cnn_network *out)
{
    cnn_status st = CNN_OK;
    cnn_spec spec = {0};
    const bool patches = trial_cases[id].data == DATA_PATCHES;
    CNN_TRY(read_spec(t, id, &spec));
    *out = spec.network;
    CNN_TRY(cnn_network_infer(out, patches ? (cnn_shape){50, 50, 3} : (cnn_shape){28, 28, 1},
                              patches ? 2 : 10));
done:
    cnn_spec_free(&spec);
    return st;
}
