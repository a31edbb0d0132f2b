/* Fused primitives against their definitions, at sizes that fill vectors, tiles and tasks, and at sizes that do not: values and gradients. Derivatives of higher order are checked in test_primitives. */
#include "tensor_checks.h"

enum { MAX_INPUTS = 20 };

typedef struct {
  const char *name;
  size_t      n_inputs;
  int         n_dims[MAX_INPUTS];
  size_t      shape[MAX_INPUTS][NOMOS_TENSOR_MAX_DIMS];
  NomosTensor (*apply)(const NomosTensor x[]);
} FusedCase;

static const FusedCase *present; /* of SameBits */

/* y and the gradients of <y_bar, y> as one vector, by the fused primitive or by its definition. */
static NomosTensor Everything(NomosTape tape, NomosRealType type, const FusedCase *c)
{
  NomosTensor x[MAX_INPUTS], parts[MAX_INPUTS + 1];

  for (size_t i = 0; i < c->n_inputs; i++) x[i] = Tensor(tape, type, (uint32_t)(i + 1), c->n_dims[i], c->shape[i]);
  const NomosTensor y = c->apply(x);
  const size_t     *shape;
  const int         n_dims = NomosTensorDims(y, &shape);
  ck_ok(NomosGradient(&(NomosGradientInput){.y = y, .y_bar = Tensor(tape, type, 99, n_dims, shape), .n = c->n_inputs, .x = x}, parts + 1));
  parts[0] = y;
  for (size_t i = 0; i <= c->n_inputs; i++) parts[i] = NomosReshape(parts[i], 1, (size_t[]){NomosTensorSize(parts[i])});
  return NomosConcatenate(c->n_inputs + 1, parts, 0);
}
static NomosTensor EverythingOfPresent(NomosTape tape, NomosRealType type)
{
  return Everything(tape, type, present);
}

static void CheckFused(size_t n, const FusedCase cases[])
{
  NomosTape tape;

  ck_ok(NomosTapeCreate(&tape));
  for (const FusedCase *c = cases; c < cases + n; c++) {
    for (int type = 0; type < 2; type++) {
      double *values[2];
      size_t  left = 0, at = 0;
      for (int fused = 0; fused < 2; fused++) {
        ck_ok(NomosTapeReset(tape));
        (void)NomosTapeSetFusing(tape, fused);
        const NomosTensor all = Everything(tape, type ? NOMOS_F32 : NOMOS_F64, c);
        values[fused]         = Doubles(all);
        left                  = NomosTensorSize(all);
      }
      for (size_t i = 0; i < c->n_inputs; i++) left -= Size(c->n_dims[i], c->shape[i]); /* y */
      for (size_t i = 0; i <= c->n_inputs; i++) {
        const size_t n_part = i ? Size(c->n_dims[i - 1], c->shape[i - 1]) : left;
        const double far    = Farthest(n_part, values[1] + at, values[0] + at);
        ck_assert_msg(far < (type ? 5e-6 : 1e-14), "%s, %s: fused and definition are %g apart in %s %zu", c->name, type ? "float32" : "float64", far, i ? "the gradient by input" : "the result", i ? i - 1 : 0);
        at += n_part;
      }
      free(values[0]);
      free(values[1]);
    }
    (void)NomosTapeSetFusing(tape, true);
    present = c;
    SameBits(tape, c->name, EverythingOfPresent);
  }
  ck_ok(NomosTapeDestroy(&tape));
}

/* ---- channel attention: y, coarse, three attentions, W1, b1, D, W2, b2 */

static NomosTensor Attend(const NomosTensor x[])
{
  return NomosChannelAttention(&(NomosChannelAttentionInput){.y = x[0], .coarse = x[1], .attention = {x[2], x[3], x[4]}, .pointwise = x[5], .pointwise_bias = x[6], .local = x[7], .skip = x[8], .skip_bias = x[9]});
}
static NomosTensor AttendCircular(const NomosTensor x[])
{
  return NomosChannelAttention(&(NomosChannelAttentionInput){.y = x[0], .coarse = x[1], .attention = {x[2], x[3], x[4]}, .pointwise = x[5], .pointwise_bias = x[6], .local = x[7], .skip = x[8], .skip_bias = x[9], .circular = true});
}

#define LINE(batch, in, out, n, coarse, taps) \
  10, {3, 3, 2, 2, 2, 2, 1, 3, 2, 1}, {{batch, in, n}, {batch, out, coarse}, {batch, out}, {batch, out}, {batch, out}, {out, in}, {out}, {out, 1, taps}, {out, in}, {out}}
