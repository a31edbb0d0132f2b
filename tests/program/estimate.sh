# nomos estimate as a user calls it: parameters of a ring from observations; stopped and gone on with; what is refused.
. "${0%/*}/lib.sh"

mkdir ring
cat >ring/case.yaml <<'YAML'
solver: lorenz
case: {title: A ring}
time: {dt: 0.02, stop: 4, scheme: rk4}
estimate: {unknown: [lorenz.forcing, lorenz.damping], from: 3, fraction: 0.5, first_guess: [1.5, 0.5]}
smoke: {time.stop: 3.5, estimate.noise: 0.005}
YAML
cat >ring/expected.yaml <<'YAML'
results:
  lorenz.forcing_error: {value: 0, absolute: 5e-3}
  lorenz.damping_error: {value: 0, absolute: 5e-3}
  gradient_reduction:   {max: 1e-5}
YAML

expect 0 "" "$toy" estimate ring --smoke --check -o found
for file in STATUS config.yaml provenance.json summary.json log.txt convergence.csv fields.nc observations.nc plots/convergence.png; do
  [ -s found/$file ] || fail "no $file"
done
[ "$(head -n 1 found/STATUS)" = done ] || fail "STATUS: $(cat found/STATUS)"
# What it found is told, with an error that holds the truth, within four of its deviations, and that twice the noise doubles.
value() { sed -n 's/^ *"'"$2"'": \([-+.e0-9]*\),\{0,1\}$/\1/p' "$1/summary.json"; }
grep -q 'lorenz\.forcing = [0-9.]* +- [0-9.e-]* (first guess 12, truth 8)$' found/log.txt || fail "the forcing found is not told: $(tail -n 4 found/log.txt)"
grep -q 'lorenz\.forcing = ' out.txt || fail "the terminal does not tell what was found: $(cat out.txt)"
expect 0 "" "$toy" estimate ring --smoke -o noisy -q --set estimate.noise=0.01
for key in lorenz.forcing:8 lorenz.damping:1; do
  echo "$(value found ${key%:*}) $(value found ${key%:*}_deviation) $(value noisy ${key%:*}_deviation) ${key#*:}" | awk '{e = ($1 - $4)/$2; r = $3/$2; exit !($2 > 0 && e*e < 16 && r > 1.9 && r < 2.1)}' || fail "$key: $(value found ${key%:*}) +- $(value found ${key%:*}_deviation), with more noise $(value noisy ${key%:*}_deviation)"
done
expect 0 "" mpirun --oversubscribe -n 2 "$toy" estimate ring --smoke --check -o ranks
# The sums over ranks are in another order: the same but for rounding.
for run in found ranks; do sed -n 's/.*"cost": \([0-9.]*\).*/\1/p' $run/summary.json | cut -c 1-9 >$run.txt; done
cmp -s found.txt ranks.txt || fail "one rank finds $(cat found.txt), two $(cat ranks.txt)"

# Stopped: the best iterate so far is kept, and gone on with.
expect 143 "" "$toy" estimate ring -o stopped --set time.max_wall=1e-3 --set estimate.from=0 --set time.stop=1
[ "$(head -n 1 stopped/STATUS)" = stopped ] || fail "STATUS: $(cat stopped/STATUS)"
ls stopped/checkpoint/step_*.h5 >/dev/null 2>&1 || fail "no checkpoint of a stopped minimisation"
expect 1 "another physics" "$toy" estimate stopped --restart latest --set time.max_wall=0 --set estimate.seed=2
expect 0 "" "$toy" estimate stopped --restart latest --set time.max_wall=0
[ "$(head -n 1 stopped/STATUS)" = done ] || fail "STATUS: $(cat stopped/STATUS)"
expect 0 "" "$toy" plot stopped
# Its case, run: the truth.
expect 0 "" "$toy" run ring -o truth
# PETSc's options reach the optimiser; unknown ones do not pass.
expect 0 "" "$toy" estimate ring -o options -- -tao_max_it 2
grep -q "estimate.iterations are over" options/STATUS || fail "-tao_max_it: $(cat options/STATUS)"
expect 1 "no_such_option" "$toy" estimate ring -o none -- -no_such_option 1

