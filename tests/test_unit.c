#include "io/text.h"
#include "io/unit.h"
#include "tests/harness.h"


static double Convert(double value, const char from[], const char to[])
{
  double converted = NAN;
  ck_ok(NomosUnitConvert(value, from, to, &converted));
  return converted;
}

START_TEST(Exact)
{
  static const struct {
    double      value;
    const char *from, *to;
    double      expected;
  } rows[] = {
    {15, "km", "m", 15000}, {1.75, "km", "m", 1750}, {2, "h", "s", 7200}, {2, "hour", "s", 7200}, {10, "year", "s", 315360000}, {1, "d", "day", 1},
    {9, "mm", "m", 0.009}, {7, "ms", "s", 0.007}, {3, "um", "m", 3e-6}, {1, "kg", "g", 1000}, {1, "g", "kg", 0.001}, {250, "ug", "kg", 250e-9}, {3, "GPa", "Pa", 3e9}, {1013, "hPa", "Pa", 101300},
    {1, "Pa", "N/m2", 1}, {1, "J", "N m", 1}, {1, "W", "J/s", 1}, {1, "Hz", "1/s", 1}, {1, "kg m2 s-3", "W", 1}, 
    {1, "1/(m s)", "m-1 s-1", 1}, {1, "1/(m*s)", "m^-1.s^-1", 1}, {1, "m s**-2", "m/s^2", 1}, {4, "m/s/s", "m s-2", 4}, {1, "(m/s)^2", "m2 s-2", 1}, {5, "K/km", "K m-1", 0.005},
    {3, "1", "1", 3}, {1, "1/day", "1/s", 1.0 / 86400}, {1, "m/s", "km/day", 86.4}, {6, "  m ", "m", 6}, {1, "1/((m))", "1/m", 1}, {1, "s/m", "1/m s", 1}, {60, "s", "min", 1}, {1, "dam", "dm", 100},
    {1, "\xC2\xB5m", "um", 1}, {1, "\xCE\xBCs", "us", 1}, {1, "kPa", "kN/m^2", 1}, {1, "mrad", "rad", 0.001}, {2, "days", "hours", 48}, {3, "minutes", "seconds", 180}, {1, "years", "year", 1}, {2, "minute", "s", 120}, {5, "second", "s", 5},
    {7, "milliseconds", "ms", 7}, {3, "microsecond", "us", 3}, {2, "nanoseconds", "ns", 2}, {4, "msec", "millisecs", 4}, {2, "secs", "sec", 2}, {2, "weeks", "days", 14}, {1, "hrs", "mins", 60}, {1, "hr", "hour", 1},
    {5, "kilometers", "metres", 5000}, {5, "kilometre", "km", 5}, {3, "meters", "m", 3}, {9, "millimetres", "mm", 9}, {2, "centimeter", "cm", 2}, {1, "kilometers/hour", "km/h", 1}, {6, "metres second-1", "m/s", 6},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    double converted = Convert(rows[i].value, rows[i].from, rows[i].to);
    ck_assert_msg(converted == rows[i].expected, "%.17g %s = %.17g %s, not %.17g", rows[i].value, rows[i].from, converted, rows[i].to, rows[i].expected);
  }
  ck_close(Convert(2, "m/s", "km/h"), 7.2, 1e-15);
  ck_close(Convert(180, "deg", "rad"), 3.14159265358979323846, 1e-15);
}
END_TEST

START_TEST(RoundTrip)
{
  static const char *const pairs[][2] = {{"km", "m"}, {"year", "day"}, {"deg", "mrad"}, {"m/s", "km/h"}, {"GPa", "N/mm2"}, {"1/(m s)", "1/(km day)"}, {"K/km", "mK/m"}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    for (double value = -3.7; value < 1e12; value = value < 0 ? 1e-9 : value * 13.1) ck_close(Convert(Convert(value, pairs[i][0], pairs[i][1]), pairs[i][1], pairs[i][0]), value, 1e-15);
  }
}
END_TEST

