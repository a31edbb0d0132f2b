# Runs that cannot be begun, continued or drawn: targets that cannot be written, disks that are full, damaged and foreign files, checkpoints of another case. One
# sentence each, and nothing of an older run changes. SAY=1 prints the sentences.
. "${0%/*}/lib.sh"

expect 0 "" "$nomos" run good -o run --quiet
[ "$(ls run/checkpoint | wc -l)" = 3 ] || fail "the run kept $(ls run/checkpoint)"

print() {
  find "$1" -type f ! -name 'log.*' ! -path '*/plots/*' -exec md5sum {} + | sort -k 2
}

# kept DIR NAME TEXT ARGUMENTS...: bad, and no file of DIR changes, apart from its logs and pictures.
kept() {
  local directory=$1 before
  shift
  before=$(print "$directory")
  bad "$@"
  [ "$before" = "$(print "$directory")" ] || fail "$1: changes $directory: $(diff <(echo "$before") <(print "$directory"))"
}

# damaged NAME TEXT COMMAND ARGUMENTS...: kept, in a copy of the run after the shell command.
damaged() {
  local name=$1 text=$2 command=$3
  shift 3
  rm -rf copy
  cp -r run copy
  (cd copy && eval "$command")
  kept copy "$name" "$text" "$@"
}
restart="run copy --restart"

# ---- where a run cannot be written ----
touch file
bad 'a file for a directory' 'file is not a directory' run good -o file
bad 'below a file' 'Not a directory' run good -o file/run
bad 'inside a case' 'a case holds inputs only' run good -o good/run
bad 'inside a case, deeper' 'a case holds inputs only' run good -o good/runs/a/b
bad 'the file of the case' 'a case holds inputs only' run good -o good/case.yaml
bad '/proc' 'run directory' run good -o /proc/nomos
bad '/dev/null' 'is not a directory' run good -o /dev/null
bad 'a path that is too long' 'longer than 4095 characters' run good -o "$(printf 'd/%.0s' $(seq 3000))"
bad 'a name that is too long' 'name too long' run good -o "$(printf 'd%.0s' $(seq 300))"
ln -s nowhere/else link
bad 'a link to nothing' 'cannot create' run good -o link
[ ! -e nowhere ] || fail "made what a dangling link points at"
kept run 'a run is there' 'is not empty; --restart latest continues the run in it, --force replaces it' run good -o run
mkdir foreign && echo important >foreign/letter.txt
kept foreign 'a folder of something else' 'is not empty' run good -o foreign
kept foreign 'force on something else' '--force replaces runs only' run good -o foreign --force
echo 'nomos?' >foreign/STATUS
kept foreign 'another STATUS' 'does not look like the STATUS of a run' run good -o foreign --force
kept run 'force with a mistake' 'qg.nx' run good -o run --force --set qg.nx=17
kept run 'force with a state that is not finite' 'is not a finite number' run good -o run --force --set initial.type=expression --set initial.q='["1/(x-x)", "x"]' --set initial.q_rms=1
kept run 'force with too little room' 'are free on this device' run good -o run --force --set time.stop=7e18

# ---- sizes that are absurd ----
bad 'a grid of 4e9 points' 'of memory are needed on one machine' run good -o out --set qg.nx=65536
bad 'a grid of 2e9 points for an expression' 'of memory are needed' run good -o out --set qg.nx=65536 --set qg.ny=32768 --set qg.topographic_pv=x
bad '1e18 steps' 'at most 1e15 steps' run good -o out --set time.dt=1e-12
bad '1e9 frames, one a step' 'are free on this device' run good -o out --set time.dt=0.1 --set time.stop='1000 day' --set output.fields_every=0.1
bad '5e14 frames' 'are free on this device' run good -o out --set time.stop=7e18

