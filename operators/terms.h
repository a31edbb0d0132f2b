/* Terms of equations over fields, as a person writes them: parsed, evaluated, differentiated, printed.

     u^2 u_x        lap psi1        J(psi1, lap psi1)        dx psi2        (u^2 + v^2) v        mean_x(psi1)        shift(u, 1) u        psi_R

     sum     = [+|-] product {(+|-) product}
     product = factor {[*|/] factor}                     side by side is a product; only numbers and given functions may divide
     factor  = atom [^ integer]                          negative: numbers and given functions only
     atom    = number | name | name_xxy | derivative factor | derivative (sum) | function(sum, ...) | (sum)

   A name is a field, a given function of position, or a coordinate (x, y), the first of these that there is. Subscripts and dx, dy, dxx, dxy, ..., d4x, ... are derivatives, lap is their sum of second
   order, J(a, b) = a_x b_y - a_y b_x; mean(a) and mean_x(a) are over the domain and over x; shift(a, i) is a(x + i dx); sin, cos, tanh, exp, log, sqrt, abs act pointwise. dx u^2 = dx(u^2), but
   dx(u)^2 = (u_x)^2, as sin(u)^2.

   Terms are one graph in which a thing that occurs twice is computed once. Derivatives are exact for Fourier series (spectral) or differences of even order; products of fields are pointwise, or free of
   aliasing on a grid 3/2 as fine (Orszag 1971, doi:10.1175/1520-0469(1971)028<1074:OTEOAI>2.0.CO;2): each product of two at once, as in J. A given function itself (which may have jumps: a mask, a
   sponge) multiplies pointwise in either case, as do coordinates; its derivatives are as fields.

   Everything acts on this rank's rows of the grid (all of it in one dimension), distributed as operators/fft.h does. Double precision. Same bits for any number of threads. */
#ifndef NOMOS_OPERATORS_TERMS_H
#define NOMOS_OPERATORS_TERMS_H

#include "operators/notation.h"

typedef struct NomosTerms_s *NomosTerms;

typedef enum { NOMOS_TERMS_SPECTRAL, NOMOS_TERMS_DIFFERENCES } NomosTermsMethod;

/* A grid: a point (n_dims 0: fields are numbers, ODEs; n[0] of them that know nothing of each other, 0 reads as 1), a line (x), a plane (y, x). Sizes outermost first. */
typedef struct {
  int              n_dims;
  size_t           n[2];
  double           length[2]; /* of the domain; point i is at origin + i length/n */
  double           origin[2];
  NomosTermsMethod method;    /* spectral: the domain is periodic, sizes have only the factors 2, 3, 5, 7 */
  int              order;     /* of differences: 2, 4, 6, 8 */
  bool             open[2];   /* differences: not periodic; one-sided at the ends, of the same order */
  bool             dealias;   /* spectral: products on a grid 3/2 as fine */
  bool             keep_nyquist; /* spectral: the shortest mode of an even side in derivatives and in products without aliasing: dropped, or kept as qg.nyquist: keep does (on a line: derivatives of even order) */
} NomosTermsGrid;

typedef struct {
  MPI_Comm             comm;
  NomosTermsGrid       grid;
  size_t               n_fields, n_given, n_terms;
  const char *const   *fields, *const *given, *const *terms;
  const double *const *given_values; /* (points) each, this rank's; copied */
  const char          *where;        /* begins messages: "case.yaml:12: discover.library" */
  const char          *names;        /* ends those of an unknown name: what makes a name known; NULL: nothing is said */
} NomosTermsInput;

/* Errors: text that does not parse (with position, what was found, what was expected), an unknown name (with the nearest), a grid too small for the differences or with other factors, a term given
   twice in another guise ("u u_x" and "u_x*u"). Collective. */
PetscErrorCode NomosTermsCreate(const NomosTermsInput *input, NomosTerms *terms);
PetscErrorCode NomosTermsDestroy(NomosTerms *terms);
size_t         NomosTermsPoints(NomosTerms terms);                    /* of this rank */
PetscErrorCode NomosTermsRows(NomosTerms terms, size_t *start, size_t *n); /* of this rank, of a plane */
/* The same before there are any: first row, rows, and points of a row, of this rank (a line and a point are one row). */
PetscErrorCode NomosTermsGridRows(MPI_Comm comm, const NomosTermsGrid *grid, size_t *start, size_t *n, size_t *n_x);

/* fields (n_fields)(points), columns (n_terms)(points); a NULL column is not asked for, and what only it needs is not computed. Evaluate and Jvp overwrite, Vjp adds to fields_bar (NULL entries: not asked
   for; of fields_dot: zero). Derivatives are exact for the evaluation, to rounding. Columns are different arrays. Memory is made by the first call of its
   kind, none after. Collective. */
PetscErrorCode NomosTermsEvaluate(NomosTerms terms, const double *const fields[], double *const columns[]);
PetscErrorCode NomosTermsJvp(NomosTerms terms, const double *const fields[], const double *const fields_dot[], double *const columns_dot[]);
PetscErrorCode NomosTermsVjp(NomosTerms terms, const double *const fields[], const double *const columns_bar[], double *const fields_bar[]);
/* Derivative of Vjp in a direction: fields_bar_dot += (dF)^T columns_bar_dot + d[(dF)^T columns_bar] fields_dot. */
PetscErrorCode NomosTermsHvp(NomosTerms terms, const double *const fields[], const double *const fields_dot[], const double *const columns_bar[], const double *const columns_bar_dot[], double *const fields_bar_dot[]);

/* A term that is linear in one field, with constant coefficients: its number (else -1), and its symbol at a wavenumber: term^ = symbol(k) field^. */
int            NomosTermsLinearField(NomosTerms terms, size_t term);
PetscErrorCode NomosTermsSymbol(NomosTerms terms, size_t term, double kx, double ky, double symbol[2]);
/* Does any term name this field? One that none does may be NULL in what follows and precedes. */
bool           NomosTermsUsesField(NomosTerms terms, size_t field);

/* A term as derivatives of things: term = sum_p factor_p d^(order) inside_p, with as much as possible outside (u u_x = 1/2 dx(u^2), J(a, b) = dx(a b_y) - dy(a b_x)), for the weak form. The insides of all
   terms, each once, are the columns of *insides, another object over the same fields, which the caller destroys. Parts are borrowed from it. */
typedef struct {
  double factor;
  int    order[2];    /* along the grid's dimensions, outermost first */
  size_t inside;      /* column of insides */
  bool   differences; /* the inside still has derivatives of fields in it */
} NomosTermsPart;
PetscErrorCode NomosTermsWeak(NomosTerms terms, NomosTerms *insides);
PetscErrorCode NomosTermsParts(NomosTerms insides, size_t term, size_t *n, const NomosTermsPart **parts);

/* A term in its normal form; its text parses to the same. Borrowed. */
const char *NomosTermsWritten(NomosTerms terms, size_t term, NomosNotation notation);
const char *NomosTermsText(NomosTerms terms, size_t term);

#endif
