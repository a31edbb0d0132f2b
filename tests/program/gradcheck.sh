# nomos gradcheck as a user calls it: what it says, writes and returns.
. "${0%/*}/lib.sh"

mkdir ring still
cat >ring/case.yaml <<'YAML'
solver: lorenz
case: {title: A ring}
time: {dt: 0.02, stop: 2, scheme: ab2}
smoke: {gradcheck.steps: 8}
YAML
echo 'solver: toy
time: {dt: 0.25, stop: 1}' >still/case.yaml

expect 0 "" "$toy" gradcheck ring -o checked
for file in STATUS config.yaml provenance.json summary.json log.txt gradcheck.csv gradcheck.json taylor.csv norms.csv plots/gradcheck.png plots/gradcheck.svg; do
  [ -s checked/$file ] || fail "no $file"
done
[ "$(head -n 1 checked/STATUS)" = done ] || fail "STATUS: $(cat checked/STATUS)"
for check in schedule_every schedule_binomial schedule_two_level threads transposition linearity taylor_2 taylor_3 hessian_symmetry hessian_differences "d/d lorenz.forcing" "d/d lorenz.damping"; do
  grep -q "ok *$check" out.txt || fail "no check of $check: $(cat out.txt)"
  grep -q "^$check,.*,yes," checked/gradcheck.csv || fail "gradcheck.csv has no $check"
done
grep -q "gradient_cost" out.txt || fail "the cost of a gradient is not told"
[ -z "$(ls -A checked | grep snapshots)" ] || fail "snapshots are left on the disk"

# Smoke, single precision, several ranks, the directory of an earlier check.
expect 0 "" "$toy" gradcheck ring --smoke -o small
grep -q "over 8 steps" small/STATUS || fail "STATUS: $(cat small/STATUS)"
expect 0 "" "$toy" gradcheck ring -o single --set lorenz.precision=float32 --set gradcheck.directions=3
expect 0 "" mpirun --oversubscribe -n 2 "$toy" gradcheck ring -o ranks
expect 1 "is not empty; --force replaces it" "$toy" gradcheck ring -o checked
expect 0 "" "$toy" gradcheck ring -o checked --force --quiet
[ ! -s out.txt ] || fail "--quiet says $(cat out.txt)"
# The directory is a case like any run's.
expect 0 "" "$toy" gradcheck checked -o again

# Stopped: STATUS and the exit code say so, and there is no table of half a check.
expect 143 "" "$toy" gradcheck ring -o stopped --set time.max_wall=1e-6
[ "$(head -n 1 stopped/STATUS)" = stopped ] && [ ! -e stopped/gradcheck.csv ] || fail "STATUS: $(cat stopped/STATUS)"
"$toy" gradcheck ring -o signal --quiet --set gradcheck.directions=200 --set gradcheck.steps=300 &
job=$!
for _ in $(seq 1200); do # at its work
  grep -qs "each is computed" signal/log.txt && break
  sleep 0.05
done
kill -TERM $job
wait $job
[ $? = 143 ] && grep -q SIGTERM signal/STATUS || fail "SIGTERM: $(cat signal/STATUS)"

# Within a check that takes long too: a thousand directions, of which one is at work.
"$toy" gradcheck ring -o signal_within --quiet --set gradcheck.directions=1000 --set gradcheck.steps=2000 &
job=$!
for _ in $(seq 1200); do
  grep -qs "each is computed" signal_within/log.txt && break
  sleep 0.05
done
sleep 1
kill -TERM $job
for _ in $(seq 600); do
  kill -0 $job 2>/dev/null || break
  sleep 0.05
done
kill -KILL $job 2>/dev/null
wait $job
[ $? = 143 ] && grep -q SIGTERM signal_within/STATUS || fail "SIGTERM within a check: $(cat signal_within/STATUS)"

# A network of 350 000 weights: what is done for each of them is not done for each pair of them.
cat >waves.yaml <<'YAML'
case: {units: nondimensional}
surrogate: neural_operator
data: {generator: sweep, validation: 0, test: 0}
sweep: {case: pde/burgers, set: ["grid_pde.nx=64", "time.dt=0.05", "time.stop=0.1", "output.fields_every=0.05"], coarsen: 2, trajectories: 2, parameters: {nu: {key: burgers.nu, values: [0.1]}}}
neural_operator: {fields: [u], parameters: [burgers.nu], conditioning: channels}
fno: {width: 64, modes: 10, layers: 4, read_width: 64}
train: {epochs: 1, batch: 1}
output: {pictures: no}
YAML
expect 0 "" "$nomos" train waves.yaml -q -o many
mkdir emulated
cat >emulated/case.yaml <<YAML
solver: emulator
case: {units: nondimensional}
emulator: {weights: $PWD/many/weights.safetensors, parameters: [0.1]}
initial: {type: expression, fields: ["sin(2*pi*x)"]}
time: {dt: 0.05, stop: 0.1}
YAML
expect 0 "" timeout -s KILL 60 "$nomos" gradcheck emulated -o emulated_checked --set gradcheck.steps=2
grep -q "34[0-9]* parameters" emulated_checked/log.txt || fail "of another network: $(grep parameters emulated_checked/log.txt)"

# A solver with everything: on two ranks, and in single precision.
expect 0 "" mpirun --oversubscribe -n 2 "$nomos" gradcheck qg/two_layer_turbulence --smoke -o qg_ranks --set gradcheck.steps=4
expect 0 "" "$nomos" gradcheck qg/two_layer_turbulence --smoke -o qg_single --set gradcheck.steps=4 --set qg.precision=float32