# ---- initial files ----
initial="run good -o out --set initial.type=file"
# shellcheck disable=SC2086
{
  bad 'no initial file' 'needs initial.file' $initial
  bad 'an initial file that is not' 'initial.file: ' $initial --set initial.file=nowhere.nc
  bad 'a directory for a file' 'is a directory, not a file' $initial --set initial.file=run
  bad 'a text for a file' 'is not an HDF5 or NetCDF-4 file' $initial --set initial.file=good/case.yaml
  bad 'an empty file' 'is empty' $initial --set initial.file=file
  head -c 20000 run/fields.nc >cut.nc
  bad 'a file cut short' 'it has 20000 of its ' $initial --set initial.file=cut.nc
  bad 'another variable' 'has no variable sst' $initial --set initial.file=run/fields.nc --set initial.variable=sst
  bad 'a variable of time alone' 'has the shape (7); ([time,] layer, y, x) with qg.layers = 2 is needed' $initial --set initial.file=run/fields.nc --set initial.variable=time
  bad 'a frame that is not' 'initial.frame = 7' $initial --set initial.file=run/fields.nc --set initial.frame=7
  bad 'two layers for one' 'has the shape (7, 2, 16, 16)' $initial --set initial.file=run/fields.nc --set qg.layers=1 --set qg.u='[0]'
  bad 'two layers for three' 'with qg.layers = 3 is needed' $initial --set initial.file=run/fields.nc --set qg.layers=3 --set qg.deformation_radius='' --set qg.u='[0, 0, 0]' --set qg.f0=1e-4 --set qg.depths='[1, 1, 1]' --set qg.reduced_gravities='[1, 1]'
  # numbers that are none, somewhere in the frames
  rm -rf nan
  expect 0 "" "$nomos" run good -o nan --quiet --set output.precision=float64
  head -c 30000 /dev/zero | tr '\0' '\377' | dd of=nan/fields.nc bs=1 seek=$(($(stat -c %s nan/fields.nc) - 60000)) conv=notrunc 2>/dev/null
  bad 'numbers that are none' 'is not finite at layer' $initial --set initial.file=nan/fields.nc --set initial.frame=3
  bad 'a checkpoint for fields' 'has the shape' $initial --set initial.file=run/checkpoint/step_0000000012.h5
}

# ---- restarts ----
cp -r run further
expect 0 "" "$nomos" run further --restart latest --set time.stop='26 h' --quiet
# shellcheck disable=SC2086
{
  kept run 'a stop before the state' 'lies before the state to go on with, which is that of' run run --restart latest --set time.stop='6 h'
  kept run 'a step that is not' 'step 12, 9, 6' run run --restart 4
  kept run 'a word' 'is neither `latest`, nor a step, nor a file' run run --restart newest
  kept run 'a negative step' 'is neither `latest`' run run --restart -3
  kept run 'a step of 30 digits' '100000000000000000000000000000' run run --restart 100000000000000000000000000000
  kept run 'a file that is not' 'is neither `latest`' run run --restart nowhere.h5
  kept run 'a directory for a checkpoint' 'directory' run run --restart ./run
  kept run 'a text for a checkpoint' 'is not an HDF5' run run --restart run/config.yaml
  kept run 'fields for a checkpoint' 'fields.nc' run run --restart run/fields.nc
  damaged 'no checkpoint' 'no checkpoint' 'rm checkpoint/*' $restart latest
  damaged 'no folder of checkpoints' 'no checkpoint' 'rm -r checkpoint' $restart latest
  for length in 0 7 100 2000 8000 12000 16000; do
    damaged "a checkpoint of $length bytes" 'other checkpoints in' "truncate -s $length checkpoint/step_0000000012.h5" $restart latest
  done
  damaged 'a checkpoint without its end' 'other checkpoints in' 'truncate -s -1 checkpoint/step_0000000012.h5' $restart latest
  for permille in 5 20 50 100 200 300 400 500 600 700 800 950; do # refused, or harmless
    rm -rf copy
    cp -r run copy
    checkpoint=copy/checkpoint/step_0000000012.h5
    at=$(($(stat -c %s $checkpoint) * permille / 1000))
    for i in 0 1 2 3; do printf '\252' | dd of=$checkpoint bs=1 seek=$((at + i)) conv=notrunc 2>/dev/null; done
    if "$nomos" run copy --restart latest --set time.stop='26 h' -o copy --quiet >out.txt 2>err.txt; then same further copy; else
      rm -rf out
      kept copy "a checkpoint damaged at byte $at" 'other checkpoints in' $restart latest
    fi
  done
  damaged 'a text named .h5' 'not an HDF5' 'cp log.txt checkpoint/step_0000000012.h5' $restart latest
  damaged 'fields named as a checkpoint' 'checkpoint' 'cp fields.nc checkpoint/step_0000000012.h5' $restart latest
  for change in qg.beta=2e-11 qg.nx=24 qg.precision=float32 time.scheme=rk4 initial.peak=4; do
    kept run "another $change" "the checkpoint is of another physics: ${change%=*} = " run run --restart latest --set $change
  done
  damaged 'damaged fields' 'fields.nc' 'truncate -s 5000 fields.nc' $restart 6
  damaged 'foreign fields' 'fields.nc' 'cp checkpoint/step_0000000012.h5 fields.nc' $restart 6
  damaged 'spectra for fields' 'fields.nc' 'cp spectra.nc fields.nc' $restart 6
  damaged 'damaged spectra' 'spectra.nc' 'truncate -s 5000 spectra.nc' $restart 6
  damaged 'foreign spectra' 'spectra.nc' 'cp fields.nc spectra.nc' $restart 6
  damaged 'other scalars' 'its column 3 is `entropy [m2 s-2]`, but this run writes `energy [m2 s-2]`' 'sed -i 1s/energy/entropy/ scalars.csv' $restart 6
  damaged 'scalars that are pictures' 'scalars.csv' 'head -c 3000 /dev/urandom >scalars.csv' $restart 6
  damaged 'damaged scalars' 'scalars.csv' 'sed -i 3s/[0-9]/x/g scalars.csv' $restart 6
  damaged 'fields of another precision' 'precision' true $restart 6 --set output.precision=float64
  damaged 'a foreign STATUS' 'STATUS' 'echo hello >STATUS' $restart 6
  damaged 'a case that was lost' 'config.yaml' 'rm config.yaml' $restart 6
  damaged 'a case that was damaged' 'config.yaml' 'truncate -s 200 config.yaml' $restart 6
}

