# nomos assimilate as a user calls it: a ring followed by an ensemble, alone and on several ranks; stopped and gone on with; observations from a file; a truth the model does not know; what is refused.
. "${0%/*}/lib.sh"

mkdir ring
cat >ring/case.yaml <<'YAML'
solver: lorenz
case: {title: A ring, units: nondimensional}
lorenz.n: 40
time: {dt: 0.05, stop: 16}
assimilate:
  members: 16
  from: 10
  every: 0.05
  observe: {every: 2, noise: 1, noise_scale: absolute}
  localisation.radius: 8
  inflation.factor: 1.06
output: {fields_every: 1, average_from: 12, precision: float64}
YAML
cat >ring/expected.yaml <<'YAML'
results:
  analysis_rmse: {max: 0.7}
  ratio:         {max: 0.2}
YAML
value() { sed -n 's/^ *"'"$2"'": \([-+.e0-9]*\),\{0,1\}$/\1/p' "$1/summary.json"; }
# holds CONDITION VALUE...: awk's, of $1, $2 ...
holds() { echo "${@:2}" | awk "NF == $(($# - 1)) && ($1) {found = 1} END {exit !found}" || fail "not $1: ${*:2}"; }

expect 0 "" "$toy" assimilate ring --check -o alone --set assimilate.keep_observations=true
for file in STATUS config.yaml provenance.json summary.json log.txt assimilation.csv fields.nc rank_histogram.csv observations.nc plots/assimilation.png plots/analysis.png; do
  [ -s alone/$file ] || fail "no $file"
done
[ "$(head -n 1 alone/STATUS)" = done ] || fail "STATUS: $(cat alone/STATUS)"
alike() { # the same bits
  for file in assimilation.csv rank_histogram.csv; do cmp -s alone/$file "$1/$file" || fail "alone/$file and $1/$file differ"; done
  for key in ratio spread chi_squared; do [ "$(value alone $key)" = "$(value "$1" $key)" ] || fail "$key: $(value alone $key) alone, $(value "$1" $key) in $1"; done
}
expect 0 "" mpirun --oversubscribe -n 3 "$toy" assimilate ring -o ranks
alike ranks
# A file large enough that ranks that wrote it together would meet.
expect 0 "" mpirun --oversubscribe -n 3 "$toy" assimilate ring -o large --set assimilate.keep_observations=true --set lorenz.n=400 --set assimilate.observe.every=1 --set assimilate.method=nudging --set assimilate.members=3 --set time.stop=30 --set output.pictures=no
[ -s large/observations.nc ] || fail "three ranks leave no observations.nc"

# Stopped, and gone on with on other ranks.
expect 0 "" "$toy" assimilate ring -o stopped --set time.stop=13.4
expect 1 "another physics" "$toy" assimilate stopped --restart latest --set time.stop=16 --set assimilate.seed=2
expect 0 "" mpirun --oversubscribe -n 2 "$toy" assimilate stopped --restart latest --set time.stop=16
alike stopped
expect 143 "" "$toy" assimilate ring -o wall --set time.max_wall=1e-3
expect 0 "" "$toy" plot alone

# Every method follows where all is seen, better than what was seen (noise 1 is 0.27 of the climate's deviation).
follows() {
  expect 0 "" "$toy" assimilate ring -o "$1" --set assimilate.method="$1" --set assimilate.observe.every=1 --set output.pictures=no "${@:2}"
  holds '$1 < 0.27' "$(value "$1" ratio)"
}
follows etkf --set assimilate.members=40 --set assimilate.localisation.radius=0
follows enkf --set assimilate.members=40 --set assimilate.inflation.factor=1.1
follows optimal_interpolation --set assimilate.members=1 --set assimilate.inflation.factor=0.05 --set assimilate.climate.states=60
follows nudging --set assimilate.members=1 --set assimilate.localisation.radius=1.5 --set assimilate.nudging.gain=0.3
follows 3dvar --set assimilate.members=1 --set assimilate.inflation.factor=0.05
follows 4dvar --set assimilate.members=1 --set assimilate.inflation.factor=0.05 --set assimilate.window.looks=4
follows weak_4dvar --set assimilate.members=1 --set assimilate.inflation.factor=0.05 --set assimilate.window.looks=4
# What a method does not have is neither a number nor a name: of one state there is no spread, and without covariances nothing that is expected.
for method in etkf optimal_interpolation nudging 3dvar 4dvar weak_4dvar; do
  has=" $(head -n 1 $method/assimilation.csv | tr , ' ') $(sed -n 's/^ *"\([a-z_0-9]*\)": [-0-9].*/\1/p' $method/summary.json | tr '\n' ' ')"
  grep -aq "standard deviation of the analyses" $method/fields.nc && has="$has spread "
  case $method in
    etkf) wanted="analysis_spread forecast_spread chi_squared spread" unwanted= ;;
    optimal_interpolation) wanted=chi_squared unwanted="analysis_spread forecast_spread spread" ;;
    *) wanted=departure unwanted="analysis_spread forecast_spread chi_squared spread" ;;
  esac
  for name in $wanted; do [[ $has = *" $name "* ]] || fail "$method: no $name"; done
  for name in $unwanted; do [[ $has != *" $name "* ]] || fail "$method: an invented $name"; done
