# Trainings as a program: killed with SIGKILL at random moments and resumed until done, every byte of the last checkpoint, of the losses and of the weights is that of an uninterrupted one;
# signals; two ranks; what is said of bad data, losses and weights, and what stays.
. "${0%/*}/lib.sh"
export OMPI_MCA_ess_singleton_isolated=1 # one process starts sooner without MPI's daemon
nomos=$toy # the test surrogate is in this one; `bad` calls it

"${toy%/*}/nomos_toy_data" "$PWD/data.h5" 60 || fail "no data"
mkdir learn
cat >learn/case.yaml <<END
surrogate: toy_map
case: {title: A toy map}
toy: {width: 8}
data: {path: $PWD/data.h5, validation: 0.2, test: 0.1}
train: {epochs: 12, batch: 8, learning_rate: 0.02, checkpoint_every: 2, precision: float64}
output: {pictures: no}
checkpoint: {keep: 0}
smoke: {train.epochs: 2}
END

last_of() {
  ls "$1"/checkpoint/step_*.h5 | tail -n 1
}

# identical A B: two trainings of one case by one command line.
identical() {
  for file in loss.csv weights.safetensors checkpoint/$(basename "$(last_of "$1")"); do
    cmp "$1/$file" "$2/$file" || fail "$file of $1 and $2 differ"
  done
}

# shellcheck disable=SC2086
killed() {
  local name=$1 kills=0 tries=0 job restart
  shift
  local command="$toy train learn --quiet --set run.pause=0.004 $*"
  $command -o whole_$name || fail "$name: the whole training"
  rm -rf killed
  while [ $kills -lt 3 ] && [ $tries -lt 12 ]; do
    tries=$((tries + 1))
    restart=
    if ls killed/checkpoint/step_*.h5 >/dev/null 2>&1; then restart="--restart latest"; else rm -rf killed; fi
    $command -o killed $restart >out.txt 2>err.txt &
    job=$!
    for _ in $(seq 200); do # at its work
      grep -qs running killed/STATUS && ls killed/checkpoint/step_*.h5 >/dev/null 2>&1 && break
      sleep 0.01
    done
    sleep 0.$((RANDOM % 2))$((RANDOM % 10))
    kill -KILL $job 2>/dev/null
    wait_killed $job
    if [ "$(head -n 1 killed/STATUS)" = running ]; then kills=$((kills + 1))
    elif [ $kills -gt 0 ]; then break
    else rm -rf killed # it was done before it was killed: again
    fi
  done
  [ $kills -gt 0 ] || fail "$name: never killed in $tries tries: $(cat err.txt)"
  expect 0 "" $command -o killed --restart latest
  identical whole_$name killed
  echo "$name: killed $kills times"
}
killed adam
killed lmvm --set train.optimiser=lmvm --set train.lmvm_restart=5 --set train.epochs=40 --set train.tolerance=0

# A signal: an exit code, a STATUS and a checkpoint that say so, and nothing is lost. Steps are slow enough that it does not end before.
expect 0 "" $toy train learn --quiet --set run.pause=0.02 -o whole_slow
# shellcheck disable=SC2086
stopped() {
  local signal=$1 code=$2 job
  local command="env --default-signal=INT $toy train learn --quiet --set run.pause=0.02" # bash ignores SIGINT in background jobs
  rm -rf stopped
  $command -o stopped >out.txt 2>err.txt &
  job=$!
  wait_for stopped/checkpoint/step_*.h5
  sleep 0.15
  kill -$signal $job
  wait $job
  [ $? = $code ] || fail "SIG$signal: another exit code than $code"
  [ "$(head -n 1 stopped/STATUS)" = stopped ] && grep -q "SIG$signal at step" stopped/STATUS || fail "SIG$signal: STATUS is $(cat stopped/STATUS)"
  expect 0 "" $command -o stopped --restart latest
  identical whole_slow stopped
}
stopped TERM 143
stopped INT 130

