# Runs in phase space: their pictures, and collisions, which are told with the state and the step.
. "${0%/*}/lib.sh"

picture() {
  [ -s "$1" ] && [ -s "${1%.png}.svg" ] || fail "no picture $1"
}

expect 0 "" "$nomos" run hamiltonian/henon_heiles --quiet -o stars --set hamiltonian_system.states=4 --set time.stop=400
picture stars/plots/orbits.png
picture stars/plots/section.png
expect 0 "" "$nomos" run hamiltonian/henon_heiles --quiet -o short --set hamiltonian_system.states=4 --set time.stop=10
picture short/plots/orbits.png
[ ! -e short/plots/section.png ] || fail "a section of a few crossings"
for case in fput two_body pendulum solar_system; do
  expect 0 "" "$nomos" run hamiltonian/$case --smoke --quiet -o $case
  picture $case/plots/orbits.png
done

expect 0 "" "$nomos" run equations/lorenz63 --smoke --quiet -o lorenz
picture lorenz/plots/phase.png

# the second of two states begins at rest and falls into the centre at t = pi/4
kepler="hamiltonian/kepler --quiet --set hamiltonian_system.states=2 --set initial.type=list --set initial.state=[1,0,0,1,0.7937005259840998,0,0,0] --set time.dt=0.1 --set time.stop=2"
# shellcheck disable=SC2086
expect 1 "dormand_prince gets stuck at state 1" "$nomos" run $kepler --set time.scheme=dormand_prince -o fall
grep -q '(step 8, t = 0.7)' err.txt || fail "not at step 8: $(cat err.txt)"
# shellcheck disable=SC2086
expect 1 "does not converge for state 1" "$nomos" run $kepler --set time.scheme=gauss4 -o fall --force
[ -s fput/plots/modes.png ] || fail 'no energies of modes'
finish
