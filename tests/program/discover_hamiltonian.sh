# nomos discover on orbits of two bodies: H from states and their rates, as a user asks for it; the case that integrates it; and what is refused.
. "$(dirname "$0")/lib.sh"
mkdir two
cat >two/case.yaml <<'E2'
case: {units: nondimensional, title: two bodies}
data: {generator: two_body}
two_body: {orbits: 20, times: 10, duration: 10, rtol: 1e-12}
discover:
  hamiltonian:
    terms: [p1^2, p2^2, p3^2, p4^2, q1*p2 - q2*p1, q1^2 + q2^2, "(q1 - q3)^2 + (q2 - q4)^2",
            "1/sqrt((q1 - q3)^2 + (q2 - q4)^2)", "1/((q1 - q3)^2 + (q2 - q4)^2)", "log((q1 - q3)^2 + (q2 - q4)^2)"]
  known:
    H: {terms: [p1^2, p2^2, p3^2, p4^2, "((q1 - q3)^2 + (q2 - q4)^2)^-0.5"], coefficients: [0.5, 0.5, 0.5, 0.5, -1]}
E2
cat >two/expected.yaml <<'E2'
results:
  exact_structure:     {value: 1, absolute: 0}
  coefficient_error:   {max: 1e-12}
  largest_error_worst: {max: 1e-12}
  field_error:         {max: 1e-12}
  energy_mse:          {max: 1e-16}
  orbit_mse:           {max: 1e-14}
E2

expect 0 "" "$nomos" discover two --check -o found
for file in STATUS equation.yaml equation.json equation.tex coefficients.csv path.csv orbits.csv report.html plots/coefficients.png plots/orbits.png; do
  [ -s found/$file ] || fail "no $file"
done
grep -q "H = 0.5 p1^2 + 0.5 p2^2 + 0.5 p3^2 + 0.5 p4^2 - 1 (1/sqrt((q1 - q3)^2 + (q2 - q4)^2))" found/log.txt || fail "H in the log: $(grep 'H =' found/log.txt)"
grep -q 'H &= 0.5 \\, p_{1}^{2}' found/equation.tex || fail "H in LaTeX: $(cat found/equation.tex)"

# What was found is a system that runs.
mkdir runs_on
printf 'include: ../found/equation.yaml\nsolver: hamiltonian_system\ncase: {units: nondimensional}\ntime: {dt: 0.01, stop: 1, scheme: kahan_li6}\ninitial: {type: list, state: [1, 0, -1, 0, 0, 0.5, 0, -0.5]}\n' >runs_on/case.yaml
expect 0 "" "$nomos" run runs_on -o integrated
grep -Eq '"energy": -0.2(5|4999999)' integrated/summary.json || fail "the energy of a circle: $(grep '"energy"' integrated/summary.json)"

# Draws of points with noise: the same ones in every run, on any number of threads.
noisy=(--set discover.noise=1e-3 --set discover.hamiltonian.points=100 --set discover.hamiltonian.trajectories=15 --set assembly.seeds=3)
expect 0 "" "$nomos" discover two -o noisy "${noisy[@]}"
OMP_NUM_THREADS=2 expect 0 "" "$nomos" discover two -o threads "${noisy[@]}"
cmp -s noisy/coefficients.csv threads/coefficients.csv || fail "two threads find another H"
grep -q '"samples": 100' noisy/summary.json || fail "not 100 states are seen"

# Noise put on once more takes off its bias, which is far beyond the deviations here.
mkdir stars
cat >stars/case.yaml <<'E2'
case: {units: nondimensional}
data: {generator: hamiltonian_systems}
hamiltonian_systems: {systems: [henon_heiles], orbits: 40, times: 100, duration: 10}
discover:
  hamiltonian: {degree: 3}
  method: mstls
  noise: 0.1
  known:
    H: {terms: [p1^2, p2^2, q1^2, q2^2, q1^2*q2, q2^3], coefficients: [0.5, 0.5, 0.5, 0.5, 1, -0.3333333333333333]}
E2
result() {
  sed -n "s/.*\"$2\": \([^,]*\),*/\1/p" "$1/summary.json"
}
expect 0 "" "$nomos" discover stars -o biased
expect 0 "" "$nomos" discover stars -o unbiased --set discover.intervals=noise
[ "$(result unbiased exact_structure)" = 1.0 ] || fail "noise of ten percent hides the terms"
awk -v b="$(result biased coefficient_error)" -v u="$(result unbiased coefficient_error)" 'BEGIN { exit !(b > 0.02 && u < 0.01) }' || fail "the bias stays: $(result biased coefficient_error), $(result unbiased coefficient_error)"
awk -v i="$(result unbiased inside_intervals)" 'BEGIN { exit !(i > 0.6) }' || fail "intervals do not hold the truth"