# What the test says of the weights that one gets is told at the end.
test_rmse=$(sed -n 's/^ *"test_rmse": \([-+.e0-9]*\),\{0,1\}$/\1/p' whole_adam/summary.json)
grep -qF "test_rmse = $(LC_ALL=C printf '%.4g' "$test_rmse") with these weights" whole_adam/log.txt || fail "the test is not told: $(tail -n 3 whole_adam/log.txt)"

# By the clock: no checkpoint but those of checkpoint.wall, in the middle of epochs, and the best weights with them; the same bits after a kill; none of them is left at the end. LMVM keeps to its own.
clock="$toy train learn --quiet --set run.pause=0.02 --set train.checkpoint_every=1000 --set checkpoint.wall=0.05"
expect 0 "" $clock -o clock_whole
[ "$(ls clock_whole/checkpoint)" = "$(printf 'step_%010d.h5\n' 0 72)" ] || fail "the clock: $(ls clock_whole/checkpoint) are left"
cmp whole_adam/loss.csv clock_whole/loss.csv || fail "the clock: other losses"
$clock -o clock_killed >out.txt 2>err.txt &
job=$!
wait_for clock_killed/weights.safetensors
kill -KILL $job
wait_killed $job 2>/dev/null
[ "$(head -n 1 clock_killed/STATUS)" = running ] && [ "$(ls clock_killed/checkpoint | wc -l)" -ge 2 ] || fail "the clock: $(cat clock_killed/STATUS; ls clock_killed/checkpoint)"
expect 0 "" "$toy" evaluate clock_killed
expect 0 "" $clock -o clock_killed --restart latest
identical clock_whole clock_killed
lmvm="--set train.optimiser=lmvm --set train.lmvm_restart=5 --set train.epochs=10 --set train.tolerance=0 --set run.pause=0"
expect 0 "" $clock $lmvm -o clock_lmvm --set checkpoint.wall=0.001
[ "$(ls clock_lmvm/checkpoint)" = "$(printf 'step_%010d.h5\n' 0 5 10)" ] || fail "the clock of lmvm: $(ls clock_lmvm/checkpoint)"

# Two ranks: the losses of one to rounding.
expect 0 "" env -u OMPI_MCA_ess_singleton_isolated mpirun --oversubscribe -n 2 "$toy" train learn --quiet --set run.pause=0.004 -o two
paste -d, whole_adam/loss.csv two/loss.csv | awk -F, 'NR > 1 { n++; for (i = 1; i <= NF / 2; i++) { d = $i - $(i + NF / 2); if (d * d > 1e-20 * $i * $i) bad = 1 } } END { exit bad || n != 12 }' || fail "one rank and two: the losses differ"

# Killed at the very end, behind the last checkpoint: nothing remains to do but what was not written.
rm two/weights.safetensors
expect 0 "" "$toy" train two --quiet --restart latest
[ -s two/weights.safetensors ] || fail "no weights after a restart at the end"

# More epochs go on from the end; the table and the file of an evaluation; the pictures again.
expect 0 "" "$toy" train two --quiet --restart latest --set train.epochs=14
[ "$(wc -l <two/loss.csv)" = 15 ] || fail "14 epochs: loss.csv has $(wc -l <two/loss.csv) lines"
expect 0 "" "$toy" evaluate two --set evaluate.split=all
grep -q rmse out.txt && grep -q '"test"' two/evaluation_all.json || fail "evaluate: $(cat out.txt)"

# Weights are judged with data that their training would not suit: fewer steps than its warm-up, no validation.
expect 0 "" "$toy" train learn --quiet --set train.warmup_steps=50 --set train.monitor=rmse -o slow
for few in data.trajectories=10 data.validation=0; do expect 0 "" "$toy" evaluate slow --set $few; done
expect 0 "" "$toy" evaluate slow --quiet --set evaluate.split=all
[ ! -s out.txt ] && grep -q '"rmse"' slow/evaluation_all.json || fail "evaluate --quiet says: $(cat out.txt)"
expect 0 "" "$toy" evaluate slow --set run.threads=3
grep -q '; 1 rank, 3 threads$' out.txt || fail "run.threads of an evaluation: $(cat out.txt)"
expect 0 "" "$toy" plot two
[ -s two/plots/loss.png ] || fail "no picture of the losses"
"$toy" describe toy_map | grep -q toy.width && "$toy" describe train.epochs | grep -q 'goes through' && "$toy" describe learn | grep -q 'width: 8' && "$toy" list | grep -q toy_map && "$toy" describe data | grep -q data.path || fail "describe and list"
expect 0 "" "$toy" train learn --dry-run --smoke
grep -q '2 epochs of 6 steps' out.txt || fail "dry run: $(tail -n 4 out.txt)"

