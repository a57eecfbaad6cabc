/** How a run of each cell is started: the program, and the text of its specification. */
#ifndef CNN_MPI_RECIPE_H
#define CNN_MPI_RECIPE_H

#include "base/status.h"
#include "base/text.h"
#include "design/design.h"

typedef struct {
    char *helper; /* path of cnn-exec */
    int cell_count;
    char ***argv; /* [cell_count] NULL-terminated argument vectors */
} cnn_recipes;

/** Finds the helper and the programs of every cell on this host. CNN_EENV says what is missing, and
 * where it was sought. *out is owned by the caller. */
cnn_status cnn_recipes_create(const cnn_job *job, const cnn_design *design, const char *argv0,
                              cnn_recipes **out);
void cnn_recipes_destroy(cnn_recipes **recipes);

/** Appends the specification of a run for a number of threads (trainer/spec.h). */
cnn_status cnn_recipe_write(const cnn_job *job, const cnn_design *design, int run, int threads,
                            cnn_text *out);

#endif
