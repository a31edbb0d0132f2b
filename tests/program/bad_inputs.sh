# What a person can do wrong with the program nomos: every mistake ends in one sentence that says what was given and what to do, with an exit code that is no
# signal's, and leaves no run directory behind. SAY=1 prints the sentences.
. "${0%/*}/lib.sh"
# A case that is the good one with these lines on top; a value; a file as it is.
lines() {
  printf 'include: ../good/case.yaml\n%b\n' "$2" >bad/case.yaml
  bad "$1" "$3" run bad -o out
}
value() {
  bad "$1 $2" "$3" run good -o out --set "$1=$2"
}
text() {
  printf '%b' "$2" >bad/case.yaml
  bad "$1" "$3" run bad -o out
}

mkdir bad
expect 0 "" "$nomos" run good -o run --quiet # it is

# ---- the command line ----
bad 'no command' 'no command given'
bad 'unknown command' "unknown command 'rum'; did you mean run?" rum good
bad 'unknown option' 'did you mean --output?' run good --outptu out
bad 'unknown short option' "unknown option '-x'" run good -x
bad 'no case' 'usage: nomos run CASE' run
bad 'two cases' "one argument too many: 'bad'" run good bad
bad 'option without value' 'option -o needs a value' run good -o
bad 'option with empty value' 'the value is empty' run good -o ''
bad 'flag with value' 'takes no value' run good --force=yes -o out
bad 'help on what is not' "unknown command 'rnu'" help rnu
bad 'describe what is not' 'qgg' describe qgg
bad 'describe a wrong key' 'time.dt' describe time.dtt
"$nomos" describe predict | grep -q '^usage: nomos predict RUN DATA' || fail "describe a command"
bad 'describe a wrong law' 'did you mean drucker_prager?' describe druker_prager
"$nomos" describe drucker_prager | grep -q 'materials.NAME.friction_angle' && "$nomos" describe materials.sand.cohesion | grep -q 'plasticity drucker_prager' && "$nomos" describe mpm | grep -q 'materials.NAME.density' || fail "describe laws and materials"
bad 'describe a wrong family' 'did you mean burgers?' describe brgers
"$nomos" describe compressible | grep -q 'compressible.zeta' && "$nomos" describe burgers.nu | grep -q 'family burgers of grid_pde' && "$nomos" describe | grep -q '^  diffusion_sorption' || fail "describe families of PDEs"
bad 'describe a wrong part' 'did you mean channel_attention?' describe chanel_attention
"$nomos" describe cape | grep -q '^  cape.modes' && "$nomos" describe mstls | grep -q '^method mstls of discover' && "$nomos" describe letkf | grep -q 'of assimilate' && "$nomos" describe assimilate.observe.noise | grep -q 'Standard deviation' && "$nomos" describe materials | grep -q 'materials.NAME.density' || fail "describe parts and methods"
"$nomos" describe neural_operator | grep -q '^  cape.modes' && "$nomos" describe discover | grep -q '^  discover.rvm' && [ "$("$nomos" describe corrected_mpm.weights | grep -c '^  ')" = 2 ] && [ "$("$nomos" describe mpm.cells | grep -c '^solver')" = 1 ] || fail "describe what belongs to it"
for family in $("$nomos" describe grid_pde | sed -n 's/^  grid_pde.family  (one of \(.*\), required.*/\1/p'); do "$nomos" describe "$family" | grep -q "^  $family[.]" || fail "describe $family"; done
bad 'list with an argument' 'one argument too many' list good
bad 'check without a run' 'usage: nomos check CASE RUN' check good
bad 'check of nothing' 'nothing: is not the directory of a run' check good nothing
bad 'restart without a run' '--restart needs the run' run good --restart latest
bad 'restart and force' 'give one of them' run good -o run --restart latest --force
bad 'smoke without a section' 'has no `smoke:` section' run good --smoke -o out
bad 'an unused PETSc option' 'no_such_option' run good -o out -- -no_such_option 3
bad 'a word after --' "'good' is not a PETSc option" run -o out good -- good
bad '--set without =' 'qg.nx' run good -o out --set qg.nx
bad '--set without a key' '--set' run good -o out --set '=3'
bad '--set without a value' 'qg.nx' run good -o out --set 'qg.nx='
bad '--set of an unknown key' 'did you mean qg.nx?' run good -o out --set qg.nxx=32
bad '--set of a section' 'is a section' run good -o out --set qg=32
bad '--set of broken YAML' '--set' run good -o out --set 'qg.u=[1, 2'

