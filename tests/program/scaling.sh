# nomos scaling as a program: a law from 12 trainings, nothing trained twice, a stop and what goes on from it, data that are made once for all, and what is refused.
. "${0%/*}/lib.sh"
export OMPI_MCA_ess_singleton_isolated=1
qg=$nomos
nomos=$toy # the test surrogate is in this one

"${toy%/*}/nomos_toy_data" "$PWD/data.h5" 700 || fail "no data"
mkdir learn
cat >learn/case.yaml <<END2
surrogate: toy_map
case: {title: A toy map}
data: {path: $PWD/data.h5, validation: 0.2, test: 0.2}
train: {epochs: 6, batch: 8, learning_rate: 0.02, precision: float64}
output: {pictures: no}
scaling: {metric: test_rmse, data_sizes: [40, 80, 160], network_key: toy.width, network_sizes: [2, 4, 8], cost: operations, held_out_data: 320, held_out_network: 16, draws: 100}
END2
number() { sed -n "s/^ *\"$2\": \([-0-9.e+]*\),*$/\1/p" "$1/summary.json" | tail -n 1; }

expect 0 "" "$toy" scaling learn -o law --set output.pictures=yes
[ "$(wc -l <law/scaling.csv)" = 11 ] && [ "$(grep -c 'data_.*,no$' law/scaling.csv)" = 9 ] && [ "$(number law trainings)" = 10.0 ] || fail "ten trainings: $(cat law/scaling.csv)"
grep -q '^data_160-network_8-seed_0,50,96,0,' law/scaling.csv || fail "weights and trajectories of the training split: $(cat law/scaling.csv)"
[ -s law/plots/scaling.png ] && [ -s law/trainings/data_40-network_2-seed_0/weights.safetensors ] || fail "no picture, or no weights"
[ "$(grep -c 'fill:rgb(80%,47.45' law/plots/scaling.svg)" = 4 ] || fail "what was held out is not drawn: in two panels, and in their legends"
for name in E0 A alpha B beta alpha_low beta_high data_better held_out_error held_out_expected; do [ -n "$(number law $name)" ] || fail "summary.json has no $name"; done
grep -q 'buy next\|undecided' law/log.txt && grep -q 'held out, 98 weights' law/log.txt || fail "no advice: $(tail -n 8 law/log.txt)"

# Drawn again from its files.
rm -r law/plots
expect 0 "" "$toy" plot law
[ -s law/plots/scaling.png ] && [ ! -e law/plots/loss.png ] || fail "nomos plot of a scaling run: $(find law/plots)"

# An end of an interval at a bound of the search is no number.
grep -q 'alpha.*95 %: .*\(below 0.01\|above 4\)' law/log.txt && ! grep -q 'alpha.*95 %: 0.01 \|\(alpha\|beta\).* to 4$' law/log.txt || fail "exponents at their bounds: $(grep 95 law/log.txt)"

# Small ones first, in whatever order they are given; unset, the largest data are held out.
expect 143 "" "$toy" scaling learn -o order -q --set "scaling.data_sizes=[160, 80, 40]" --set scaling.held_out_data= --set time.max_wall=1e-3
[ "$(ls order/trainings)" = data_40-network_2-seed_0 ] || fail "not the smallest first: $(ls order/trainings)"
expect 0 "" "$toy" scaling order --restart latest -q --set train.epochs=1 --set time.max_wall=0
[ -e order/trainings/data_160-network_16-seed_0-held_out ] || fail "not the largest held out: $(ls order/trainings)"

# What every training warns of is told once; each has it in its files.
expect 0 "" "$toy" scaling learn -o warned -q --set toy.warn=yes --set train.epochs=1
[ "$(sort err.txt | grep -c '^warning: ')" = "$(sort -u err.txt | grep -c '^warning: ')" ] && grep -q '^warning: ' err.txt || fail "warnings: $(cat err.txt)"
[ "$(grep -l 'warning: ' warned/trainings/*/log.txt | wc -l)" = 10 ] || fail "trainings do not have their warnings"

# A size that is more than there is names what there is, once.
expect 0 "warning: data.trajectories = 900: the data have 700 trajectories, of which 420 are for training" "$toy" scaling learn -o beyond -q --set train.epochs=1 --set scaling.data_sizes=[40,80,900] --set scaling.held_out_data= --set scaling.held_out_network=
[ "$(grep -c 'the data have 700' err.txt)" = 1 ] || fail "a size beyond the data: $(cat err.txt)"

