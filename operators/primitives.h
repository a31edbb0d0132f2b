/* The primitives of the tape: a closed set. The derivative of each is made of others of the set.

   Shapes in brackets, row-major; axes may count from the end (-1 is the last). Types of all operands agree. Binary primitives broadcast as NumPy does: aligned at
   the last axis, a length of 1 is repeated. Every primitive takes views (permuted, sliced, broadcast) as they are. Sizes of 0 are allowed where they mean something.
   Errors are kept by the tape (operators/tape.h). */
#ifndef NOMOS_OPERATORS_PRIMITIVES_H
#define NOMOS_OPERATORS_PRIMITIVES_H

#include "operators/tape.h"

/* ---- elementwise (operators/primitives/elementwise.c) */
NomosTensor NomosAdd(NomosTensor a, NomosTensor b);
NomosTensor NomosSubtract(NomosTensor a, NomosTensor b);
NomosTensor NomosMultiply(NomosTensor a, NomosTensor b);
NomosTensor NomosDivide(NomosTensor a, NomosTensor b);
NomosTensor NomosAffine(NomosTensor x, double scale, double shift); /* scale x + shift */
NomosTensor NomosPower(NomosTensor x, double exponent);             /* x^p */
NomosTensor NomosSelect(NomosTensor condition, NomosTensor a, NomosTensor b); /* condition > 0 ? a : b; no gradient to the condition */
NomosTensor NomosClip(NomosTensor x, NomosTensor low, NomosTensor high); /* to [low, high]; no gradient to what is cut off */

/* Functions of one variable and their derivatives of any order >= 0: f^(order)(x). */
typedef enum {
  NOMOS_EXP, NOMOS_LOG, NOMOS_SIN, NOMOS_COS, NOMOS_TANH, NOMOS_SIGMOID,
  NOMOS_SOFTPLUS, /* log(1 + e^x) */
  NOMOS_LOGCOSH,
  NOMOS_ERF,
  NOMOS_GELU,     /* x (1 + erf(x/sqrt 2))/2, doi:10.48550/arXiv.1606.08415 */
  NOMOS_SILU,     /* x sigmoid(x) */
  NOMOS_MISH,     /* x tanh(softplus(x)), doi:10.48550/arXiv.1908.08681 */
  NOMOS_ELU,      /* x, or e^x - 1 below 0 */
  NOMOS_RELU, NOMOS_ABS, /* derivative 0 at the kink */
  NOMOS_N_FUNCTIONS
} NomosFunctionKind;
extern const char *const nomos_function_names[NOMOS_N_FUNCTIONS + 1]; /* "exp", ..., NULL */
NomosFunctionKind NomosFunctionFind(const char name[]); /* NOMOS_N_FUNCTIONS: there is none */
NomosTensor NomosFunction(NomosFunctionKind kind, int order, NomosTensor x);
NomosTensor NomosFunctionTimes(NomosFunctionKind kind, int order, NomosTensor x, NomosTensor g); /* f^(order)(x) g, same shapes */

/* ---- matrix products (operators/primitives/matmul.c) */
/* [.., m, k] [.., k, n] -> [.., m, n]; leading axes broadcast. Transposed forms: pass NomosTranspose(a), a view that is not copied. */
NomosTensor NomosMatMul(NomosTensor a, NomosTensor b);

/* ---- fused; each has a definition by the primitives above, to which it falls back where its gradient is recorded */
/* h_0 = x, or s(x) with activate_input;  h_{l+1} = s(h_l W_l^T + b_l);  the last one without s. Row-tiled, so that a tile's activations stay in cache (operators/primitives/mlp_chain.c).
   x [.., in], or with channels_first [batch, in, points..], y likewise; weights[l] [out, in], biases[l] [out] or {0}. */
typedef struct {
  size_t             n_layers; /* 1 to NOMOS_MLP_CHAIN_MAX */
  NomosTensor        x;
  const NomosTensor *weights, *biases;
  NomosFunctionKind  activation; /* not looked at where there is nothing to activate */
  bool               activate_input, channels_first;
} NomosMlpChainInput;
enum { NOMOS_MLP_CHAIN_MAX = 16 };
NomosTensor NomosMlpChain(const NomosMlpChainInput *input);

/* (x - mean)/sqrt(var + epsilon) weight + bias (operators/primitives/normalise.c). groups 0: over the last axis, weight and bias [last]. groups > 0: x [batch, channels, points..], over all points of a group of
   channels, weight and bias [channels]. Ba et al. (2016), doi:10.48550/arXiv.1607.06450; Wu & He (2018), doi:10.1007/978-3-030-01261-8_1. */
