#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measures tokens per second of nsmith-runner and of llama.cpp, one after the other on the same files, and prints both and
their ratio, for decode and prefill.

Run it on an idle machine. Directories, which llama.cpp cannot read, are compared with the last file listed before them.
The best of several runs of each program counts, because other load of the machine only makes runs slower.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path


def run(command: list[str]) -> object:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nfailed:\n{done.stderr[-4000:]}")
    return json.loads(done.stdout)


def ours(arguments: argparse.Namespace, model: Path, threads: int) -> tuple[float, float]:
    result = run([str(arguments.runner), "bench", str(model), "--json", "--threads", str(threads),
                  "--prompt-tokens", str(arguments.prompt), "--generated-tokens", str(arguments.tokens),
                  "--warmup", "1", "--repetitions", str(arguments.repetitions)])
    token_ms, prompt_ms = result["tokenMs"], result["promptMs"]
    each = arguments.tokens
    runs = [sum(token_ms[i : i + each]) for i in range(0, len(token_ms), each)]
    return 1000 * each / min(runs), 1000 * arguments.prompt / min(prompt_ms)


def theirs(arguments: argparse.Namespace, model: Path, threads: int) -> tuple[float, float]:
    rows = run([str(arguments.llama_bench), "-m", str(model), "-t", str(threads), "-n", str(arguments.tokens),
                "-p", str(arguments.prompt), "-r", str(arguments.repetitions), "-o", "json"])
    best = {row["n_prompt"]: max(row["samples_ts"]) for row in rows}
    return best[0], best[arguments.prompt]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runner", type=Path, required=True, help="nsmith-runner")
    parser.add_argument("--llama-bench", type=Path, required=True)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--prompt", type=int, default=64)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("models", type=Path, nargs="+", help="GGUF files, and directories")
    arguments = parser.parse_args()
    print(f"{'':<28}{'threads':>8}{'nsmith':>9}{'llama.cpp':>11}{'ratio':>7}    {'prompt':>8}{'llama.cpp':>11}{'ratio':>7}")
    for threads in arguments.threads:
        peer = None
        for model in arguments.models:
            if model.is_file():
                peer = theirs(arguments, model, threads)
            if peer is None:
                sys.exit(f"{model}: expected a GGUF file before it")
            found = ours(arguments, model, threads)
            print(f"{model.name:<28}{threads:>8}{found[0]:>9.1f}{peer[0]:>11.1f}{found[0] / peer[0]:>7.2f}    "
                  f"{found[1]:>8.1f}{peer[1]:>11.1f}{found[1] / peer[1]:>7.2f}", flush=True)


if __name__ == "__main__":
    main()
