#include "surrogates/modules/attention.h"

#include <stdio.h>

const char *const nomos_attention_names[NOMOS_N_ATTENTIONS + 1] = {"softmax", "linear", "normalised", NULL};

PetscErrorCode NomosAttentionCreate(NomosParameters parameters, const char name[], const NomosAttentionInput *input, NomosAttention *attention)
{
  const struct {
    const char  *name;
    NomosLinear *map;
  } maps[] = {{"query", &attention->query}, {"key", &attention->key}, {"value", &attention->value}, {"out", &attention->out}};

  PetscFunctionBeginUser;
  NomosCheck(input->n_heads && input->width % input->n_heads == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: attention of %zu channels with %zu heads: the heads must divide the channels", name, input->width, input->n_heads);
  NomosCheck(!input->residual || input->kind != NOMOS_ATTENTION_SOFTMAX, PETSC_COMM_SELF, PETSC_ERR_ARG_INCOMP, "%s: softmax attention has no features of the queries to add: must be linear or normalised", name);
  *attention = (NomosAttention){.kind = input->kind, .width = input->width, .n_heads = input->n_heads, .residual = input->residual};
  for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
    char full[256];
    snprintf(full, sizeof full, "%s.%s", name, maps[i].name);
    PetscCall(NomosLinearCreate(parameters, full, &(NomosLinearInput){.in = input->width, .out = input->width}, maps[i].map));
  }
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* [b, n, width] -> [b, heads, n, width/heads]. */
static NomosTensor Heads(const NomosAttention *attention, NomosTensor x)
{
  const size_t b = NomosTensorLength(x, 0), n = NomosTensorLength(x, 1);
  return NomosPermute(NomosReshape(x, 4, (size_t[]){b, n, attention->n_heads, attention->width / attention->n_heads}), (int[]){0, 2, 1, 3});
}

static NomosTensor Feature(NomosAttentionKind kind, NomosTensor x)
{
  return kind == NOMOS_ATTENTION_LINEAR ? NomosAffine(NomosFunction(NOMOS_ELU, 0, x), 1, 1) : NomosSoftmax(x, -1);
}

NomosTensor NomosAttentionApply(const NomosAttention *attention, const NomosTensor w[], NomosTensor x, NomosTensor y)
{
  NomosTensor q = Heads(attention, NomosLinearApply(&attention->query, w, x)), k = Heads(attention, NomosLinearApply(&attention->key, w, y)), v = Heads(attention, NomosLinearApply(&attention->value, w, y)), o;

  if (attention->kind == NOMOS_ATTENTION_SOFTMAX) o = NomosDotProductAttention(q, k, v);
  else {
    q = Feature(attention->kind, q);
    k = Feature(attention->kind, k);
    const NomosTensor sum = NomosSum(k, 1, (int[]){-2}, true); /* [b, heads, 1, d] */
    o = NomosDivide(NomosMatMul(q, NomosMatMul(NomosTranspose(k), v)), NomosMatMul(q, NomosTranspose(sum)));
    if (attention->residual) o = NomosAdd(o, q);
  }
  o = NomosPermute(o, (int[]){0, 2, 1, 3});
  return NomosLinearApply(&attention->out, w, NomosReshape(o, 3, (size_t[]){NomosTensorLength(x, 0), NomosTensorLength(x, 1), attention->width}));
}
