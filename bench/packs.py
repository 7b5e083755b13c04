"""bench/run packs: CPU seconds per trial of six models, 24 trials (LOSO), on one core, against peers and the physical floor."""
import json
import shutil
import statistics
import sys

import flops
from common import BUILD, PROGRAM, call, measured, ratios, say, show, spread, table
from peer_work import PEERS, Work, disagreements, peers_python, scores

WORKLOADS = [(model, hidden) for model in ("mlp", "gated", "cross_attention") for hidden in (64, 128)]
TRIALS, SQUARE = 24, "nn:1x512x512x512"
EMOSWEEP = {"emosweep lone": ["pack=off", "kernels=torch"], "emosweep packed": ["pack=auto", "kernels=torch"],
            "emosweep fused": ["kernels=fused"]}
EAGER, VMAP, PROCESS = "Python eager", "Python vmap", "Python process"


def run_emosweep(work, model, hidden, settings):
    """-> mean of timing.csv's cpu_seconds over the 24 trials (a packed trial's is its share of the pack), scores."""
    run = work.folder / "run"
    shutil.rmtree(run, ignore_errors=True)
    options = [word for setting in settings for word in ("--set", setting)]
    call(PROGRAM, "run", work.experiment(model, hidden), "-o", run, "-q", *options)
    return statistics.mean(float(r["cpu_seconds"]) for r in work.trials(run, TRIALS)), scores(run)


def run_peer(work, script, model, hidden):
    line = json.loads(measured(*work.peer(script, "--model", model, "--hidden", hidden))[0].splitlines()[-1])
    return line["cpu_seconds_mean"], {k: line[k] for k in ("test_macro_f1", "test_macro_f1_se")}


def run_process(work, model, hidden, fold):
    """CPU seconds of a whole process that trains one trial: start, imports, reading the table, trial."""
    options = ("--model", model, "--hidden", hidden, "--first", fold, "--count", 1, "--cold")
    return measured(*work.peer("eager_trial.py", *options))[2]


def sgemm_rates(shapes):
    return json.loads(call(BUILD / "bench" / "bench_sgemm_rates", *sorted(shapes)))


def check_count():
    """The floor rests on flops.py: PyTorch's counter must find the same."""
    theirs = json.loads(measured(peers_python(), PEERS / "count_flops.py")[0])
    ours = {f"{m} {h}": flops.BATCH * sum(o for _, o, _ in flops.products(m, h)) for m, h in WORKLOADS}
    if any(theirs[name] != count for name, count in ours.items()):
        sys.exit(f"bench/run packs: flops.py counts {ours}, PyTorch {theirs}")


def measure(work, model, hidden, rounds):
    """Alternated: each round measures every row once, so that a drift of the machine hits all."""
    counted = flops.of_trial(model, hidden, work.epochs, *(rows for (rows,) in work.rows.values()))
    cpu, score, floors, shaped, rates = {}, {}, [], [], []

    def keep(row, figures):
        cpu.setdefault(row, []).append(figures[0])
        score[row] = figures[1]

    for i in range(rounds):
        for row, settings in EMOSWEEP.items():
            keep(row, run_emosweep(work, model, hidden, settings))
        keep(VMAP, run_peer(work, "vmap_trials.py", model, hidden))
        keep(EAGER, run_peer(work, "eager_trial.py", model, hidden))
        cpu.setdefault(PROCESS, []).append(run_process(work, model, hidden, i % TRIALS))
        rate = sgemm_rates({*counted, SQUARE})
        rates.append(rate[SQUARE])
        floors.append(sum(counted.values()) / rate[SQUARE] / 1e9)
        shaped.append(sum(operations / rate[shape] for shape, operations in counted.items()) / 1e9)
    cpu["floor, sgemm of these shapes"], cpu["floor, sgemm of 512"] = shaped, floors
    return {"cpu_seconds": {row: spread(v) for row, v in cpu.items()},
            "eager_over": {row: ratios(cpu[EAGER], v) for row, v in cpu.items() if row != EAGER},
            "process_over": {row: ratios(cpu[PROCESS], v) for row, v in cpu.items() if row != PROCESS},
            "gflop": sum(counted.values()) / 1e9, "sgemm_512_gflops": spread(rates), "scores": score}


def tables(results):
    header = ["", *(f"{model} {hidden}" for model, hidden in results)]
    rows = list(next(iter(results.values()))["cpu_seconds"])

    def line(row, text):
        return [row, *(text(r) for r in results.values())]

    def times(row, base, r):
        ratio = r[base].get(row)
        return f"{ratio['median']:.3g} ({ratio['min']:.3g} to {ratio['max']:.3g})" if ratio else "1"

    table("CPU milliseconds a trial, medians", header,
          [line(row, lambda r, row=row: f"{1e3 * r['cpu_seconds'][row]['median']:.4g}") for row in rows])
    for base, name in (("eager_over", "the eager loop"), ("process_over", "a Python process per trial")):
        table(f"times less than {name}: median (least to most) of the rounds", header,
              [line(row, lambda r, row=row, base=base: times(row, base, r)) for row in rows])
    table("mean test macro-F1 over the 24 folds (standard error)", header,
          [line(row, lambda r, row=row: "{test_macro_f1:.3f} ({test_macro_f1_se:.3f})".format(**r["scores"][row]))
           for row in [*EMOSWEEP, VMAP, EAGER]])


def packs(quick=False, rounds=3):
    if peers_python() is None:
        sys.exit("bench/run packs: needs bench/peers/setup")
    check_count()
    rounds, work = (1, Work("packs", 5)) if quick else (rounds, Work("packs", 50))
    results, wrong = {}, []
    for model, hidden in WORKLOADS:
        result = measure(work, model, hidden, rounds)
        results[model, hidden] = result
        show("packs", model=model, hidden=hidden, data=work.data, trials=TRIALS, epochs=work.epochs, rounds=rounds, **result)
        wrong += [f"{model} {hidden}: {d}" for d in disagreements(result["scores"])]
    tables(results)
    if wrong:
        sys.exit("bench/run packs: scores differ by more than 3 standard errors, so the work does: " + "; ".join(wrong))
    say("\nall rows of a model score alike (within 3 standard errors)")
