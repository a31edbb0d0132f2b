#!/usr/bin/env python3
"""The trainings and the tables of cases/surrogate/README.md: what is not there is trained, then a row for each network: means [least - largest] over the seeds (first frame, last frame).

    python3 tests/bench/emulator_study.py build/nomos study                                         # the FNOs of 90 epochs: 45 trainings of three to five minutes of a core
    python3 tests/bench/emulator_study.py build/nomos long --families burgers --set train.epochs=270
    python3 tests/bench/emulator_study.py build/nomos unets --networks unet --set unet.width=16 --jobs 2

Trainings are in DIR/FAMILY_NETWORK_TELLING/seed_N. One that was stopped goes on. One thread each; --jobs at once.
"""
import argparse
import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("nomos")
parser.add_argument("directory")
parser.add_argument("--families", default="burgers,advection,compressible")
parser.add_argument("--networks", default="fno")
parser.add_argument("--tellings", default="base,conditional,cape,attention,channels")
parser.add_argument("--seeds", default="0,1,2")
parser.add_argument("--sets", default="test,unseen,outside", help="columns of the table")
parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="for all trainings")
parser.add_argument("--jobs", type=int, default=1)
args = parser.parse_args()


def summary(run):
    try:
        with open(os.path.join(run, "summary.json")) as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def train(case, run, seed):
    if summary(run).get("status") == "done":
        return
    settings = ["train.seed=" + seed] + args.set
    command = [args.nomos, "train", "surrogate/" + case, "-o", run, "--quiet"] + [word for setting in settings for word in ("--set", setting)]
    if os.path.isdir(os.path.join(run, "checkpoint")):
        command = [args.nomos, "train", run, "--restart", "latest", "--quiet"]
    subprocess.run(command, check=True, env={**os.environ, "OMP_NUM_THREADS": "1"})


def short(x):
    text = f"{x:.3g}"
    return text[1:] if text.startswith("0.") else text


def cell(results, name):
    def all_of(which):
        return [r[f"{name}{which}_nrmse"] for r in results]

    whole = all_of("")
    first, last = (sum(all_of(which)) / len(whole) for which in ("_first", "_last"))
    spread = f" [{short(min(whole))} - {short(max(whole))}]" if len(whole) > 1 else ""
    return f"{short(sum(whole) / len(whole))}{spread} ({short(first)}, {short(last)})"


cases = [[f"{family}_{network}_{telling}" for network in args.networks.split(",") for telling in args.tellings.split(",")] for family in args.families.split(",")]
known = {entry for entry in os.listdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../cases/surrogate"))}
cases = [[case for case in family if case in known] for family in cases]
seeds, sets = args.seeds.split(","), args.sets.split(",")
with ThreadPoolExecutor(args.jobs) as pool:
    jobs = [pool.submit(train, case, os.path.join(args.directory, case, "seed_" + seed), seed) for family in cases for case in family for seed in seeds]
    for job in jobs:
        job.result()
for family in cases:
    print("\n| | " + " | ".join(sets) + " |\n| --- |" + " --- |" * len(sets))
    for case in family:
        results = [summary(os.path.join(args.directory, case, "seed_" + seed))["results"] for seed in seeds]
        print(f"| {case} ({results[0]['weights']:,.0f} weights) | " + " | ".join(cell(results, name) for name in sets) + " |")
