/* Learned laws that keep what thermodynamics asks for, whatever their numbers are.

   hyperelastic, an elasticity. With the principal stretches s_i of F, e_i = log s_i (Hencky's strain) and J = s_1 s_2 s_3,

     psi = f(e_1) + f(e_2) + f(e_3) + g(J),   tau = U diag(f'(e_i) + J g'(J)) U^T,   f, g convex, f(0) = f'(0) = 0, g(1) = g'(1) = 0

   f and g are learned (surrogates/constitutive/convex_curve.h). By construction tau is symmetric, isotropic and objective, the derivative of an energy that is least, and zero, at rest. f is convex in
   Hencky's strain, so that the larger stretch has the larger stress (Hill 1970, doi:10.1098/rspa.1970.0018); g is convex in J, as polyconvex energies are (Ball 1976, doi:10.1007/BF00279992), not in
   log J: a fluid may be squeezed to nothing with little stress. The separable form is that of Valanis & Landel (1967, doi:10.1063/1.1710039). It contains

     StVK-Hencky       f = mu e^2,                       g = lambda log(J)^2/2                  for J < e
     neo-Hooke         f = mu (exp(2 e) - 1)/2 - mu e,   g = lambda log(J)^2/2                  for J < e
     fixed corotated   f = mu (exp(e) - 1)^2,            g = lambda (J - 1)^2/2                 where it is stable: for s_i > 1/2
     fluids            f = 0,                            g of the equation of state

   dissipative, a plasticity. With q = e_1 + e_2 + e_3 = log J and the deviator d_i = e_i - q/3 of the trial strain and F = U diag(s) V^T,

     r = min(1, T/q where q > 0),   q' = r q,   d' = r d min(1, Y(q')/|r d|),   F_e = U diag(exp(q'/3 + d'_i)) V^T,   Y(q) = c + k(max(-q, 0))

   c, T > 0 and the increasing k are learned: cohesion, the trace that tears the material, friction. det F_e > 0, and F_e never has more energy than F, of any psi above: the strain goes towards rest while
   J > 1, then towards its mean at the same J, and f is convex in it. It contains von Mises (k = 0, T large), Drucker-Prager (c, T = 0), fluids (Y = 0) and no plasticity at all (c, T large).
   Stretches below 0.01, and those of a particle turned inside out, count as 0.01. */
#ifndef NOMOS_SURROGATES_HYPERELASTIC_H
#define NOMOS_SURROGATES_HYPERELASTIC_H

#include "operators/constitutive_law.h"

extern const NomosLawOps NomosLawOps_Hyperelastic, NomosLawOps_Dissipative;

#endif
