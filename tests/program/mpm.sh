# What a person can do wrong with a case of the solver mpm, and what a run of it writes: one sentence for every mistake, no run directory left behind. SAY=1 prints the sentences.
. "${0%/*}/lib.sh"

mkdir soft bad
cat >soft/case.yaml <<'END'
solver: mpm
mpm: {cells: 16, gravity: [0, -9.8, 0], precision: float32}
materials:
  jelly: {density: 1000, elasticity: fixed_corotated, youngs_modulus: 1e5 Pa, poissons_ratio: 0.2}
bodies:
  cube: {material: jelly, shape: box, centre: [0.5, 0.5, 0.5], size: 0.25, lattice: 4, velocity: [0, -1, 0]}
time: {dt: 1 ms, stop: 40 ms}
output: {fields_every: 10 ms, scalars_every: 10 ms, pictures: no}
checkpoint: {every: 20 ms, keep: 3}
END
value() {
  bad "$1 $2" "$3" run soft -o out --set "$1=$2"
}
lines() {
  printf 'include: ../soft/case.yaml\n%b\n' "$2" >bad/case.yaml
  bad "$1" "$3" run bad -o out
}
text() {
  sed "$2" soft/case.yaml >bad/case.yaml
  bad "$1" "$3" run bad -o out
}

expect 0 "" "$nomos" run soft -o run --quiet # it is good

# ---- the grid ----
value mpm.cells 5 'mpm.cells = 5'
value mpm.length '[1 m, 1.03 m, 1 m]' 'must be a whole number of them, such as 1'
value mpm.length '[1 m, 1 m]' 'has 2 numbers; one, or 3'
value mpm.length '[0 m]' 'mpm.length'
value mpm.gravity '[0, -9.8]' 'mpm.gravity has 2 numbers; 3 are needed'
value mpm.wall_nodes 9 'fill the 16 cells'
value mpm.walls sticky 'mpm.walls'
value mpm.spline linear 'must be one of quadratic, cubic'
value mpm.wall_x_left slip 'did you mean mpm.wall_'
value mpm.dimensions 2 'are needed'

# ---- time ----
value time.dt '20 ms' 'above the stability limit of 0.00593 s: pressure waves in jelly run at 10.5 m/s'
lines 'a body too fast' 'time: {dt: 5 ms}\nbodies: {cube: {velocity: [0, -90, 0]}}' 'particles of 90 m/s may cross at most one cell'

# ---- materials ----
value materials.jelly.youngs_modulus -1e5 'materials.jelly.youngs_modulus'
value materials.jelly.poissons_ratio 0.5 'materials.jelly.poissons_ratio'
value materials.jelly.density 0 'materials.jelly.density = 0'
value materials.jelly.elasticity fixed_corotate 'did you mean fixed_corotated?'
value materials.jelly.plasticity von_mise 'did you mean von_mises?'
value materials.jelly.plasticity fixed_corotated 'no such law'
value materials.jelly.plasticity von_mises 'materials.jelly.yield_stress is missing'
value materials.jelly.yield_stress 5 'unknown key'
value materials.jelly.learned nowhere.safetensors 'nowhere.safetensors'
lines 'a law and a file without laws' 'materials: {jelly: {learned: soft/case.yaml}}' 'case.yaml'
text 'no law' 's/elasticity: fixed_corotated, //' 'materials.jelly.elasticity is missing'
text 'no materials' '/^materials:/,/^  jelly/d' 'no materials'
text 'no bodies' '/^bodies:/,/^  cube/d' 'no bodies'

