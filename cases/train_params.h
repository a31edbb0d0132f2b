/* Cases that train a surrogate: `surrogate: NAME` stands where others have `solver:`, with `data.*` and `train.*`. */
#ifndef NOMOS_CASES_TRAIN_PARAMS_H
#define NOMOS_CASES_TRAIN_PARAMS_H

#include "cases/run_params.h"
#include "operators/generator.h"
#include "surrogates/surrogate.h"

/* `surrogate` and `evaluate.*`. */
extern const NomosParam nomos_surrogate_params[];
extern const size_t     nomos_n_surrogate_params;

/* Load a case that trains (input as for NomosCaseLoad; a surrogate is optional where a solver is there), declare the parameters, check them. Collective. */
PetscErrorCode NomosTrainingCaseLoad(MPI_Comm comm, const NomosCaseInput *input, const NomosSurrogateOps *const surrogates[], NomosConfig *config, const NomosSurrogateOps **ops);
/* The generator of training data that `data.generator` names (cases/generator_list.h); NULL: none. Errors: one that there is not. */
PetscErrorCode NomosGeneratorOf(NomosConfig config, const NomosGenerator **generator);
/* Its parameters, and those of generators that the case has keys of: other data may be named for what had one. */
PetscErrorCode NomosGeneratorsRegister(NomosConfig config);
/* Does this YAML file name a surrogate? Not collective. */
bool NomosIsTraining(const char path[]);

#endif