START_TEST(Refused)
{
  NomosUnit unit;
  double    x;
  char      text[200];

  ck_refused(NomosUnitParse("kmm", &unit), "unknown unit kmm; did you mean km?");
  ck_refused(NomosUnitParse("yr", &unit), "did you mean year?");
  ck_refused(NomosUnitParse("dais", &unit), "did you mean day");
  ck_refused(NomosUnitParse("furlong", &unit), "unknown unit furlong; known are m, s, kg");
  ck_refused(NomosUnitParse("kmin", &unit), "unknown unit kmin");
  ck_refused(NomosUnitParse("kmetres", &unit), "unknown unit kmetres"); /* prefix and unit are both symbols, or both words */
  ck_refused(NomosUnitParse("kilom", &unit), "unknown unit kilom");
  ck_refused(NomosUnitParse("months", &unit), "unknown unit months");
  ck_refused(NomosUnitParse("", &unit), "position 1: found the end");
  ck_refused(NomosUnitParse("m/", &unit), "position 3: found the end, expected a unit");
  ck_refused(NomosUnitParse("m//s", &unit), "position 3: found `/`");
  ck_refused(NomosUnitParse("2 m", &unit), "no number but 1");
  ck_refused(NomosUnitParse("10 m", &unit), "no number but 1");
  ck_refused(NomosUnitParse("1.5 m", &unit), "no number but 1");
  ck_refused(NomosUnitParse("1e-3 m", &unit), "no number but 1");
  ck_refused(NomosUnitParse("m^", &unit), "expected an integer power");
  ck_refused(NomosUnitParse("m^1.5", &unit), "expected a unit");
  ck_refused(NomosUnitParse("m-", &unit), "expected an integer power");
  ck_refused(NomosUnitParse("m10", &unit), "a power is at most 9");
  ck_refused(NomosUnitParse("m99999999999999999999", &unit), "a power is at most 9");
  ck_refused(NomosUnitParse("((m^9)^9)^9", &unit), "a power is beyond");
  ck_refused(NomosUnitParse("(rad s", &unit), "expected `)`");
  ck_refused(NomosUnitParse("m)", &unit), "position 2: found `)`");
  ck_refused(NomosUnitParse("(((((((((m)))))))))", &unit), "brackets nest deeper than 8");
  ck_refused(NomosUnitParse("m,s", &unit), "position 2: found `,`");
  ck_refused(NomosUnitParse("m\xC3\xA9", &unit), "unknown unit");
  ck_refused(NomosUnitParse("\xFF", &unit), "unknown unit");
  memset(text, 'm', sizeof text - 1);
  text[sizeof text - 1] = '\0';
  ck_refused(NomosUnitParse(text, &unit), "longer than 63 characters");
  ck_refused(NomosUnitConvert(1, "kg", "m", &x), "cannot convert kg to m: needs a length such as m or km");
  ck_refused(NomosUnitConvert(1, "m", "1/(m s)", &x), "needs a unit such as 1/(m s)");
}
END_TEST

/* Units as attributes of files say them. */
START_TEST(OfFiles)
{
  static const struct {
    const char *text, *unit;
    bool        since;
  } rows[] = {{"km", "km", false}, {"hours since 2000-01-01 00:00", "hours", true}, {"1", "", false}, {NULL, "", false}, {"", "", false}, {"milliseconds since 1970-01-01T00:00:00Z of a clock that somebody described at some length", "milliseconds", true}};
  char unit[NOMOS_MAX_NAME];

  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    ck_assert(NomosUnitOfFile(rows[i].text, unit) == rows[i].since);
    ck_assert_str_eq(unit, rows[i].unit);
  }
  ck_assert(NomosUnitAlike("milliseconds", "ms") && NomosUnitAlike("kilometers", "km") && !NomosUnitAlike("kilometers", "meters"));
}
END_TEST

