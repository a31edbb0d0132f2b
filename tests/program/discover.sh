# nomos discover as a user calls it: what a run directory holds, the real system kept for other cases, the equation put into a model, and what is refused.
. "${0%/*}/lib.sh"

mkdir model
cat >model/case.yaml <<'YAML'
solver: spectral
case: {units: nondimensional, title: "Burgers, without viscosity"}
spectral: {nx: 64, lx: 6.283185307179586}
time: {dt: 0.01, stop: 1}
initial: {u: sin(x)}
equations:
  u: {terms: [u u_x], coefficients: [-1]}
truth:
  equations.u: {terms: [u u_x, u_xx], coefficients: [-1, 0.1]}
discover: {equations: [u], library: [u, u_x, u u_x, u_xx, u_xxx], from: 0.5, samples: 2, every: 0.1, forecast: 0.2}
smoke: {time.stop: 0.5}
YAML
cat >model/expected.yaml <<'YAML'
results:
  exact_structure:   {value: 1, absolute: 0}
  coefficient_error: {max: 1e-9}
  forecast_gain:     {min: 1e6}
YAML

expect 0 "" "$nomos" discover model --check -o found
for file in STATUS config.yaml provenance.json summary.json log.txt equation.yaml equation.json equation.tex coefficients.csv path.csv increments.nc forecasts.csv forecast_spectra.csv report.html plots/coefficients.png plots/increments.png plots/forecasts.png plots/spectra.png; do
  [ -s found/$file ] || fail "no $file"
done
[ "$(head -n 1 found/STATUS)" = done ] || fail "STATUS: $(cat found/STATUS)"
grep -q "du/dt = - 1 u u_x + 0.1" found/log.txt || fail "the equation in the log: $(grep du/dt found/log.txt)"

# States of the real system are kept: another case of it makes none, and says the same.
kept=$(ls runs/truth/*/step_*.h5 | wc -l)
stamp=$(ls -l --time-style=full-iso runs/truth/*/step_*.h5)
expect 0 "" "$nomos" discover model --check -o again --set discover.forecast=0.1
[ "$stamp" = "$(ls -l --time-style=full-iso runs/truth/*/step_*.h5)" ] || fail "the real system was run again"
[ "$kept" -gt 2 ] || fail "$kept states of the real system are kept"
cmp -s found/equation.yaml again/equation.yaml || fail "states that were kept give another equation"

# Stopped while the real system runs: what is there is kept, and the next run goes on from it.
expect 143 "" "$nomos" discover model -o stopped --set time.max_wall=1e-3 --set discover.truth_directory=elsewhere
[ "$(head -n 1 stopped/STATUS)" = stopped ] || fail "STATUS: $(cat stopped/STATUS)"
[ -n "$(ls elsewhere/*/step_*.h5)" ] || fail "nothing of the real system is kept"
expect 0 "" "$nomos" discover model --check -o gone_on --set discover.truth_directory=elsewhere
cmp -s found/equation.yaml gone_on/equation.yaml || fail "a real system that was stopped and gone on with gives another equation"

# Formulas of the report are what a browser can set.
well_set() {
  /usr/bin/python3 - "$1/report.html" "$2" <<'PYTHON' || fail "formulas of $1/report.html"
import re, sys, xml.etree.ElementTree as tree
formulas = [tree.fromstring(re.sub(r"&\w+;", "x", text)) for text in re.findall(r"<math>.*?</math>", open(sys.argv[1]).read())]
assert len(formulas) == int(sys.argv[2]), len(formulas)
assert all(len(script) == 2 for formula in formulas for script in formula.iter() if script.tag in ("msub", "msup"))
PYTHON
}
well_set found 4 # left side, two terms, and the one that was found in the table