# Weights of another training to begin with: a step of no length leaves them and their normalisation as they are, also on other data, and without them it does not.
judged() { "$toy" evaluate "$1" --set evaluate.split=validation --set "data.path=$PWD/data.h5" -o judged | tail -n +2; }
"${toy%/*}/nomos_toy_data" "$PWD/more.h5" 80
for begin in whole_adam none; do
  rm -rf tuned
  weights=() && [ $begin = none ] || weights=(--set "train.weights=$PWD/$begin/weights.safetensors")
  expect 0 "" "$toy" train learn --quiet --set train.epochs=1 --set train.learning_rate=0 --set "data.path=$PWD/more.h5" "${weights[@]}" -o tuned
  same=no && [ "$(judged whole_adam)" = "$(judged tuned)" ] && same=yes
  [ $same$begin = yeswhole_adam ] || [ $same$begin = nonone ] || fail "weights to begin with ($begin): $(judged whole_adam) $(judged tuned)"
done

# A loss that is no number: told with its step, and the last good state goes on.
expect 1 "the loss is nan at step 40 (epoch 6 of 12)" "$toy" train learn --quiet --set toy.nan_step=40 -o nan
[ "$(head -n 1 nan/STATUS)" = failed ] && grep -q 'state of step 36' err.txt || fail "nan: $(cat nan/STATUS err.txt)"
expect 0 "" "$toy" evaluate nan --set evaluate.split=validation
cmp nan/checkpoint/step_0000000036.h5 whole_adam/checkpoint/step_0000000036.h5 >/dev/null && fail "nan: the settings are not in the checkpoint"

# Validations that are no numbers: an end without a finite one is a failure, with one it is a warning.
expect 1 "no validation (loss) in 12 epochs was finite" "$toy" train learn --quiet --set toy.nan_validation=12 -o blind
[ "$(head -n 1 blind/STATUS)" = failed ] && [ ! -e blind/weights.safetensors ] || fail "blind: $(cat blind/STATUS)"
expect 0 "" "$toy" train learn --quiet --set toy.nan_validation=2 -o dazzled
[ "$(head -n 1 dazzled/STATUS)" = done ] && grep -q '2 validations were no finite number; the best weights' dazzled/summary.json || fail "dazzled: $(cat dazzled/STATUS)"

# Losses that grew and stayed finite: the end of any training, with a warning.
expect 0 "" "$toy" train learn --quiet --set train.learning_rate=30 -o far
grep -q 'the training diverged: the mean loss of the last epoch is' far/summary.json && ! grep -q diverged whole_adam/summary.json || fail "far: $(cat far/log.txt)"

# Nor do losses that seem to have grown, when what is trained has: a step of no length diverges from nothing, whether the first example is an easy one or a curriculum makes the loss a hundredfold.
last() { sed -n "s/.*\"$2\": \([-0-9.e+]*\).*/\1/p" $1/summary.json | head -n 1; }
expect 0 "" "$toy" train learn --quiet --set train.learning_rate=0 --set toy.grow=10 -o grown
awk "BEGIN {exit !($(last grown loss_last) > 10*$(last grown loss_start))}" && ! grep -q diverged grown/summary.json || fail "a curriculum: $(cat grown/log.txt)"
for seed in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  expect 0 "" "$toy" train learn --quiet --set train.learning_rate=0 --set train.batch=1 --set train.epochs=1 --set train.seed=$seed -o easy --force
  ! awk "BEGIN {exit !($(last easy loss_last) > 10*$(last easy loss_start))}" || break
