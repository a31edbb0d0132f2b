# nomos discover on a table of text: what is missing, several trajectories, constraints on coefficients, intervals; and what is refused.
. "$(dirname "$0")/lib.sh"
mkdir table

# u_t = u - 0.7 v, v_t = 0.7 u + 0.5 u v + 0.02 noise, of scattered u and v
awk 'BEGIN { srand(7); print "# a comment"; print "time, u, v, rate_u, rate_v, trajectory"
  for (i = 0; i < 400; i++) { u = 2*rand() - 1; v = 2*rand() - 1; e = (rand() + rand() + rand() + rand() - 2) * 0.0346
    printf "%d, %.17g, %s, %.17g, %.17g, %d\n", i % 100, u, i == 17 ? "" : sprintf("%.17g", v), u - 0.7*v, 0.7*u + 0.5*u*v + e, i / 100 } }' >table/data.csv
cat >table/case.yaml <<'E2'
case: {units: nondimensional}
data: {path: data.csv, fields: [u, v], variables: [u, v], rates: [rate_u, rate_v]}
discover:
  equations: [u, v]
  library: [u, v, u^2, u v, v^2]
  stability: 20
  known:
    u: {terms: [u, v], coefficients: [1, -0.7]}
    v: {terms: [u, u v], coefficients: [0.7, 0.5]}
assembly: {form: strong, stretches: 20}
E2

# value RUN EQUATION TERM COLUMN
value() {
  awk -F, -v e="$2" -v t="\"$3\"" -v c="$4" '$1 == e && $2 == t { print $c }' "$1/coefficients.csv"
}

expect 0 "" "$nomos" discover table -o free
grep -q '"exact_structure": 1' free/summary.json || fail "the equations are not found"
grep -q '"samples": 399' free/summary.json || fail "not just one row is missing"
[ "$(value free v u 7)" = 1 ] || fail "u is not in every draw of blocks"

# what is known is kept, and shared coefficients are estimated together
expect 0 "" "$nomos" discover table -o tied --set 'discover.constraints=["u[v] + v[u] = 0", "v[u v] > 0"]'
[ "$(value tied u v 3)" = "-$(value tied v u 3)" ] || fail "the constraint is not kept"
expect 0 "" "$nomos" discover table -o fixed --set 'discover.constraints=["v[u] + 2*v[u v] = 1.6"]'
awk -v a="$(value fixed v u 3)" -v b="$(value fixed v 'u v' 3)" 'BEGIN { exit !(a + 2*b - 1.6 < 1e-12 && a + 2*b - 1.6 > -1e-12) }' || fail "an equality is not kept"
expect 0 "" "$nomos" discover table -o signs --set 'discover.constraints=["v[u v] < 0"]'
[ -z "$(value signs v 'u v' 3)" ] || [ "$(value signs v 'u v' 3)" = 0 ] || fail "a sign is not kept"

for kind in deviations blocks noise; do # noise of one row beside the next is all that this table has: only its files are tried
  expect 0 "" "$nomos" discover table -o "$kind" --set discover.intervals=$kind --set discover.level=0.99
  awk -F, '$1 == "v" && NR > 1 && !($5 < $3 && $3 < $6) { exit 1 }' "$kind/coefficients.csv" || fail "$kind: no interval about the coefficient"
done
awk -F, '$1 == "v" && !($5 < $8 && $8 < $6) { exit 1 }' blocks/coefficients.csv || fail "99 % intervals do not hold the truth"
expect 0 "" "$nomos" discover table -o held_out --set discover.choice=held_out --set discover.method=frols

grep -q "<th>99 % interval</th>" blocks/report.html || fail "the report does not say which intervals these are"
! grep -q "noise of about" free/log.txt || fail "given rates are not differentiated"

