# SPDX-License-Identifier: Apache-2.0
"""Runs a table of cases on one bench: a line per case, and the evidence of every failure.

A bench is what all cases share. It has clients (by name), gateway, lab, capture(), settle() and
close(); a case takes it, and fails by raising.
"""

import argparse
import fnmatch
import os
import shutil
import sys
import time
import traceback

import client as clients
import lab as labs


class Failed(Exception):
    """The gateway did not do what the case asks."""


def check(fact, text):
    if not fact:
        raise Failed(text)


def share(text):
    place, _, count = text.partition("/")
    if not 1 <= int(place) <= int(count):
        raise ValueError(text)
    return int(place), int(count)


def arguments(prefix, text):
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("--build", default=os.path.join(clients.TOP, "build"), metavar="DIR",
                        help="where the programs are (default: build)")
    parser.add_argument("--only", default="*", metavar="PATTERN",
                        help="shell pattern of case names; without *: any part, with / the beginning")
    parser.add_argument("--sanitized", action="store_true",
                        help="the programs are instrumented: be patient with times")
    parser.add_argument("--workers", type=int, default=1, help="workers of the dataplane")
    parser.add_argument("--long", action="store_true",
                        help="also the cases that take minutes, whose names begin with long-")
    parser.add_argument("--prefix", default=prefix, help="word before the names of the cases")
    parser.add_argument("--share", type=share, default=(1, 1), metavar="I/N",
                        help="every Nth case from the Ith on: N such runs beside each other do all")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    return parser.parse_args()


def result(good, name, seconds, text=""):
    print(f"{'ok' if good else 'FAIL':4} {name}  {seconds:.1f} s{'  ' + text if text else ''}",
          flush=True)
    return good


def save_evidence(bench, directory, error):
    """Copies logs and captures of a failed case to where they stay."""
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "error"), "w") as file:
        file.write(error)
    for name, one in bench.clients.items():
        try:
            text = one.logs()
        except Exception as failure:  # the client may be what is broken
            text = f"no logs: {failure}\n{one.console_text()}"
        with open(os.path.join(directory, f"client-{name}.log"), "w") as file:
            file.write(text)
    for entry in os.listdir(bench.lab.directory):
        if entry.endswith((".log", ".pcap", ".yaml")):
            shutil.copy(os.path.join(bench.lab.directory, entry), directory)
    for folder, _, names in os.walk(bench.lab.directory):
        for name in names if "freeradius-" in os.path.basename(folder) else ():
            if name in ("radius.log", "detail", "accounting.db"):
                shutil.copy(os.path.join(folder, name),
                            os.path.join(directory, f"{os.path.basename(folder)}-{name}"))
    with open(os.path.join(directory, "gateway"), "w") as file:
        file.write(bench.gateway.overview())


def run_case(bench, name, case, evidence):
    shutil.rmtree(evidence, ignore_errors=True)
    start = time.monotonic()
    captures = bench.capture()
    good, text = False, ""
    try:
        text = case(bench) or ""
        good = True
    except (Failed, TimeoutError, clients.CommandFailed, labs.LabError) as error:
        text = str(error)
    except Exception as error:  # a defect of the case itself
        text = f"{type(error).__name__}: {error}\n{traceback.format_exc()}"
    ended = bench.gateway.ended()
    if ended:
        good, text = False, f"{text}\n{ended}"
    for capture in captures:
        capture.close()
    result(good, name, time.monotonic() - start, f"({text})" if good and text else text)
    if not good:
        save_evidence(bench, evidence, text)
        print(f"     evidence in {evidence}", flush=True)
        bench.settle()
    return good


def run_cases(bench, chosen, options):
    """Runs them all; returns how many failed."""
    failed = 0
    evidence = os.path.join(options.build, "evidence")
    for name, case in chosen.items():
        full = f"{options.prefix}/{name}"
        try:
            failed += not run_case(bench, full, case, os.path.join(evidence, full))
        except (labs.LabError, TimeoutError, clients.CommandFailed) as error:
            # Cleaning up failed: what follows would fail for no reason of its own.
            result(False, f"{options.prefix}/go-on", 0, str(error))
            return failed + 1
    complaints = bench.close()
    result(not complaints, f"{options.prefix}/stop", 0, "\n".join(complaints))
    return failed + bool(complaints)


def main(prefix, text, table, make_bench):
    options = arguments(prefix, text)
    pattern = options.only
    if "*" not in pattern:
        pattern = f"{pattern}*" if "/" in pattern else f"*{pattern}*"
    chosen = {name: case for name, case in table.items()
              if fnmatch.fnmatch(f"{options.prefix}/{name}", pattern)
              and (options.long or not name.startswith("long-"))}
    if not chosen:
        print(f"{sys.argv[0]}: no case matches '{options.only}'", file=sys.stderr)
        return 2
    if options.list:
        print("\n".join(f"{options.prefix}/{name}" for name in chosen))
        return 0
    place, count = options.share
    chosen = dict(list(chosen.items())[place - 1::count])
    if not chosen:
        return 0
    labs.turn_signals_into_exit()
    with labs.Lab() as lab:
        start = time.monotonic()
        try:
            bench = make_bench(lab, options)
        except (labs.LabError, TimeoutError) as error:
            result(False, f"{options.prefix}/start", time.monotonic() - start, str(error))
            return 1
        return 1 if run_cases(bench, chosen, options) else 0