# ---- the file ----
bad 'a case that is not' "case 'nowhere' not found" run nowhere -o out
bad 'a case without a name' 'the name of the case is empty' run '' -o out
mkdir empty
bad 'a directory without a case' 'has no case.yaml' run empty -o out
bad 'a case of the program, misspelt' "did you mean qg/rossby_wave?" run qg/rosby_wave -o out
bad 'a case without its folder' "did you mean qg/rossby_wave?" run rossby_wav -o out
bad 'a case that is described' "did you mean qg/rossby_wave?" describe qg/rosby_wave
bad 'a case below a file' 'not found' run good/case.yaml/x -o out
text 'an empty file' '' 'empty'
text 'only a comment' '# nothing\n' 'empty'
text 'a list' '- 1\n- 2\n' 'case.yaml:1'
text 'a word' 'qg\n' 'case.yaml:1'
text 'a bracket left open' 'solver: qg\nqg: {nx: 16\n' 'not valid YAML'
text 'a quote left open' 'case: {title: "A small\n' 'not valid YAML'
text 'a tab' 'solver: qg\nqg:\n\tnx: 16\n' 'a tab'
text 'NUL bytes' 'solver: qg\n\0\0' 'NUL'
text 'no UTF-8' 'solver: qg\ncase: {title: "\xff\xfe"}\n' 'case.yaml:2'
text 'two documents' 'solver: qg\n---\nsolver: qg\n' 'document'
text 'an anchor' 'solver: &a qg\ncase: {title: *a}\n' 'case.yaml:'
text 'a tag' 'solver: !!str qg\n' 'tag'
text 'no solver' 'qg.nx: 16\n' 'solver is missing'
text 'an unknown solver' 'solver: qgg\ntime: {dt: 1, stop: 1}\n' 'did you mean qg?'
for missing in qg.nx qg.lx time.dt time.stop; do
  sed "s/\(${missing#*.}\): [^,}]*,\?//" good/case.yaml >bad/case.yaml
  bad "no $missing" "$missing" run bad -o out
done
{ printf 'solver: qg\n# '; head -c 5000000 /dev/zero | tr '\0' x; } >bad/case.yaml
bad 'a huge file' 'a case file has at most' run bad -o out
{ head -c 100000 /dev/zero | tr '\0' '['; } >bad/case.yaml
bad 'deep nesting' 'case.yaml' run bad -o out
{ printf 'qg: '; for _ in $(seq 2000); do printf '{a: '; done; } >bad/case.yaml
bad 'deep sections' 'case.yaml' run bad -o out
printf 'solver: qg\n%s: 1\n' "$(head -c 3000 /dev/zero | tr '\0' k)" >bad/case.yaml
bad 'a long key' 'not valid YAML' run bad -o out
head -c 3000 "$nomos" >bad/case.yaml
bad 'a program' 'no text file' run bad -o out
mkfifo pipe
bad 'a pipe' 'no regular file' run pipe -o out
lines 'an unknown key' 'qg: {nz: 16}' 'did you mean qg.nx?'
lines 'a key in the wrong section' 'time: {nx: 16}' 'did you mean qg.nx?'
lines 'an unknown section' 'gq: {nx: 16}' 'qg.nx'
lines 'a key given twice' 'qg: {nx: 16, nx: 32}' 'given twice, first on line 2'
lines 'a key given twice, spelt in two ways' 'qg: {nx: 16}\nqg.nx: 32' 'given twice, first on line 2'
lines 'a section for a value' 'time: {dt: {hours: 2}}' 'time.dt'
lines 'a value for a section' 'time: 3' 'is a section'
lines 'a list for a value' 'time: {dt: [1, 2]}' 'time.dt'
lines 'no value' 'time: {dt: }' 'has no value'
lines 'an include that is not' 'include: [../good/case.yaml, nowhere.yaml]' 'given twice'
text 'a missing include' 'include: nowhere.yaml\n' 'nowhere.yaml: no such file'
text 'an include of a directory' 'include: ../good\n' 'is a directory, must be a YAML file'
text 'an include of itself' 'include: case.yaml\n' 'case.yaml'
mkdir circle && echo 'include: ../bad/case.yaml' >circle/case.yaml
text 'an include cycle' 'include: ../circle/case.yaml\n' 'circle'
text 'an include of a number' 'include: {a: 3}\n' 'write a path or a list of paths'
lines 'an unused PETSc option in the case' 'petsc: {no_such_option: 3}' 'no_such_option'

