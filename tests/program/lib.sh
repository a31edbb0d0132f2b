# What the scripts here share. Each gets: the program with the test model, the program nomos, an empty directory to work in.
set -u
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_NUM_THREADS=1
toy=$1
nomos=$2
rm -rf "$3"
mkdir -p "$3"
cd "$3" || exit 1
compare=${toy%/*}/nomos_compare
failures=0
mistakes=0

fail() {
  echo "FAIL: $*"
  failures=$((failures + 1))
}

# expect CODE TEXT COMMAND...: the exit code, and a text that standard error has.
expect() {
  local code=$1 text=$2 got
  shift 2
  "$@" >out.txt 2>err.txt
  got=$?
  [ $got = "$code" ] || fail "$*: exit code $got, not $code: $(tail -n 3 err.txt)"
  grep -qF -- "$text" err.txt || [ -z "$text" ] || fail "$*: does not say '$text' but: $(tail -n 3 err.txt)"
}

# wait_for PATTERN: until a file of that name is there, at most a minute (a machine may be slow to start MPI).
wait_for() {
  for _ in $(seq 1200); do
    compgen -G "$1" >/dev/null && return
    sleep 0.05
  done
  fail "no $1 after a minute"
}

wait_until_running() {
  for _ in $(seq 1200); do
    [ "$(head -n 1 "$1/STATUS")" = running ] && return
    sleep 0.05
  done
}

# wait_killed JOB: for the end of a job whose processes were killed. mpirun now and then does not notice that its ranks are gone (PMIX ERROR: UNREACHABLE): then it is killed too.
wait_killed() {
  for _ in $(seq 400); do
    kill -0 "$1" 2>/dev/null || break
    sleep 0.05
  done
  kill -KILL "$1" 2>/dev/null
  wait "$1" 2>/dev/null
}

same() {
  "$compare" "$1" "$2" || fail "$1 and $2 differ"
}

# bad NAME TEXT ARGUMENTS...: the program, called with these, refuses in one sentence that has this text, with an exit code that is no signal's, and leaves no
# run directory `out`. SAY=1 prints the sentences; LAUNCH="mpirun -n 2" tries them on two ranks (mpirun adds its own words).
bad() {
  local name=$1 text=$2 code
  shift 2
  mistakes=$((mistakes + 1))
  if [ -n "${LAUNCH:-}" ]; then
    # shellcheck disable=SC2086
    timeout 100 $LAUNCH "$nomos" "$@" >out.txt 2>all.txt </dev/null
    code=$?
    grep -E '^nomos|Sanitizer|signal' all.txt >err.txt
  else # a process of its own starts sooner without MPI's daemon; the folder keeps those of parallel tests apart
    OMPI_MCA_ess_singleton_isolated=1 OMPI_MCA_orte_tmpdir_base=$PWD timeout 100 "$nomos" "$@" >out.txt 2>err.txt </dev/null
    code=$?
  fi
  { [ $code -ge 1 ] && [ $code -lt 124 ]; } || fail "$name: exit code $code: $(head -c 600 err.txt)"
  { [ "$(grep -c '^nomos: error: ' err.txt)" = 1 ] && [ "$(wc -l <err.txt)" = 1 ]; } || fail "$name: not one sentence on standard error: $(head -c 3000 err.txt)"
  grep -qF -- "$text" err.txt || fail "$name: does not say '$text' but: $(head -c 600 err.txt)"
  [ "$(wc -c <err.txt)" -lt 1000 ] || fail "$name: a sentence of $(wc -c <err.txt) characters"
  grep -qE 'Sanitizer|runtime error|PETSC ERROR|HDF5-DIAG|MPI_ABORT|\(null\)' err.txt out.txt && fail "$name: noise: $(head -c 2000 out.txt)"
  [ ! -e out ] || {
    fail "$name: leaves $(ls out)"
    rm -rf out
  }
  [ -z "${SAY:-}" ] || printf '%-36s %s\n' "$name" "$(cat err.txt)"
}

finish() {
  [ $mistakes = 0 ] || echo "$mistakes mistakes"
  [ $failures = 0 ] && echo "all as it should be"
  exit $((failures > 0))
}

mkdir case
cat >case/case.yaml <<'END'
solver: toy
case: {title: A toy}
time: {dt: 0.25, stop: 10}
output: {fields_every: 1, scalars_every: 0.5, spectra_every: 2, precision: float64, pictures: no}
checkpoint: {every: 2, keep: 3}
END

# A small two-layer ocean for the program nomos: 12 steps.
mkdir good
cat >good/case.yaml <<'END'
solver: qg
case: {title: A small ocean}
qg: {layers: 2, nx: 16, lx: 1000 km, deformation_radius: 50 km, depth_ratio: 0.25, beta: 1.5e-11 1/(m s), u: [0.05 m/s, 0 m/s], drag: 5e-7 1/s, fft_plan: estimate}
initial: {type: random, peak: 3, q_rms: 1e-6 1/s}
time: {dt: 2 h, stop: 1 day}
output: {fields_every: 4 h, scalars_every: 4 h, spectra_every: 8 h, pictures: no}
checkpoint: {every: 6 h, keep: 3}
END
