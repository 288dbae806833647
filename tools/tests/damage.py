#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# damage.py VBM SAVED: spoils the saved files, and looks what vbm says. A file
# that is cut within a line must be told (6); one that is cut between lines is
# another moment, and fine. Whatever bytes there are, vbm must not crash, and
# must not take numbers for what they are not.

import os
import random
import shutil
import subprocess
import sys
import tempfile

VBM, SAVED = sys.argv[1:]
DEBUGFS = "sys/kernel/debug/videobuf2-mem"
COMMANDS = {"buffers": ["list"], "devices": ["explain", "vbcam.0"],
            "failures": ["explain", "vbdisp.0"], "stats": ["top", "-b"]}
CUTS = MUTANTS = 24
DAMAGED, GONE = 6, 3


def run(tree, args):
    done = subprocess.run([VBM, *args, "--sysroot", tree], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return done.returncode, done.stderr.decode("ascii", "replace")


def main():
    rng = random.Random(1)
    seen = {}
    with tempfile.TemporaryDirectory() as top:
        tree = os.path.join(top, "tree")
        shutil.copytree(SAVED, tree, symlinks=True)
        for name, args in COMMANDS.items():
            path = os.path.join(tree, DEBUGFS, name)
            with open(path, "rb") as file:
                good = file.read()
            for i in range(CUTS + MUTANTS):
                if i < CUTS:
                    spoilt = good[:rng.randrange(1, len(good))]
                    wanted = ((0, GONE) if spoilt.endswith(b"\n")
                              else (DAMAGED,))
                else:
                    spoilt = bytearray(good)
                    for _ in range(rng.randrange(1, 4)):
                        spoilt[rng.randrange(len(good))] = rng.choice(
                            b"=:, -\n\0\xff09aZ")
                    wanted = (0, GONE, DAMAGED)
                with open(path, "wb") as file:
                    file.write(spoilt)
                code, message = run(tree, args)
                seen[code] = seen.get(code, 0) + 1
                if code not in wanted or (code and not message):
                    sys.stdout.write(f"{name}, cut {len(spoilt)} of "
                                     f"{len(good)}, {i}: exit code {code}, "
                                     f"not {wanted}: {message}\n")
                    return 1
            with open(path, "wb") as file:
                file.write(good)
    print(", ".join(f"{nr} times {code}" for code, nr in sorted(seen.items())))
    return seen.get(DAMAGED, 0) < CUTS


sys.exit(main())