# Observations from a file: those of a twin, from first guesses as far off, give the same parameters; and again from the file that this run writes, in other hands.
window="--smoke --set estimate.from=0 --set time.stop=0.5"
# shellcheck disable=SC2086
expect 0 "" "$toy" estimate ring -o twin $window
own="$window --set estimate.observations=twin/observations.nc --set estimate.first_guess=1 --set lorenz.forcing=12 --set lorenz.damping=0.5"
# shellcheck disable=SC2086
expect 0 "" "$toy" estimate ring -o own $own
# shellcheck disable=SC2086
expect 0 "" mpirun --oversubscribe -n 2 "$toy" estimate ring -o again $own --set estimate.observations=own/observations.nc
for key in lorenz.forcing lorenz.damping cost cost_at_first observations; do
  for run in own again; do
    echo "$(value twin $key) $(value $run $key)" | awk 'NF == 2 && $1 > 0 && ($2/$1 - 1)^2 < 1e-12 {found = 1} END {exit !found}' || fail "$key: $(value twin $key) of the twin, $(value $run $key) of $run"
  done
done
[ -n "$(value twin error_end_prior)" ] || fail "a twin tells no errors"
[ -z "$(value own error_end_prior)$(value own lorenz.forcing_error)" ] || fail "errors without a truth"
[ -n "$(value own misfit_per_observation)" ] && [ -n "$(value own departure_analysis)" ] || fail "no misfit, no departures"

# A state over a plane, on two ranks; from its observations and another prior.

expect 0 "" mpirun --oversubscribe -n 2 "$nomos" estimate qg/initial_state_from_observations --smoke -o plane --set estimate.iterations=3 --set estimate.stages=1
for file in spectra.nc plots/analysis.png plots/analysis_end.png plots/spectra.png; do
  [ -s plane/$file ] || fail "no $file"
done

expect 0 "" mpirun --oversubscribe -n 2 "$nomos" estimate qg/initial_state_from_observations --smoke -o seen --set estimate.iterations=3 --set estimate.stages=1 --set estimate.observations=plane/observations.nc --set 'initial.q_rms=1.0001e-5 1/s'
for file in spectra.nc departures.nc plots/analysis.png plots/analysis_end.png plots/spectra.png; do
  [ -s seen/$file ] || fail "no $file"
done
echo "$(value seen departure_prior) $(value seen departure_analysis)" | awk '{exit !($1 > 0 && $2 < 0.8*$1)}' || fail "departures of the prior $(value seen departure_prior), of the analysis $(value seen departure_analysis)"

# An entry of a list; in the table, where brackets hold units, qg.u[1] is qg.u_1.
expect 0 "" "$nomos" estimate qg/parameter_estimation --smoke -o entry --set 'estimate.unknown=["qg.u[1]"]' --set estimate.first_guess=1.2 --set estimate.from=0 --set time.stop=10day
grep -q 'qg\.u\[1\] = [0-9.]* +- [0-9.e-]* (first guess 0\.096, truth 0\.08), in m s-1$' entry/log.txt || fail "a parameter with its unit: $(grep 'first guess' entry/log.txt)"
head -n 1 entry/convergence.csv | grep -q ',qg.u_1 \[m s-1\]$' || fail "convergence.csv: $(head -n 1 entry/convergence.csv)"
expect 0 "" "$nomos" plot entry

# A field that begins uniform: the noise is a share of what it becomes, not of the rounding of its mean.
for u in 0.1 0.5; do
  expect 0 "" "$nomos" estimate pde/diffusion_sorption --smoke -q -o uniform_$u --set "initial.u=$u" --set 'estimate.unknown=[diffusion_sorption.d]' --set estimate.first_guess=1.5
  echo "$(value uniform_$u misfit_per_observation)" | awk 'NF == 1 && $1 > 0.3 && $1 < 3 {found = 1} END {exit !found}' || fail "initial.u = $u: misfit $(value uniform_$u misfit_per_observation)"
