# nomos export and import as a person uses them: a training on PDEBench's layout is that on ours, mistakes are one sentence, a full disk and a kill leave what was there as it was.
. "${0%/*}/lib.sh"
export OMPI_MCA_ess_singleton_isolated=1

# Ten small waves of Burgers' equation.
cat >data.yaml <<'END2'
case: {units: nondimensional}
surrogate: neural_operator
data: {generator: sweep}
sweep: {case: pde/burgers, set: ["grid_pde.nx=128", "time.dt=0.05", "time.stop=0.2", "output.fields_every=0.05"], coarsen: 4, trajectories: 10, parameters: {nu: {key: burgers.nu, values: [0.1]}}}
END2
expect 0 "" "$nomos" generate data.yaml -o made -q
ours=made/data/sweep.nc

# The same training on each layout: the same numbers, so the same weights, bit for bit.
cat >train.yaml <<'END2'
case: {units: nondimensional}
surrogate: neural_operator
data: {validation: 0.2, test: 0}
neural_operator: {fields: [u], parameters: [nu], conditioning: channels}
fno: {width: 4, modes: 3, layers: 2, read_width: 8}
train: {epochs: 2, batch: 4}
output: {pictures: no}
END2
for layout in pdebench well; do
  expect 0 "" "$nomos" export $ours --format $layout -o theirs_$layout.h5 -q
  expect 0 "" "$nomos" train train.yaml --set data.path=$PWD/theirs_$layout.h5 -o on_$layout -q
done
expect 0 "" "$nomos" train train.yaml --set data.path=$PWD/$ours -o on_ours -q
cmp on_ours/loss.csv on_pdebench/loss.csv && cmp <(tail -c 1000 on_ours/weights.safetensors) <(tail -c 1000 on_pdebench/weights.safetensors) || fail "other weights from PDEBench's layout" # the head tells the path
[ "$(sed -n 's/.*data: hash \([0-9a-f]*\).*/\1/p' on_ours/log.txt)" = "$(sed -n 's/.*data: hash \([0-9a-f]*\).*/\1/p' on_pdebench/log.txt)" ] || fail "other data"
grep -q x_periodic theirs_well.h5 || fail "The Well's layout does not say the boundary that the sweep says"
expect 0 "" "$nomos" import theirs_pdebench.h5 -o back.nc -q
expect 0 "" "$nomos" export made --format pdebench -o again.h5 -q # the data of a training
cmp again.h5 theirs_pdebench.h5 || fail "not the same file twice"
expect 1 "has no dataset v; it has u, nu" "$nomos" train train.yaml --set data.path=$PWD/theirs_pdebench.h5 --set neural_operator.fields=v -o none
expect 1 "has no dataset rho, and no attribute of this name that is a number; it has u, nu" "$nomos" train train.yaml --set data.path=$PWD/theirs_pdebench.h5 --set neural_operator.parameters=rho -o none

# A sweep over two values is a file of PDEBench for each: a training on their folder is that on the same trajectories in a file of ours.
expect 0 "" "$nomos" generate data.yaml -o two -q --set sweep.parameters.nu.values=[0.02,1]
bad "two values in a file" "give a directory (-o DIR/), which gets a file for each value" export two --format pdebench -o out
expect 0 "" "$nomos" export two --format pdebench -o divided/
grep -q "5 trajectories of 5 frames: divided/1D_Burgers_Sols_Nu1.0.hdf5" out.txt || fail "does not say what it wrote: $(cat out.txt)"
[ "$(ls -A divided | tr '\n' ' ')" = "1D_Burgers_Sols_Nu0.02.hdf5 1D_Burgers_Sols_Nu1.0.hdf5 " ] || fail "other files: $(ls -A divided)"
expect 0 "" "$nomos" import divided -o gathered.nc -q
for data in divided gathered.nc; do
  expect 0 "" "$nomos" train train.yaml --set data.path=$PWD/$data -o on_$data -q
