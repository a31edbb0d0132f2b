# Data of a sweep by nomos generate and for a training: a killed one leaves no file that would be taken for data, the same values are kept, others are made anew; what is said of wrong ones.
. "${0%/*}/lib.sh"

mkdir learn
cat >learn/data.yaml <<'END'
case: {units: nondimensional}
data: {generator: sweep}
sweep:
  case: pde/burgers
  set: ["grid_pde.nx=64", "time.dt=0.05", "time.stop=0.2", "output.fields_every=0.05"]
  coarsen: 4
  trajectories: 12
  parameters: {nu: {key: burgers.nu, values: [0.01, 0.1, 1]}}
  tests:
    unseen: {trajectories: 4, nu: {range: [0.02, 0.5], scale: log}}
END
cat >learn/case.yaml <<'END'
include: data.yaml
surrogate: neural_operator
neural_operator: {parameters: [burgers.nu]}
fno: {width: 4, modes: 4, layers: 1, read_width: 4}
channel_attention: {width: 4}
train: {epochs: 2, batch: 4}
data: {validation: 0.2, test: 0}
output: {pictures: no}
END

expect 0 "" "$nomos" generate learn/data.yaml -o data --quiet
[ -e data/data/sweep.nc ] && [ -e data/data/tests/unseen.nc ] && [ ! -e data/data/sweep.nc.partial ] || fail "not the files: $(find data)"
expect 0 "" mpirun --oversubscribe -n 2 "$nomos" generate learn/data.yaml -o two --quiet
cmp data/data/sweep.nc two/data/sweep.nc && cmp data/data/tests/unseen.nc two/data/tests/unseen.nc || fail "two ranks make other files"

# The same values are kept, with --force too; the file of others is another.
before=$(stat -c %i data/data/sweep.nc)
expect 0 "" "$nomos" generate learn/data.yaml -o data --force
grep -q "sweep.nc is there already, made of the same values" out.txt || fail "made again: $(cat out.txt)"
[ "$(stat -c %i data/data/sweep.nc)" = "$before" ] || fail "the file was replaced"
expect 0 "" "$nomos" generate learn/data.yaml -o data --force --quiet --set sweep.seed=1
cmp -s data/data/sweep.nc two/data/sweep.nc && fail "another seed makes the same file"

# Of test sets that are not asked for, those of sweeps are removed and named; what was converted is the user's own.
cp two/data/tests/unseen.nc data/data/tests/foreign.nc
expect 0 "" "$nomos" import two/data/tests/unseen.nc -o data/data/tests/mine.nc --quiet
expect 0 "data/data/tests/foreign.nc is removed: it is a test set of another sweep" "$nomos" generate learn/data.yaml -o data --force --quiet --set sweep.seed=1
[ ! -e data/data/tests/foreign.nc ] && [ -e data/data/tests/mine.nc ] && [ -e data/data/tests/unseen.nc ] && [ "$(grep -c removed err.txt)" = 1 ] || fail "test sets: $(ls data/data/tests) $(cat err.txt)"

# Killed in the middle: nothing has the name of data.
"$nomos" generate learn/data.yaml -o killed --quiet --set sweep.trajectories=100000 &
job=$!
wait_for killed/data/sweep.nc.partial
kill -KILL $job
wait_killed $job 2>/dev/null
[ ! -e killed/data/sweep.nc ] || fail "half a file is left"
expect 0 "" "$nomos" generate learn/data.yaml -o killed --force --quiet
cmp killed/data/sweep.nc two/data/sweep.nc || fail "another file after a kill"

