# What needs a process of its own: locks, disks that are full, an error on one rank, options of PETSc, readers that are not us.
. "${0%/*}/lib.sh"

# Two processes do not write one run.
"$toy" run case -o busy --set run.pause=0.2 --set time.stop=1000 >/dev/null 2>&1 &
job=$!
wait_for busy/summary.json
expect 1 "another process is writing this run" "$toy" run busy --restart latest
expect 1 "another process is writing this run" "$toy" run case -o busy --force
kill -KILL $job
wait $job 2>/dev/null
expect 0 "" "$toy" run case -o busy --force --quiet

# No room: a sentence, no crash; before the start nothing is left behind.
mkdir disk
if mount -t tmpfs -o size=400k tmpfs disk 2>/dev/null; then
  for used in 0 150 250 300 340 360 380 390 396 400; do
    head -c ${used}k /dev/zero >disk/ballast
    expect 1 "nomos: error: " "$toy" run case -o disk/run --quiet --set toy.nx=100 --set toy.ny=100
    [ ! -e disk/run ] || [ "$(head -n 1 disk/run/STATUS)" != done ] || fail "with $used kB used: $(cat disk/run/STATUS)"
    rm -rf disk/run
  done
  umount disk
else
  echo "skipped: mounting a small tmpfs is refused here"
fi

# A picture that cannot be written is a warning: the data are safe.
expect 0 "" "$toy" run case -o pictures --quiet --set output.pictures=yes --set toy.nx=8 --set toy.ny=8
picture=$(basename pictures/plots/final_*.png)
rm "pictures/plots/$picture" && mkdir "pictures/plots/$picture"
expect 0 "pictures could not be drawn" "$toy" run pictures --quiet --restart latest
[ "$(head -n 1 pictures/STATUS)" = done ] || fail "STATUS: $(cat pictures/STATUS)"

# One rank fails, the others wait for it: the program ends and says what happened.
expect_abort() {
  mpirun --oversubscribe -n 2 "$toy" run case -o lonely --quiet --set toy.fail_step=11 --set toy.fail_rank=$1 >out.txt 2>err.txt && fail "rank $1 failed, the program did not"
  grep -q "toy: rank $1 failed at step 11" err.txt || fail "the error of rank $1 is not shown: $(cat err.txt)"
  grep -q "toy: rank $1 failed at step 11" lonely/STATUS || fail "STATUS: $(cat lonely/STATUS)"
  rm -rf lonely
}
expect_abort 0
expect_abort 1

# One mistake is one sentence, also on two ranks.
mpirun --oversubscribe -n 2 "$toy" run case --set toy.nxx=3 2>err.txt && fail "a mistake passed"
[ "$(grep -c 'nomos: error:' err.txt)" = 1 ] || fail "one mistake, $(grep -c 'nomos: error:' err.txt) sentences"

# PETSc's options: used ones pass, unused ones do not.
expect 0 "" "$toy" run case -o options --quiet -- -log_view :log_view.txt
expect 1 "no_such_option" "$toy" run case -o unused -- -no_such_option 1
[ ! -e unused ] || fail "an unused option left a run directory"
expect 1 "is not a PETSc option" "$toy" run case -o unused -- 12

# --version needs nothing; no command is a mistake.
expect 0 "" "$toy" --version
grep -q '^nomos [0-9.]* (' out.txt || fail "version: $(cat out.txt)"
expect 2 "no command given" "$toy"

# A folder that cannot be written (root can write everywhere).
if [ "$(id -u)" != 0 ]; then
  mkdir locked && chmod a-w locked
  expect 1 "cannot write into" "$toy" run case -o locked/run
fi
expect 1 "run directory" "$toy" run case -o /proc/nomos
finish