# Nothing is trained again; more sizes are trained beside; other settings of the network or the data are refused, those of the training train again.
expect 0 "" "$toy" scaling law --restart latest --set scaling.data_sizes=[40,80,160,240]
[ "$(grep -c 'was there' out.txt)" = 10 ] && [ "$(wc -l <law/scaling.csv)" = 14 ] || fail "restart: $(cat out.txt)"
expect 1 "train.batch = 16 (the checkpoint has 8)" "$toy" scaling law --restart latest --set train.batch=16
expect 0 "" "$toy" scaling learn -o law --restart latest --set train.epochs=8
grep -q 'was there' out.txt && fail "more epochs, and nothing was trained"
[ "$(wc -l <law/trainings/data_40-network_2-seed_0/loss.csv)" = 9 ] || fail "more epochs: not 8"

# A finished training of another learning rate begins anew: it would end at once and pass for one of this rate.
expect 0 "" "$toy" scaling learn -o law --restart latest --set train.learning_rate=0.01 --set train.checkpoint_every=1
[ "$(grep -c 'made with other settings: it begins anew' out.txt)" = 10 ] || fail "another learning rate: $(cat out.txt)"
expect 0 "" "$toy" train learn -o alone -q --set train.learning_rate=0.01 --set data.trajectories=40 --set toy.width=2 --set train.checkpoint_every=1
cmp alone/loss.csv law/trainings/data_40-network_2-seed_0/loss.csv || fail "another learning rate is not that of a training alone"
expect 0 "" "$toy" scaling learn -o law --restart latest --set train.learning_rate=0.01
[ "$(grep -c 'was there' out.txt)" = 10 ] || fail "checkpoint_every changes no result: $(cat out.txt)"

# Nor does one of other data pass for one of these.
mv data.h5 kept.h5
"${toy%/*}/nomos_toy_data" "$PWD/data.h5" 700 0 0.5 || fail "no other data"
expect 1 "the data are not those of this training" "$toy" scaling learn -o law --restart latest --set train.learning_rate=0.01 -q
mv kept.h5 data.h5

# What --force replaces is gone at once, also when it is stopped: nothing of it is taken for done.
touch law/trainings/data_80-network_2-seed_0/note
expect 143 "" "$toy" scaling learn -o law --force -q --set train.learning_rate=0.01 --set time.max_wall=1e-3
[ ! -e law/trainings/data_160-network_8-seed_0 ] && [ "$(ls law/trainings/data_80-network_2-seed_0)" = "$(printf 'STATUS\nnote')" ] || fail "--force leaves $(ls law/trainings law/trainings/*)"
expect 0 "" "$toy" scaling learn -o law --restart latest --set train.learning_rate=0.01
[ "$(grep -c 'was there' out.txt)" = 0 ] || fail "--force, a stop, a restart: $(cat out.txt)"
expect 0 "" "$toy" scaling learn -o law --force -q
grep -q '"alpha"' law/summary.json || fail "--force"

# Stopped in the middle, it goes on to the numbers of one that was not.
env --default-signal=INT "$toy" scaling learn -o stopped --quiet --set run.pause=0.01 >out.txt 2>err.txt &
job=$!
wait_for stopped/trainings/data_40-network_4-seed_0/loss.csv
kill -INT $job
wait $job
[ $? = 130 ] && [ "$(head -n 1 stopped/STATUS)" = stopped ] || fail "SIGINT: $(cat stopped/STATUS err.txt)"
expect 0 "" "$toy" scaling stopped --restart latest --set run.pause=0
for name in A alpha B beta held_out_low; do [ "$(number stopped $name)" = "$(number law $name)" ] || fail "stopped and not: $name is $(number stopped $name) and $(number law $name)"; done

# Two ranks.
expect 0 "" env -u OMPI_MCA_ess_singleton_isolated mpirun --oversubscribe -n 2 "$toy" scaling learn --quiet -o two
awk -v a="$(number two alpha)" -v b="$(number law alpha)" 'BEGIN { d = a - b; exit !(d * d < 1e-8 * a * a) }' || fail "two ranks: alpha is $(number two alpha) and $(number law alpha)"

