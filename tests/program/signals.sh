# A signal ends a run after the present step with a checkpoint, an exit code and a STATUS that say so; resumed, the run equals one that was not stopped.
. "${0%/*}/lib.sh"

"$toy" run case -o whole_1 --quiet || fail "the whole run"
mpirun --oversubscribe -n 2 "$toy" run case -o whole_2 --quiet || fail "the whole run on two ranks"

for signal in INT:130 TERM:143 USR1:138; do
  for ranks in 1 2; do
    name=${signal%:*}_$ranks
    launch=
    [ $ranks = 1 ] || launch="mpirun --oversubscribe -n $ranks"
    # bash ignores SIGINT in background jobs; env restores it
    $launch env --default-signal=INT "$toy" run case -o "$name" --set run.pause=0.25 >out.txt 2>err.txt &
    job=$!
    wait_for "$name/summary.json"
    sleep 0.6
    if [ $ranks = 1 ]; then
      kill -"${signal%:*}" $job
    else # the first rank alone: all must stop at the same step
      kill -"${signal%:*}" "$(pgrep -P $job -f 'nomos_toy run' | head -n 1)"
    fi
    wait $job
    code=$?
    [ $ranks = 2 ] || [ $code = "${signal#*:}" ] || fail "$name: exit code $code"
    [ $code != 0 ] || fail "$name: exit code 0"
    [ "$(head -n 1 "$name/STATUS")" = stopped ] || fail "$name: STATUS is $(cat "$name/STATUS")"
    grep -q "SIG${signal%:*} at step" "$name/STATUS" || fail "$name: STATUS does not name the signal: $(cat "$name/STATUS")"
    expect 0 "" $launch "$toy" run "$name" --restart latest --quiet --set run.pause=0
    same whole_$ranks "$name"
  done
done
finish