NomosTensor NomosNormalise(NomosTensor x, NomosTensor weight, NomosTensor bias, size_t groups, double epsilon);

/* ---- shape (operators/primitives/shape.c); views where possible */
NomosTensor NomosReshape(NomosTensor x, int n_dims, const size_t shape[]);
NomosTensor NomosPermute(NomosTensor x, const int axes[]); /* result axis i is axis axes[i] of x */
NomosTensor NomosTranspose(NomosTensor x);                 /* the last two axes */
NomosTensor NomosBroadcast(NomosTensor x, int n_dims, const size_t shape[]);
NomosTensor NomosSlice(NomosTensor x, int axis, size_t start, size_t count, size_t step); /* entries start, start + step, ... */
NomosTensor NomosPad(NomosTensor x, int axis, size_t start, size_t length, size_t step);  /* its adjoint: into zeros of the given length */
NomosTensor NomosConcatenate(size_t n, const NomosTensor x[], int axis);
NomosTensor NomosRoll(NomosTensor x, int axis, ptrdiff_t shift); /* circular: result[i] = x[i - shift] */
NomosTensor NomosStopGradient(NomosTensor x);
NomosTensor NomosCast(NomosTensor x, NomosRealType type);
/* Rows along axis 0 by an index list (n), copied: edges of a graph. result[i] = x[index[i]]; an index beyond is an error. */
typedef struct NomosIndex_s *NomosIndex; /* an index list, shared by many calls; must outlive the tape's record */
PetscErrorCode NomosIndexCreate(size_t n, const int32_t index[], size_t n_rows, NomosIndex *list); /* all in [0, n_rows), else an error */
PetscErrorCode NomosIndexDestroy(NomosIndex *list);
NomosTensor NomosGather(NomosTensor x, NomosIndex index);     /* [n_rows, ..] -> [n, ..] */
NomosTensor NomosScatterAdd(NomosTensor x, NomosIndex index); /* [n, ..] -> [n_rows, ..], its adjoint; sums in order of the list */

/* ---- reductions (operators/primitives/reduction.c) */
NomosTensor NomosSum(NomosTensor x, int n_axes, const int axes[], bool keep); /* keep: summed axes stay with length 1 */
NomosTensor NomosSumTo(NomosTensor x, int n_dims, const size_t shape[]);      /* adjoint of NomosBroadcast */
NomosTensor NomosSumAll(NomosTensor x);                                       /* scalar */
NomosTensor NomosMean(NomosTensor x, int n_axes, const int axes[], bool keep);
NomosTensor NomosMeanAll(NomosTensor x);
NomosTensor NomosMaximum(NomosTensor x, int axis, bool keep); /* of an axis; the gradient goes to the first largest */
NomosTensor NomosLogSumExp(NomosTensor x, int axis, bool keep);
NomosTensor NomosSoftmax(NomosTensor x, int axis);
NomosTensor NomosLayerNorm(NomosTensor x, int n_axes, double epsilon); /* (x - mean)/sqrt(var + epsilon) over the last n_axes; no weights */

/* ---- convolutions (operators/primitives/convolution.c); layout [batch, channels, (y,) x], weights [results, channels / groups, (y,) x]; no bias */
typedef struct {
  size_t stride[2]; /* along (y, x), or x alone; 0 is 1 */
  size_t pad[2][2]; /* points before and after, along the same axes */
  bool   same;      /* instead of pad: (taps - 1)/2 before, the rest of taps - 1 after, so that stride 1 keeps the length */
  bool   circular;  /* the padding repeats x; else it is zero */
  size_t groups;    /* 0 is 1; as many as channels: depthwise */
} NomosConvolution;
/* y[b, o, p] = sum_{i, t} w[o, i, t] x[b, i, stride p + t - pad]; (points + padding - taps)/stride + 1 points, rounded down. Errors: shapes that do not fit. */
NomosTensor NomosConvolve(NomosTensor x, NomosTensor w, const NomosConvolution *how);
/* Its adjoint in x, also the up-sampling of a U-Net: y [batch, results, ..] -> x [batch, channels, length..]. length NULL: the fewest points, stride (points - 1) + taps - padding. */
NomosTensor NomosConvolveTransposed(NomosTensor y, NomosTensor w, const NomosConvolution *how, const size_t length[]);
/* Its adjoint in w, for the given taps along (y, x) or x. */
NomosTensor NomosConvolveWeights(NomosTensor x, NomosTensor y, const NomosConvolution *how, const size_t taps[]);