# On two ranks: two layers of an ocean whose model has no drag.
mkdir ocean
cat >ocean/case.yaml <<'YAML'
solver: qg
case: {units: nondimensional, title: Without drag}
qg: {layers: 2, nx: 24, ny: 36, lx: 20, ly: 30, deformation_radius: 0.70710678, beta: 0.2, drag: 0}
initial: {type: random, spectrum: ring, peak: 3, q_rms: 0.5}
time: {scheme: ab3, dt: 0.02, stop: 1}
truth: {qg.drag: 0.1}
discover:
  equations: [q1, q2]
  observe: psi
  library: [psi1, psi2, lap psi1, lap psi2, "J(psi1, q1)", dx psi2]
  from: 0.1
  frame: 2
  known: {q2: {terms: [lap psi2], coefficients: [-0.1]}}
YAML
printf 'results:\n  exact_structure: {value: 1, absolute: 0}\n  coefficient_error: {max: 1e-9}\n' >ocean/expected.yaml
expect 0 "" mpirun --oversubscribe -n 2 "$nomos" discover ocean --check -o ranks
well_set ranks 4
grep -q "dq1/dt = ...   (no term found)" ranks/log.txt || fail "a layer without an error: $(grep dq1 ranks/log.txt)"

# Some of the points: errors of interpolation cancel in the increment where these are the same ones at both times. Where they are not, the increment errs as the field does, the less the more the field has changed.
seen() { mpirun --oversubscribe -n "$1" "$nomos" discover ocean -o "$2" --set discover.interpolation=cubic --set discover.fraction="$3" --set discover.points="$4" --set discover.horizon="$5"; }
expect 0 "" seen 2 fixed 0.8 fixed 1
expect 0 "" seen 2 moving 0.8 moving 1
expect 0 "" seen 2 farther 0.8 moving 20
expect 0 "" seen 1 all 1 moving 1
/usr/bin/python3 - <<'PYTHON' || fail "points that move"
import json
for layer in "12":
    field, increment = ({run: json.load(open(run + "/summary.json"))["results"][error + layer] for run in ("fixed", "moving", "farther", "all")} for error in ("field_error_", "increment_error_"))
    assert increment["fixed"] < 2 * field["fixed"] and increment["moving"] > 100 * increment["fixed"], increment
    assert 0.8 < 20 * increment["farther"] / increment["moving"] < 1.25, increment
    assert 0.7 < field["moving"] / field["fixed"] < 1.4 and field["moving"] == field["farther"], field
    assert field["all"] == increment["all"] == 0
PYTHON

# Polishing sees the same points and no others: 6 times, 2 layers, half of 24 x 36 points.
expect 0 "" "$nomos" discover ocean -o half --set discover.interpolation=cubic --set discover.fraction=0.5
expect 0 "" "$nomos" discover ocean -o half_polished --set discover.interpolation=cubic --set discover.fraction=0.5 --set discover.polish=true --set discover.trajectory.steps=20 --set discover.trajectory.times=6
/usr/bin/python3 - <<'PYTHON' || fail "polishing by some of the points"
import json
before, after = (json.load(open(run + "/summary.json"))["results"] for run in ("half", "half_polished"))
assert after["observations"] == 6 * 2 * 432, after
assert after["coefficient_error_before_polishing"] == before["coefficient_error"] > 2 * after["coefficient_error"], after
assert after["exact_structure"] == 1, after
PYTHON

# A frame that leaves no point, or none of those far enough apart; a look without a point of a layer, which cannot be interpolated.
expect 0 "" "$nomos" discover ocean -o inside --set discover.frame=11
bad frame "discover.frame = 12 leaves none of the 36 x 24 points of q: choose 11 at most" discover ocean --set discover.frame=12 -o out
bad rows "discover.frame = 11 leaves no row of the regression: smoothed over 2.1 (discover.smoothing), only every 5-th point along x and every 5-th along y is one" discover ocean --set discover.frame=11 --set discover.smoothing=2.1 -o out
looks() { expect 0 "" "$nomos" estimate ocean -o "$1" --set 'estimate.unknown=[qg.drag]' --set qg.drag=0.1 --set estimate.points=moving --set estimate.fraction="$2" --set estimate.times=3 --set time.stop=0.3 --set estimate.iterations=0; }
of_looks="--set discover.observe=q --set discover.horizon=5 --set discover.interpolation=cubic"
looks many 0.1
looks few 0.0006 # of 864 points in a layer
expect 0 "" "$nomos" discover ocean -o of_many --set discover.observations=many/observations.nc $of_looks
bad look "look 2, at time 0.2, has no point of layer 1 of q, and discover.interpolation needs one at least: leave the look out, or take discover.assimilation: weak_4dvar" discover ocean --set discover.observations=few/observations.nc $of_looks -o out

