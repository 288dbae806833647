#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# words.py VBM KERNEL-SOURCES SAVED
#
# Is there a sentence for every word that the core can say? The words are read
# from the core's own tables, so a new one that vbm does not know fails here, as
# does one that vbm knows and the core has not. Each word is then put into a copy
# of the saved files, and vbm explain has to say its sentence. Prints TAP; the
# last tests are controls, with a core that has a word more.

import os
import re
import shutil
import subprocess
import sys
import tempfile

VBM, CORE, SAVED = sys.argv[1:]
DEBUGFS = "sys/kernel/debug/videobuf2-mem"

# The words of a table: the file of the core, and what stands before its body.
TABLES = {
    "frozen": ("vbm-freeze.c", r"vbm_freeze_names\[.*?\] = \{"),
    "why": ("vbm-move.c", r"vbm_refusal_names\[.*?\] = \{"),
    "lacks": ("vbm-constraints.c", r"vbm_requirement_names\[.*?\] = \{"),
    "task": ("vbm-failure.c", r"vbm_task_names\[.*?\] = \{"),
    "reason": ("vbm-stats.c", r"vbm_stat_names\[.*?\] = \{"),
    "one": ("vbm-debugfs.c", r"ones\[\] = \{"),
}

count = failed = 0


def result(ok, text, *why):
    """One line of TAP, and what went wrong."""
    global count, failed
    count += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {count} - {text}")
    if not ok:
        for line in "\n".join(why).splitlines():
            print(f"#   {line}")


def source(directory, name):
    with open(os.path.join(directory, name), encoding="ascii") as file:
        return file.read()


def body(text, begin):
    """What stands between the braces of a table."""
    at = re.search(begin, text, re.S)
    if not at:
        raise SystemExit(f"words.py: no table {begin}")
    return text[at.end():text.index("};", at.end())]


def core_words(directory):
    """The words of the core, by key."""
    words = {}
    for key, (name, begin) in TABLES.items():
        words[key] = re.findall(r'"([^"]*)"',
                                body(source(directory, name), begin))
    words["reason"] = [word[len("fail_"):] for word in words["reason"]
                       if word.startswith("fail_")] + ["-"]
    # A function of its own; and each allocator has its name.
    state = source(directory, "vbm-debugfs.c")
    state = state[state.index("vbm_buf_state("):]
    words["state"] = re.findall(r'"(\w+)"', state[:state.index("\n}")])
    words["backing"] = ["none"]
    for name in sorted(os.listdir(directory)):
        if name.endswith(".c"):
            words["backing"] += re.findall(
                r'struct vbm_allocator \w+ = \{\s*\.name\s*= "(\w+)"',
                source(directory, name))
    return words


def vbm_words():
    """The words that vbm knows: key -> word -> sentence."""
    out = subprocess.run([VBM, "explain", "--words"], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    words = {}
    for line in out.splitlines():
        key, word, means = re.fullmatch(r"(\w+)=([^:]*): (.*)", line).groups()
        words.setdefault(key, {})[word] = means
    return words


def missing(core, known):
    """Words that one side lacks."""
    return [f"{key}={word}" for key in core for word in core[key]
            if word not in known.get(key, {})]


def edit(tree, name, **values):
    """Sets keys in the first line of a file."""
    path = os.path.join(tree, DEBUGFS, name)
    with open(path, encoding="ascii") as file:
        lines = file.read().splitlines(keepends=True)
    for key, value in values.items():
        lines[0], nr = re.subn(rf"\b{key}=\S*", f"{key}={value}", lines[0])
        if not nr:
            raise SystemExit(f"words.py: {name} has no {key}")
    with open(path, "w", encoding="ascii") as file:
        file.writelines(lines)


# How a word comes into the files, and what is then to be explained.
def put(tree, key, word):
    if key == "frozen":
        edit(tree, "buffers", frozen=word)
        edit(tree, "failures", why="frozen", frozen=word)
    elif key == "why":
        edit(tree, "failures", why=word, frozen="-")
    elif key == "lacks":
        edit(tree, "failures", lacks=word, why="owned", frozen="-")
    elif key == "task":
        edit(tree, "failures", task=word, lacks="-", why="-", frozen="-")
    elif key == "reason":
        edit(tree, "failures", task="import", buf=0, owner="-", reason=word,
             exporter="other", lacks="-", why="-", frozen="-")
    elif key == "one":
        edit(tree, "buffers", one=word if word == "any" else f"{word}:some.0")
    else:
        edit(tree, "buffers", **{key: word})


# Words that nothing is said of: nothing keeps it, it did, nobody cares, none.
QUIET = {"frozen=-", "why=moved", "one=any", "lacks=none"}


def said(key, word):
    with tempfile.TemporaryDirectory() as top:
        tree = os.path.join(top, "tree")
        shutil.copytree(SAVED, tree, symlinks=True)
        put(tree, key, word)
        what = "1" if key in ("one", "state", "backing") else "vbdisp.0"
        out = ""
        for name in {what, "1"} if key == "frozen" else {what}:
            run = subprocess.run([VBM, "explain", "--sysroot", tree, name],
                                 text=True, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, check=False)
            if run.returncode:
                return f"exit code {run.returncode}: {run.stdout}"
            out += run.stdout
        return " ".join(out.split())


def explains(key, word, means):
    """What is wrong with the explanation of a word, or nothing."""
    text = said(key, word)
    if "does not know" in text or text.startswith("exit code"):
        return text
    if f"{key}={word}" in QUIET:
        return ""
    means = means.replace("%s", "some.0")
    wanted = 2 if key == "frozen" else 1
    return "" if text.count(means) >= wanted else text


def main():
    core, known = core_words(CORE), vbm_words()
    for key, words in core.items():
        result(len(words) > 2 and len(set(words)) == len(words),
               f"{key}: the core's words are found ({len(words)})", str(words))
    lacking = missing(core, known)
    result(not lacking, "every word of the core has a sentence",
           " ".join(lacking))
    stale = missing(known, core)
    result(not stale, "every sentence has a word of the core", " ".join(stale))
    for key, words in core.items():
        for word in words:
            if word not in known[key]:
                continue
            wrong = explains(key, word, known[key][word])
            result(not wrong, f"explain says why: {key}={word}", wrong)

    for key, (name, begin) in TABLES.items():
        with tempfile.TemporaryDirectory() as top:
            copy = os.path.join(top, "core")
            shutil.copytree(CORE, copy)
            text = source(copy, name)
            at = re.search(begin, text, re.S).end()
            with open(os.path.join(copy, name), "w", encoding="ascii") as file:
                file.write(f'{text[:at]} "fail_newword", {text[at:]}')
            lacking = missing(core_words(copy), known)
        result(len(lacking) == 1 and lacking[0].endswith("newword"),
               f"control: a new word of {key}= is noticed", str(lacking))
    wrong = explains("frozen", "newword", "unheard of")
    result("does not know" in wrong, "control: an unknown word is said to be so",
           wrong)
    print(f"1..{count}")
    return failed != 0


sys.exit(main())
