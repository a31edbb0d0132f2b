/* Compressible neo-Hookean elasticity, in the form of Bonet & Wood (2008), section 6.4.3, doi:10.1017/CBO9780511755446:

     psi = mu/2 (tr(F F^T) - 3) - mu log J + lambda/2 (log J)^2
     tau = mu (F F^T - I) + lambda log J I

   It is not defined for det F <= 0: the stress is NaN there. */
#include "operators/points.h"
#include "solvers/mpm/laws/written_law.h"

enum { MU, LAMBDA, N_COEFFICIENTS };

static void Apply(const double c[], size_t n, size_t stride, const void *F, void *y, void *kept)
{
  const Real mu = (Real)c[MU], lambda = (Real)c[LAMBDA];

  (void)kept;
  for (size_t start = 0; start < n; start += BLOCK) {
    Lanes from[9], to[9];
    LoadBlock(start, n, stride, F, from);
    EACH(l) {
      const Matrix f = Get(from, l);
      Put(PlusUnit(Scaled(mu, Times(f, Transposed(f))), lambda * REAL_MATH(log)(Determinant(f)) - mu), to, l);
    }
    StoreBlock(start, n, stride, 9, to, y);
  }
}

static void Jvp(const double c[], const double c_dot[], size_t n, size_t stride, const void *F, const void *F_dot, void *y_dot)
{
  const Real mu = (Real)c[MU], lambda = (Real)c[LAMBDA], mu_dot = (Real)c_dot[MU], lambda_dot = (Real)c_dot[LAMBDA];

  for (size_t start = 0; start < n; start += BLOCK) {
    Lanes from[9], dot[9], to[9];
    LoadBlock(start, n, stride, F, from);
    LoadBlock(start, n, stride, F_dot, dot);
    EACH(l) {
      const Matrix f = Get(from, l), d = Get(dot, l), cofactor = Cofactor(f), half = Times(d, Transposed(f));
      const Real   J = Determinant(f);
      Matrix       t = Plus(Scaled(mu, Plus(half, Transposed(half))), Scaled(mu_dot, Times(f, Transposed(f))));
      Put(PlusUnit(t, lambda * Inner(cofactor, d) / J + lambda_dot * REAL_MATH(log)(J) - mu_dot), to, l);
    }
    StoreBlock(start, n, stride, 9, to, y_dot);
  }
}

static void Vjp(const double c[], size_t n, size_t stride, const void *F, const void *y_bar, const void *kept, void *F_bar, double c_bar[])
{
  const Real mu = (Real)c[MU], lambda = (Real)c[LAMBDA];

  (void)kept;
  for (size_t start = 0; start < n; start += BLOCK) {
    Lanes from[9], bar[9], to[9], c_to[N_COEFFICIENTS];
    LoadBlock(start, n, stride, F, from);
    LoadBlock(start, n, stride, y_bar, bar);
    EACH(l) {
      const Matrix f = Get(from, l), y = Get(bar, l);
      const Real   J = Determinant(f), trace = y.a[0] + y.a[4] + y.a[8];
      Put(Plus(Scaled(mu, Times(Plus(y, Transposed(y)), f)), Scaled(lambda * trace / J, Cofactor(f))), to, l);
      c_to[MU][l]     = Inner(Times(f, Transposed(f)), y) - trace;
      c_to[LAMBDA][l] = REAL_MATH(log)(J) * trace;
    }
    StoreBlock(start, n, stride, 9, to, F_bar);
    if (c_bar) AddLanes(start, n, N_COEFFICIENTS, c_to, c_bar);
  }
}

static void Energy(const double c[], size_t n, size_t stride, const void *F, void *psi)
{
  const Real mu = (Real)c[MU], lambda = (Real)c[LAMBDA];

  for (size_t start = 0; start < n; start += BLOCK) {
    Lanes from[9], to[1];
    LoadBlock(start, n, stride, F, from);
    EACH(l) {
      const Matrix f = Get(from, l);
      const Real   log_J = REAL_MATH(log)(Determinant(f));
      to[0][l] = (Real)0.5 * (mu * (Inner(f, f) - 3) + lambda * log_J * log_J) - mu * log_J;
    }
    StoreBlock(start, n, n, 1, to, psi);
  }
}

NOMOS_WRITTEN_KERNELS(nomos_neo_hookean_kernels, .energy = Energy);

#ifndef NOMOS_SINGLE
static const NomosParam params[] = {NOMOS_ELASTIC_MODULI};

const NomosWrittenLaw nomos_neo_hookean = {
  .ops = {.name = "neo_hookean",
          .kind      = NOMOS_LAW_ELASTICITY,
          .promises  = NOMOS_LAW_ISOTROPIC | NOMOS_LAW_SYMMETRIC | NOMOS_LAW_POTENTIAL,
          .summary   = "Compressible neo-Hookean elasticity: rubber; needs no singular values.",
          .reference = "Bonet & Wood (2008), doi:10.1017/CBO9780511755446",
          .n_params  = sizeof params / sizeof *params,
          .params    = params,
          .energy    = NomosWrittenEnergy,
          NOMOS_WRITTEN_OPS},
  .coefficients = NomosLameCoefficients,
  .kernels      = NOMOS_BOTH_PRECISIONS(nomos_neo_hookean_kernels),
};
#endif