done
expect 1 "estimate.first_guess: diffusion_sorption.d = -0.0005: must be a finite number not less than 0" "$nomos" estimate pde/diffusion_sorption --smoke -o none --set 'estimate.unknown=[diffusion_sorption.d]' --set estimate.first_guess=-1
[ ! -e none ] || fail "a first guess out of its range left a directory"

# Files that are no observations of this case.
head -c 3000 twin/observations.nc >cut.nc
echo "x = 1" >text.nc
refuse() {
  local text=$1
  shift
  # shellcheck disable=SC2086
  expect 1 "$text" "$toy" estimate ring -o none $own "$@"
  [ "$(grep -c '^nomos: error: ' err.txt)" = 1 ] || fail "not one sentence: $(cat err.txt)"
}
refuse "estimate.observations: $PWD/none.nc: cannot open" --set estimate.observations=none.nc
refuse "the file is damaged or truncated" --set estimate.observations=cut.nc
refuse "is not an HDF5 or NetCDF-4 file" --set estimate.observations=text.nc
expect 0 "" "$toy" run ring -o fields --set time.stop=0.5 --set output.fields_every=0.1
refuse "has no variable x_error" --set estimate.observations=fields/fields.nc
refuse "x is over (time 8, i 36); the case needs it over (time, i 40)" --set lorenz.n=40
refuse "look 1 is at time 0.06, and the window reaches from 0.2" --set estimate.from=0.2
refuse "look 7 is at time 0.44, and the window reaches from 0 (estimate.from) to 0.42" --set time.stop=0.42
refuse "looks 1 and 2 are at the times 0.06 and 0.12" --set time.dt=0.25
expect 1 "has no variable q, the observed field; over time it has x" "$nomos" estimate qg/parameter_estimation --smoke -o none --set estimate.observations=twin/observations.nc
expect 1 "entry 1 of y is -200000" "$nomos" estimate qg/parameter_estimation --smoke -o none --set estimate.observations=plane/observations.nc --set 'qg.lx=500 km'

# The initial state of a field on a line: half of the points, seen with noise of a twentieth, tell it better than that.
mkdir line
cat >line/case.yaml <<'YAML'
solver: spectral
case: {units: nondimensional, title: Kuramoto-Sivashinsky}
spectral: {nx: 64, lx: 32}
initial: {u: "cos(2*pi*x/32)*(1 + sin(2*pi*x/32))"}
time: {dt: 0.05, stop: 102}
equations: {u: {terms: [u u_x, u_xx, u_xxxx], coefficients: [-1, -1, -1]}}
estimate: {from: 100, times: 20, fraction: 0.5, noise: 0.05}
YAML
printf 'results:\n  error_prior: {min: 0.2}\n  error_analysis: {max: 0.05}\n  misfit_per_observation: {min: 0.8, max: 1.2}\n' >line/expected.yaml
expect 0 "" "$nomos" estimate line --check -o line_found
for file in plots/analysis.png plots/analysis_end.png plots/spectra.png; do
  [ -s line_found/$file ] || fail "no $file"
done
grep -q "observations of u at 20 times from 100.1 to 102" line_found/log.txt || fail "times of observations: $(grep times line_found/log.txt)"

# What the analysis cannot make of what was seen is warned of: another forcing, and the damping alone to fit it.
if grep -q misfit_per_observation found/log.txt; then fail "a warning of a good fit: $(grep misfit found/log.txt)"; fi
# shellcheck disable=SC2086
expect 0 "misfit_per_observation = " "$toy" estimate ring -o misfit $own --set estimate.unknown='[lorenz.damping]' --set lorenz.forcing=20

! grep -q ' +- ' misfit/log.txt || fail "an error bar of a fit that is none: $(grep ' +- ' misfit/log.txt)"

# Two variables: a state is both of them, unknown or not; one alone is refused.
mkdir two
cat >two/case.yaml <<'YAML'
solver: spectral
case: {units: nondimensional}
spectral: {nx: 32, lx: 20}
equations:
  u: {terms: [u_xx, u, u^3, v], coefficients: [0.1, 1, -1, -0.6]}
  v: {terms: [v_xx, u, v], coefficients: [1, 0.2, -0.5]}