# ---- pictures and checks ----
kept run 'colours of no particles' 'output.colour = speeed: it colours particles, and run holds none' plot run --set output.colour=speeed
bad 'pictures of nothing' 'nowhere' plot nowhere
bad 'pictures of a file' 'file' plot file
bad 'pictures of a case' 'good' plot good
bad 'pictures of a folder' 'foreign' plot foreign
damaged 'pictures of damaged fields' 'fields.nc' 'truncate -s 5000 fields.nc' plot copy
damaged 'pictures of foreign scalars' 'scalars.csv' 'echo hello >scalars.csv' plot copy
damaged 'pictures of damaged spectra' 'spectra.nc' 'truncate -s 5000 spectra.nc' plot copy
damaged 'checking a damaged summary' 'summary.json' 'truncate -s 100 summary.json' check good copy
damaged 'checking without numbers to expect' 'expected.yaml' true check good copy
echo 'results: {enrgy: {value: 1, relative: 1}}' >good/expected.yaml
damaged 'a number that is not there' "has no result 'enrgy'; did you mean energy?" true check good copy
echo 'results: {a: [' >good/expected.yaml
damaged 'numbers that are no YAML' 'expected.yaml:' true check good copy

# ---- disks that are full, or cannot be written ----
trap 'umount disk 2>/dev/null' EXIT # also when interrupted
if mkdir disk && mount -t tmpfs -o size=1m tmpfs disk 2>/dev/null; then
  bad 'a disk of 1 MiB' 'are free on this device' run good -o disk/run --set qg.nx=128
  [ ! -e disk/run ] || fail "leaves a run directory on a full disk"
  expect 0 "" "$nomos" run good -o disk/run --quiet --set time.stop='12 h'
  head -c 2m /dev/zero >disk/ballast 2>/dev/null
  kept disk/run 'continued on a full disk' 'are free on this device' run disk/run --restart latest --set time.stop='1 day'
  mount -o remount,ro disk && kept disk/run 'continued on a disk that cannot be written' 'Read-only file system' run disk/run --restart latest --set time.stop='1 day'
  mount -o remount,rw disk
  rm disk/ballast
  # full at whatever moment: done or one sentence; where a checkpoint was written, the run goes on from it once there is room
  expect 0 "" "$nomos" run good -o whole --quiet --set qg.nx=64
  for used in 100 300 400 500 600 700 800 900; do
    rm -rf disk/*
    mount -o remount,size=1m disk
    head -c ${used}k /dev/zero >disk/ballast
    "$nomos" run good -o disk/run --quiet --set qg.nx=64 >out.txt 2>err.txt
    code=$?
    rm disk/ballast
    mount -o remount,size=4m disk
    [ -z "${SAY:-}" ] || printf '%s kB used: exit code %s: %s\n' $used $code "$(cat err.txt)"
    [ $code = 0 ] || { [ $code = 1 ] && [ "$(wc -l <err.txt)" = 1 ] && grep -q '^nomos: error: ' err.txt; } || fail "$used kB used: exit code $code: $(cat err.txt)"
    [ -e disk/run/STATUS ] || continue
    [ $code = 0 ] || [ "$(head -n 1 disk/run/STATUS)" = failed ] || fail "$used kB used: STATUS is $(cat disk/run/STATUS)"
    ls disk/run/checkpoint/step_*.h5 >/dev/null 2>&1 || continue
    [ $code = 0 ] || expect 0 "" "$nomos" run disk/run --restart latest --quiet
    same whole disk/run
  done
  umount disk
else
  echo "SKIP: mounting a small tmpfs is refused here"
fi
finish
