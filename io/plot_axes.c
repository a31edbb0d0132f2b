/* Limits and ticks: nice numbers, short labels of one precision, powers of ten kept apart. */
#include "io/plot_impl.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double largest = 1e300, smallest = 1e-300; /* beyond, numbers count as these: spans then stay finite */
static const double log_decades = 16;                   /* an automatic log axis shows so many decades below the maximum: the rest is rounding */

static double Clamp(double value, double low, double high)
{
  return fmin(fmax(value, low), high);
}

static void WidenLinear(double padding, bool fixed_low, bool fixed_high, NomosAxis *axis)
{
  double magnitude = fmax(fabs(axis->low), fabs(axis->high)), span = axis->high - axis->low, pad = padding * span;

  if (!(span > 1e-12 * magnitude) || span < smallest) { /* constant */
    pad = magnitude > smallest ? 0.1 * magnitude : 1;
    axis->low -= fixed_low ? 0 : pad;
    axis->high += fixed_high && !fixed_low ? 0 : pad;
    return;
  }
  /* what cannot be negative is not shown on an axis that starts below zero */
  if (!fixed_low) axis->low = axis->low >= 0 && axis->low < pad ? 0 : axis->low - pad;
  if (!fixed_high) axis->high = axis->high <= 0 && axis->high > -pad ? 0 : axis->high + pad;
}

static void WidenLog(double padding, bool fixed_low, bool fixed_high, NomosAxis *axis)
{
  double low = log10(axis->low), high = log10(axis->high), pad;

  if (!fixed_low) low = fmax(low, high - log_decades);
  pad = high - low > 1e-6 ? padding * (high - low) : 0.5;
  if (!fixed_low) axis->low = pow(10, low - pad);
  if (!fixed_high || !(axis->low < axis->high)) axis->high = pow(10, high + pad);
}

void NomosAxisRange_Private(NomosScale scale, double given_low, double given_high, double data_low, double data_high, double padding, NomosAxis *axis)
{
  bool   log = scale == NOMOS_SCALE_LOG, fixed_low = !isnan(given_low), fixed_high = !isnan(given_high);
  double least = log ? smallest : -largest;

  *axis = (NomosAxis){.scale = scale, .empty = !(data_low <= data_high)};
  if (axis->empty) {
    data_low  = fixed_low ? given_low : fixed_high ? (log ? given_high / 10 : given_high - 1) : log ? 1 : 0;
    data_high = fixed_high ? given_high : log ? 10 * data_low : data_low + 1;
    padding   = 0;
  }
  axis->low  = Clamp(fixed_low ? given_low : data_low, least, largest);
  axis->high = Clamp(fixed_high ? given_high : data_high, least, largest);
  if (axis->high < axis->low) { /* all data lie beyond the one limit that is given */
    if (fixed_low) axis->high = log ? 10 * axis->low : axis->low + fmax(1, 0.1 * fabs(axis->low));
    else axis->low = log ? axis->high / 10 : axis->high - fmax(1, 0.1 * fabs(axis->high));
  }
  if (log) WidenLog(padding, fixed_low, fixed_high, axis);
  else WidenLinear(padding, fixed_low, fixed_high, axis);
}

double NomosAxisPosition_Private(const NomosAxis *axis, double value)
{
  double position;

  if (!isfinite(value) || (axis->scale == NOMOS_SCALE_LOG && value <= 0)) return NAN;
  value = Clamp(value, axis->scale == NOMOS_SCALE_LOG ? smallest : -largest, largest);
  if (axis->scale == NOMOS_SCALE_LOG) {
    position = (log10(value) - log10(axis->low)) / (log10(axis->high) - log10(axis->low));
  } else position = (value / 2 - axis->low / 2) / (axis->high / 2 - axis->low / 2);
  return Clamp(position, -1e6, 1e6);
}

/* k * mantissa * 10^exponent, rounded once where that is possible */
static double TickValue(double k, int mantissa, int exponent)
{
  return exponent < 0 && exponent > -300 ? k * mantissa / pow(10, -exponent) : k * mantissa * pow(10, exponent);
}

