# Killed with SIGKILL at a random moment, resumed, and killed again: at the end the data are those of an uninterrupted run, on one rank and two.
. "${0%/*}/lib.sh"

for ranks in 1 2; do
  launch=
  [ $ranks = 1 ] || launch="mpirun --oversubscribe -n $ranks"
  # shellcheck disable=SC2086
  $launch "$toy" run case -o whole_$ranks --quiet || fail "the whole run"
  rm -rf killed
  restart=
  for round in 1 2 3 4; do
    # shellcheck disable=SC2086
    $launch "$toy" run case -o killed $restart --set run.pause=0.02 >out.txt 2>err.txt &
    job=$!
    wait_for killed/checkpoint/'step_*.h5'
    wait_until_running killed
    sleep 0.$((RANDOM % 5))$((RANDOM % 10))
    if [ $ranks = 1 ]; then victims=$job; else victims=$(pgrep -P $job -f 'nomos_toy run'); fi
    # shellcheck disable=SC2086
    kill -KILL $victims 2>/dev/null
    wait_killed $job
    restart="--restart latest"
    if [ "$(head -n 1 killed/STATUS)" = done ]; then break; fi
    [ "$(head -n 1 killed/STATUS)" = running ] || fail "round $round: STATUS is $(cat killed/STATUS)"
  done
  expect 0 "" $launch "$toy" run killed --restart latest --quiet --set run.pause=0
  same whole_$ranks killed
done
finish
