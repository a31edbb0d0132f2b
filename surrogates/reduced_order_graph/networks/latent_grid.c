#include "surrogates/reduced_order_graph/networks/latent_grid.h"

#include <stdio.h>

static const size_t kernel_widths[] = {32, 64};

static PetscErrorCode OperatorCreate(NomosParameters parameters, const char name[], const NomosLatentGridInput *input, NomosLatentGrid *latent)
{
  const size_t nx = input->grid.points[0] + input->pad, ny = input->grid.points[1] + input->pad, last = input->grid.d == 3 ? input->grid.points[2] + input->pad : ny, most = PetscMin(nx / 2 + 1, PetscMin(ny, last) / 2);
  char         full[256];

  PetscFunctionBeginUser;
  if (input->kind == NOMOS_LATENT_ATTENTION) {
    const NomosOperatorTransformerInput transformer = {.trunk = input->channels, .branch = (size_t)input->grid.d, .out = input->out, .width = input->width, .n_heads = input->n_heads, .n_blocks = input->n_blocks, .n_experts = 2};
    snprintf(full, sizeof full, "%s.attention", name);
    PetscCall(NomosOperatorTransformerCreate(parameters, full, &transformer, &latent->transformer));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  snprintf(full, sizeof full, "%s.fno", name);
  if (input->kind == NOMOS_LATENT_PREACTIVATED_FNO) {
    NomosCheck(input->grid.d == 2, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "giorom.latent = preactivated_fno on a latent grid in three dimensions: must be in two; use fno, attention, or giorom.plane");
    const NomosPreactivatedFnoInput fno = {.in = input->channels, .out = input->out, .width = input->width, .lift_width = input->read_width, .read_width = input->read_width, .modes = input->modes, .n_layers = input->n_blocks};
    PetscCall(NomosPreactivatedFnoCreate(parameters, full, &fno, &latent->preactivated));
    PetscFunctionReturn(PETSC_SUCCESS);
  }
  NomosCheck(input->modes <= most, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "giorom.modes = %zu, but a latent grid of %zu x %zu%s nodes with its padding has %zu modes: give at most as many, or more nodes", input->modes, nx, ny, input->grid.d == 3 ? " x ..." : "", most);
  const NomosFnoInput fno = {.n_space = input->grid.d, .in = input->channels, .out = input->out, .width = input->width, .modes = input->modes, .n_layers = input->n_blocks, .read_width = input->read_width, .activation = NOMOS_GELU, .pad = input->pad};
  PetscCall(NomosFnoCreate(parameters, full, &fno, &latent->fno));
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosLatentGridCreate(NomosParameters parameters, const char name[], const NomosLatentGridInput *input, NomosLatentGrid *latent)
{
  const NomosIntegralOperatorInput in  = {.d = input->grid.d, .in = input->in, .out = input->channels, .query = input->query, .n_hidden = 2, .widths = kernel_widths};
  const NomosIntegralOperatorInput out = {.d = input->grid.d, .in = input->out, .out = input->out, .query = input->query, .product = true, .n_hidden = 2, .widths = kernel_widths};
  char                             full[256];

  PetscFunctionBeginUser;
  latent->kind   = input->kind;
  latent->grid   = input->grid;
  latent->radius = input->radius;
  latent->plane  = input->plane;
  if (input->plane) {
    latent->domain = (NomosPointGrid){.d = 3, .low = {input->low[0], input->low[1], input->low[2]}, .high = {input->high[0], input->high[1], input->high[2]}};
    snprintf(full, sizeof full, "%s.plane", name);
    PetscCall(NomosLinearCreate(parameters, full, &(NomosLinearInput){.in = 3, .out = 2}, &latent->to_plane));
  }
  snprintf(full, sizeof full, "%s.in", name);
  PetscCall(NomosIntegralOperatorCreate(parameters, full, &in, &latent->to_nodes));
  PetscCall(OperatorCreate(parameters, name, input, latent));
  snprintf(full, sizeof full, "%s.out", name);
  PetscCall(NomosIntegralOperatorCreate(parameters, full, &out, &latent->to_points));
  snprintf(full, sizeof full, "%s.projection", name);
  PetscCall(NomosMlpCreate(parameters, full, &(NomosMlpInput){.n_hidden = input->n_projection - 1, .in = input->out, .width = input->projection_width, .out = input->out, .activation = NOMOS_GELU}, &latent->projection));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* [nodes of all sets, channels] -> [nodes of all sets, out]. */
static NomosTensor Operator(const NomosLatentGrid *latent, const NomosTensor w[], size_t n_sets, NomosTensor positions, NomosTensor f)
{
  const size_t n = NomosPointGridNodes(&latent->grid);

  if (latent->kind == NOMOS_LATENT_FNO) return NomosPointGridFromField(NomosFnoApply(&latent->fno, w, NomosPointGridToField(&latent->grid, n_sets, f), (NomosTensor){0}));
  if (latent->kind == NOMOS_LATENT_PREACTIVATED_FNO) return NomosPointGridFromField(NomosPreactivatedFnoApply(&latent->preactivated, w, NomosPointGridToField(&latent->grid, n_sets, f)));
  const NomosTensor y = NomosOperatorTransformerApply(&latent->transformer, w, NomosReshape(f, 3, (size_t[]){n_sets, n, NomosTensorLength(f, 1)}), NomosReshape(positions, 3, (size_t[]){n_sets, n, (size_t)latent->grid.d}));
  return NomosReshape(y, 2, (size_t[]){n_sets * n, NomosTensorLength(y, 2)});
}

NomosTensor NomosLatentGridApply(const NomosLatentGrid *latent, const NomosTensor w[], const NomosPointSets *sets, NomosTensor v)
{
  NomosPointSets on_grid = *sets;

  if (latent->plane) on_grid.x = NomosFunction(NOMOS_TANH, 0, NomosLinearApply(&latent->to_plane, w, NomosPointGridUnits(&latent->domain, sets->x)));
  const NomosPointPairs    pairs     = NomosPointPairsWithin(&latent->grid, &on_grid, latent->radius);
  if (!NomosTensorIsValid(pairs.offset)) return (NomosTensor){.tape = v.tape};
  const NomosIntegralPairs to_nodes  = NomosIntegralPairsToNodes(&pairs), to_points = NomosIntegralPairsToPoints(&pairs);
  const NomosTensor        positions = NomosPointGridPositions(&latent->grid, v.tape, NomosTensorType(v), sets->n_sets);
  const NomosTensor        f         = NomosIntegralOperatorApply(&latent->to_nodes, w, &to_nodes, NomosPointGridUnits(&latent->grid, on_grid.x), v);
  const NomosTensor        o         = NomosIntegralOperatorApply(&latent->to_points, w, &to_points, positions, Operator(latent, w, sets->n_sets, positions, f));
  return NomosMlpApply(&latent->projection, w, o);
}