done
cmp on_divided/loss.csv on_gathered.nc/loss.csv || fail "another training on the folder"
bad "over some of its files" "divided/1D_Burgers_Sols_Nu0.02.hdf5: is there already; --force" export two --format pdebench -o divided
bad "a directory of The Well's" "-o out/: cannot write over a directory" export two --format well -o out/
expect 0 "" "$nomos" export two --format pdebench --where nu=1 -o one.hdf5 -q
cmp one.hdf5 divided/1D_Burgers_Sols_Nu1.0.hdf5 || fail "not the same trajectories by their value"

# A run whose last frame comes early.
expect 0 "" "$nomos" run pde/burgers -o short -q --set grid_pde.nx=64 --set time.dt=0.05 --set time.stop=0.2 --set output.fields_every=0.15 --set output.pictures=no
expect 0 "warning: the last frame, at time 0.2, is left out: it is 0.05 after the one before, the others are 0.15 apart" "$nomos" export short --format well -o short.h5 -q
expect 0 "" "$nomos" export short --format nomos -o short.nc -q
[ ! -s err.txt ] || fail "ours has every frame, but says: $(cat err.txt)"

# Mistakes.
bad "no format" "--format is missing" export $ours -o out
bad "unknown format" "unknown format 'the_well'" export $ours --format the_well -o out
bad "no file" "-o FILE is missing" export $ours --format well
bad "nothing there" "nowhere cannot be read" export nowhere --format well -o out
bad "over itself" "-o $ours is a file that is read" export $ours --format well -o $ours
bad "over one of its files" "made/data/sweep.nc is a file that is read" export made --format well -o made/data/sweep.nc
echo precious >theirs.h5
bad "over a file" "theirs.h5: is there already; --force writes over it" export $ours --format well -o theirs.h5
bad "an import over a file" "theirs.h5: is there already" import theirs_pdebench.h5 -o theirs.h5
[ "$(cat theirs.h5)" = precious ] || fail "a file that was there is written over"
bad "a folder without data" "holds no run directory and no file" export case --format well -o out
bad "no HDF5" "is not an HDF5 or NetCDF-4 file" import data.yaml -o out
head -c 3000 theirs_pdebench.h5 >cut.h5
bad "cut off" "has 3000 of its" import cut.h5 -o out
expect 0 "" "$nomos" generate data.yaml -o longer -q --set sweep.set='["grid_pde.nx=128", "time.dt=0.05", "time.stop=0.3", "output.fields_every=0.05"]'
mkdir both && cp longer/data/sweep.nc both/a.nc && cp theirs_pdebench.h5 both
bad "other times" "all must have as many" import both -o out
bad "a folder in its place" "-o both: cannot write over a directory" import theirs_pdebench.h5 -o both
bad "a folder, by force" "-o both: cannot write over a directory" import nowhere -o both --force
[ -e both/a.nc ] && [ ! -e .both.tmp ] || fail "a refused import has changed a folder, or left $(ls -a)"
LAUNCH="mpirun --oversubscribe -n 2" bad "on two ranks" "unknown format" export $ours --format x -o out

