# A step that is far too long: told within 20 steps of the first state that is hopeless, with field, index, step and a step that serves; the checkpoints before it
# stay, and with that step the run goes on from the last of them.
. "${0%/*}/lib.sh"

ocean="--quiet --set qg.nx=48 --set time.stop=8640000 --set output.fields_every=2592000 --set output.scalars_every=2592000 --set output.spectra_every=2592000 --set checkpoint.every=172800"

sentence='^nomos: error: the run blew up: q\[[01], [0-9]*, [0-9]*\] = [-+.0-9einf]*\(nan\)\? at step [0-9]*, '

# told NAME COMMAND...: the run blows up; sets `step` and `dt` to what the sentence says.
told() {
  local name=$1
  shift
  "$@" >out.txt 2>err.txt
  local code=$?
  [ $code = 1 ] || fail "$name: exit code $code"
  [ "$(grep -c '^nomos: error: ' err.txt)" = 1 ] && grep -q "$sentence" err.txt || fail "$name: not one sentence with field, index and step: $(cat err.txt)"
  step=$(sed -n 's/.* at step \([0-9]*\), .*/\1/p' err.txt)
  dt=$(sed -n 's/.*try time.dt = \([^ ]*\) s .*/\1/p' err.txt)
  [ -n "$step" ] && [ -n "$dt" ] || fail "$name: no step or no advice: $(cat err.txt)"
}

# shellcheck disable=SC2086
for setting in time.scheme=ab3 time.scheme=leapfrog time.scheme=rk4 time.scheme=etdrk4 qg.precision=float32; do
  command="$nomos run good $ocean --set $setting"
  told "$setting, looking at every step" $command --set qg.u='[1,0]' --set time.dt=86400 --set time.check_every=1 --set checkpoint.every=0 -o early
  first=$step
  told "$setting" $command --set qg.u='[1,0]' --set time.dt=86400 --set time.check_every=20 --set checkpoint.every=0 -o late
  [ "$step" -ge "$first" ] && [ "$step" -le $((first + 20)) ] || fail "$setting: hopeless from step $first, told at step $step"
  [ "$(head -n 1 late/STATUS)" = failed ] && grep -q 'the run blew up' late/STATUS || fail "$setting: STATUS is $(cat late/STATUS)"
  grep -q '"status": "failed"' late/summary.json || fail "$setting: summary.json does not say failed"
  grep -q 'the run blew up' late/log.txt || fail "$setting: log.txt does not tell"
  expect 0 "" $command --set qg.u='[1,0]' --set time.dt=$dt --set time.stop=$((86400 * 10)) -o late --force # as advised
  rm -rf early late

  # begun well, continued with a step that is too long, and then with the one that is advised
  expect 0 "" $command --set time.dt=7200 --set time.stop=864000 -o run
  cp -r run before
  told "$setting, continued" $command --set time.dt=1036800 --set time.stop=103680000 --set checkpoint.every=0 --restart latest -o run
  grep -q -- "--set time.dt=" err.txt || fail "$setting, continued: does not say how to go on: $(cat err.txt)"
  for checkpoint in run/checkpoint/*; do cmp "$checkpoint" "before/checkpoint/${checkpoint##*/}" || fail "$setting: the checkpoints changed"; done
  expect 0 "" $command --set time.dt=7200 --set time.stop=1728000 --restart latest -o run
  expect 0 "" $command --set time.dt=7200 --set time.stop=1728000 -o straight
  same straight run
  [ "$(head -n 1 run/STATUS)" = done ] && ! grep -q nan run/scalars.csv || fail "$setting: gone on to $(cat run/STATUS)"
  rm -rf run before straight
done

# too long for the hyperviscosity, not for the flow
for scheme in ab3 rk4; do
  told "stiff, $scheme" "$nomos" run good --quiet -o stiff --force --set time.scheme=$scheme --set qg.hyperviscosity=1e32 --set time.stop=864000
  expect 0 "" "$nomos" run good --quiet -o stiff --force --set time.scheme=$scheme --set qg.hyperviscosity=1e32 --set time.stop=864000 --set time.dt=$dt
done

told 'on two ranks' mpirun --oversubscribe -n 2 "$nomos" run good --quiet --set qg.u='[1,0]' --set time.dt=86400 --set time.stop=8640000 -o both
[ "$(head -n 1 both/STATUS)" = failed ] || fail "on two ranks: STATUS is $(cat both/STATUS)"

# hopeless from the start: nothing is begun
bad 'a step beyond all measure' 'time.dt is far too long for the state at step 0, CFL number' run good -o out --set time.dt=1e300
expect 0 "" "$nomos" run good -o run --quiet
before=$(find run -type f -exec md5sum {} +)
bad 'continued with a step beyond all measure' 'time.dt is far too long for the state at step 12, CFL number' run run --restart latest --set time.dt=1e9 --set time.stop=1e10
[ "$before" = "$(find run -type f -exec md5sum {} +)" ] || fail "a step beyond all measure changes the run"
finish