# Noise that a strong form magnifies is told, a weak form bears it; deviations are written with numbers of any size.
mkdir swing
awk 'BEGIN { srand(3); print "t,x,y"; for (i = 0; i < 200; i++) printf "%.17g,%.17g,%.17g\n", 0.05*i, 1e5*cos(0.05*i), -sin(0.05*i) + 0.01*(rand() - 0.5) }' >swing/data.csv
printf 'case: {units: nondimensional}\ndata: {path: data.csv}\ndiscover: {equations: [x, y], library: [x, y]}\n' >swing/case.yaml
expect 0 "y has noise of about" "$nomos" discover swing -o strong
! grep -q "x has noise" strong/log.txt || fail "x has no noise"
grep -q "y has noise of about" strong/summary.json && grep -q '<p class="warning">Warning: y has noise of about' strong/report.html || fail "summary.json and the page do not warn of noise"
expect 0 "" "$nomos" discover swing -o weak --set assembly.form=weak
! grep -q "noise of about" weak/log.txt || fail "the weak form bears noise"
grep -Eq "dy/dt = - (1\.0|9\.9)[0-9]*\([0-9]\)e-0?[56] x" weak/log.txt || fail "a small number with its deviation: $(grep dy/dt weak/log.txt)"
grep -Eq '&= - [0-9.()]+ \\times 10\^\{-[56]\}' weak/equation.tex || fail "powers of ten in LaTeX: $(cat weak/equation.tex)"
grep -q 'partial_{t} y' strong/report.html || fail "the report has no LaTeX"
grep -q '<math><msub><mo>&part;</mo><mi>t</mi></msub><mi>y</mi>' strong/report.html || fail "the report has no formula"
grep -q "<th>frequency in" free/report.html && ! grep -q "<th>frequency in" strong/report.html || fail "the report shows frequencies where there are none, or not where there are"
grep -q "Strong form: differences in time; every point." strong/report.html || fail "how it was made: $(grep form: strong/report.html)"

# layers of a model share what they lack, through all passes
expect 0 "" "$nomos" discover discovery/qg_medida_1001 --smoke -o layers --set discover.forecast=0 --set discover.noise=1e-5 --set 'discover.constraints=["q1[psi1] + q2[psi1] = 0"]'
[ "$(value layers q1 psi1 3)" = "-$(value layers q2 psi1 3)" ] || [ "-$(value layers q1 psi1 3)" = "$(value layers q2 psi1 3)" ] || fail "layers do not share a coefficient"
[ "$(value layers q1 psi2 3)" != "-$(value layers q2 psi2 3)" ] || fail "layers share a coefficient that they need not"

refused() {
  expect 1 "$1" "$nomos" discover table -o bad "${@:2}"
}
# What only a model has is refused, but not that it has its defaults: a run directory is a case.
while read -r key value; do refused "$key = $value: does nothing in a case of data" --set "discover.$key=$value"; done <<'KEYS'
forecast 3
observe u
horizon 2
interpolation cubic
cubic.neighbours 30
assimilation trajectory
polish true
trajectory.fraction 0.5
weak_4dvar.model_error 2
KEYS
expect 0 "" "$nomos" discover free -o again --set discover.forecast=0 --set discover.points=fixed
cmp -s free/coefficients.csv again/coefficients.csv || fail "the run directory as a case finds another equation"
! grep -q "forecast\|horizon" free/config.yaml || fail "a case of data says something of forecasts"
refused "no such equation at 'w[u] = 0'" --set 'discover.constraints=["w[u] = 0"]'
refused "no such term in discover.library" --set 'discover.constraints=["u[w] = 0"]'
refused "there are several equations" --set 'discover.constraints=["[u] = 0"]'
refused "an inequality is the sign of one coefficient" --set 'discover.constraints=["u[u] + u[v] > 0"]'
refused "'-2 u[u] > 0': another one wants the opposite sign of this coefficient" --set 'discover.constraints=["u[u] > 0", "-2 u[u] > 0"]'
refused "discover.bias = difference, which does not keep signs: take discover.bias: kept" --set discover.intervals=noise --set 'discover.constraints=["u[u] > 0"]'
refused "discover.bias = reciprocal, which does not keep equalities" --set discover.intervals=noise --set discover.bias=reciprocal --set 'discover.constraints=["u[u] + u[v] = 0.3"]'
refused "data.csv has no column w; its columns are time, u, v, rate_u" --set 'data.variables=[u, w]'
# A spreadsheet marks its UTF-8 before the names.
{ printf '\357\273\277'; tail -n +2 table/data.csv; } >marked.csv
expect 0 "" "$nomos" discover table -o marked --set data.path="$PWD/marked.csv"
cmp -s free/coefficients.csv marked/coefficients.csv || fail "a mark before the names changes the equation"
sed 's/^150.*/oops/' table/data.csv | awk 'NR == 30 { sub(/,.*/, ", x, 1, 1, 1, 0") } { print }' >words.csv
refused "words.csv:30: 'x' is not a number" --set data.path=$PWD/words.csv
awk 'NR == 40 { print "1, 2" } { print }' table/data.csv >short.csv
refused "short.csv:40 has 2 cells; the line of names has 6" --set data.path=$PWD/short.csv
awk 'NR == 40 { keep = $0; next } { print } NR == 41 { print keep }' table/data.csv >order.csv
refused "is not after the one before" --set data.path=$PWD/order.csv