# Without noise, fifty states of one orbit are enough for the right six of 69 terms, whichever orbit, by the default method; coefficients to rounding.
expect 0 "" "$nomos" discover stars -o exact --set discover.method=evidence --set discover.noise=0 --set discover.hamiltonian.degree=4 --set discover.hamiltonian.trajectories=1 --set discover.hamiltonian.points=50 --set assembly.seeds=10
[ "$(result exact exact_structure_rate)" = 1.0 ] || fail "exact data: $(result exact exact_structure_rate) of the draws"
awk -v w="$(result exact largest_error_worst)" 'BEGIN { exit !(w <= 1e-14) }' || fail "exact data: coefficients are off by $(result exact largest_error_worst)"

# Of a file of several systems one.
several=(--set 'hamiltonian_systems.systems=[henon_heiles, magnetic_bottle]' --set discover.noise=0)
expect 0 "" "$nomos" discover stars -o one_of_two "${several[@]}" --set discover.hamiltonian.system=henon_heiles
[ "$(result one_of_two exact_structure)" = 1.0 ] && [ "$(result one_of_two samples)" = 4000.0 ] || fail "one of two systems: $(result one_of_two samples) samples"
expect 1 "the data are of several systems: name the one whose H is looked for as discover.hamiltonian.system; there are henon_heiles magnetic_bottle" "$nomos" discover stars --force -o bad_stars "${several[@]}"
expect 1 "there is no such system in the data; there are henon_heiles magnetic_bottle" "$nomos" discover stars --force -o bad_stars "${several[@]}" --set discover.hamiltonian.system=spring

# From states alone, by means over test functions in time.
expect 0 "" "$nomos" discover stars -o alone --set discover.intervals=noise --set discover.hamiltonian.half_width=15
[ "$(result alone exact_structure)" = 1.0 ] || fail "states alone do not show the terms"
awk -v c="$(result alone coefficient_error)" 'BEGIN { exit !(c < 0.02) }' || fail "states alone: coefficients are off by $(result alone coefficient_error)"
# Times in float32 are as even as they can be.
cp alone/data/hamiltonian_systems.nc rounded.nc
"${toy%/*}/nomos_toy_data" "$PWD/rounded.nc" round t || fail "times are not rounded"
expect 0 "" "$nomos" discover stars -o rounded --set data.generator= --set data.path="$PWD/rounded.nc" --set discover.noise=0 --set discover.hamiltonian.half_width=15
expect 1 "must be from 2 to 50, as trajectories have 100 states" "$nomos" discover stars --force -o bad_stars --set discover.hamiltonian.half_width=80
expect 1 "test functions need all states of a trajectory" "$nomos" discover stars --force -o bad_stars --set discover.hamiltonian.half_width=10 --set discover.hamiltonian.points=7

# The equation of a network that learned from the same states.
cat >network.yaml <<'E2'
case: {units: nondimensional}
surrogate: hamiltonian
data: {generator: hamiltonian_systems, validation: 0, test: 0}
hamiltonian_systems: {systems: [henon_heiles], orbits: 20, times: 20, duration: 10}
hamiltonian: {hidden: 2, width: 32, activation: softplus, baseline: false}
train: {batch: 400, epochs: 1500, learning_rate: 5e-3, precision: float32}
E2
expect 0 "" "$nomos" train network.yaml -o network
expect 0 "" "$nomos" discover stars -o read --set discover.noise=0 --set discover.hamiltonian.network=network/weights.safetensors --set discover.hamiltonian.test=network/data/hamiltonian_systems.nc
[ "$(result read exact_structure)" = 1.0 ] || fail "the network's equation has other terms: $(grep 'H =' read/log.txt)"
awk -v c="$(result read coefficient_error)" -v l="$(result read not_in_library)" -v n="$(result read network_field_error)" 'BEGIN { exit !(c > 1e-5 && c < 0.2 && l > 1e-4 && l < 0.2 && n > 1e-4 && n < 0.2) }' || fail "a network that is exact, or has learned nothing: $(result read coefficient_error) $(result read not_in_library) $(result read network_field_error)"
! grep -q "this H is not that of the data" read/log.txt || fail "an H that is as good as the network is warned of"
expect 0 "this H is not that of the data" "$nomos" discover stars -o wide --set discover.noise=0 --set discover.hamiltonian.network=network/weights.safetensors --set discover.hamiltonian.cloud=4
grep -q '"this H is not that of the data: its field errs by' wide/summary.json && awk -v w="$(result wide states_beyond_data)" -v r="$(result read states_beyond_data)" 'BEGIN { exit !(w > 0.5 && r < 0.1) }' || fail "a cloud beyond the data: $(result wide states_beyond_data), $(result read states_beyond_data)"
expect 0 "" "$nomos" train network.yaml -o young --set train.epochs=20
for steps in 0 300; do # a network that has hardly begun to learn goes on with the states seen here
  expect 0 "" "$nomos" discover stars -o adapted_$steps --set discover.noise=0 --set discover.hamiltonian.network=young/weights.safetensors --set discover.hamiltonian.points=100 --set discover.hamiltonian.adapt_steps=$steps --set discover.hamiltonian.adapt_rate=5e-3