done
expect 0 "" "$toy" plot 4dvar
expect 0 "" "$toy" plot optimal_interpolation
# How long it takes is not told by the steps before the first analysis.
COLUMNS=200 script -qec "stty columns 200; '$toy' assimilate ring -o timed --force --set assimilate.from=5000 --set time.stop=5060 --set output.pictures=no" /dev/null </dev/null | tr '\r' '\n' >lines.txt
grep 'climate' lines.txt | grep -q 'to go' && fail "a time to go before the first analysis: $(grep 'climate' lines.txt | grep -m 1 'to go')"
grep -q 'to go' lines.txt || fail "no time to go: $(tail -n 3 lines.txt)"
expect 1 "has one state" "$toy" assimilate ring -o two --set assimilate.method=4dvar --set assimilate.members=2

# Who does not say how many states a variational method has needs not know.
mkdir untold
sed '/members:/d; /localisation/d' ring/case.yaml >untold/case.yaml
expect 0 "" "$toy" assimilate untold -o untold_run -q --set assimilate.method=3dvar --set assimilate.inflation.factor=0.05 --set output.pictures=no
expect 1 "or ask for fewer (assimilate.climate.states)" "$toy" assimilate untold -o untold_run --force -q --set assimilate.method=3dvar --set assimilate.climate.states=5000

# The observations of the twin, from its file, in other hands: another start of the same ensemble is drawn to them; there are no errors to tell.
expect 0 "" "$toy" assimilate ring -o own --set assimilate.observations=alone/observations.nc --set assimilate.start=perturbed --set assimilate.spread=0.3
holds '$1 > 0.9 && $1 < 1.3' "$(value own departure)"
[ -z "$(value own analysis_rmse)" ] || fail "errors without a truth"

# Looks without a value are analyses that are the forecast, whatever the method, and the log says it once; what has no mean of observations is nan in the table, which is read and drawn all the same.
cp alone/observations.nc gaps.nc
"${toy%/*}/nomos_toy_data" "$PWD/gaps.nc" blank value 10 10 || fail "no gaps"
for method in letkf enkf optimal_interpolation 3dvar 4dvar; do
  settings="--set assimilate.members=1 --set assimilate.inflation.factor=0.05 --set assimilate.climate.states=60 --set assimilate.localisation.radius=0"
  case $method in letkf | enkf) settings=; esac
  expect 0 "" "$toy" assimilate ring -o unseen_$method --set assimilate.method=$method --set assimilate.observations=gaps.nc --set assimilate.start=perturbed --set assimilate.spread=0.3 --set assimilate.window.looks=4 $settings
  [ "$(grep -c 'no value was seen for the analysis at' unseen_$method/log.txt)" = 1 ] || fail "$method: looks without a value are not told once"
  awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i; next }
    { empty = $column["observations"] == 0; n += empty; bad += empty != ($column["departure"] == "nan"); if ("chi_squared" in column) bad += empty != ($column["chi_squared"] == "nan") }
    END { exit n != 10 || bad > 0 }' unseen_$method/assimilation.csv || fail "$method: scores of looks without a value: $(sed -n 10,14p unseen_$method/assimilation.csv)"
  holds '$1 > 0.5' "$(value unseen_$method departure)" # a mean of the others
done

# A truth with another forcing: what the ensemble does not know costs, and adaptive inflation mends a part.
cp -r ring other
cat >>other/case.yaml <<'YAML'
truth: {lorenz.forcing: 10}
YAML
expect 0 "" "$toy" assimilate other -o imperfect
expect 0 "" "$toy" assimilate other -o adaptive --set assimilate.inflation.adaptive=true --set assimilate.inflation.deviation=0.2
holds '$1 > 1.3*$2' "$(value imperfect analysis_rmse)" "$(value alone analysis_rmse)"
holds '$1 < $2' "$(value adaptive analysis_rmse)" "$(value imperfect analysis_rmse)"
holds '$1 > 1.1' "$(value adaptive inflation)"