/* "%.*f" with a minus sign, and never "-0" */
static void FormatFixed(double value, int decimals, char label[NOMOS_TICK_BYTES])
{
  char digits[NOMOS_TICK_BYTES];

  snprintf(digits, sizeof digits, "%.*f", (int)Clamp(decimals, 0, 17), fabs(value));
  snprintf(label, NOMOS_TICK_BYTES, "%s%.40s", value < 0 && strpbrk(digits, "123456789") ? "−" : "", digits);
}

static int Exponent(double value)
{
  return value > 0 ? (int)floor(log10(value) + 1e-9) : 0;
}

/* Labels of evenly spaced ticks. Numbers of 10 000 and more, or below 0.01, are shown in a unit of 10^3, 10^-6, ...; where the numbers hardly differ, what they have in
   common is taken off. Both are said in `note`. */
static void LabelLinear(double step, int step_exponent, NomosAxis *axis)
{
  double offset = 0, magnitude = 0;
  int    unit = 0, used = 0;

  for (int i = 0; i < axis->n_major; i++) magnitude = fmax(magnitude, fabs(axis->major[i]));
  if (magnitude / step > 1e5 && axis->n_major) {
    for (int e = Exponent(magnitude); offset == 0 && e >= step_exponent; e--) { /* the roundest number among them */
      double round = floor(axis->high / pow(10, e)) * pow(10, e);
      if (round >= axis->low) offset = round;
    }
    magnitude = 0;
    for (int i = 0; i < axis->n_major; i++) magnitude = fmax(magnitude, fabs(axis->major[i] - offset));
  }
  if (magnitude >= 1e4 * (1 - 1e-9) || magnitude < 1e-2 * (1 - 1e-9)) unit = 3 * (int)floor((Exponent(magnitude) + 1e-9) / 3.0);
  if (magnitude == 0) unit = 0;
  for (int i = 0; i < axis->n_major; i++) FormatFixed(fabs(axis->major[i] - offset) < 1e-6 * step ? 0 : (axis->major[i] - offset) / pow(10, unit / 2) / pow(10, unit - unit / 2), unit - step_exponent, axis->label[i]);
  if (unit) used = snprintf(axis->note, sizeof axis->note, "×10^{%d}", unit);
  if (offset != 0) snprintf(axis->note + used, sizeof axis->note - (size_t)used, "%s%s %.15g", unit ? " " : "", offset < 0 ? "−" : "+", fabs(offset));
}

static void AddMinor(double value, NomosAxis *axis)
{
  if (value >= axis->low && value <= axis->high && axis->n_minor < NOMOS_MAX_MINOR_TICKS) axis->minor[axis->n_minor++] = value;
}

/* The least of 1, 2, 5 times a power of ten that gives n intervals at most, and the multiples of it in the range. */
typedef struct {
  int    mantissa, exponent;
  double first, last;
} Step;
static Step StepFor(int n, const NomosAxis *axis)
{
  const double raw  = (axis->high / 2 - axis->low / 2) / n * 2;
  Step         step = {.mantissa = 10, .exponent = (int)floor(log10(raw))};
  const double fraction = raw / pow(10, step.exponent / 2) / pow(10, step.exponent - step.exponent / 2);

  for (int m = 5; m >= 1; m /= 2)
    if (fraction <= m * (1 + 1e-9)) step.mantissa = m; /* 5, 2, 1 */
  if (step.mantissa == 10) {
    step.mantissa = 1;
    step.exponent++;
  }
  step.first = ceil(axis->low / TickValue(1, step.mantissa, step.exponent) - 1e-9);
  step.last  = floor(axis->high / TickValue(1, step.mantissa, step.exponent) + 1e-9);
  return step;
}

