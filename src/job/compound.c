/* SPDX-License-Identifier: Apache-2.0 */
/* A contrast of several factors: one factor whose levels are the combinations of theirs. */
#include "job/internal.h"

#include <stdlib.h>
#include <string.h>

/** "keras x threads 4", or the names of all members; owned by the caller. level -1: the names. */
static char *join(const cnn_factor *compound, int level)
{
    cnn_text t = {0};
    for (int m = 0; m < compound->member_count; m++) {
        const cnn_factor *member = &compound->members[m];
        cnn_text_printf(&t, "%s%s", m ? " x " : "",
                        level < 0 ? member->name
                                  : member->labels[cnn_factor_member_level(compound, m, level)]);
    }
    return cnn_text_take(&t);
}

static cnn_status name_levels(cnn_job_reader *r, cnn_factor *compound)
{
    cnn_status st = CNN_OK;
    compound->labels = calloc((size_t)compound->level_count, sizeof *compound->labels);
    compound->name = join(compound, -1);
    CNN_CHECK(compound->labels && compound->name, CNN_ENOMEM, "levels of the contrast");
    for (int l = 0; l < compound->level_count; l++) {
        CNN_CHECK((compound->labels[l] = join(compound, l)) != NULL, CNN_ENOMEM,
                  "levels of the contrast");
        if (strlen(compound->labels[l]) > CNN_JOB_NAME_MAX) {
            cnn_yaml_error(r->y, r->contrast,
                           "the name of a combination, '%s', has more than %d bytes; shorten the "
                           "names of its levels",
                           compound->labels[l], CNN_JOB_NAME_MAX);
            break;
        }
    }
    for (int l = 0; l < compound->level_count; l++) /* the rest of them, after an error */
        if (!compound->labels[l])
            CNN_CHECK((compound->labels[l] = cnn_strdup("")) != NULL, CNN_ENOMEM,
                      "levels of the contrast");
done:
    return st;
}

/** Moves the members out of the job's factors and the compound into the place of the first. */
static void put_in_place(cnn_job *job, const cnn_factor *compound, const int *factors, int count)
{
    int kept = 0, place = job->factor_count;
    bool taken[CNN_JOB_FACTORS_MAX] = {false};
    for (int m = 0; m < count; m++) {
        taken[factors[m]] = true;
        place = factors[m] < place ? factors[m] : place;
    }
    for (int f = 0; f < job->factor_count; f++) {
        if (f == place) {
            job->contrast = kept;
            job->factors[kept++] = *compound;
        } else if (!taken[f]) {
            job->factors[kept++] = job->factors[f];
        }
    }
    job->factor_count = kept;
}

cnn_status cnn_job_combine_contrast(cnn_job_reader *r, const int *factors, int count)
{
    cnn_status st = CNN_OK;
    cnn_job *job = r->job;
    cnn_factor compound = {.kind = CNN_FACTOR_COMPOUND, .level_count = 1};
    for (int m = 0; m < count; m++) /* at most 256 each; their product is checked as cells are */
        compound.level_count *= job->factors[factors[m]].level_count;
    compound.members = calloc((size_t)count, sizeof *compound.members);
    CNN_CHECK(compound.members != NULL, CNN_ENOMEM, "a contrast of %d factors", count);
    for (int m = 0; m < count; m++)
        compound.members[m] = job->factors[factors[m]];
    compound.member_count = count;
    put_in_place(job, &compound, factors, count);
    CNN_TRY(name_levels(r, &job->factors[job->contrast]));
done:
    return st;
}
