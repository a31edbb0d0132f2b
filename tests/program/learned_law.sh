# A material of which both laws are networks, in a case like any other: derivatives of a rollout by state and weights, threads, and what a person can do wrong.
. "${0%/*}/lib.sh"

mkdir soft bad
cat >soft/case.yaml <<'END'
solver: mpm
mpm: {cells: 12, gravity: [0, -9.8, 0], precision: float64}
materials:
  jelly: {density: 1, elasticity: invariant_full, plasticity: invariant_full}
bodies:
  cube: {material: jelly, shape: box, centre: [0.5, 0.6, 0.5], size: 0.4, lattice: 5, velocity: [1, -1.5, -2], angular_velocity: [4, 4, 4]}
time: {dt: 1 ms, stop: 20 ms}
output: {fields_every: 10 ms, scalars_every: 10 ms, pictures: no}
END
lines() {
  printf 'include: ../soft/case.yaml\n%b\n' "$2" >bad/case.yaml
  bad "$1" "$3" run bad -o out
}

expect 0 "" "$nomos" gradcheck soft -o check --quiet --set gradcheck.steps=50 # a density of one: the weights of the start are heard
expect 0 "" "$nomos" run soft -o one --quiet
OMP_NUM_THREADS=2 expect 0 "" "$nomos" run soft -o two --quiet
same one two

# One line turns a written material into a learned one: it moves nearly as before, and not at all with the bits of before.
cases=${0%/*}/../../cases
short="--quiet --set time.stop=50ms --set output.pictures=no"
expect 0 "" "$nomos" run "$cases/mechanics/jelly" --smoke -o written $short
expect 0 "" "$nomos" run "$cases/mechanics/jelly" --smoke -o learned $short --set materials.jelly.learned="$cases/mechanics/jelly_into_water/jelly.safetensors"
awk -F, 'NR == FNR { last = $0; next } { line = $0 } END { n = split(last, a, ","); split(line, b, ","); for (i = 2; i <= n; i++) { d = a[i] - b[i]; if (d) changed = 1; if (d*d > 0.02^2*(a[i]^2 + 25)) exit 1 } exit !changed }' \
  written/scalars.csv learned/scalars.csv || fail "a learned law in place of a written one: $(tail -n 1 written/scalars.csv learned/scalars.csv)"

# A training's directory is a case wherever it lies, although the case named its data beside itself. (116 bytes: 29 numbers, behind metadata that say where each key is from.)
expect 0 "" "$nomos" train "$cases/mechanics/hyperelastic_jelly" --smoke -o fit --quiet --set train.epochs=1
grep -q 'data: hash' fit/log.txt && head -c 4000 fit/weights.safetensors | grep -qa '"data":"[0-9a-f]*"' || fail "the data of a training have no hash"
expect 0 "" "$nomos" evaluate fit
grep -q '"data": "[0-9a-f]*"' fit/evaluation_*.json || fail "those of an evaluation have none"
expect 0 "" "$nomos" train fit -o again --quiet
# Of what reads its data itself nobody counts trajectories: a law in the size of its network alone.
expect 0 "" "$nomos" scaling "$cases/mechanics/nclaw_jelly" --smoke -o law --quiet --set train.epochs=1 --set data.case= --set 'data.set=[]' --set data.path="$PWD/fit/data" --set output.pictures=no --set scaling.metric=reconstruction_mse --set scaling.network_key=constitutive.set \
  --set 'scaling.network_sizes=[materials.jelly.network_width=2, materials.jelly.network_width=3, materials.jelly.network_width=4, materials.jelly.network_width=6]'
[ "$(grep -c ',1,0,0[.]' law/scaling.csv)" = 4 ] || fail "the examples of a law: $(cat law/scaling.csv)"
[ "$(tail -c 116 fit/weights.safetensors | od)" = "$(tail -c 116 again/weights.safetensors | od)" ] || fail "a training and the training of its directory differ"

lines 'a file of something else' 'materials: {jelly: {learned: case.yaml}}' 'case.yaml'
lines 'another width' 'materials: {jelly: {network_width: 1000}}' 'network_width = 1000'
lines 'a modulus beside weights' 'materials: {jelly: {youngs_modulus: 1e5 Pa}}' 'youngs_modulus: unknown key'
lines 'a law that is none' 'materials: {jelly: {elasticity: invariant_ful}}' 'did you mean invariant_full?'
finish