# Long steps: what is cut off from the differences is no mistake of the Hessian's.
expect 0 "" "$toy" gradcheck ring -o long --set gradcheck.step=1
# Viscosities that are 0, the end of their range, are tried on the side that they have: on the other one there are no speeds of waves.
mkdir gas
cat >gas/case.yaml <<'YAML'
solver: grid_pde
case: {units: nondimensional}
grid_pde: {family: compressible, dimensions: 1, nx: 64, lx: 1, boundary_x: wall}
initial: {density: "1+0.2*cos(2*pi*x)", pressure: "1", Vx: "0.1*sin(pi*x)"}
time: {dt: 0.01, stop: 0.4}
YAML
"$nomos" gradcheck gas -o bound >out.txt 2>err.txt # slopes are limited: not all that is shown agrees
grep -q '^d/d compressible.eta,' bound/gradcheck.csv || fail "no derivative by a viscosity of 0: $(tail -n 3 err.txt)"

# A mistake is found, in the exit code too.
expect 1 "" "$toy" gradcheck ring -o wrong --set lorenz.mistake=1e-3
grep -q "FAIL *taylor_2" out.txt || fail "a wrong gradient passes: $(cat out.txt)"
grep -q "^[0-9]* failed" <(tail -n 1 wrong/STATUS) || fail "STATUS: $(cat wrong/STATUS)"

# A training: its loss by all weights, in either precision, with other options than a simulation's; the directory is a case again.
"${toy%/*}/nomos_toy_data" "$PWD/data.h5" 60 || fail "no data"
mkdir learn hand
echo "surrogate: toy_map
toy: {width: 8}
data: {path: $PWD/data.h5, validation: 0.2}
train: {batch: 8}
smoke: {gradcheck.examples: 5}" >learn/case.yaml
echo 'surrogate: toy_quartic
train: {batch: 8}' >hand/case.yaml
expect 0 "" "$toy" gradcheck learn -o learned
for file in STATUS config.yaml summary.json gradcheck.csv gradcheck.json taylor.csv plots/gradcheck.png; do
  [ -s learned/$file ] || fail "no $file of a training"
done
[ ! -e learned/norms.csv ] && [ ! -e learned/weights.safetensors ] || fail "a training has no norms along a trajectory, a check no weights"
for check in threads fused_kernels float32 transposition linearity taylor_2 taylor_3 hessian_symmetry hessian_differences "d/d map.0.weight" "d/d map.1.bias"; do
  grep -q "ok *$check" out.txt || fail "no check of $check: $(cat out.txt)"
done
grep -q "gradient_cost" out.txt && grep -q "float64 (the training's is float32)" out.txt || fail "cost and precision are not told: $(cat out.txt)"
expect 0 "" "$toy" gradcheck learned -o learned_again --set train.precision=float64
grep -q "float32" out.txt && fail "a training in float64 has a check of float32"
expect 0 "" mpirun --oversubscribe -n 2 "$toy" gradcheck learn --smoke -o learn_ranks
expect 0 "" mpirun --oversubscribe -n 2 "$toy" gradcheck learn -o learn_one --set gradcheck.examples=1 # none for one of the ranks
expect 143 "" "$toy" gradcheck learn -o learn_stopped --set time.max_wall=1e-6
expect 0 "" "$toy" train learn --quiet -o trained --set train.epochs=1 --set gradcheck.seed=3

# A loss that brings its own gradient, right and wrong; it has no second derivatives.
expect 0 "" "$toy" gradcheck hand -o by_hand
grep -q "ok *taylor_2" out.txt && grep -q "ok *d/d w" out.txt && ! grep -q "hessian\|taylor_3\|fused" out.txt || fail "by hand: $(cat out.txt)"
expect 0 "" mpirun --oversubscribe -n 2 "$toy" gradcheck hand -o hand_ranks
expect 1 "" "$toy" gradcheck hand -o hand_wrong --set quartic.mistake=1e-3
grep -q "FAIL *taylor_2" out.txt && grep -q "FAIL *d/d w" out.txt || fail "a wrong gradient of a loss passes: $(cat out.txt)"

# Derivatives that are zero on both sides show nothing: in a warm-up those by all of the network, which is not trained there; behind it none.
expect 0 "" "$nomos" gradcheck surrogate/burgers_learned_correction --smoke -o warm --set neural_operator.warm_up=1
grep -q 'derivatives are 0, and so are the differences, which shows nothing.*by tensors that the training holds fixed.*--set neural_operator.warm_up=0' warm/summary.json && grep -q 'all passed, but [0-9]* as 0 = 0' warm/STATUS || fail "a warm-up: $(cat warm/STATUS)"
expect 0 "" "$nomos" gradcheck surrogate/burgers_learned_correction --smoke -o cold --set neural_operator.warm_up=0
grep -q 'all passed at' cold/STATUS && ! grep -q '0 = 0' cold/STATUS && ! grep -q 'shows nothing' cold/summary.json || fail "behind a warm-up: $(cat cold/STATUS)"

# What cannot be differentiated says so; what is wrong in the case too.
expect 1 "solver toy has no derivatives" "$toy" gradcheck still -o none
[ ! -e none ] || fail "a refused check leaves a directory"
expect 1 "gradcheck.steps" "$toy" gradcheck ring -o none --set gradcheck.steps=1
expect 1 "gradcheck.direction" "$toy" gradcheck ring -o none --set gradcheck.direction=1
expect 1 "gradcheck.examples" "$toy" gradcheck learn -o none --set gradcheck.examples=0
expect 1 "cannot be read" "$toy" gradcheck learn -o none --set data.path=/nonexistent.h5
[ ! -e none ] || fail "a refused check of a training leaves a directory"
expect 0 "" "$toy" describe gradcheck
finish
