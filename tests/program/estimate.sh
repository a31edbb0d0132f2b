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

# A state over a plane, on two ranks.
expect 0 "" mpirun --oversubscribe -n 2 "$nomos" estimate qg/initial_state_from_observations --smoke -o plane --set estimate.iterations=3 --set estimate.stages=1
for file in spectra.nc plots/analysis.png plots/analysis_end.png plots/spectra.png; do
  [ -s plane/$file ] || fail "no $file"
done

# What is refused, before anything is written.
expect 1 "did you mean lorenz.forcing?" "$toy" estimate ring -o none --set estimate.unknown='[lorenz.forcin]'
expect 1 "needs a field over (y, x)" "$toy" estimate ring -o none --set estimate.unknown='[initial_state]'
expect 1 "first_guess has 2 entries for 1 unknown" "$toy" estimate ring -o none --set estimate.unknown='[lorenz.forcing]'
expect 1 "asks for observations at 8 times" "$toy" estimate ring -o none --set estimate.from=3.99
expect 1 "no field 'y'" "$toy" estimate ring -o none --set estimate.observe=y
[ ! -e none ] || fail "a refused estimate leaves a directory"
# A first guess that blows up is an error with a name, and STATUS tells it.
expect 1 "blew up" "$toy" estimate ring -o wild --set estimate.first_guess=-500
[ "$(head -n 1 wild/STATUS)" = failed ] || fail "STATUS: $(cat wild/STATUS)"
finish