# A run directory is a case that does the same again.
expect 0 "" "$nomos" discover found -o repeated
cmp -s found/equation.yaml repeated/equation.yaml || fail "the run directory as a case gives another equation"

# The equation in the model is the real system: runs of both are the same.
cat >corrected.yaml <<'YAML'
include: [model/case.yaml, found/equation.yaml]
YAML
cat >real.yaml <<'YAML'
include: model/case.yaml
equations: {u: {terms: [u u_x, u_xx], coefficients: [-1, 0.1]}}
YAML
for run in corrected real; do expect 0 "" "$nomos" run $run.yaml -o $run --set output.pictures=false; done
tail -n 1 corrected/scalars.csv | cut -d, -f 4- | tr , '\n' | cut -c 1-9 >corrected.txt
tail -n 1 real/scalars.csv | cut -d, -f 4- | tr , '\n' | cut -c 1-9 >real.txt
cmp -s corrected.txt real.txt || fail "the corrected model is not the real system: $(paste corrected.txt real.txt)"

# Observations of the real system from a file, here those that a twin experiment of nomos estimate writes.
expect 0 "" "$nomos" estimate real.yaml -o seen --set 'estimate.unknown=["equations.u.coefficients[2]"]' --set estimate.from=0.5 --set time.stop=0.55 --set estimate.times=5 --set estimate.fraction=1 --set estimate.noise=1e-12 --set estimate.iterations=0
expect 0 "" "$nomos" discover model -o from_file --set discover.observations=seen/observations.nc --set discover.samples=9 --set discover.every=0 --set discover.known.u.terms='[u_xx]' --set discover.known.u.coefficients='[0.1]'
for result in '"samples": 4' '"exact_structure": 1'; do grep -q "$result" from_file/summary.json || fail "no $result from a file: $(grep -A 9 results from_file/summary.json)"; done
# A library without the term that is missing: how little is explained is said, warned of, and drawn on one scale.
expect 0 "of the mean square of their target unexplained, and no noise explains it" "$nomos" discover model -o lacks --set discover.observations=seen/observations.nc --set 'discover.library=[u^2, u_x, u u_x]'
grep -q "% unexplained)" lacks/log.txt && grep -q "a term is missing from discover.library" lacks/summary.json || fail "what is unexplained is not said: $(grep du/dt lacks/log.txt)"
/usr/bin/python3 - lacks/plots/increments.svg <<'PYTHON' || fail "the panels of increments.svg have a range each"
import re, sys
paths = [re.findall(r"[ML] (\S+) (\S+)", path) for path in re.findall(r' d="(M [^"]*)"', open(sys.argv[1]).read()) if "C" not in path]
heights = [max(y) - min(y) for y in ([float(y) for _, y in path] for path in paths if len(path) > 60)]
assert len(heights) == 3 and heights[1] < 0.7 * heights[0] and heights[2] < 0.7 * heights[0], heights
PYTHON
expect 0 "" "$nomos" estimate real.yaml -o partly --set 'estimate.unknown=["equations.u.coefficients[2]"]' --set estimate.from=0.5 --set time.stop=0.55 --set estimate.times=5 --set estimate.fraction=0.9 --set estimate.iterations=0
bad partly "of the 64 points of u; all are needed" discover model --set discover.observations=partly/observations.nc -o out
bad horizon "no two of the 5 looks" discover model --set discover.observations=seen/observations.nc --set discover.horizon=7 -o out
bad coarse "the case needs it over (time, x 32)" discover model --set discover.observations=seen/observations.nc --set spectral.nx=32 -o out