done
awk "BEGIN {exit !($(last easy loss_last) > 10*$(last easy loss_start))}" && ! grep -q diverged easy/summary.json || fail "an easy first example: $(cat easy/log.txt)"

# A share that is asked for and has no trajectory is told of before the training.
expect 0 "" "$toy" train learn --quiet --set data.trajectories=1 --set train.epochs=1 -o one
grep -q '"data.validation = 0.2 and data.test = 0.1: with 1 trajectory there is none for it' one/summary.json && ! grep -q 'there is none for it' whole_adam/summary.json || fail "one: $(cat one/log.txt)"
expect 0 "" "$toy" train learn --quiet --set data.trajectories=2 --set train.epochs=1 --set data.validation=0 --set data.test=0 -o none_wanted
! grep -q 'there is none for it' none_wanted/log.txt || fail "none_wanted: $(cat none_wanted/log.txt)"

# Warnings are of the results, which are computed once, and before them.
expect 0 "" "$toy" train learn --quiet --smoke --set toy.warn=true -o warned
grep -q '"2 splits were judged"' warned/summary.json || fail "warned: $(cat warned/log.txt)"

# More ranks than examples: some have nothing to do.
expect 0 "" env -u OMPI_MCA_ess_singleton_isolated mpirun --oversubscribe -n 4 "$toy" train learn --quiet --set data.trajectories=3 --set train.epochs=2 -o few
grep -q "examples: 1 for training" few/log.txt && ! grep -q "there is none for it" few/log.txt || fail "few: $(cat few/log.txt)"

# A disk that is full: a sentence, and the last good state is kept; with room again it goes on to the same end.
mkdir disk
if mount -t tmpfs -o size=400k tmpfs disk 2>/dev/null; then
  for used in 0 150 300 390; do
    head -c ${used}k /dev/zero >disk/ballast
    expect 1 "No space left on device" "$toy" train learn --quiet --set run.pause=0.004 -o disk/run
    [ ! -e disk/run ] || [ "$(head -n 1 disk/run/STATUS)" = failed ] || fail "with $used kB used: $(cat disk/run/STATUS)"
    if [ $used = 150 ]; then
      mount -o remount,size=4m disk
      expect 0 "" "$toy" train learn --quiet --set run.pause=0.004 -o disk/run --restart latest
      identical whole_adam disk/run
    fi
    rm -rf disk/run
    mount -o remount,size=400k disk
  done
  umount disk
else
  echo "skipped: mounting a small tmpfs is refused here"
fi

