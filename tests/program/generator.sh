# Data that a generator makes for a training: the same bits in a run that is resumed; what is said of wrong names; evaluation and other data for a run that had a generator.
. "${0%/*}/lib.sh"

case=hamiltonian/hnn_two_body
small="--smoke --set two_body.orbits=8 --set two_body.times=5 --set hamiltonian.width=8 --set train.epochs=6 --set train.checkpoint_every=2 --set checkpoint.keep=0 --quiet"

# shellcheck disable=SC2086
{
  expect 0 "" "$nomos" train $case $small -o whole
  cp -r whole part
  rm -rf part/checkpoint/step_*6.h5 part/data # the last checkpoint, and the data
  [ "$(ls part/checkpoint | wc -l)" = 3 ] || fail "not those of steps 0, 2 and 4 but: $(ls part/checkpoint)"
  expect 0 "" "$nomos" train $case $small -o part --restart latest
  cmp whole/weights.safetensors part/weights.safetensors || fail "other weights after a resume"

  # In another directory: from the checkpoint of the run that is named, or not at all.
  expect 0 "" "$nomos" train part --restart 4 -o beyond --quiet
  grep -q ', from step 4$' beyond/log.txt && [ "$(tail -n 1 whole/loss.csv)" = "$(tail -n 1 beyond/loss.csv)" ] || fail "another directory: $(cat beyond/log.txt)"
  bad "nothing to restart" "checkpoint" train $case $small -o out --restart latest
  bad "no such step" "part/checkpoint" train part -o out --restart 3
  mkdir begun
  printf 'stopped\nSIGTERM at the making of data\n' >begun/STATUS
  bad "no checkpoint yet" "begun/checkpoint" train $case $small -o begun --restart 4
  expect 0 "" "$nomos" train $case $small -o begun --restart latest
  cmp whole/weights.safetensors begun/weights.safetensors || fail "stopped while its data were made: other weights"

  bad "resumed as another training" "hamiltonian.width = 9 (the checkpoint has 8)" train $case $small -o part --restart latest --set hamiltonian.width=9 --set two_body.orbits=9
  cmp whole/config.yaml part/config.yaml && cmp whole/data/two_body.nc part/data/two_body.nc || fail "a refused restart has changed the run"

  bad "no such generator" "data.generator = two_bodies: no such generator; did you mean two_body?; there are functions, two_body" train $case $small --set data.generator=two_bodies -o out
  bad "two makers" "give one of data.path, data.case and data.generator" train $case $small --set data.case=qg/rossby_wave -o out
  bad "its parameters are checked" "two_body.orbits" train $case $small --set two_body.orbits=0 -o out
  expect 1 "hamiltonian.energy: " "$nomos" train $case $small --set hamiltonian.energy=q5 -o energy
}

expect 0 "" "$nomos" evaluate whole
grep -q hamiltonian_energy_mse out.txt || fail "no energy in: $(cat out.txt)"
bad "other data over its own" "--set data.path: what the weights err on other data is not written over what they err on those of their training, in" evaluate whole --set data.generator= --set data.path="$PWD/part/data"
expect 0 "" "$nomos" evaluate whole --set data.generator= --set data.path="$PWD/part/data" -o others
(cd whole && find . -type f ! -name 'evaluation_*' -exec cksum {} +) >before.txt
expect 0 "" "$nomos" evaluate whole -o judged
grep -q 'pictures in judged/plots' out.txt && cmp whole/evaluation_test.json judged/evaluation_test.json && ls judged/plots/*.png >/dev/null || fail "evaluate -o wrote: $(find judged)"
expect 0 "" "$nomos" evaluate whole -o judged_plainly --set output.pictures=no
[ -f judged_plainly/evaluation_test.json ] && [ ! -e judged_plainly/plots ] || fail "pictures that nobody wanted"
(cd whole && find . -type f ! -name 'evaluation_*' -exec cksum {} +) | cmp - before.txt || fail "evaluate has changed the run"
mv whole/data kept
bad "data that are gone" "the data that two_body made for the training are not there" evaluate whole

finish