/* ---- Fourier transforms and complex numbers (operators/primitives/fourier.c); complex numbers are pairs along the last axis */
/* X_k = sum_j x_j exp(-2 pi i k.j/n) over the last n_axes (1 to 3): [.., n] -> [.., n/2 + 1, 2], all modes of the axes before the last. No factor, as NumPy's rfftn. */
NomosTensor NomosRealFft(NomosTensor x, int n_axes);
/* Its inverse, with the factor 1/points: modes [.., n/2 + 1, 2] -> [.., n]. The imaginary parts of modes that a real field cannot have are ignored, as NumPy's irfftn. */
NomosTensor NomosInverseRealFft(NomosTensor modes, int n_axes, size_t n);
NomosTensor NomosComplexMultiply(NomosTensor a, NomosTensor b, bool conjugate_a); /* a b or conj(a) b; [.., 2], broadcasting */
NomosTensor NomosComplexMatMul(NomosTensor a, NomosTensor b); /* [.., m, k, 2] [.., k, n, 2] -> [.., m, n, 2]; leading axes broadcast */
/* Spectral convolution (operators/primitives/spectral.c): the retained modes of x, their channels multiplied by complex weights, back to points:
     y[b, o] = inverse_real_fft(sum_i w[i, o, k] real_fft(x[b, i])_k),   zero for modes that are not retained.
   x [batch, in, (y,) x] -> [batch, out, (y,) x]. w [in, out, modes, 2]: modes k = 0..modes-1; or [in, out, rows, modes, 2]: along y the modes 0..rows/2-1, then -rows/2..-1
   (the two corners of doi:10.48550/arXiv.2010.08895, one behind the other). Errors: more modes than points have; odd rows. */
NomosTensor NomosSpectralConvolve(NomosTensor x, NomosTensor w);

/* A layer of a Fourier neural operator, fused (operators/primitives/fourier_layer.c): s(spectral convolution of x by w + pointwise x + bias), with the shapes above, pointwise [out, in], bias [out]. */
typedef struct {
  NomosTensor       x, w, pointwise, bias;
  NomosFunctionKind activation; /* s; NOMOS_N_FUNCTIONS: none */
} NomosFourierLayerInput;
NomosTensor NomosFourierLayer(const NomosFourierLayerInput *input);

/* A layer of message passing with residuals on a graph of edges sender(k) -> receiver(k), fused (operators/primitives/interaction.c). The state has a row for each node, then one for each edge:

     m_k = norm(edge MLP of [x_receiver(k), x_sender(k), e_k]),   e'_k = e_k + m_k,   x'_i = x_i + norm(node MLP of [x_i, sum_{k to i} s_k m_k])

   state [nodes + edges, c] -> the same. weight s [edges] or [edges, 1], or {0}: ones. MLPs of n_layers linear layers, weights [width, 3 c] (nodes: [width, 2 c]), [width, width], ..., [c, width] with their biases, the norm of NomosNormalise over channels
   with scale and shift [c]. Blocks of edges stay in cache from gathering to aggregation, and nothing of an edge but e' is kept for the gradient: it is computed again. Edges in order of their receivers save two copies.
   Battaglia et al. (2018), doi:10.48550/arXiv.1806.01261. Errors: shapes that do not fit. */
enum { NOMOS_INTERACTION_MAX = 8 };
typedef struct {
  size_t      n_layers; /* 2 to NOMOS_INTERACTION_MAX */
  NomosTensor weights[NOMOS_INTERACTION_MAX], biases[NOMOS_INTERACTION_MAX], scale, shift;
} NomosInteractionLayers;
typedef struct {
  NomosIndex             sender, receiver; /* of each edge, both of the same number of nodes */
  NomosTensor            state, weight;
  NomosInteractionLayers edge, node;       /* of as many layers */
  NomosFunctionKind      activation;
  double                 epsilon;          /* of the norms */
} NomosInteractionInput;
NomosTensor NomosInteraction(const NomosInteractionInput *input);

/* ---- pooling and up-sampling (operators/primitives/pool.c) by integer factors over the last n_axes (1 or 2); points that fill no window are left out */
NomosTensor NomosAveragePool(NomosTensor x, int n_axes, const size_t factor[]);
NomosTensor NomosMaxPool(NomosTensor x, int n_axes, const size_t factor[]); /* the gradient goes to the first largest of a window */
NomosTensor NomosUpsampleNearest(NomosTensor x, int n_axes, const size_t factor[]);
NomosTensor NomosUpsampleSpectral(NomosTensor x, int n_axes, const size_t factor[]); /* trigonometric interpolation of a periodic field */

