#!/usr/bin/env python3
"""A whole sweep as people run it: folds x seeds of one model, from the command to a CSV of results.

  bench/peers/sweep.py TABLE FOLDS --with loop|joblib|ray [--jobs 1] [--seeds 1] [--model mlp] [--hidden 64] [--epochs 50]
                       --results OUT.csv

loop: one trial after another in this process. joblib: Parallel(n_jobs=jobs). ray: Ray Tune, one CPU a trial, `jobs` CPUs,
workers kept from trial to trial. All train with emotion.trial on one thread each. Prints one JSON line with the scores.
"""
import argparse
import json
import os
import shutil
import tempfile

import emotion


def with_loop(options, trials, jobs):
    return [emotion.planned(options, *trial) for trial in trials]


def with_joblib(options, trials, jobs):
    import joblib

    return joblib.Parallel(n_jobs=jobs)(joblib.delayed(emotion.planned)(options, *trial) for trial in trials)


def with_ray(options, trials, jobs):
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray import tune

    # Short: a Unix socket's path has room for 107 bytes.
    folder = tempfile.mkdtemp(prefix="peer-ray-", dir="/tmp")
    try:
        ray.init(num_cpus=jobs, include_dashboard=False, log_to_driver=False, logging_level="ERROR", _temp_dir=folder,
                 object_store_memory=100 << 20, configure_logging=False,
                 runtime_env={"env_vars": {"PYTHONPATH": os.path.dirname(os.path.abspath(__file__))}})
        tuner = tune.Tuner(
            tune.with_resources(lambda point: tune.report(emotion.planned(options, *point["trial"])), {"cpu": 1}),
            param_space={"trial": tune.grid_search(trials)},
            tune_config=tune.TuneConfig(reuse_actors=True),
            run_config=tune.RunConfig(storage_path=folder + "/results", verbose=0))
        grid = tuner.fit()
        if grid.errors:
            raise grid.errors[0]
        names = ("fold", "seed", "best_epoch", "validation_macro_f1", "test_macro_f1", "test_accuracy")
        return [{name: r.metrics[name] for name in names} for r in grid]
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    emotion.add_arguments(parser)
    parser.add_argument("--with", dest="system", choices=["loop", "joblib", "ray"], default="loop")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    options = {name: getattr(arguments, name) for name in emotion.PLANNED}
    options.update({name: os.path.abspath(options[name]) for name in ("table", "folds")})
    trials = [(fold, seed) for seed in range(1, arguments.seeds + 1)
              for fold in range(len(emotion.read_folds(options["folds"])))]
    results = {"loop": with_loop, "joblib": with_joblib, "ray": with_ray}[arguments.system](options, trials, arguments.jobs)
    emotion.write_results(arguments.results, results)
    print(json.dumps({"peer": arguments.system, "jobs": arguments.jobs, "trials": len(results), **emotion.scores(results)}))


if __name__ == "__main__":
    main()