# Pairs of a file, with noise: coefficients are made better by trajectories through its looks.
expect 0 "" "$nomos" estimate real.yaml -o noisy --set 'estimate.unknown=["equations.u.coefficients[2]"]' --set estimate.from=0.5 --set time.stop=0.9 --set estimate.times=20 --set estimate.fraction=1 --set estimate.noise=1e-4 --set estimate.iterations=0
known="--set discover.known.u.terms=[u_xx] --set discover.known.u.coefficients=[0.1] --set discover.every=0 --set discover.samples=99"
expect 0 "" "$nomos" discover model -o polished $known --set discover.observations=noisy/observations.nc --set discover.horizon=10 --set discover.polish=true --set discover.trajectory.steps=38
/usr/bin/python3 - polished/summary.json <<'PYTHON' || fail "polishing by a file: $(grep -A 12 results polished/summary.json)"
import json, sys
r = json.load(open(sys.argv[1]))["results"]
sys.exit(0 if r["exact_structure"] == 1 and r["coefficient_error"] < min(1e-4, r["coefficient_error_before_polishing"]) else 1)
PYTHON

# What the case says of pairs holds for a file too.
expect 0 "" "$nomos" discover model -o thinned --set discover.observations=seen/observations.nc --set discover.every=0.02 --set discover.from=0.505
grep -q '"samples": 2' thinned/summary.json || fail "discover.samples does not thin a file: $(grep samples thinned/summary.json)"
bad late "discover.from = 7.5: none of the 4 pairs" discover model --set discover.observations=seen/observations.nc --set discover.from=7.5 -o out

# Increments of an ensemble's analyses; and weak-constraint 4D-Var of what the ensemble saw, half of the points with noise.
cat >follow.yaml <<'YAML'
include: model/case.yaml
equations: {u: {terms: [u u_x, u_xx], coefficients: [-1, 0.05]}}
time: {stop: 1.4}
assimilate: {from: 1, every: 0.02, members: 8, start: perturbed, method: etkf, keep_observations: true, observe: {fraction: 0.5, noise: 0.001}}
output: {fields_every: 0.02, pictures: false}
discover: {samples: 30, every: 0, known: {u: {terms: [u_xx], coefficients: [0.05]}}}
YAML
expect 0 "" "$nomos" assimilate follow.yaml -o followed
expect 0 "" "$nomos" discover follow.yaml -o increments --set discover.increments=followed
for result in '"samples": 19' '"terms_u"'; do grep -q "$result" increments/summary.json || fail "no $result from analyses: $(grep -A 9 results increments/summary.json)"; done
grep -q "2 steps of 0.01 apart" increments/report.html || fail "the horizon is not that of the analyses"
expect 0 "" "$nomos" discover increments -o increments_again
cmp -s increments/coefficients.csv increments_again/coefficients.csv || fail "the run directory of increments as a case finds another equation"
weak="--set discover.observations=followed/observations.nc --set discover.assimilation=weak_4dvar --set discover.trajectory.steps=18 --set discover.trajectory.reduction=1e-3 --set discover.horizon=2"
expect 0 "" "$nomos" discover follow.yaml -o weak $weak --set discover.polish=true
grep -q "2 windows of u, 18 steps of 0.01 long" weak/report.html || fail "the report does not say windows: $(grep Regression weak/report.html)"
for result in '"windows": 2' '"exact_structure": 1' '"coefficient_error_before_polishing"'; do grep -q "$result" weak/summary.json || fail "no $result from weak 4D-Var: $(grep -A 9 results weak/summary.json)"; done
bad analyses "holds no analyses of u" discover model --set discover.increments=real -o out
bad windows "hold no window" discover follow.yaml $weak --set discover.trajectory.steps=2000 -o out
bad whole "a whole number of discover.horizon" discover model --set discover.assimilation=weak_4dvar --set discover.noise=0.01 --set discover.horizon=3 -o out