# ---- bodies ----
value bodies.cube.material water 'no such material; there are jelly'
value bodies.cube.material jely 'did you mean jelly?'
value bodies.cube.shape blob 'bodies.cube.shape'
value bodies.cube.centre '[0.5, 0.2, 0.5]' '16 of its 64 particles are outside the domain or in its walls, the first at (0.375, 0.075, 0.375)'
value bodies.cube.centre '[0.5, 5, 0.5]' '64 of its 64 particles are outside'
value bodies.cube.centre '[0.5, 0.5]' 'bodies.cube.centre has 2 numbers; 3 are needed'
value bodies.cube.size '[0.1, 0.2]' 'has 2 numbers; one, or 3'
value bodies.cube.lattice '[4, 4.5, 4]' '4.5 is not a whole number of particles'
value bodies.cube.spacing 0.1 'give one of spacing, particles_per_cell, particles, lattice (2 are given)'
value bodies.cube.jitter 0.5 'would move particles of a lattice with end points out of the box'
value bodies.cube.velocity '["1", "x + w", "0"]' 'bodies.cube.velocity'
value bodies.cube.velocity '["1", "1/(x - 0.375)", "0"]' 'not a finite number at (0.375'
value bodies.cube.velocity '[1, 2]' 'bodies.cube.velocity has 2 entries; 3 are needed'
value bodies.cube.angular_velocity '[1, 2]' '3 are needed'
value bodies.cube.radius 3x 'bodies.cube.radius'
value bodies.cube.raduis 3 'did you mean bodies.cube.radius?'
text 'a body that is a value' 's/^  cube:.*/  cube: 3/' 'has its values below it'
text 'a body with a bad name' 's/^  cube:/  a-cube:/' 'is no key'
text 'a sphere without radius' 's/shape: box/shape: sphere/; s/, lattice: 4/, spacing: 0.1/' 'bodies.cube.shape = sphere needs bodies.cube.radius'
text 'a cylinder without axis' 's/shape: box/shape: cylinder, radius: 0.1, length: 0.1/; s/, lattice: 4/, spacing: 0.1/' 'needs bodies.cube.axis'
text 'a lattice of a sphere' 's/shape: box/shape: sphere, radius: 0.1/' 'lattice is for boxes'
text 'a needle between the points' 's/shape: box/shape: cylinder, radius: 1e-4, axis: [5, 2, 0], length: 0.3/; s/, lattice: 4/, spacing: 0.07/' 'bodies.cube is empty'
text 'inverted' 's/lattice: 4/lattice: 4, stretch: [1, -1, 1]/' 'det_f[0] = -1 (turned inside out, a particle of jelly at (0.375, 0.375, 0.375)) at step 0'

# ---- obstacles ----
lines 'a body in an obstacle' 'obstacles: {ball: {shape: sphere, centre: [0.3, 0.3, 0.3], radius: 0.15}}' '1 of its 64 particles are inside an obstacle, the first at (0.375, 0.375, 0.375) inside number 1'
lines 'an obstacle without size' 'obstacles: {step: {shape: box, centre: [0.5, 0.1, 0.5]}}' 'obstacles.step.shape = box needs obstacles.step.size'
lines 'an obstacle of no kind' 'obstacles: {step: {centre: [0.5, 0.1, 0.5]}}' 'obstacles.step.shape is missing'

# ---- meshes ----
mesh() {
  printf 'include: ../soft/case.yaml\nbodies: {thing: {material: jelly, shape: mesh, file: %s, centre: [0.5, 0.2, 0.5], size: 0.1, particles: 10}}\n' "$2" >bad/case.yaml
  bad "$1" "$3" run bad -o out
}
printf 'v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 2 3 4\n' >bad/leaky.obj
printf 'v 0 0 0\nv 1 0 0\nv 0 1 0\n' >bad/empty.obj
mesh 'a leaky mesh' leaky.obj 'not watertight: 3 of its edges are open or wrongly joined, the first from (0, 0, 0) to (0, 0, 1)'
mesh 'an empty mesh' empty.obj 'no triangles in it'
mesh 'no mesh' nowhere.obj 'nowhere.obj: cannot be read'
mesh 'a mesh that is none' case.yaml 'no triangles in it'
mesh 'a mesh without a name' '""' 'needs bodies.thing.file'

# ---- particles of a file ----
particles() {
  printf 'include: ../soft/case.yaml\nbodies: {thing: {material: jelly, shape: particles, %s}}\n' "$2" >bad/case.yaml
  bad "$1" "$3" run bad -o out
}
particles 'no file' 'centre: [0, 0, 0]' 'needs file or run'
particles 'a run that is not' 'run: ../nowhere' 'nowhere'
particles 'a file without positions' 'file: ../soft/case.yaml' 'bodies.thing'
particles 'a frame that is not' 'run: ../run, frame: 9' 'bodies.thing.frame = 9'
particles 'a body that is not' 'run: ../run, of_body: 1' 'has no particle of that body'

# ---- a run goes on from where another ended, and from its own checkpoints, bit for bit ----
sed -i '/cube:/d; /^bodies:/d' soft/case.yaml
cat >>soft/case.yaml <<'END'
bodies:
  again: {material: jelly, shape: particles, run: ../run}
END
expect 0 "" "$nomos" run soft -o again --quiet
[ "$(sed -n 6p run/scalars.csv | cut -d, -f3-25)" = "$(sed -n 2p again/scalars.csv | cut -d, -f3-25)" ] || fail "the run from particles begins elsewhere: $(sed -n 2p again/scalars.csv)"
expect 0 "" "$nomos" run run -o straight --quiet
same run straight
cp -r straight resumed
expect 0 "" "$nomos" run resumed --restart 20 --quiet
same straight resumed