# Mistakes, each one sentence that leaves nothing.
bad 'a case of a solver' 'this case runs a solver (toy), it trains nothing' train case -o out
bad 'nomos run of a training' 'this case trains a surrogate (toy_map)' run learn -o out
bad 'another surrogate' 'no such surrogate; did you mean toy_map?' train learn -o out --set surrogate=toy_mop
bad 'another key' 'did you mean train.batch?' train learn -o out --set train.bach=3
bad 'another optimiser' 'did you mean adam?' train learn -o out --set train.optimiser=adm
bad 'zero epochs' 'train.epochs = 0: must be between 1' train learn -o out --set train.epochs=0
bad 'a negative rate' 'train.learning_rate = -1: must be at least 0' train learn -o out --set train.learning_rate=-1
bad 'nothing to compare with' '--check needs the numbers to expect' train learn -o out --check
bad 'an unused PETSc option' 'no_such_option' train learn -o out -- -no_such_option 3
bad 'estimate of a training' 'this case trains a surrogate (toy_map)' estimate learn -o out
bad 'data by a case that is not' "data.case = nowhere: case 'nowhere' not found" train learn -o out --set data.path= --set data.case=nowhere
bad 'data by a training' "data.case = $PWD/learn: " train learn -o out --set data.path= --set data.case=learn
bad 'data by a case with a wrong key' 'with data.set: --set: toy.nxx: unknown key; did you mean toy.nx?' train learn -o out --set data.path= --set data.case=case --set 'data.set=[toy.nxx=3]'
bad 'no data' 'data.path is not given' train learn -o out --set data.path=
bad 'data that are not there' 'cannot be read' train learn -o out --set data.path=/nonexistent.h5
: >nothing.h5
bad 'a file of no bytes' 'is empty, not an HDF5' train learn -o out --set "data.path=$PWD/nothing.h5"
head -c 3000 data.h5 >cut.h5
bad 'cut data' 'it has 3000 of its' train learn -o out --set "data.path=$PWD/cut.h5"
bad 'data of something else' 'has no dataset x' train learn -o out --set "data.path=$PWD/$(last_of two)"
"${toy%/*}/nomos_toy_data" "$PWD/empty.h5" 0
bad 'empty data' 'is empty: there is no trajectory in it' train learn -o out --set "data.path=$PWD/empty.h5"
"${toy%/*}/nomos_toy_data" "$PWD/nan.h5" 60 100
bad 'NaN in the data' 'x = nan in trajectory 33' train learn -o out --set "data.path=$PWD/nan.h5"
bad 'nothing left to train with' 'leave none of 60 trajectories for training' train learn -o out --set data.validation=0.6 --set data.test=0.5
bad 'another metric' 'train.monitor = rsme: this surrogate has loss, rmse, outputs' train learn -o out --set train.monitor=rsme
bad 'too long a warm-up' 'train.warmup_steps = 1000: the training has only 72 steps' train learn -o out --set train.warmup_steps=1000
bad 'which weights' 'which weights?' evaluate learn
bad 'another architecture' 'toy.width = 9: the weights' evaluate two --set toy.width=9
bad 'another precision' 'is F64, wanted is F32' evaluate two --set train.precision=float32
bad 'resumed with another architecture' 'toy.width = 9 (the checkpoint has 8)' train two --restart latest --set toy.width=9
head -c 900 two/weights.safetensors >cut.safetensors
bad 'resumed with another batch' 'a restart may change only output, checkpoint, run and train.{epochs' train two --restart latest --set train.batch=9
bad 'cut weights' 'truncated' evaluate two --set "evaluate.weights=$PWD/cut.safetensors"
cp two/weights.safetensors nan.safetensors # a NaN in its last tensor: the last 8 bytes
printf '\377\377\377\377\377\377\377\177' | dd of=nan.safetensors bs=1 seek=$(($(stat -c %s nan.safetensors) - 8)) conv=notrunc 2>/dev/null
bad 'changed weights' 'the file is damaged: copy it again' evaluate two --set "evaluate.weights=$PWD/nan.safetensors"
LC_ALL=C sed -i 's/"xxh64"/"other"/' nan.safetensors
bad 'NaN weights' 'has entries that are no finite numbers' evaluate two --set "evaluate.weights=$PWD/nan.safetensors"
bad 'an evaluation into nowhere' '-o nowhere/at/all cannot be made' evaluate two -o nowhere/at/all
bad 'an unused PETSc option of evaluate' 'no_such_option' evaluate two -- -no_such_option 3
bad 'first weights of another architecture' 'toy.width = 9: the weights' train learn -o out --set toy.width=9 --set "train.weights=$PWD/whole_adam/weights.safetensors"
bad 'first weights that are not there' 'cannot open' train learn -o out --set train.weights=/nonexistent.safetensors
bad 'no weights' 'cannot open' evaluate two --set evaluate.weights=/nonexistent.safetensors
"${toy%/*}/nomos_toy_data" "$PWD/data.h5" 61
bad 'other data' 'the data are not those of this training' train two --restart latest --set train.epochs=20

# Data may have moved since: their hash says whether they are the same.
mkdir elsewhere
"${toy%/*}/nomos_toy_data" "$PWD/elsewhere/moved.h5" 60
expect 0 "" "$toy" train two --quiet --restart latest --set train.epochs=16 --set "data.path=$PWD/elsewhere/moved.h5"
[ "$(wc -l <two/loss.csv)" = 17 ] || fail "16 epochs with moved data: loss.csv has $(wc -l <two/loss.csv) lines"
bad 'other data elsewhere' 'the data are not those of this training' train two --restart latest --set train.epochs=20 --set "data.path=$PWD/more.h5"
finish