# ---- values ----
value qg.nx big 'qg.nx = big'
value qg.nx 16.5 'qg.nx = 16.5'
value qg.nx 2 'qg.nx = 2'
value qg.nx 101 'must have only the factors 2, 3, 5, 7; use 100 or 105'
value qg.nx 22 'use 21 or 24'
value qg.ny 2 'qg.ny = 2'
value qg.nx 1e30 'qg.nx'
value qg.lx 3' s' 's'
value qg.lx '1000 miles' 'miles'
value qg.lx -3 'qg.lx'
value qg.lx nan 'qg.lx'
value qg.layers 0 'qg.layers'
value qg.layers 1000 'qg.layers'
value time.dt 0 'time.dt'
value time.dt -1 'time.dt'
value time.dt 1e400 'time.dt'
value time.dt 'two hours' 'time.dt'
value time.stop -1 'time.stop'
value time.scheme ab4 'did you mean'
value time.adaptive maybe 'time.adaptive'
value time.check_every 1000 'time.check_every'
value run.threads 100000 'run.threads'
value qg.seed -1 'qg.seed'
value qg.hyperviscosity_order 7 'must be even; use 6 or 8'
value time.adaptive true 'needs a one-step scheme'
value qg.u '[1, 2, 3]' 'qg.u has 3 entries'
value qg.u '[1, x]' 'qg.u'
value qg.u '[0.1 m, 0]' 'qg.u'
value qg.forcing_layer 3 'must be between 1 and qg.layers = 2'
value qg.forcing_rate 1e-9 'no mode lies within'
value qg.layers 3 'qg.deformation_radius describes one or two layers, not 3'
value qg.model surface 'set qg.layers: 1'
value qg.topography '100*cos(x)' 'needs qg.f0 and qg.depths'
lines 'two topographies' 'qg: {topography: x, topographic_pv: y}' 'not both'
lines 'topography under the surface' 'qg: {model: surface, layers: 1, u: [0], topographic_pv: y}' 'has no bottom topography'
layers='qg: {layers: 2, nx: 16, lx: 1e6, f0: 1e-4 1/s, depths: [500 m, 1500 m], fft_plan: estimate'
rest='solver: qg\ntime: {dt: 1 h, stop: 2 h}\n'
text 'no stratification' "$rest$layers}" 'qg.reduced_gravities or qg.densities'
text 'densities upside down' "$rest$layers, densities: [1027, 1025]}" 'layer 2 (1025) must be denser than layer 1 (1027)'
text 'too many gravities' "$rest$layers, reduced_gravities: [0.01, 0.02]}" '2 layers have 1 interfaces'
text 'too few densities' "$rest$layers, densities: [1025]}" 'qg.densities has 1 entries'
text 'densities and gravities' "$rest$layers, densities: [1025, 1027], reduced_gravities: [0.01]}" 'not both'
text 'a negative gravity' "$rest$layers, reduced_gravities: [-0.01]}" 'qg.reduced_gravities'
text 'a radius and gravities' "$rest$layers, reduced_gravities: [0.01], deformation_radius: 30 km}" 'both set the stratification'
text 'no rotation' "$rest${layers/1e-4/0}, reduced_gravities: [0.01]}" 'qg.f0 (not 0)'
value qg.relaxation_jet 'cos(y' 'qg.relaxation_jet'
value qg.relaxation_jet 'kos(y)' 'kos'
value qg.relaxation_jet 'cos(z)' 'z'
value qg.sponge 'log(y - 1e9)' 'is not a finite number at'
value qg.sponge "$(printf '(%.0s' $(seq 5000))1" 'qg.sponge'
value qg.body_force '["x"]' 'qg.body_force has 1 entries'
value initial.type expression 'needs initial.q or initial.psi'
lines 'q for one layer of two' 'initial: {type: expression, q: ["sin(x)"]}' 'initial.q has 1 entries'
lines 'q not finite' 'initial: {type: expression, q: ["1/(x-x)", "0"]}' 'is not a finite number at x'
lines 'q and psi' 'initial: {type: expression, q: ["x", "y"], psi: ["x", "y"]}' 'one of them'
value initial.type dipole 'is for one layer'
lines 'a dipole without a size' 'initial.type: dipole\nqg: {layers: 1, u: [0]}' 'needs initial.radius and initial.speed'
lines 'no wave' 'initial: {type: mode, mode: [0, 0]}' 'must be two whole numbers'
lines 'half a wave' 'initial: {type: mode, mode: [1.5, 0]}' 'must be two whole numbers'
value initial.energy 1e-3 'not both'
value initial.type zero 'the initial state is zero'