# A surrogate is assimilated as a solver is: a fifth of the points of a wave that trained weights carry, with noise of 0.05.
expect 0 "" "$nomos" assimilate surrogate/advection_emulated -o emulated --set time.stop=12 --set assimilate.from=6 --set assimilate.every=0.2 --set assimilate.members=16 --set assimilate.start=climate --set assimilate.method=etkf --set assimilate.observe.fraction=0.2 --set assimilate.observe.noise=0.05
awk -v e="$(value emulated analysis_rmse)" 'BEGIN { exit !(e + 0 > 0 && e < 0.05) }' || fail "a surrogate: the analysis errs $(value emulated analysis_rmse), more than the observations"

# Two variables of which one is analysed: the other stays what it is. A state that begins next to the truth stays there.
mkdir waves
cat >waves/case.yaml <<'YAML'
solver: spectral
case: {units: nondimensional}
spectral: {nx: 16, lx: 16, dealias: none}
equations:
  u: {terms: [u_x, v], coefficients: [-0.7, 0.8]}
  v: {terms: [v_x, u], coefficients: [0.4, -0.8]}
initial: {u: "sin(2*pi*x/lx)+0.5*cos(6*pi*x/lx)", v: "cos(4*pi*x/lx)"}
time: {scheme: rk4, dt: 0.1, stop: 24}
output: {precision: float64, pictures: no}
assimilate:
  members: 1
  from: 20
  every: 0.5
  start: perturbed
  spread: 0.001
  window.looks: 4
  inflation.factor: 0.1
  observe: {field: u, every: 1, noise: 0.001, noise_scale: absolute}
YAML
for method in 3dvar 4dvar weak_4dvar; do
  expect 0 "" "$nomos" assimilate waves -o waves_$method --set assimilate.method=$method
  holds '$1 < 0.01' "$(value waves_$method analysis_rmse)"
done

# Two fields, of which the model's files have one, between walls: both are written. On two ranks it is the same, and rank 0 writes the observations.
mkdir channel
cat >channel/case.yaml <<'YAML'
solver: grid_pde
case: {units: nondimensional}
grid_pde: {family: shallow_water, dimensions: 2, nx: 16, ny: 8, lx: 4, ly: 2, boundary_x: wall}
initial: {h: "1+0.1*gauss((x-1.5)/0.4)*(1+0.5*sin(2*pi*y/ly))"}
time: {dt: 0.05, stop: 6}
output: {fields_every: 0.2, precision: float64}
assimilate:
  members: 8
  from: 5
  every: 0.2
  fields: [h, momentum_x]
  observe: {field: h, places: anywhere, fraction: 0.2, noise: 0.001, noise_scale: absolute}
  localisation.radius: 1
  keep_observations: yes
YAML
expect 0 "" "$nomos" assimilate channel -o channel_1
expect 0 "" mpirun --oversubscribe -n 2 "$nomos" assimilate channel -o channel_2
for file in assimilation.csv rank_histogram.csv; do cmp -s channel_1/$file channel_2/$file || fail "channel_1/$file and channel_2/$file differ"; done
for run in channel_1 channel_2; do
  for name in h_analysis momentum_x_analysis; do grep -aq "$name" $run/fields.nc || fail "$run/fields.nc has no $name"; done
done
expect 0 "" "$nomos" assimilate channel -o channel_seen --set assimilate.observations=channel_2/observations.nc
holds '$1 == $2' "$(value channel_1 departure)" "$(value channel_seen departure)"
# A field that no variable of the files is like, alone: over numbers and x.
expect 0 "" "$nomos" assimilate waves -o waves_state --set assimilate.method=4dvar --set assimilate.fields='[state]' --set output.pictures=yes
grep -aq state_number waves_state/fields.nc || fail "waves_state/fields.nc has no state_number"
[ -s waves_state/plots/analysis.png ] || fail "no picture of a state"

refused() {
  expect 1 "$1" "$toy" assimilate ring -o out "${@:2}"
  [ ! -e out ] || fail "leaves out: $1"
}
refused "assimilate.method = letfk: no such method; did you mean letkf?" --set assimilate.method=letfk
refused "letkf is local and needs a radius of localisation above 0" --set assimilate.localisation.radius=0
refused "letkf with 1 member: it needs at least 2" --set assimilate.members=1
refused "make it a multiple" --set assimilate.every=0.07
refused "no analysis lies between" --set assimilate.from=16
refused "the last analysis is at 16; average earlier" --set output.average_from=20
refused "assimilate.observations: look 1 is at time 10.05, and assimilation reaches from 11" --set assimilate.observations=alone/observations.nc --set assimilate.from=11
refused "layer 2 cannot be observed" --set 'assimilate.observe.layers=[2]'
refused "the climate needs 50 states" --set assimilate.from=2
expect 1 "blew up" "$toy" assimilate ring -o far --set lorenz.amplitude=1000
finish