# Data that a case makes are made once; the size of the data may be a parameter of the surrogate, and one size alone may differ.
mkdir image
cat >image/case.yaml <<END2
surrogate: coordinate_network
data: {case: $PWD/good, set: ["time.stop=1 h", "time.dt=1 h"], validation: 0}
coordinate_network: {sigma: [2], n_features: 8, layers: 1, width: 8, activation: tanh}
train: {epochs: 2, batch: 64}
output: {pictures: no}
scaling: {metric: test_relative_error_sigma_2, data_key: coordinate_network.points, data_sizes: [0.2, 0.4, 0.6, 0.8]}
END2
expect 0 "" "$qg" scaling image -o image_law
[ -s image_law/data/fields.nc ] && [ ! -e image_law/trainings/data_0.2-seed_0/data ] || fail "data of its own: $(ls image_law image_law/trainings/*)"
[ "$(number image_law A)" = "" ] && [ -n "$(number image_law beta)" ] || fail "a law in the data alone: $(cat image_law/summary.json)"

# It may be moved, as data are told by what they are. A training that was killed before its first checkpoint was there begins anew, without --force.
mv image_law moved
expect 0 "" "$qg" scaling moved --restart latest
[ "$(grep -c 'was there' out.txt)" = 4 ] || fail "moved: $(cat out.txt)"
rm -r moved/trainings/data_0.6-seed_0/checkpoint/* moved/trainings/data_0.6-seed_0/weights.safetensors
echo running >moved/trainings/data_0.6-seed_0/STATUS
expect 0 "" "$qg" scaling moved --restart latest
[ "$(grep -c 'was there' out.txt)" = 3 ] || fail "killed before its first checkpoint: $(cat out.txt)"

bad 'no such metric' 'the trainings have no such result; they have epochs' scaling learn -o nothing --set scaling.metric=rmse
bad 'a metric that is nearly right' 'did you mean test_rmse?; with the right name --restart latest goes on, and trains nothing twice' scaling nothing --restart latest --set scaling.metric=test_rmsee
expect 0 "" "$toy" scaling nothing --restart latest --set scaling.metric=test_rmse
[ "$(grep -c 'was there' nothing/log.txt)" = 1 ] || fail "the right metric trains again: $(grep training nothing/log.txt)"
rm -rf nothing
expect 1 'the training data_40-network_2-seed_0 failed: the training blew up: the loss is nan' "$toy" scaling learn -o nothing --quiet --set toy.nan_step=3
rm -rf nothing
bad 'more than there is' 'both train on 420 examples: there are no more' scaling learn -o nothing --quiet --set train.epochs=1 --set scaling.data_sizes=[40,80,700,800]
bad 'not larger' 'hold out a larger size' scaling learn -o nothing --force --quiet --set train.epochs=1 --set scaling.held_out_data=60 --set scaling.held_out_network=3
rm -rf nothing
bad 'more held out than there is' 'both train on 420 examples: there are no more' scaling learn -o nothing --quiet --set scaling.data_sizes=[40,80,700] --set scaling.held_out_data=800
[ ! -e nothing/trainings ] || fail "trained before the sizes were looked at: $(ls nothing/trainings)"
rm -rf nothing
bad 'no metric' 'scaling.metric is missing' scaling learn -o out --set scaling.metric=
bad 'two sizes' 'scaling.data_sizes has 2' scaling learn -o out --set scaling.data_sizes=[40,80]
bad 'as many as unknowns' '3 trainings for 3 unknowns; give more sizes, or scaling.seeds' scaling learn -o out --set scaling.network_sizes= --set scaling.held_out_network=
bad 'nothing differs' 'neither scaling.data_sizes nor scaling.network_sizes' scaling learn -o out --set scaling.network_sizes= --set scaling.data_sizes=
bad 'twice' '80 is there twice' scaling learn -o out --set scaling.data_sizes=[40,80,80]
bad 'held out and not' '80 is held out too' scaling learn -o out --set scaling.held_out_data=80
bad 'of no key' 'give scaling.network_key: KEY' scaling learn -o out --set scaling.network_key=
bad 'an unknown key' 'toy.with: unknown key; did you mean toy.width?' scaling learn -o out --set scaling.network_key=toy.with
bad 'a size that is none' 'toy.width' scaling learn -o out --set scaling.network_sizes=[2,4,many]
bad 'a solver' 'it trains nothing' scaling case -o out
finish