# Particles have the walls of their case, not where the positions of the run end, or none that is known; what is no field on a grid is for no layout of such.
mkdir dam
cat >dam/case.yaml <<'END2'
solver: mpm
mpm: {dimensions: 2, length: [2 m, 1 m], cells: 40, gravity: [0, -9.8], wall_nodes: 3, origin: [-1, 0]}
materials: {jelly: {density: 1000, elasticity: fixed_corotated, youngs_modulus: 1e5 Pa, poissons_ratio: 0.2}}
bodies: {cube: {material: jelly, shape: box, centre: [0, 0.5], size: 0.2, lattice: 4}}
time: {dt: 1 ms, stop: 10 ms}
output: {fields_every: 1 ms, scalars_every: 10 ms, pictures: no}
END2
bounds() { tr -d ' \n' <$1/metadata.json | sed 's/\(\.[1-9]\)0\{9,\}[0-9]*/\1/g' | grep -qF '"bounds":[[-0.9,0.9],[0.1,0.9]]' || fail "$1 has other walls: $(cat $1/metadata.json)"; }
expect 0 "" "$nomos" run dam -o fell -q
expect 0 "" "$nomos" export fell --format lagrangebench -o fell_lb -q
bounds fell_lb
bad "particles by a value" "--where nu=1: fell holds particles" export fell --format nomos --where nu=1 -o out
bad "over a folder" "train.h5: is there already" export fell --format lagrangebench -o fell_lb
expect 0 "" "$nomos" export fell --format nomos -o fell.h5 -q
expect 0 "" "$nomos" export fell.h5 --format lagrangebench -o fell_again -q
bounds fell_again
cp fell/fields.nc alone.nc
expect 0 "does not say where the walls are" "$nomos" export alone.nc --format lagrangebench -o alone -q
! grep -q bounds alone/metadata.json || fail "walls of nowhere: $(cat alone/metadata.json)"
mkdir -p set/tests && cp fell.h5 set/one.h5 && cp fell.h5 set/tests/fast.h5
expect 0 "1 test set in set/tests is left out" "$nomos" export set --format lagrangebench -o set_lb -q
expect 0 "" "$nomos" run dam --dry-run --set mpm.wall_nodes=2 # an upper wall that nothing can reach
grep -q 'mpm.wall_nodes = 2: walls at upper ends lie beyond the grid' out.txt || fail "walls: $(cat out.txt)"
for set in mpm.wall_nodes=3 mpm.clip=2; do
  expect 0 "" "$nomos" run dam --dry-run --set mpm.wall_nodes=2 --set $set
  ! grep -q 'beyond the grid' out.txt || fail "walls with $set: $(cat out.txt)"
done
expect 0 "" "$nomos" run hamiltonian/pendulum -o orbits -q --smoke
for layout in pdebench well; do
  bad "particles" "fell holds particles, and --format $layout takes fields on a grid: choose lagrangebench, or nomos" export fell --format $layout -o out
  bad "orbits" "holds orbits (x over state), and --format $layout takes fields on a grid: choose nomos" export orbits --format $layout -o out
done
expect 0 "" "$nomos" export orbits --format nomos -o orbits.nc -q
bad "orbits in a file of ours" "holds orbits (x over state)" export orbits.nc --format well -o out

# No room: one sentence, and the old file as it was.
mkdir disk
if mount -t tmpfs -o size=64k tmpfs disk 2>/dev/null; then
  for layout in pdebench well nomos; do
    echo precious >disk/out.h5
    for used in 0 40 44 48 52 56 60; do
      head -c ${used}k /dev/zero >disk/ballast
      if "$nomos" export $ours --format $layout -o disk/out.h5 -q --force 2>err.txt; then
        echo precious >disk/out.h5
      else
        [ $? = 1 ] && [ "$(grep -c 'nomos: error: ' err.txt)" = 1 ] && [ "$(wc -l <err.txt)" = 1 ] || fail "$layout with $used kB used: $(cat err.txt)"
        [ "$(cat disk/out.h5)" = precious ] && [ ! -e disk/.out.h5.tmp ] || fail "$layout with $used kB used: $(ls -al disk)"
      fi
    done
  done
  umount disk
else
  echo "skipped: mounting a small tmpfs is refused here"
fi

# Killed while it writes: the old file is there until the new one is whole.
expect 0 "" "$nomos" generate data.yaml -o large -q --set sweep.trajectories=4000 --set sweep.coarsen=1
for attempt in 1 2 3; do
  echo precious >kept.h5
  "$nomos" export large/data/sweep.nc --format well -o kept.h5 -q --force &
  job=$!
  while [ ! -e .kept.h5.tmp ] && kill -0 $job 2>/dev/null; do :; done
  kill -KILL $job 2>/dev/null
  wait $job 2>/dev/null
  [ "$(head -c 8 kept.h5)" = precious ] || expect 0 "" "$nomos" import kept.h5 -o whole.nc -q --force # it was too fast
done
expect 0 "" "$nomos" export large/data/sweep.nc --format well -o kept.h5 -q --force
[ ! -e .kept.h5.tmp ] || fail "a temporary file is left"

finish
