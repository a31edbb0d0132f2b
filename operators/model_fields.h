/* The fields that a model's state has (NomosModelDerivatives.fields). */
#ifndef NOMOS_OPERATORS_MODEL_FIELDS_H
#define NOMOS_OPERATORS_MODEL_FIELDS_H

#include "operators/model.h"

/* Number of the field called `name` (NULL or "": of the first one) in the model's list, and its description (NULL: not asked for). Errors: no fields that can be read off the state; none of that name, with the
   nearest and those there are. As collective as the model's `fields`. */
PetscErrorCode NomosModelFieldFind(NomosModel model, const char name[], size_t *index, const NomosModelField **field);
/* This rank's points of a field; and the place of the i-th of them in the whole field, so that random numbers do not depend on the ranks. */
size_t NomosModelFieldPoints(const NomosModelField *field);
size_t NomosModelFieldPlace(const NomosModelField *field, size_t i);
/* Of a field that is all those before it in the list, one after the other (`state` of several variables), how many these are; else 0. Not collective. */
PetscErrorCode NomosModelFieldParts(NomosModel model, size_t field, size_t *n);
/* The fields that are lost in a state made from this field alone (from_field), "v, w"; "": none, it is the whole state. NomosModelFindWhole: the first such field of the list; errors: none. Collective. */
PetscErrorCode NomosModelFieldLacks(NomosModel model, size_t field, size_t n_text, char lacks[]);
PetscErrorCode NomosModelFindWhole(NomosModel model, size_t *index, const NomosModelField **field);

#endif