done
awk -v a="$(result adapted_300 network_field_error)" -v b="$(result adapted_0 network_field_error)" 'BEGIN { exit !(a < 0.5*b) }' || fail "adaptation does not help: $(result adapted_0 network_field_error), then $(result adapted_300 network_field_error)"
grep -q "network_distance" read/orbits.csv || fail "no orbits of the network"
expect 1 "the network was trained on states of 4 coordinates, the data have 8" "$nomos" discover two -o bad --set discover.hamiltonian.network=network/weights.safetensors
expect 1 "discover.hamiltonian.test: its states have 4 coordinates, those of the data 8" "$nomos" discover two --force -o bad --set discover.hamiltonian.test=network/data/hamiltonian_systems.nc
expect 1 "a network has no noise" "$nomos" discover stars --force -o bad_stars --set discover.intervals=noise --set discover.hamiltonian.network=network/weights.safetensors

refused() {
  expect 1 "$1" "$nomos" discover two --force -o bad "${@:2}"
}
refused "position 8: found the end" --set 'discover.hamiltonian.terms=["cos(q1 "]'
refused "unknown name q9; did you mean" --set 'discover.hamiltonian.terms=[q9]'
refused "the library of H is empty" --set 'discover.hamiltonian.terms=["3"]'
expect 0 "tanh(q1) of discover.known.H is not in the library: H cannot be found as it is" "$nomos" discover two -o unknown --set 'discover.known.H.terms=[p1^2, p2^2, p3^2, p4^2, tanh(q1)]'
[ -z "$(result unknown coefficient_error)" ] && [ -n "$(result unknown energy_mse)" ] || fail "a truth that the library does not hold is compared with"
refused "are collinear on these rows" --set 'discover.hamiltonian.terms=[p1^2, p2^2, p3^2, p4^2, q1*p1, q1*p3, q3*p1, q3*p3, "1/sqrt((q1 - q3)^2 + (q2 - q4)^2)"]' # q1 = -q3, p1 = -p3
refused "80 rows for the 170 terms of H" --set discover.hamiltonian.degree=3 --set discover.hamiltonian.points=10
refused "the data have 20" --set discover.hamiltonian.trajectories=30
refused "20 trajectories of 10 states have 200" --set discover.hamiltonian.points=300
refused "the equation is that of H; leave one of the two out" --set discover.equations='[q1]'
# Of data.* and assembly.* what does nothing is refused, but not that it has its defaults: a run directory is a case.
while read -r key value; do refused "$key = $value: does nothing where an H is looked for" --set "$key=$value"; done <<'KEYS'
data.variables [x]
data.mask there
data.time clock
data.time_step 0.1
assembly.form weak
assembly.fraction 0.5
assembly.order 8
KEYS
expect 0 "" "$nomos" discover found -o again --set assembly.form=strong
cmp -s found/coefficients.csv again/coefficients.csv || fail "the run directory as a case finds another H"
# The first frames of every trajectory, after thinning.
expect 0 "" "$nomos" discover two -o few --set data.every=2 --set data.frames=3
[ "$(result few samples)" = 60.0 ] || fail "20 trajectories of 3 states are $(result few samples)"
refused "an H is that of data; leave one of the two out" --set solver=qg
refused "an H is that of data: give data.path" --set data.generator=

finish