initial: {u: "cos(2*pi*x/20) + 0.3*sin(4*pi*x/20)", v: "0.5 + 0.2*sin(2*pi*x/20)"}
time: {scheme: etdrk4, dt: 0.02, stop: 4}
estimate: {from: 3, times: 6, fraction: 0.5, noise: 0.01}
YAML
printf 'results:\n  error_prior_2: {min: 0.001}\n  error_ratio: {max: 0.3}\n  misfit_per_observation: {max: 1.2}\n' >two/expected.yaml
expect 0 "" "$nomos" estimate two --check -o two_found
expect 1 "estimate.control = u is not the whole state of solver spectral: it lacks v" "$nomos" estimate two -o none --set estimate.control=u
expect 0 "" "$nomos" estimate two -o two_seen --set estimate.iterations=0 --set estimate.noise=1e-6
expect 0 "" "$nomos" estimate two -o two_known --set estimate.observations=two_seen/observations.nc --set 'estimate.unknown=["equations.v.coefficients[2]"]' --set estimate.iterations=0
echo "$(value two_known misfit_per_observation)" | awk '{exit !($1 > 0 && $1 < 2)}' || fail "a state that is known has lost a variable: misfit $(value two_known misfit_per_observation)"
cat >pendulum.yaml <<'YAML'
solver: ode
case: {units: nondimensional}
equations: {x: {terms: [y], coefficients: [1]}, y: {terms: [x, y], coefficients: [-1, -0.1]}}
initial: {x: 0.5, y: 1}
time: {scheme: rk4, dt: 0.02, stop: 2}
estimate: {unknown: ["equations.y.coefficients[2]"], first_guess: 20, observe: state, fraction: 1, noise: 0.01}
YAML
expect 0 "equations.y.coefficients[2] = -0.2 is the lower bound of estimate.parameter_range, 0.1 times its first guess" "$nomos" estimate pendulum.yaml -o pendulum
grep -q '"equations.y.coefficients\[2\] = -0.2 is the lower bound' pendulum/summary.json || fail "a bound without a warning in summary.json"
! grep -q ' +- ' pendulum/log.txt || fail "an error bar at a bound: $(grep ' +- ' pendulum/log.txt)"
grep -q "could not be drawn" pendulum/log.txt && fail "pictures of an ode: $(grep drawn pendulum/log.txt)"
[ -s pendulum/plots/convergence.png ] || fail "no pictures of an ode"


# What is refused, before anything is written.
expect 1 "did you mean lorenz.forcing?" "$toy" estimate ring -o none --set estimate.unknown='[lorenz.forcin]'
expect 1 "on one rank over (x)" mpirun --oversubscribe -n 2 "$toy" estimate ring -o none --set estimate.unknown='[initial_state]'
expect 1 "first_guess has 2 entries for 1 unknown" "$toy" estimate ring -o none --set estimate.unknown='[lorenz.forcing]'
expect 1 "asks for observations at 8 times" "$toy" estimate ring -o none --set estimate.from=3.99
expect 1 "no field 'y'" "$toy" estimate ring -o none --set estimate.observe=y
expect 1 "estimate.unknown has lorenz.forcing twice" "$toy" estimate ring -o none --set estimate.unknown='[lorenz.forcing, lorenz.damping, lorenz.forcing]'
expect 1 "estimate.noise = 0: must be greater than 0" "$toy" estimate ring -o none --set estimate.noise=0
mkdir unchecked && cp ring/case.yaml unchecked
expect 1 "--check needs the numbers to expect" "$toy" estimate unchecked --check -o none
[ ! -e none ] || fail "a refused estimate leaves a directory"
# A first guess that blows up is an error with a name, and STATUS tells it.
expect 1 "blew up" "$toy" estimate ring -o wild --set "estimate.first_guess=[-500, 1]"
[ "$(head -n 1 wild/STATUS)" = failed ] || fail "STATUS: $(cat wild/STATUS)"
finish