# What fits coefficients to trajectories knows no constraints.
bad polish "discover.constraints beside discover.polish" discover model --set 'discover.constraints=["[u_xx] > 0"]' --set discover.polish=true -o out
bad trajectory "discover.constraints beside discover.assimilation = trajectory" discover model --set 'discover.constraints=["[u_xx] > 0"]' --set discover.assimilation=trajectory -o out

# Models of several variables: all of them are observed, of a twin and of a file, or it is said what is missing.
cat >two.yaml <<'YAML'
solver: spectral
case: {units: nondimensional}
spectral: {nx: 32, lx: 20}
equations:
  u: {terms: [u_xx, u, u^3], coefficients: [0.1, 1, -1]}
  v: {terms: [v_xx, u, v], coefficients: [1, 0.2, -0.5]}
truth: {equations.u: {terms: [u_xx, u, u^3, v], coefficients: [0.1, 1, -1, -0.6]}}
initial: {u: "cos(2*pi*x/20) + 0.3*sin(4*pi*x/20)", v: "0.2*sin(2*pi*x/20)"}
time: {scheme: etdrk4, dt: 0.02, stop: 1}
discover: {equations: [u], library: [u, v, u_x, v_xx], samples: 5, every: 0.1}
YAML
exact() { grep -q '"exact_structure": 1' $1/summary.json && /usr/bin/python3 -c 'import json, sys; sys.exit(json.load(open(sys.argv[1] + "/summary.json"))["results"]["coefficient_error"] > 1e-6)' $1 || fail "$1: $(grep -A 9 results $1/summary.json)"; }
expect 0 "" "$nomos" discover two.yaml -o two
exact two
cat >lorenz.yaml <<'YAML'
solver: ode
case: {units: nondimensional}
equations:
  x: {terms: [y, x], coefficients: [10, -10]}
  y: {terms: [x, y], coefficients: [28, -1]}
  z: {terms: [x y, z], coefficients: [1, -2.6666666666666665]}
truth: {equations.y: {terms: [x, y, x z], coefficients: [28, -1, -1]}}
initial: {x: -8, y: 8, z: 27}
time: {scheme: rk4, dt: 0.005, stop: 5}
discover: {equations: [y], library: [x, y, z, x z, x y], samples: 50, every: 0.05, from: 1}
YAML
expect 0 "" "$nomos" discover lorenz.yaml -o lorenz
exact lorenz
! grep -q "warning" err.txt || fail "a warning of an equation that is right: $(cat err.txt)"
# Passes that end too early are warned of.
expect 0 "the passes did not converge: after 2 (discover.iterations) coefficients still change" "$nomos" discover lorenz.yaml -o early --set discover.iterations=2
bad half "discover.observe = u is not the whole state of the model: it lacks v" discover two.yaml --set discover.observe=u -o out

# Assimilations have keys of their own for what is seen.
bad interpolation "discover.trajectory.fraction and discover.trajectory.points say which" discover model --set discover.assimilation=trajectory --set discover.interpolation=cubic -o out
bad fraction "give discover.trajectory.fraction" discover model --set discover.assimilation=weak_4dvar --set discover.noise=0.01 --set discover.fraction=0.5 -o out
bad fraction "name a method, assimilate" discover model --set discover.fraction=0.5 -o out
bad library "at least one entry" discover model --set 'discover.library=[]' -o out
bad equations "'v' is no field" discover model --set 'discover.equations=[v]' -o out
bad parse "discover.library: term \`u u_q\`: position 3" discover model --set 'discover.library=[u, u u_q]' -o out
bad twice "u_x" discover model --set 'discover.library=[u_x, dx u]' -o out
expect 1 "collinear" "$nomos" discover model --set 'discover.library=[u, u u_x, u_xx, u_xx + u]' -o collinear
bad method "did you mean mstls?" discover model --set discover.method=mstl -o out
bad grid "its grid of u is not that of the model" discover model --set truth.spectral.nx=128 -o out
bad step "whole number" discover model --set truth.time.dt=0.004 -o out
bad truth "truth.spectral.n" discover model --set truth.spectral.n=128 -o out
bad unknown "'u_xx' is not in discover.library" discover model --set 'discover.library=[u, u_x]' -o out

finish
