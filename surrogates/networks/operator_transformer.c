#include "surrogates/networks/operator_transformer.h"

#include <stdio.h>

static PetscErrorCode MapCreate(NomosParameters parameters, const char name[], const char part[], const size_t sizes[3], NomosLinear maps[3])
{
  char full[256];

  PetscFunctionBeginUser;
  for (int l = 0; l < 3; l++) {
    snprintf(full, sizeof full, "%s.%s.%d", name, part, l);
    PetscCall(NomosLinearCreate(parameters, full, &(NomosLinearInput){.in = sizes[l ? 1 : 0], .out = sizes[l == 2 ? 2 : 1]}, &maps[l]));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

static NomosTensor MapApply(const NomosLinear maps[3], const NomosTensor w[], NomosTensor x)
{
  const NomosTensor y = NomosFunction(NOMOS_GELU, 0, NomosLinearApply(&maps[0], w, x));
  return NomosLinearApply(&maps[2], w, NomosAdd(y, NomosFunction(NOMOS_GELU, 0, NomosLinearApply(&maps[1], w, y))));
}

static PetscErrorCode BlockCreate(NomosParameters parameters, const char name[], const NomosOperatorTransformerInput *input, NomosOperatorTransformerBlock *block)
{
  const NomosAttentionInput attention = {.kind = NOMOS_ATTENTION_NORMALISED, .width = input->width, .n_heads = input->n_heads, .residual = true};
  const NomosMlpInput       gate      = {.n_hidden = 2, .in = input->trunk, .width = input->width, .out = input->n_experts, .activation = NOMOS_GELU};
  const NomosMlpInput       expert    = {.n_hidden = 1, .in = input->width, .width = input->width, .out = input->width, .activation = NOMOS_GELU};
  char                      full[256];

  PetscFunctionBeginUser;
  for (int i = 0; i < 5; i++) {
    snprintf(full, sizeof full, "%s.norm.%d", name, i);
    PetscCall(NomosNormCreate(parameters, full, &(NomosNormInput){.n_channels = input->width}, &block->norm[i]));
  }
  snprintf(full, sizeof full, "%s.cross", name);
  PetscCall(NomosAttentionCreate(parameters, full, &attention, &block->cross));
  snprintf(full, sizeof full, "%s.self", name);
  PetscCall(NomosAttentionCreate(parameters, full, &attention, &block->self));
  snprintf(full, sizeof full, "%s.gate", name);
  PetscCall(NomosMlpCreate(parameters, full, &gate, &block->gate));
  for (int half = 0; half < 2; half++)
    for (size_t e = 0; e < input->n_experts; e++) {
      snprintf(full, sizeof full, "%s.expert.%d.%zu", name, half, e);
      PetscCall(NomosMlpCreate(parameters, full, &expert, &block->experts[half][e]));
    }
  PetscFunctionReturn(PETSC_SUCCESS);
}

PetscErrorCode NomosOperatorTransformerCreate(NomosParameters parameters, const char name[], const NomosOperatorTransformerInput *input, NomosOperatorTransformer *transformer)
{
  char full[256];

  PetscFunctionBeginUser;
  NomosCheck(input->n_blocks <= NOMOS_OPERATOR_TRANSFORMER_MAX_BLOCKS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: %zu blocks: at most %d are possible", name, input->n_blocks, NOMOS_OPERATOR_TRANSFORMER_MAX_BLOCKS);
  NomosCheck(input->n_experts >= 1 && input->n_experts <= NOMOS_OPERATOR_TRANSFORMER_MAX_EXPERTS, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%s: %zu experts: must be 1 to %d", name, input->n_experts, NOMOS_OPERATOR_TRANSFORMER_MAX_EXPERTS);
  transformer->n_blocks  = input->n_blocks;
  transformer->n_experts = input->n_experts;
  PetscCall(MapCreate(parameters, name, "trunk", (size_t[]){input->trunk, input->width, input->width}, transformer->trunk));
  PetscCall(MapCreate(parameters, name, "branch", (size_t[]){input->branch, input->width, input->width}, transformer->branch));
  for (size_t l = 0; l < input->n_blocks; l++) {
    snprintf(full, sizeof full, "%s.%zu", name, l);
    PetscCall(BlockCreate(parameters, full, input, &transformer->blocks[l]));
  }
  PetscCall(MapCreate(parameters, name, "out", (size_t[]){input->width, input->width, input->out}, transformer->out));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* sum_e g_e E_e(t); g [.., n_experts]. */
static NomosTensor Experts(size_t n, const NomosMlp experts[], const NomosTensor w[], NomosTensor g, NomosTensor t)
{
  NomosTensor sum = {0};

  for (size_t e = 0; e < n; e++) {
    const NomosTensor part = NomosMultiply(NomosSlice(g, -1, e, 1, 1), NomosMlpApply(&experts[e], w, t));
    sum                    = e ? NomosAdd(sum, part) : part;
  }
  return sum;
}

NomosTensor NomosOperatorTransformerApply(const NomosOperatorTransformer *transformer, const NomosTensor w[], NomosTensor x, NomosTensor z)
{
  NomosTensor       t = MapApply(transformer->trunk, w, x);
  const NomosTensor s = MapApply(transformer->branch, w, z);

  for (size_t l = 0; l < transformer->n_blocks; l++) {
    const NomosOperatorTransformerBlock *b = &transformer->blocks[l];
    const NomosTensor                    g = NomosSoftmax(NomosMlpApply(&b->gate, w, x), -1);
    t = NomosAdd(t, NomosAttentionApply(&b->cross, w, NomosNormApply(&b->norm[0], w, t), NomosNormApply(&b->norm[1], w, s)));
    t = NomosAdd(t, NomosNormApply(&b->norm[2], w, Experts(transformer->n_experts, b->experts[0], w, g, t)));
    const NomosTensor normed = NomosNormApply(&b->norm[3], w, t);
    t = NomosAdd(t, NomosAttentionApply(&b->self, w, normed, normed));
    t = NomosAdd(t, NomosNormApply(&b->norm[4], w, Experts(transformer->n_experts, b->experts[1], w, g, t)));
  }
  return MapApply(transformer->out, w, t);
}