expect 1 "takes no equalities" "$nomos" discover table -o equalities --set 'discover.constraints=["u[u] + u[v] + u[u^2] = 0"]' --set discover.method=rvm

# What an equation leaves is said, with a warning where noise is not the reason; and data that are not periodic, taken as such by default, in either form.
cat >travel.yaml <<'E2'
case: {units: nondimensional}
data: {generator: functions}
functions: {values: ["sin(x - t) + 0.5*cos(1.7*(x - t))"], points: [64], from: [0], to: [6], periodic: true, frames: 41, stop: 2}
discover: {equations: [u], library: [u, u_x, u_xx]}
assembly: {form: weak}
E2
expect 0 "with open ends: the data do not look periodic" "$nomos" discover travel.yaml -o joined
grep -q "the data do not look periodic" joined/summary.json || fail "ends that do not fit, without a warning in summary.json"
expect 0 "the data do not look periodic" "$nomos" discover travel.yaml -o joined_strong --set assembly.form=strong
expect 0 "" "$nomos" discover travel.yaml -o open --set assembly.boundary=open
! grep -q "warning" err.txt || fail "a warning of data that fit: $(cat err.txt)"
grep -q "u_x   (.*e-.* % unexplained)" open/log.txt && grep -q "% unexplained)</p>" open/report.html || fail "what is unexplained is not said: $(grep du/dt open/log.txt)"
expect 0 "the terms found leave 94 % of the mean square of their target unexplained, and no noise explains it" "$nomos" discover travel.yaml -o lacks --set assembly.boundary=open --set 'discover.library=[u, u_xx]'
grep -q "a term is missing from discover.library" lacks/summary.json || fail "a missing term without a warning in summary.json"
awk '/<details/ { exit !told } /<p class="warning">Warning: .*a term is missing from discover.library/ { told = 1 }' lacks/report.html || fail "the page does not warn under the equation"
! grep -q '<p class="warning">' open/report.html || fail "the page warns of what is right"
expect 0 "" "$nomos" discover travel.yaml -o noisy --set functions.periodic=false --set assembly.boundary=open --set discover.noise=0.5
! grep -q "no noise explains" err.txt || fail "noise that is there explains nothing: $(cat err.txt)"
expect 0 "the data do not look periodic" "$nomos" discover travel.yaml -o joined_spectral --set assembly.form=strong --set assembly.derivatives=spectral

# Constraints hold where the bias of noise is taken off too; what would choose terms without them is refused, before data are made, and what cannot keep them is left out with a word.
noisy="--set functions.periodic=false --set assembly.boundary=open --set discover.noise=0.5"
expect 0 "" "$nomos" discover travel.yaml -o held $noisy --set 'discover.constraints=["[u_x] = -0.9"]'
! grep -q "the bias of noise stays" held/log.txt || fail "constraints keep the bias of noise"
awk -v c="$(value held u u_x 3)" 'BEGIN { exit !(c + 0.9 < 1e-12 && c + 0.9 > -1e-12) }' || fail "an equality is not kept without the bias of noise: $(value held u u_x 3)"
expect 1 "discover.constraints beside assembly.selection = stepwise" "$nomos" discover travel.yaml -o bad --set assembly.selection=stepwise --set 'discover.constraints=["[u_x] < 0"]'
[ ! -e bad/data ] || fail "data are made for constraints that are refused"
expect 0 "the bias of noise stays in the equation of x: it is taken off one equation after the other, and discover.constraints are between several; its deviations are those of independent rows" "$nomos" discover swing -o between --set assembly.form=weak --set 'discover.constraints=["x[y] - 1e10 y[x] = 2e5"]'

