#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# compare.py VBM SAVED [living]: each command's JSON, against the files themselves, which are
# read here in another way.

import json
import os
import subprocess
import sys

VBM, SAVED, LIVING = *sys.argv[1:3], sys.argv[3:] == ["living"]
DEBUGFS = os.path.join(SAVED, "sys/kernel/debug/videobuf2-mem")


def vbm(*args, codes=(0,)):
    # What is drawn leaves memory of Graphviz' behind.
    env = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run([VBM, *args, "--json", "--sysroot", SAVED], env=env,
                          stdout=subprocess.PIPE, check=False, text=True)
    if done.returncode not in codes:
        sys.exit(f"vbm {args}: exit code {done.returncode}")
    return json.loads(done.stdout)


def lines(name):
    with open(os.path.join(DEBUGFS, name), encoding="ascii") as file:
        return file.read().splitlines()


def fields(line):
    return dict(word.split("=", 1) for word in line.split())


def same(what, got, wanted):
    if got != wanted:
        sys.exit(f"{what}: {got!r}, not {wanted!r}")


def value(text):
    return None if text == "-" else text


def check_buffer(got, line):
    want = fields(line)
    for key in ("buf", "size", "users", "meta", "extents", "pieces", "longest",
                "moves", "chunk", "segments"):
        if key in want:
            same(key, got[key], int(want[key]))
    for key in ("kind", "dev", "backing", "state", "exporter", "dir"):
        if key in want:
            same(key, got[key], want[key])
    for key in ("owned", "managed", "vmap", "parked", "ours"):
        if key in want:
            same(key, got[key], want[key] == "1")
    if want["kind"] == "import":
        same("of", got["of"], int(want["of"]) or None)
        same("inode", got["inode"], int(want["ino"]))
        return
    same("last", got["last"], int(want["last"], 16))
    same("frozen", got["frozen"], value(want["frozen"]))
    same("mappings", ",".join(
        f"{m['dev']}:{m['dir']}:{m['users']}:{'sync' if m['sync'] else '-'}"
        for m in got["mappings"]) or "-", want["mappings"])
    same("demand", ",".join(
        f"{d['requirement']}:{d['value']:x}:{d['by']}"
        for d in got["demand"]) or "-", want["demand"])
    same("attached", ",".join(got["attached"]) or "-", want["attached"])


def main():
    state = vbm("list")
    buffers = lines("buffers")
    same("buffers", len(state["buffers"]), len(buffers))
    for got, line in zip(state["buffers"], buffers):
        check_buffer(got, line)
    for got, line in zip(state["failures"], lines("failures")):
        want = fields(line)
        same("errno", got["errno"], -int(want["error"]))
        for key in ("task", "dev", "reason", "lacks", "why", "frozen", "by"):
            same(key, got[key], value(want[key]))
    same("stats", [f"{name} {nr}" for name, nr in state["stats"].items()],
         lines("stats"))
    same("devices", [d["dev"] for d in state["devices"]],
         [fields(line)["dev"] for line in lines("devices")])

    ids = [str(buffer["buf"]) for buffer in state["buffers"]]
    same("show", vbm("show", *ids), state["buffers"])
    picture = vbm("graph", "--each")
    names = {node["id"] for node in picture["nodes"]}
    same("nodes", sum(n["kind"] == "buffers" for n in picture["nodes"]),
         sum("kind=mmap" in line for line in buffers))
    for arrow in picture["arrows"]:
        if not {arrow["from"], arrow["to"]} <= names:
            sys.exit(f"graph: {arrow}")
    same("per_second", list(vbm("top")["per_second"]), list(state["stats"]))
    if not all(f["said"] and f["about"] for f in vbm("explain", ids[0])):
        sys.exit("explain: a finding without a text")
    if LIVING:
        return
    same("refusals", sum(a["kind"] == "refused" for a in picture["arrows"]), 1)
    doctor = vbm("doctor", codes=(1,))
    same("doctor", (doctor["backend"], doctor["installed"], doctor["drivers"]),
         ("videobuf2-mem", "videobuf2-mem", ["vbcam", "vbcodec"]))


main()
