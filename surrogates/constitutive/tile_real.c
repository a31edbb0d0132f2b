/* A tile of points in one precision: transposition, and GELU with its slope. */
#include "surrogates/constitutive/tile.h"

void NAME(NomosTileTranspose)(size_t n, const Real *from, Real *to)
{
  for (size_t i = 0; i < n; i += VECTOR)
    for (size_t l = 0; l < TILE; l += VECTOR) LanesTranspose(from + i * TILE + l, TILE, to + l * n + i, n);
}

/* ---- the activation ---- */

/* Phi(-t) = p(2 t/END - 1)^8, 0 <= t <= END, fitted for the least |error| of (1 + t) Phi(-t): 7e-9 and 5e-17. Beyond END it is as at END, 5e-9 and 5e-17. Neither exponential nor quotient is needed,
   and the derivative of the activation is that of the polynomial. */
#ifdef NOMOS_SINGLE
  #define END 5.75f
static const Real root[] = {0.4604395827f, -0.5240725277f, 0.0781428411f, 0.1296139629f, -0.04563578977f, -0.01973583123f, 0.01240608917f, 0.001197064047f, -0.001346013523f};
#else
  #define END 8.3
static const Real root[] = {0.252691812033236491, -0.572679490958383043, 0.388931885587115113, 0.0928129818174204571, -0.238763125066504015, 0.0563797930039497324,
                            0.0672629696799162547, -0.0393979081258317391, -0.00648057165867521591, 0.0105825370574220077, -0.000848357088443705888, -0.00184569839648270057,
                            0.00040731492871486071, 0.000195053670655338627, -0.000131835587123771649, 0.00020447643612061995, 0.000312069551946643304, -0.000026972998193293516,
                            -0.000490834988011027738, -0.000493059768248274601, -0.0000276636767395055986, 0.000321382753887991874, 0.000283624495665658091, 0.000104829765769867749,
                            0.0000146792516604065687};
#endif
enum { DEGREE = sizeof root / sizeof *root - 1 };

void NAME(NomosTileGelu)(size_t n, const Real *z, Real *h, Real *slope)
{
  for (size_t i = 0; i < n; i += VECTOR) {
    const Vector   x = *(const Vector *)(z + i), size = LaneAbs(x), t = LaneMin(size, LaneFill(END)), s = (2 / END) * t - 1;
    const LaneMask positive = x > 0;
    Vector         p = LaneFill(root[DEGREE]), p_slope = LaneFill(0);
#pragma GCC unroll 32
    for (int k = DEGREE - 1; k >= 0; k--) {
      p_slope = p_slope * s + p;
      p       = p * s + root[k];
    }
    const Vector p2 = p * p, p4 = p2 * p2, q = p4 * p4;
    *(Vector *)(h + i) = LaneSelect(positive, x, LaneFill(0)) - size * q;
    if (slope) { /* of -t Phi(-t), and of what it leaves to 1 */
      const Vector side = q + (16 / END) * t * p_slope * (p4 * p2 * p);
      *(Vector *)(slope + i) = LaneSelect(positive, 1 - side, side);
    }
  }
}