#define PLANE(batch, in, out, ny, nx, coarse_y, coarse_x, taps_y, taps_x) \
  10, {4, 4, 2, 2, 2, 2, 1, 4, 2, 1}, {{batch, in, ny, nx}, {batch, out, coarse_y, coarse_x}, {batch, out}, {batch, out}, {batch, out}, {out, in}, {out}, {out, 1, taps_y, taps_x}, {out, in}, {out}}

START_TEST(test_channel_attention)
{
  static const FusedCase cases[] = {
    {"a line", LINE(3, 32, 64, 128, 32, 5), Attend},
    {"a line without remainder of a vector", LINE(19, 6, 6, 37, 37, 3), AttendCircular},
    {"a long line", LINE(1, 2, 6, 1400, 700, 7), Attend},
    {"a plane", PLANE(2, 8, 16, 32, 64, 8, 16, 5, 5), Attend},
    {"an uneven plane", PLANE(2, 3, 9, 21, 30, 7, 15, 2, 4), AttendCircular},
  };
  CheckFused(sizeof cases / sizeof *cases, cases);
}
END_TEST

START_TEST(test_channel_attention_refuses_what_does_not_fit)
{
  static const FusedCase fits = {"", LINE(2, 3, 6, 8, 4, 5), Attend};
  static const size_t    wrong[][3] = {{0, 2, 9}, {0, 1, 4}, {1, 1, 7}, {2, 0, 3}, {4, 1, 5}, {5, 1, 2}, {6, 0, 5}, {7, 1, 2}, {9, 0, 7}}; /* input, axis, length */
  NomosTape tape;

  ck_ok(NomosTapeCreate(&tape));
  for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
    NomosTensor x[MAX_INPUTS];
    FusedCase   c = fits;
    ck_ok(NomosTapeReset(tape));
    c.shape[wrong[k][0]][wrong[k][1]] = wrong[k][2];
    for (size_t i = 0; i < c.n_inputs; i++) x[i] = Tensor(tape, NOMOS_F64, 1, c.n_dims[i], c.shape[i]);
    (void)c.apply(x);
    ck_refused(NomosTapeStatus(tape), "channel_attention: [");
  }
  ck_ok(NomosTapeDestroy(&tape));
}
END_TEST

/* ---- a layer of a Fourier neural operator: x, spectral weights, pointwise, bias */

static NomosTensor Layer(const NomosTensor x[])
{
  return NomosFourierLayer(&(NomosFourierLayerInput){.x = x[0], .w = x[1], .pointwise = x[2], .bias = x[3], .activation = NOMOS_GELU});
}
static NomosTensor LinearLayer(const NomosTensor x[])
{
  return NomosFourierLayer(&(NomosFourierLayerInput){.x = x[0], .w = x[1], .pointwise = x[2], .bias = x[3], .activation = NOMOS_N_FUNCTIONS});
}

START_TEST(test_fourier_layer)
{
  static const FusedCase cases[] = {
    {"a line", 4, {3, 4, 2, 1}, {{50, 20, 128}, {20, 20, 12, 2}, {20, 20}, {20}}, Layer},
    {"a short line, many modes", 4, {3, 4, 2, 1}, {{21, 3, 37}, {3, 7, 19, 2}, {7, 3}, {7}}, Layer},
    {"a plane", 4, {4, 5, 2, 1}, {{3, 20, 34, 66}, {20, 20, 24, 12, 2}, {20, 20}, {20}}, Layer},
    {"an uneven plane, linear", 4, {4, 5, 2, 1}, {{2, 5, 21, 10}, {5, 3, 6, 5, 2}, {3, 5}, {3}}, LinearLayer},
  };
  CheckFused(sizeof cases / sizeof *cases, cases);
}
END_TEST

/* ---- a layer of message passing: state, weights of edges, then weight and bias of each layer, scale and shift, for edges and for nodes */

enum { NODES = 150, EDGES = 2100 };
static NomosIndex sender, receiver;

/* Some nodes have hundreds of edges, some none. */
static void MakeGraph(bool sorted)
{
  int32_t from[EDGES], to[EDGES];
  for (size_t k = 0; k < EDGES; k++) {
    from[k] = (int32_t)((NODES - 1) * (0.5 + 0.5 * Uniform(70, (uint32_t)k)));
    to[k]   = sorted ? (int32_t)(k / 16 + (k % 16 > 11)) : (int32_t)(k % 3 ? (NODES - 7) * (0.5 + 0.5 * Uniform(71, (uint32_t)k)) : 5);
  }
  for (size_t k = 1; sorted && k < EDGES; k++) ck_assert_int_ge(to[k], to[k - 1]);
  ck_ok(NomosIndexCreate(EDGES, from, NODES, &sender));
  ck_ok(NomosIndexCreate(EDGES, to, NODES, &receiver));
}