# Where a number is missing the bias of noise stays, terms are those of discover.method, and it is said what deviations are then.
awk 'NR == 90 { sub(/,[^,]*$/, ",") } { print }' swing/data.csv >hole.csv
expect 0 "assembly.selection = stepwise chooses no terms, those of discover.method stay: " "$nomos" discover swing -o hole --set data.path=$PWD/hole.csv --set assembly.form=weak --set assembly.selection=stepwise
grep -q "the bias of noise stays in the equation of y: .*rows with missing data are left out.* too small as test functions overlap: discover.independence = 0\.[0-9]* is" hole/log.txt || fail "missing values: $(cat err.txt)"
/usr/bin/python3 - hole/log.txt <<'PYTHON' >share.txt || fail "no share of independent rows"
import re, sys
print(re.search(r"discover.independence = (\S+) is", open(sys.argv[1]).read())[1])
PYTHON
expect 0 "" "$nomos" discover swing -o counted --set data.path=$PWD/hole.csv --set assembly.form=weak --set discover.independence=$(cat share.txt)
! grep -q "too small as test functions overlap" counted/log.txt || fail "who says what overlaps is told so"

# Few frames: of 32 stretches of time only five have rows, and only these are drawn, left out and counted.
expect 0 "" "$nomos" discover travel.yaml -o short --set functions.periodic=false --set assembly.boundary=open --set assembly.form=strong --set data.frames=5 --set discover.intervals=blocks --set discover.draws=2000 --set discover.stability=200
# Intervals of few rows are those of Student's t, here of six degrees of freedom.
few="--set data.frames=2 --set discover.equations=[v] --set data.rates=[rate_v] --set discover.stability=0"
expect 0 "" "$nomos" discover table -o few $few --set 'discover.library=[u, u v]'
awk -F, '$1 == "v" { t = ($6 - $5) / 2 / $4; if (t < 2.42 || t > 2.48) exit 1; n++ } END { exit n != 2 }' few/coefficients.csv || fail "intervals of eight rows and two terms: $(cat few/coefficients.csv)"

# A criterion of so few rows is infinite, which JSON has not: the file and the pictures are there all the same.
expect 0 "" "$nomos" discover table -o infinite $few --set 'discover.library=[u, v, u^2, u v, v^2, u^3, v^3]' --set discover.choice=aicc --set discover.method=frols
/usr/bin/python3 - infinite/equation.json <<'PYTHON' || fail "an infinite criterion in equation.json"
import json, sys
equation = json.load(open(sys.argv[1]))["equations"][0]
criteria = [point["criterion"] for point in equation["path"]]
assert len(criteria) == 8 and criteria[-1] is None and criteria[0] is not None, criteria
assert len(equation["terms"]) == 7
PYTHON
[ -s infinite/plots/path.png ] || fail "no pictures beside an infinite criterion"

# What a file says of its ends counts: data between walls are taken with open ends, unless the case says otherwise.
cat >walls.yaml <<'E2'
case: {units: nondimensional}
solver: grid_pde
grid_pde: {family: reaction_diffusion, nx: 64, lx: 1, boundary_x: no_flux}
reaction_diffusion: {nu: 0.1, rho: 1}
initial: {u: "0.5 + 0.3*cos(pi*x)"}
time: {dt: 0.01, stop: 0.4}
output: {fields_every: 0.01}
E2
cat >walled.yaml <<'E2'
case: {units: nondimensional}
data: {path: walls/fields.nc}
discover: {equations: [u], library: [u, u^2, u_x, u_xx]}
assembly: {form: weak}
E2
expect 0 "" "$nomos" run walls.yaml -o walls
expect 0 "" "$nomos" discover walled.yaml -o walled
! grep -q "do not look periodic" walled/log.txt || fail "ends that the file says are closed are joined"
expect 0 "" "$nomos" discover walled.yaml -o walled_open --set assembly.boundary=open
expect 0 "" "$nomos" discover walled.yaml -o walled_joined --set assembly.boundary=periodic
cmp -s walled/equation.yaml walled_open/equation.yaml || fail "data between walls are not taken with open ends"
! cmp -s walled/equation.yaml walled_joined/equation.yaml || fail "assembly.boundary: periodic joins no ends"

finish