/* Batch norm of x [batch, channels, ..] (operators/primitives/batch_norm.c): scale (x - mean)/sqrt(variance + epsilon) + shift, with mean and (biased) variance of each channel over the batch and all
   points. statistics, may be NULL: mean and variance [channels], no gradient through them: for the running averages that evaluation uses. doi:10.48550/arXiv.1502.03167 */
NomosTensor NomosBatchNorm(NomosTensor x, NomosTensor scale, NomosTensor shift, double epsilon, NomosTensor statistics[2]);

/* Channel attention (operators/primitives/channel_attention.c): three paths whose channels are weighed, sample by sample, and a fourth that is not,
     z[b, o, p] = a0[b, o] coarse[b, o, p/factor] + a1[b, o] (sum_i W1[o, i] y[b, i, p] + b1[o]) + a2[b, o] sum_t D[o, t] y[b, o in/out, p + t - (taps - 1)/2] + sum_i W2[o, i] y[b, i, p] + b2[o]
   y [batch, in, (y,) x], coarse [batch, out, ..] of points that divide those of y (every one is repeated), attention [batch, out]; out a multiple of in. doi:10.48550/arXiv.2304.14118 */
typedef struct {
  NomosTensor y, coarse, attention[3];   /* a0, a1, a2 */
  NomosTensor pointwise, pointwise_bias; /* W1 [out, in], b1 [out] */
  NomosTensor local;                     /* D [out, 1, (taps_y,) taps_x] */
  NomosTensor skip, skip_bias;           /* W2, b2 */
  bool        circular;                  /* y repeats; else zero outside */
} NomosChannelAttentionInput;
NomosTensor NomosChannelAttention(const NomosChannelAttentionInput *input);

/* ---- small matrices [.., 2, 2] or [.., 3, 3] (operators/primitives/small_matrix.c); leading axes of two operands broadcast */
NomosTensor NomosSmallProduct(NomosTensor a, bool transpose_a, NomosTensor b, bool transpose_b);
NomosTensor NomosDeterminant(NomosTensor a);  /* [.., d, d] -> [..] */
NomosTensor NomosCofactor(NomosTensor a);     /* det(a) a^-T, also of singular matrices */
NomosTensor NomosSmallInverse(NomosTensor a); /* of a singular matrix infinite or NaN */
/* The rotation r of f = r s with s symmetric: the orthogonal matrix of determinant 1 nearest to f. A negative determinant goes into s, whose smallest eigenvalue is then
   negative; of a zero matrix r = 1. The derivative is exact also where singular values are equal; it divides by the sums s_i + s_j, and is zero where one of them is
   (a rank of at most one in three dimensions, zero in two, or a reflection with two values equal), where r is not unique. */
NomosTensor NomosRotation(NomosTensor f);
/* f = u diag(s) v^T with rotations u and v (determinant 1) and s [.., d] with s_0 >= s_1 >= |s_2|; the last has the sign of the determinant. Gradients through s, and through u and
   v where they occur as u v^T, are exact everywhere. Those through u or v alone divide by s_i - s_j: where these are equal u and v are not unique, and turning them within
   the plane of the equal values is left out of the derivative, which stays finite: that is right for what does not depend on the choice to first order, as u v^T, but not for
   u g(s) v^T with other g, where the rotation and functions of r^T f should be used. */
void        NomosSvd(NomosTensor f, NomosTensor *u, NomosTensor *s, NomosTensor *v);
NomosTensor NomosSingularValues(NomosTensor f);

/* a^-1 b for symmetric positive definite matrices, by Cholesky's factorisation in double (operators/primitives/solve.c): a [.., n, n], of which the lower triangle is read, b [.., n, m]. NaN where a is not
   positive definite. Derivatives of every order, as long as what a is made of keeps it symmetric. */
NomosTensor NomosSymmetricSolve(NomosTensor a, NomosTensor b);

/* softmax(q k^T/sqrt(d)) v (operators/primitives/attention.c): queries [.., n, d], keys [.., m, d], values [.., m, e] -> [.., n, e]; heads are leading axes. Tiled: the n x m weights are never stored.
   doi:10.48550/arXiv.1706.03762 */
NomosTensor NomosDotProductAttention(NomosTensor q, NomosTensor k, NomosTensor v);

#endif