static NomosTensor Interact(const NomosTensor x[], size_t n_layers, bool weighed, NomosFunctionKind activation)
{
  NomosInteractionInput input = {.sender = sender, .receiver = receiver, .state = x[0], .activation = activation, .epsilon = 1e-3};
  if (weighed) input.weight = x[1];
  for (int which = 0; which < 2; which++) {
    NomosInteractionLayers *mlp = which ? &input.node : &input.edge;
    const NomosTensor      *w   = x + 2 + (size_t)which * (2 * n_layers + 2);
    mlp->n_layers = n_layers;
    for (size_t l = 0; l < n_layers; l++) {
      mlp->weights[l] = w[2 * l];
      mlp->biases[l]  = w[2 * l + 1];
    }
    mlp->scale = w[2 * n_layers];
    mlp->shift = w[2 * n_layers + 1];
  }
  return NomosInteraction(&input);
}
static NomosTensor InteractThree(const NomosTensor x[])
{
  return Interact(x, 3, false, NOMOS_RELU);
}
static NomosTensor InteractTwoWeighed(const NomosTensor x[])
{
  return Interact(x, 2, true, NOMOS_SILU);
}

#define INTERACTION_TWO(c, width) \
  14, {2, 1, 2, 1, 2, 1, 1, 1, 2, 1, 2, 1, 1, 1}, {{NODES + EDGES, c}, {EDGES}, {width, 3 * (c)}, {width}, {c, width}, {c}, {c}, {c}, {width, 2 * (c)}, {width}, {c, width}, {c}, {c}, {c}}
#define INTERACTION_THREE(c, width) \
  18, {2, 1, 2, 1, 2, 1, 2, 1, 1, 1, 2, 1, 2, 1, 2, 1, 1, 1}, \
    {{NODES + EDGES, c}, {EDGES}, {width, 3 * (c)}, {width}, {width, width}, {width}, {c, width}, {c}, {c}, {c}, {width, 2 * (c)}, {width}, {width, width}, {width}, {c, width}, {c}, {c}, {c}}

START_TEST(test_interaction)
{
  static const FusedCase cases[] = {
    {"width 32", INTERACTION_TWO(32, 32), InteractTwoWeighed}, {"width 64", INTERACTION_THREE(64, 64), InteractThree}, {"widths 16 and 48", INTERACTION_TWO(16, 48), InteractTwoWeighed}, {"uneven widths", INTERACTION_THREE(7, 21), InteractThree}};
  for (int sorted = 0; sorted < 2; sorted++) {
    MakeGraph(sorted);
    CheckFused(sizeof cases / sizeof *cases, cases);
    ck_ok(NomosIndexDestroy(&sender));
    ck_ok(NomosIndexDestroy(&receiver));
  }
}
END_TEST

START_TEST(test_interaction_refuses_what_does_not_fit)
{
  static const FusedCase fits      = {"", INTERACTION_TWO(3, 5), InteractTwoWeighed};
  static const size_t    wrong[][3] = {{0, 0, 7}, {1, 0, 3}, {2, 1, 8}, {3, 0, 4}, {4, 0, 2}, {7, 0, 4}, {8, 1, 9}, {11, 0, 2}, {13, 0, 4}}; /* input, axis, length */
  NomosTape tape;

  MakeGraph(true);
  ck_ok(NomosTapeCreate(&tape));
  for (size_t k = 0; k < sizeof wrong / sizeof *wrong; k++) {
    NomosTensor x[MAX_INPUTS];
    FusedCase   c = fits;
    ck_ok(NomosTapeReset(tape));
    c.shape[wrong[k][0]][wrong[k][1]] = wrong[k][2];
    for (size_t i = 0; i < c.n_inputs; i++) x[i] = Tensor(tape, NOMOS_F64, 1, c.n_dims[i], c.shape[i]);
    (void)c.apply(x);
    ck_refused(NomosTapeStatus(tape), "interaction: a state [");
  }
  ck_ok(NomosTapeDestroy(&tape));
  ck_ok(NomosIndexDestroy(&sender));
  ck_ok(NomosIndexDestroy(&receiver));
}
END_TEST

NOMOS_TEST_SUITE("fused", test_interaction, test_interaction_refuses_what_does_not_fit, test_fourier_layer, test_channel_attention, test_channel_attention_refuses_what_does_not_fit)