# ---- particles of a run keep the masses they had: a body of few and one of many weigh the same again ----
mkdir two
cat >two/case.yaml <<'END'
case: {title: two}
solver: mpm
mpm: {dimensions: 2, length: 1 m, cells: 20, walls: open}
materials: {rubber: {density: 1000, elasticity: neo_hookean, youngs_modulus: 1e4 Pa, poissons_ratio: 0.3}}
bodies:
  coarse: {shape: box, centre: [0.3, 0.5], size: [0.2, 0.2], particles_per_cell: 1}
  fine: {shape: box, centre: [0.7, 0.5], size: [0.2, 0.2], particles_per_cell: 16}
time: {dt: 1 ms, stop: 1 ms}
output: {fields_every: 1 ms, scalars_every: 1 ms, precision: float64, pictures: false}
END
column() { awk -F, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if (index($i, name " ") == 1) c = i } NR == 2 { print $c }' "$1/scalars.csv"; }
expect 0 "" "$nomos" run two -o two_run --quiet
sed -i '/^bodies:/,/fine:/d' two/case.yaml
echo 'bodies: {both: {shape: particles, run: ../two_run, frame: 0}}' >>two/case.yaml
expect 0 "" "$nomos" run two -o two_again --quiet
for name in mass centre_x; do [ -n "$(column two_run $name)" ] && [ "$(column two_run $name)" = "$(column two_again $name)" ] || fail "particles of a run: $name $(column two_again $name), it was $(column two_run $name)"; done
expect 0 "" "$nomos" run two -o two_heavy --quiet --set bodies.both.volume=0.16
awk "BEGIN { m = $(column two_heavy mass) / $(column two_run mass); x = $(column two_heavy centre_x) - $(column two_run centre_x); exit !(m > 2 - 1e-12 && m < 2 + 1e-12 && x * x < 1e-24) }" || fail "twice the volume: $(column two_heavy mass), $(column two_run mass)"

# ---- on ranks: the same bits, but for the rounding of sums; checkpoints are for any number of them ----
expect 0 "" mpirun --oversubscribe -n 3 "$nomos" run run -o ranks --quiet
cp -r ranks moved
expect 0 "" mpirun --oversubscribe -n 2 "$nomos" run moved --restart 20 --quiet
for of in ranks moved; do
  cmp -s <(cut -d, -f1-3 $of/scalars.csv) <(cut -d, -f1-3 run/scalars.csv) || fail "$of: other times or masses"
  cp run/scalars.csv $of
  same run $of
done

# ---- a blow-up names its particle ----
cat >bad/case.yaml <<'END'
include: ../run/config.yaml
mpm: {walls: open}
bodies: {cube: {velocity: [20, 0, 0]}}
END
expect 1 'the run blew up: position[' "$nomos" run bad -o blown --quiet --set time.stop=0.2
grep -q 'outside the grid, a particle of jelly at (' err.txt || fail "does not say where: $(cat err.txt)"
sed 's/.*\(position\[\)/\1/' err.txt >one.txt
expect 1 'the run blew up: position[' mpirun --oversubscribe -n 2 "$nomos" run bad -o blown_ranks --quiet --set time.stop=0.2
grep -qF "$(head -n 1 one.txt | cut -c 1-60)" err.txt || fail "two ranks blame another particle: $(cat err.txt)"

# ---- who leaves the grid at a small step: no step helps, the domain does; a wall, and clipping, as advised ----
cat >bad/case.yaml <<'END'
include: ../run/config.yaml
mpm: {wall_x_high: open, gravity: [0, 0, 0]}
bodies: {cube: {velocity: [2, 0, 0]}}
END
expect 1 'the grid holds particles from 0.03125 to 0.90625 along x, and its face is open. Give the domain more room (mpm.length), close mpm.wall_x_high, or let mpm.clip = 2 hold particles back' "$nomos" run bad -o left --quiet --set time.stop=0.2
! grep -q 'time.dt' err.txt || fail "advises another step: $(cat err.txt)"
expect 1 'along x, and its face is open' mpirun --oversubscribe -n 2 "$nomos" run bad -o left_ranks --quiet --set time.stop=0.2
for as_advised in mpm.wall_x_high=separate mpm.clip=2 'mpm.length=[2 m, 1 m, 1 m]:mpm.cells=32'; do
  IFS=: read -r one two <<<"$as_advised"
  expect 0 "" "$nomos" run bad -o left --force --quiet --set time.stop=0.2 --set "$one" ${two:+--set "$two"}
done

finish
