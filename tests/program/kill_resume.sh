# The quasi-geostrophic solver killed with SIGKILL at random moments and resumed until it is done: every byte of the last checkpoint and of the scalars, and every
# number of the fields and spectra, is that of an uninterrupted run. Signals and the wall-clock limit stop it so that it can be resumed, on other ranks too.
. "${0%/*}/lib.sh"

ocean="--quiet --set qg.nx=48 --set time.dt=1200 --set output.fields_every=259200 --set output.scalars_every=86400 --set output.spectra_every=432000 --set output.precision=float64
  --set checkpoint.every=43200 --set qg.forcing_rate=1e-10 --set qg.forcing_wavenumber=2e-5 --set qg.forcing_width=1e-5"

launcher() {
  [ "$1" = 1 ] || echo "mpirun --oversubscribe -n $1"
}

# The processes of a job that write the run, on one rank or two.
victims() {
  if [ "$1" = 1 ]; then echo "$2"; else pgrep -P "$2" -f 'nomos run'; fi
}

# identical A B: two runs of one case, by one command line.
identical() {
  same "$1" "$2"
  cmp "$1/scalars.csv" "$2/scalars.csv" || fail "scalars.csv of $1 and $2 differ"
  last=$(cd "$1/checkpoint" && ls | tail -n 1)
  cmp "$1/checkpoint/$last" "$2/checkpoint/$last" || fail "the last checkpoints of $1 and $2 differ"
}

# shellcheck disable=SC2086
killed() {
  local scheme=$1 ranks=$2 stop=$3 launch restart kills=0 tries=0 job
  launch=$(launcher $ranks)
  local command="$launch $nomos run good $ocean --set time.scheme=$scheme --set time.stop=$stop"
  $command -o whole_${scheme}_$ranks || fail "$scheme on $ranks: the whole run"
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
    sleep 0.$((RANDOM % 3))$((RANDOM % 10))
    kill -KILL $(victims $ranks $job) 2>/dev/null
    wait_killed $job
    if [ "$(head -n 1 killed/STATUS)" = running ]; then kills=$((kills + 1))
    elif [ $kills -gt 0 ]; then break
    else rm -rf killed # it was done before it was killed: again
    fi
  done
  [ $kills -gt 0 ] || fail "$scheme on $ranks: never killed in $tries tries: $(cat err.txt)"
  expect 0 "" $command -o killed --restart latest
  identical whole_${scheme}_$ranks killed
  echo "$scheme on $ranks rank(s): killed $kills times"
}
killed ab3 1 5184000
killed leapfrog 1 3888000
killed rk4 1 2592000
killed etdrk4 1 2592000
killed ab3 2 2592000
killed etdrk4 2 2592000

# A signal: an exit code, a STATUS and a checkpoint that say so, and nothing is lost.
# shellcheck disable=SC2086
stopped() {
  local signal=$1 code=$2 ranks=$3 launch job got
  launch=$(launcher $ranks)
  local command="$launch env --default-signal=INT $nomos run good $ocean --set time.scheme=ab3 --set time.stop=5184000" # bash ignores SIGINT in background jobs
  [ -e whole_ab3_$ranks ] && [ $ranks = 1 ] || $command -o whole_ab3_$ranks --force || fail "the whole run"
  rm -rf stopped
  $command -o stopped >out.txt 2>err.txt &
  job=$!
  for _ in $(seq 200); do
    [ -e stopped/summary.json ] && break
    sleep 0.01
  done
  sleep 0.2
  kill -$signal $(victims $ranks $job | head -n 1)
  wait $job
  got=$?
  [ $got = $code ] || { [ $ranks = 2 ] && [ $got != 0 ]; } || fail "SIG$signal: exit code $got, not $code"
  [ "$(head -n 1 stopped/STATUS)" = stopped ] && grep -q "SIG$signal at step" stopped/STATUS || fail "SIG$signal: STATUS is $(cat stopped/STATUS)"
  expect 0 "" $command -o stopped --restart latest
  identical whole_ab3_$ranks stopped
}
stopped TERM 143 1
stopped INT 130 1
stopped TERM 143 2

# The limit of wall-clock time, a longer one each time, until the run is done: on a fast machine, and on one that has others to serve.
limits=(0.1 0.2 0.4 0.8 1.6 3.2 6.4 12.8 25.6)
for round in 1 2 3 4 5 6 7 8 9; do
  # shellcheck disable=SC2086
  "$nomos" run good $ocean --set time.stop=5184000 --set time.max_wall=${limits[round - 1]} -o limited $([ -e limited ] && echo --restart latest) >out.txt 2>err.txt
  code=$?
  [ $code = 143 ] || break
  grep -q 'time.max_wall at step' limited/STATUS || fail "the limit: STATUS is $(cat limited/STATUS)"
done
[ $code = 0 ] && [ $round -gt 1 ] || fail "the limit: exit code $code in round $round: $(cat err.txt)"
same whole_ab3_1 limited

# By the clock: no checkpoint but those of checkpoint.wall, and the same bits; none of them is left at the end, and writing takes a small part of the time.
clock=$(echo "$ocean" | sed 's/checkpoint.every=43200/checkpoint.every=0 --set checkpoint.wall=0.001/')
for kind in whole killed; do
  rm -rf clock_$kind
  # shellcheck disable=SC2086
  "$nomos" run good $clock --set time.scheme=ab3 --set time.stop=5184000 -o clock_$kind >out.txt 2>err.txt &
  job=$!
  if [ $kind = killed ]; then
    for _ in $(seq 400); do
      ls clock_killed/checkpoint/step_*.h5 >/dev/null 2>&1 && break
      sleep 0.01
    done
    kill -KILL $job 2>/dev/null
    wait_killed $job
    [ "$(head -n 1 clock_killed/STATUS)" = running ] || fail "the clock: the run was done before it was killed"
    # shellcheck disable=SC2086
    expect 0 "" "$nomos" run good $clock --set time.scheme=ab3 --set time.stop=5184000 -o clock_killed --restart latest
  else
    wait $job || fail "the clock: $(cat err.txt)"
    [ "$(ls clock_whole/checkpoint | wc -l)" = 1 ] || fail "the clock: $(ls clock_whole/checkpoint) is left"
    written=$(grep -c 'checkpoint at step' clock_whole/log.txt)
    [ "$written" -gt 1 ] && [ "$written" -lt 2000 ] || fail "the clock: $written checkpoints in 4320 steps"
  fi
done
cmp whole_ab3_1/scalars.csv clock_whole/scalars.csv || fail "the clock: scalars.csv differs"
same whole_ab3_1 clock_whole
identical clock_whole clock_killed

# From one rank to two and back: the same but for rounding.
# shellcheck disable=SC2086
for ranks in 2 1; do
  from=whole_ab3_$((3 - ranks))
  "$nomos" run good $ocean --set time.stop=432000 -o from_$ranks && $(launcher $((3 - ranks))) "$nomos" run good $ocean --set time.stop=432000 -o over_$ranks || fail "the runs for $ranks rank(s)"
  expect 0 "" $(launcher $ranks) "$nomos" run over_$ranks $ocean --restart 324 --set time.stop=432000
  "$compare" from_$ranks over_$ranks 1e-12 || fail "over to $ranks rank(s): from_$ranks and over_$ranks differ"
done
finish
