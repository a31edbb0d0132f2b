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

same() {
  "$compare" "$1" "$2" || fail "$1 and $2 differ"
}

finish() {
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