# Signals end the making of data, in a training too, with what is made so far kept: it goes on to the same file. So it does after a kill.
many="--quiet --set sweep.trajectories=2000"
expect 0 "" "$nomos" generate learn/data.yaml -o all $many
for signal in TERM:143 INT:130 KILL:137; do
  name=sig${signal%:*}
  # bash ignores SIGINT in background jobs; env restores it
  env --default-signal=INT "$nomos" generate learn/data.yaml -o $name $many >out.txt 2>err.txt &
  job=$!
  wait_for $name/data/sweep.nc.partial.made
  kill -${signal%:*} $job
  wait $job 2>/dev/null
  [ $? = ${signal#*:} ] || fail "$name: another exit code than ${signal#*:}: $(cat err.txt)"
  [ ! -e $name/data/sweep.nc ] || fail "$name: it was done before the signal"
  [ $signal = KILL:137 ] || { [ "$(head -n 1 $name/STATUS)" = stopped ] && grep -q "SIG${signal%:*} at the making of data" $name/STATUS && grep -q "continue with: nomos generate .*/$name --restart latest" $name/log.txt; } || fail "$name: $(cat $name/STATUS $name/log.txt)"
  expect 0 "" "$nomos" generate $name --restart latest --quiet
  grep -q "of 2000 trajectories are there already" $name/log.txt && cmp all/data/sweep.nc $name/data/sweep.nc && cmp all/data/tests/unseen.nc $name/data/tests/unseen.nc || fail "$name went on to another file: $(cat $name/log.txt)"
done
bad "data have no steps" "--restart latest makes what is missing" generate all --restart 3
env --default-signal=INT "$nomos" train learn/case.yaml -o trained $many --set train.batch=1000 >out.txt 2>err.txt &
job=$!
wait_for trained/data/sweep.nc.partial.made
kill -INT $job
wait $job
[ $? = 130 ] && [ "$(cat trained/STATUS)" = "stopped
SIGINT at the making of data" ] || fail "a training that was stopped while its data were made: $(cat trained/STATUS err.txt)"
bad "no weights yet" "there are no weights yet (weights.safetensors): the training ended before they were written; go on with it: nomos train $PWD/trained --restart latest" evaluate trained
expect 0 "" "$nomos" train trained --restart latest --quiet
cmp all/data/sweep.nc trained/data/sweep.nc && [ -s trained/weights.safetensors ] || fail "a training that went on from its data: $(cat trained/log.txt)"

# What is wrong with a training is told before its data are made, and in a dry run.
for dry in "" --dry-run; do
  wrong="train learn/case.yaml -o out --set sweep.trajectories=2000 $dry"
  bad "another metric$dry" "train.monitor = foo: this surrogate has loss, nrmse, first_nrmse" $wrong --set train.monitor=foo
  bad "a parameter that is not made$dry" "neural_operator.parameters names burgers.nuu, and the data that are to be made have no nuu; did you mean nu?" $wrong --set neural_operator.parameters=[burgers.nuu]
  bad "a field that is not made$dry" "neural_operator.fields names v, which the data that are to be made have not; " $wrong --set neural_operator.fields=[v]
  bad "more modes than the grid has$dry" "fno.modes = 600, but a grid of 16 points has 9 Fourier modes" $wrong --set fno.modes=600
  bad "a warm-up without an end$dry" "neural_operator.warm_up = 1: the training has 1 epoch" $wrong --set train.epochs=1 --set neural_operator.conditioning=cape
  bad "nothing of the solver$dry" "with neural_operator.form = next_state nothing of the solver would be left" $wrong --set neural_operator.base=solver --set neural_operator.form=next_state --set neural_operator.solver.case=pde/burgers
done
expect 0 "" "$nomos" train learn/case.yaml -o out --dry-run --set train.monitor=last_nrmse --set neural_operator.conditioning=none
grep -q '^# neural_operator.conditioning = none (--set): the table channel_attention of the case is left out$' out.txt || fail "a table that is left out: $(tail -n 5 out.txt)"

# An ablation needs no file of its own: what --set chooses leaves out the case's table of another one. Both in the case, or both set, are a mistake.
expect 0 "" "$nomos" train learn/case.yaml -o blind --quiet --set neural_operator.conditioning=none
grep -q 'the table channel_attention of the case is left out' blind/log.txt && ! grep -q '^channel_attention' blind/config.yaml || fail "a table that is left out: $(cat blind/log.txt)"
expect 0 "" "$nomos" train learn/case.yaml -o told --quiet --set 'neural_operator.parameters=[]' --set train.epochs=1
expect 0 "" "$nomos" evaluate told --set evaluate.split=validation
expect 0 "" "$nomos" train told --quiet --restart latest --set train.epochs=2
printf 'include: case.yaml\nneural_operator: {conditioning: none}\n' >learn/both.yaml
bad "a table of what is not chosen" "the case has a table channel_attention, which is of another choice" train learn/both.yaml -o out
bad "both set" "the case has a table cape, which is of another choice" train learn/case.yaml -o out --set neural_operator.conditioning=none --set cape.width=4

# A training makes them, a restart keeps them, and what was made before serves as well.
expect 0 "" "$nomos" train learn/case.yaml -o whole --quiet
cmp whole/data/sweep.nc two/data/sweep.nc || fail "the training has other data"
expect 0 "" "$nomos" train whole --restart latest --set train.epochs=3
grep -q "made of the same values" out.txt || fail "a restart makes its data again: $(cat out.txt)"
expect 0 "" "$nomos" train learn/case.yaml -o other --quiet --set data.generator= --set data.path="$PWD/two/data"
head -n 3 whole/loss.csv | cmp - other/loss.csv || fail "other losses with the same data"

# Data with open ends are not taken for periodic unless the case says so.
open='generate learn/data.yaml -o open --quiet --set sweep.case=pde/burgers --set sweep.set=[grid_pde.nx=64,time.dt=0.05,time.stop=0.2,output.fields_every=0.05,grid_pde.boundary_x=outflow]'
expect 0 "" "$nomos" $open
open="train learn/case.yaml -o out --quiet --set data.generator= --set data.path=$PWD/open/data"
bad "open ends" "has boundary_x = outflow, and neural_operator.periodic is yes unless it is given" $open
expect 0 "" "$nomos" $open --set neural_operator.periodic=no
rm -r out

# Beyond the parameters of its training a network is warned of, in log and summary; within it is not.
expect 0 "warning: emulator.parameters: advection.beta = 5 lies beyond what the network was trained with, 0.2 to 4" "$nomos" run surrogate/advection_emulated --smoke --quiet -o beyond --set emulator.parameters='[5]'
grep -q '"warnings"' beyond/summary.json && grep -q '"level":"warning"' <(tr -d ' ' <beyond/log.jsonl) || fail "neither summary nor log of the warning"
expect 0 "" "$nomos" run surrogate/advection_emulated --smoke --quiet -o within
! grep -q '"warnings"' within/summary.json && [ ! -s err.txt ] || fail "a warning within the range: $(cat err.txt)"

bad "no such key" "sweep of burgers, trajectory 0 (nu = 0.01, grid_pde.seed = 0): --set: burgers.nv: unknown key; did you mean burgers.nu?" generate learn/data.yaml -o out --set sweep.parameters.nu.key=burgers.nv
bad "no such case" "sweep.case: case 'pde/burgrs' not found" generate learn/data.yaml -o out --set sweep.case=pde/burgrs
bad "no divisor" "sweep.coarsen = 3 does not divide the 64 cells along x" train learn/case.yaml -o out --set sweep.coarsen=3
bad "nothing to make" "nothing makes data" generate learn/data.yaml -o out --set data.generator=
bad "a case that runs" "this case runs a solver" generate pde/burgers -o out
expect 1 "sweep of burgers, trajectory 2 (nu = 1000, grid_pde.seed = 2): " "$nomos" generate learn/data.yaml -o blown --set sweep.parameters.nu.values='[0.001, 0.001, 1000]' --set sweep.set='[grid_pde.nx=64, time.dt=0.005, time.stop=1, output.fields_every=0.5, grid_pde.substeps=1, time.scheme=ssp_rk3]'
[ "$(head -n 1 blown/STATUS)" = failed ] && [ -z "$(ls blown/data/*.nc* 2>/dev/null)" ] || fail "a blow-up leaves: $(find blown)"

# What an ensemble draws of its intervals is a picture like others: in plots/, and only where pictures are wanted.
cat >waves.yaml <<'YAML'
surrogate: neural_operator
case: {units: nondimensional}
data: {generator: sweep, validation: 0.25, test: 0.25}
sweep: {case: pde/burgers, set: ["grid_pde.nx=32", "time.dt=0.05", "time.stop=0.1", "output.fields_every=0.05"], coarsen: 2, trajectories: 8, parameters: {nu: {key: burgers.nu, values: [0.1]}}}
neural_operator: {fields: [u], conditioning: none}
fno: {width: 4, modes: 3, layers: 1, read_width: 4}
train: {epochs: 1, batch: 4}
output: {pictures: no}
YAML
for seed in 0 1; do expect 0 "" "$nomos" train waves.yaml -q -o members/$seed --set train.seed=$seed; done
expect 0 "" "$nomos" evaluate members/0 -o undrawn --set neural_operator.ensemble=$PWD/members
grep -q '^  frmse_high  *-$' out.txt && grep -q '"frmse_high": null' undrawn/evaluation_test.json || fail "waves that the grid does not have: $(grep frmse_high out.txt)"
[ "$(ls undrawn/plots)" = "$(printf 'errors.csv\nerrors_by_time.csv')" ] && cmp <(cut -d, -f 1-4 members/0/plots/errors.csv) <(cut -d, -f 1-4 undrawn/plots/errors.csv) && [ ! -e undrawn/intervals.png ] || fail "numbers without the pictures that nobody wants: $(find undrawn members/0/plots)"
expect 0 "" "$nomos" evaluate members/0 -o judged
! grep -q '^results' out.txt || fail "a heading with nothing under it: $(cat out.txt)"
expect 1 "neural_operator.ensemble: $PWD/nowhere is no folder that is there" "$nomos" evaluate members/0 -o judged --set neural_operator.ensemble=$PWD/nowhere
[ ! -s out.txt ] || fail "judged before it is refused: $(cat out.txt)"
expect 0 "" "$nomos" evaluate members/0 -o drawn --set neural_operator.ensemble=$PWD/members --set output.pictures=yes
[ -s drawn/plots/intervals.png ] && [ ! -e drawn/intervals.png ] || fail "no picture of intervals: $(ls drawn drawn/plots)"

# Trainings are compared by what they err: with pictures, or when they are drawn; the means are those of their summaries.
rm members/0/plots/errors.csv
bad "trainings without errors" "members/0/plots/errors.csv: cannot be read: No such file or directory; it is written by the training of an emulator" compare members/0 members/1 -o out
for seed in 0 1; do expect 0 "" "$nomos" plot members/$seed; done
expect 0 "" "$nomos" compare members/0 members/1 -o compared
[ -s compared/plots/errors.png ] && grep -q '^nRMSE of free runs' out.txt || fail "compared: $(cat out.txt; find compared)"
for seed in 0 1; do
  told=$(sed -n 's/.*"test_nrmse": \([-0-9.e+]*\).*/\1/p' members/$seed/summary.json | head -n 1) found=$(sed -n 's/.*"test": \([-0-9.e+]*\).*/\1/p' compared/compare.json | sed -n $((seed + 1))p)
  awk -v a="$told" -v b="$found" 'BEGIN {exit !(a > 0 && (a - b)^2 < 1e-10*a*a)}' || fail "the error of members/$seed: $told, compared as $found"
done
[ ! -s err.txt ] && ! grep -q warnings compared/compare.json || fail "one test set is taken for two: $(cat err.txt compared/compare.json)"
# Five of them, and more test sets than a picture shows: none is left out.
cp -r members/0 many
for set in a b c d e f g h i j; do
  for file in errors errors_by_time; do sed -n "s/^test,/$set,/p" members/0/plots/$file.csv >> many/plots/$file.csv; done
done
expect 0 "" "$nomos" compare members/0 members/1 members/0 many members/1 -o many_compared
[ "$(grep -c '"j": ' many_compared/compare.json)" = 5 ] && grep -q 'of the first 7 of 1[0-9] sets' out.txt && [ -s many_compared/plots/errors.png ] || fail "many sets: $(cat out.txt many_compared/compare.json)"
rm -r many
# Where a set is another one, the errors on it do not compare: other trajectories of the same data, or more of them.
for other in seed=5 test=0.5; do
  expect 0 "" "$nomos" train waves.yaml -q -o other --force --set data.$other
  expect 0 "" "$nomos" plot other
  expect 0 "warning: test: 0 was judged on 2 trajectories whose first frame errs by" "$nomos" compare members/0 members/1 other -o beside_other -q
  [ "$(grep -c '"warnings"' beside_other/compare.json)" = 1 ] && [ "$(grep -c '^warning' err.txt)" = 1 ] && grep -q ', other on [24] by .*which do not compare' err.txt || fail "another test set (data.$other): $(cat err.txt beside_other/compare.json)"
done
bad "a training beside data" "members/0 is a training, members/1/data is none: runs are compared with runs" compare members/0 members/1/data -o out

# Predictions, from data and from initial states alone, go into the run or where -o says, and are data again.
: >members/0/predictions # in the way of the directory
bad "predictions that have no place" "members/0/predictions cannot be made: File exists; give -o DIR, a directory for predictions.nc" predict members/0 members/1/data
rm members/0/predictions
expect 0 "" "$nomos" predict members/0 members/1/data -q
[ -s members/0/predictions/predictions.nc ] && [ "$(wc -l <members/0/predictions/predictions.csv)" = 9 ] && [ ! -e members/0/predictions/plots ] || fail "predictions: $(find members/0/predictions)"
bad "predictions that are there" "members/0/predictions/predictions.nc: is there already; --force writes over it, -o chooses another directory" predict members/0 members/1/data
expect 0 "" "$nomos" predict members/0 members/1/data --force --quiet
expect 0 "" mpirun --oversubscribe -n 2 "$nomos" predict members/0 members/1/data -o answers --set neural_operator.ensemble=$PWD/members --set predict.frames=5 --set output.pictures=yes
[ -s answers/plots/predictions.png ] && grep -q 'answers/predictions.nc' out.txt || fail "answers: $(cat out.txt; find answers)"
expect 0 "" "$nomos" evaluate members/0 --set data.generator= --set data.path=$PWD/answers/predictions.nc -o judged

# What --set says of frames and trajectories is of the states; the data of the training may be gone, which the weights know as much of as is needed, but not what intervals are fitted to.
expect 0 "" "$nomos" predict members/0 members/1/data -q -o chosen --set data.first_frame=1 --set data.trajectories=2
[ "$(wc -l <chosen/predictions.csv)" = 3 ] || fail "trajectories that are chosen: $(cat chosen/predictions.csv)"
mv members/0/data kept
expect 0 "" "$nomos" predict members/0 members/1/data -q -o alone
cmp members/0/predictions/predictions.csv alone/predictions.csv || fail "predictions without the data of the training: $(cat alone/predictions.csv)"
expect 1 "members/0: the data that sweep made for the training are not there" "$nomos" predict members/0 members/1/data -o out --set neural_operator.ensemble=$PWD/members
mv kept members/0/data
expect 0 "" "$nomos" export answers/predictions.nc --format nomos -o again.nc
bad "a case that predicts nothing" "which weights? give a run directory of nomos train" predict waves.yaml members/1/data -o out
bad "no data" "nowhere.nc cannot be read" predict members/0 nowhere.nc -o out

# Data that are not those of the training need no splits: all trajectories are judged, but for those that an ensemble is asked to fit its intervals to. The same files read otherwise keep their splits.
expect 0 "" "$nomos" generate waves.yaml -q -o new --set sweep.seed=5 --set sweep.trajectories=6
others="--set data.generator= --set data.path=$PWD/new/data"
expect 0 "" "$nomos" evaluate members/0 -o judged $others --set evaluate.split=all
grep -q '^these are not the data of the training: all 6 trajectories are judged' out.txt && [ "$(grep ' examples$' out.txt)" = "test: 6 examples" ] || fail "not all of other data: $(cat out.txt)"
expect 1 "neural_operator.tests.NAME.path=$PWD/new/data in place of data.path" "$nomos" evaluate members/0 -o judged $others --set neural_operator.ensemble=$PWD/members
expect 0 "the test split has 2 of their 6 trajectories" "$nomos" evaluate members/0 -o judged $others --set neural_operator.ensemble=$PWD/members --set data.validation=0.5
expect 0 "the test split has 2 of their 6 trajectories" "$nomos" evaluate members/0 -o judged --set data.generator= --set data.path=$PWD/members/0/data --set data.trajectories=6
expect 0 "" "$nomos" evaluate members/0 -o judged
! grep -q 'not the data' out.txt err.txt && [ "$(grep ' examples$' out.txt)" = "test: 2 examples" ] || fail "its own data: $(cat out.txt err.txt)"

# Runs beside each other: a start is told where it is not the whole. (time.stop/fields_every + 1 frames)
for run in 0 1; do expect 0 "" "$nomos" run pde/burgers --smoke -q -o run$run --set output.pictures=no --set grid_pde.nx=32 --set time.dt=0.01 --set time.stop=0.1 --set output.fields_every=0.01 --set burgers.nu=0.$((run + 1)); done
expect 0 "" "$nomos" compare run0 run1 -o beside
grep -q '11 frames$' out.txt && grep -q ' all ' out.txt && ! grep -q '20 frames' out.txt || fail "compare of 11 frames: $(cat out.txt)"

# A correction of a solver whose state the data do not hold is refused before the data are made.
cat >shallow.yaml <<'YAML'
solver: grid_pde
case: {units: nondimensional}
grid_pde: {family: shallow_water, nx: 16, boundary_x: wall}
initial: {h: "1 + 0.1*x"}
time: {dt: 0.05, stop: 0.1}
output: {fields_every: 0.05}
YAML
cat >corrected.yaml <<'YAML'
surrogate: neural_operator
case: {units: nondimensional}
data: {generator: sweep}
sweep: {case: shallow.yaml, trajectories: 4, seed_key: none, parameters: {g: {key: shallow_water.g, range: [0.5, 4]}}}
neural_operator: {fields: [h, Vx], parameters: [shallow_water.g], periodic: no, base: solver, solver: {case: shallow.yaml}}
fno: {modes: 3}
YAML
bad 'a correction of a part of the state' "its fields (h, momentum_x, state; or h, Vx)" train corrected.yaml -o out --set 'neural_operator.fields=[h]'
bad 'a correction of what the solver has not' "its state has no field 'speed', which the data have; it has h, momentum_x, state; or h, Vx. A learned correction needs data of all fields that its solver steps" train corrected.yaml -o out --set 'neural_operator.fields=[h, speed]'
expect 0 "" "$nomos" train corrected.yaml -o water --quiet --set train.epochs=2    # momenta by velocities
finish