START_TEST(Numbers)
{
  static const struct {
    const char *text;
    double      value;
    int         length; /* -1: no number */
  } rows[] = {
    {"12", 12, 2}, {"-1.5e-11 1/(m s)", -1.5e-11, 8}, {".5", 0.5, 2}, {"5.", 5, 2}, {"+3e2x", 300, 4}, {"2e", 2, 1}, {"2e+", 2, 1}, {"15km", 15, 2}, {"1_000", 1, 1}, {"0x1F", 0, 1}, {"1e-3", 1e-3, 4},
    {"1..2", 1, 2}, {"e5", 0, -1}, {"", 0, -1}, {"-", 0, -1}, {".", 0, -1}, {"inf", 0, -1}, {"nan", 0, -1}, {"-inf", 0, -1}, {" 1", 0, -1}, {"1,5", 1, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    double      value = NAN;
    const char *end   = NomosNumberRead(rows[i].text, &value);
    ck_assert_msg(end ? end - rows[i].text == rows[i].length && value == rows[i].value : rows[i].length == -1, "%s read as %g", rows[i].text, value);
  }
  double value;
  ck_assert(NomosNumberRead("1e999", &value) && !isfinite(value));
  ck_assert(NomosNumberRead("1e-999", &value) && !isfinite(value));
  ck_assert(NomosNumberRead("-0x10", &value) && value == 0);
  ck_assert(NomosNumberRead("0e-999", &value) && value == 0);
}
END_TEST

START_TEST(NumbersRoundTrip)
{
  uint64_t state = 1;
  char     text[NOMOS_NUMBER_SIZE];

  for (int i = 0; i < 20000; i++) {
    double value, back = NAN;
    state = state * 6364136223846793005u + 1442695040888963407u;
    memcpy(&value, &state, sizeof value);
    if (!isfinite(value)) continue;
    NomosNumberFormat(value, text);
    const char *end = NomosNumberRead(text, &back);
    ck_assert_msg(end && !*end && back == value, "%.17g became %s", value, text);
  }
  NomosNumberFormat(0.1, text);
  ck_assert_str_eq(text, "0.1");
  NomosNumberFormat(7200, text);
  ck_assert_str_eq(text, "7200");
}
END_TEST

START_TEST(Nearest)
{
  static const char *const names[] = {"qg.beta", "qg.nx", "time.dt", "output.fields_every"};
  ck_assert_str_eq(NomosNearestName("qg.betta", 4, names), "qg.beta");
  ck_assert_str_eq(NomosNearestName("qg.bata", 4, names), "qg.beta");
  ck_assert_str_eq(NomosNearestName("qg.xn", 4, names), "qg.nx");
  ck_assert_str_eq(NomosNearestName("QG.NX", 4, names), "qg.nx");
  ck_assert_str_eq(NomosNearestName("outputs.field_every", 4, names), "output.fields_every");
  ck_assert_ptr_null(NomosNearestName("something", 4, names));
  ck_assert_ptr_null(NomosNearestName("", 4, names));
  ck_assert_ptr_null(NomosNearestName("x", 0, NULL));
  ck_assert_uint_eq(NomosNameDistance("abcd", "acbd"), 1); /* a swap */
  ck_assert_uint_eq(NomosNameDistance("kitten", "sitting"), 3);
  ck_assert_uint_eq(NomosNameDistance("", "abc"), 3);
  char out[8];
  ck_assert_str_eq(NomosTextShorten("abcdefg", sizeof out, out), "abcdefg");
  ck_assert_str_eq(NomosTextShorten("abcdefgh", sizeof out, out), "abcd...");
  ck_assert_str_eq(NomosTextShorten("abc\xC3\xA9" "defgh", sizeof out, out), "abc...");
  ck_assert_str_eq(NomosTextShorten("a\nb", sizeof out, out), "a?b");
}
END_TEST

START_TEST(Lists)
{
  static const char list[] = "nu=0.1,water,nu_2=3";
  double            values[3];
  char              value[4] = "old";

  ck_assert(NomosTextNumbers("1,nan,-2e3", 3, values) == 3 && values[0] == 1 && isnan(values[1]) && values[2] == -2000);
  ck_assert(NomosTextMark("\xEF\xBB\xBFstep,time") == 3 && !NomosTextMark("\xEF\xBB") && !NomosTextMark("step,\xEF\xBB\xBF") && !NomosTextMark(""));
  ck_assert(NomosTextNumbers("7", 3, values) == 1 && values[0] == 7);
  ck_assert(!NomosTextNumbers(NULL, 3, values) && !NomosTextNumbers("", 3, values) && !NomosTextNumbers("1,2,3,4", 3, values) && !NomosTextNumbers("1,x", 3, values) && !NomosTextNumbers("1;2", 3, values));
  ck_assert_str_eq(NomosTextEntry(list, ',', "nu"), "=0.1,water,nu_2=3");
  ck_assert_str_eq(NomosTextEntry(list, ',', "water"), ",nu_2=3");
  ck_assert_str_eq(NomosTextEntry(list, ',', "nu_2"), "=3");
  ck_assert(!NomosTextValue(list, ',', "water", sizeof value, value) && !NomosTextValue(list, ',', "wat", sizeof value, value) && !NomosTextValue(NULL, ',', "nu", sizeof value, value));
  ck_assert_str_eq(value, "old");
  ck_assert(NomosTextValue(list, ',', "nu_2", sizeof value, value));
  ck_assert_str_eq(value, "3");
  ck_assert(NomosTextValue(list, ',', "nu", sizeof value, value));
  ck_assert_str_eq(value, "0.1");
  ck_assert(!NomosTextEntry(list, ',', "wat") && !NomosTextEntry(list, ',', "2") && !NomosTextEntry("", ',', "nu") && !NomosTextEntry(NULL, ',', "nu"));
}
END_TEST

NOMOS_TEST_SUITE("unit", Exact, RoundTrip, Refused, OfFiles, Numbers, NumbersRoundTrip, Nearest, Lists)