/* One number does not say how large the others are: then a finer step, if that does not give too many. */
static void LinearTicks(int n_wanted, NomosAxis *axis)
{
  Step step = StepFor(n_wanted, axis);

  for (int n = n_wanted + 1; step.last - step.first < 1 && n <= 4 * n_wanted; n++) {
    const Step finer = StepFor(n, axis);
    if (finer.last - finer.first >= 1 && finer.last - finer.first <= n_wanted) step = finer;
  }
  const int parts = step.mantissa == 2 ? 4 : 5;
  for (double k = step.first; k <= step.last && axis->n_major < NOMOS_MAX_TICKS; k++) axis->major[axis->n_major++] = TickValue(k, step.mantissa, step.exponent);
  for (double k = step.first - 1; k <= step.last; k++)
    for (int part = 1; part < parts && axis->n_minor < NOMOS_MAX_MINOR_TICKS; part++) AddMinor(TickValue(k + (double)part / parts, step.mantissa, step.exponent), axis);
  LabelLinear(TickValue(1, step.mantissa, step.exponent), step.exponent, axis);
}

void NomosAxisEnds_Private(NomosAxis *axis)
{
  const int exponent = (int)floor(log10(axis->high / 2 - axis->low / 2)) - 1;
  int       labelled = 0;

  for (int i = 0; i < axis->n_major; i++) labelled += axis->label[i][0] != '\0';
  if (labelled > 1) return;
  for (int i = 0; i < axis->n_major; i++) AddMinor(axis->major[i], axis);
  axis->note[0]  = '\0';
  axis->n_major  = 2;
  axis->major[0] = axis->low;
  axis->major[1] = axis->high;
  LabelLinear(TickValue(1, 1, exponent), exponent, axis);
}

/* A label for mantissa * 10^exponent on a log axis: plain where that is short. */
static void LabelLog(int mantissa, int exponent, bool plain, char label[NOMOS_TICK_BYTES])
{
  if (plain) FormatFixed(mantissa * pow(10, exponent), PetscMax(0, -exponent), label);
  else if (mantissa == 1) snprintf(label, NOMOS_TICK_BYTES, "10^{%d}", exponent);
  else snprintf(label, NOMOS_TICK_BYTES, "%d×10^{%d}", mantissa, exponent);
}

static void LogTicks(int n_wanted, NomosAxis *axis)
{
  static const int strides[] = {1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300};
  double           low = log10(axis->low), high = log10(axis->high), decades = high - low;
  int              stride = 300, first = (int)floor(low - 1e-9), last = (int)ceil(high + 1e-9);
  bool             halves = decades < 2, plain = low > -3 && high < 4.01 && decades < 4;

  if (decades < 0.8) { /* hardly curved: the ticks of a linear axis */
    LinearTicks(PetscMax(2, n_wanted), axis);
    return;
  }
  for (int i = (int)(sizeof strides / sizeof *strides) - 1; i >= 0; i--)
    if (decades / strides[i] <= n_wanted) stride = strides[i];
  for (int e = first; e <= last; e++) {
    for (int m = 1; m <= 9; m++) {
      double value = TickValue(1, m, e);
      bool   major = halves ? m == 1 || m == 2 || m == 5 : m == 1 && e % stride == 0;
      if (value < axis->low * (1 - 1e-9) || value > axis->high * (1 + 1e-9)) continue;
      if (major && axis->n_major < NOMOS_MAX_TICKS) {
        axis->major[axis->n_major] = value;
        LabelLog(m, e, plain, axis->label[axis->n_major++]);
      } else if (stride == 1 || m == 1) AddMinor(value, axis);
    }
  }
}

void NomosAxisTicks_Private(NomosAxis *axis, int n_wanted)
{
  n_wanted      = PetscMax(1, PetscMin(n_wanted, NOMOS_MAX_TICKS / 2));
  axis->n_major = axis->n_minor = 0;
  axis->note[0]                 = '\0';
  if (axis->scale == NOMOS_SCALE_LOG) LogTicks(n_wanted, axis);
  else LinearTicks(n_wanted, axis);
}