# ---- the initial state, in a dry run and in a run ----
waves='pde/burgers --smoke -o out --set grid_pde.nx=16 --set initial.type=expression'
for dry in "" --dry-run; do
  bad "a state that cannot be read$dry" 'initial.u: ' run $waves $dry --set 'initial.u=exp(-x^2'
  bad "a state of another name$dry" 'no_such_file.nc' run $waves $dry --set initial.type=file --set initial.file=no_such_file.nc
done
expect 0 "" "$nomos" run $waves --dry-run
grep -q '^# warning: the first state is zero everywhere: u; .*nomos describe grid_pde' out.txt || fail "a state that is not given, in a dry run: $(tail -n 4 out.txt)"
expect 0 "warning: the first state is zero everywhere: u; " "$nomos" run $waves -q --set output.pictures=no
grep -q 'the first state is zero everywhere' out/summary.json || fail 'a state that is not given is not in summary.json'
rm -r out
expect 0 "" "$nomos" run $waves --dry-run --set 'initial.u=sin(2*pi*x/lx)'
! grep -q 'no multiple' out.txt || fail "time.stop is a multiple of time.dt: $(grep '^# time' out.txt)"
expect 0 "" "$nomos" run $waves --dry-run --set 'initial.u=sin(2*pi*x/lx)' --set time.dt=0.01 --set time.stop=0.035
grep -q '^# time: 4 steps of 0.01 to 0.035 (no multiple of it: the last step ends at 0.04)' out.txt || fail "a last step that goes farther: $(grep '^# time' out.txt)"
! grep -q warning out.txt || fail "a good state: $(grep warning out.txt)"

# ---- a list without brackets ----
bad 'a list of numbers without brackets' "--set: qg.u = 0.1,0.2: a list stands in brackets: write [0.1,0.2]" run good -o out --set qg.u=0.1,0.2
bad 'a list of texts without brackets' "--set: scaling.data_sizes = 10,20: a list stands in brackets: write [10,20]" scaling surrogate/scaling_burgers -o out --set scaling.data_sizes=10,20

# ---- data of particles ----
few='["mpm.cells=32", "mpm.wall_nodes=3", "time.dt=0.5 ms", "time.stop=35 ms", "bodies.body.particles_per_cell=1"]'
for thrown in jelly sand; do
  expect 0 "" "$nomos" generate graph/same_body_data.yaml -o $thrown -q --set sweep.case=graph/${thrown}_throw.yaml --set sweep.trajectories=2 --set "sweep.set=$few" --set sweep.tests.unseen.trajectories=1 --set sweep.tests.faster.trajectories=1
done
cat >graph.yaml <<'END2'
data: {path: jelly/data, validation: 0, test: 0}
END2
graph() {
  bad "$1" "$2" train graph.yaml -o out --set surrogate="${4:-reduced_order_graph}" --set "$3"
}
thrown=$PWD/jelly/data/sweep.h5
head -c 3000 "$thrown" >cut.h5
head -c 3000 "$nomos" >program.h5
graph 'particles, cut off' 'has 3000 of its' data.path="$PWD/cut.h5"
graph 'particles in no HDF5' 'is not an HDF5 or NetCDF-4 file' data.path="$PWD/program.h5"
graph 'a run without particles' 'position' data.path="$PWD/run"
graph 'a material never seen' 'is of sand, which was never seen in the training; it knows jelly' reduced_order_graph.tests.other.path="$PWD/sand/data/sweep.h5"
graph 'walls that are not' 'is no material of the data: choose among jelly' 'reduced_order_graph.fixed=[glass]'
graph 'a material the decoder never saw' 'is of sand, which was never seen in the training; it knows jelly' particle_decoder.tests.other.path="$PWD/sand/data/sweep.h5" particle_decoder

finish
