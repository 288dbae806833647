# SPDX-License-Identifier: GPL-2.0
"""What imports cost, ours against stock: boots, tables and bars.

A part of bench. The same drivers run on the kernel's own backends and on ours,
in each of four configurations of memory; bench-sweep.c does the operations and
says which. Each configuration is booted with a clock that counts instructions,
for the figures, and again as it is, for wall time, which nothing is asserted
of.
"""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
TOP = os.path.dirname(HERE)

BACKENDS = ["stock", "ours"]
# A PCI function each for two cameras and sixteen displays.
FUNCTIONS = " ".join(f"-device edu,addr={slot:#x}" for slot in range(11, 29))
MEMORIES = {
    "none": ("no IOMMU", []),
    "lazy": ("IOMMU lazy", ["--iommu", "lazy", "--qemu", FUNCTIONS]),
    "strict": ("IOMMU strict", ["--iommu", "strict", "--qemu", FUNCTIONS]),
    # 1 GiB of bounce buffers, or the largest frames have no place.
    "swiotlb": ("swiotlb=force", ["--mem", "3G", "--append",
                                  "swiotlb=524288,force"]),
}
STORAGES = {
    "contig": "contiguous",
    "sg": "scatter-gather",
    "pages": "fragmented",
}
SIZES = ["VGA", "720p", "1080p", "4K", "8K"]
USUAL = "1080p"
MORE = [2, 4, 8]        # importers of that
COUNTS = ["attaches", "detaches", "maps", "unmaps", "flushes", "bytes"]

FIXED_BAR = 1.02
ROTATING_BAR = 1.15     # over ours with a fixed fd
FIRST_BAR = 1.15
# To a percent: a neighbour in the cache's table costs three instructions.
SAME_BAR = 1.01
# Finding that memory does for a device that attaches.
FOUND_BAR = 1.05
# Rotating fds over stock, contiguous memory; and where every page is an extent.
CONTIG_BARS = {"none": 0.6, "lazy": 0.4, "strict": 0.4}
FRAGMENTED_BARS = {"1080p": 0.05, "4K": 0.02}


def boot(kernel, memory, backend, icount):
    """One guest: {(storage, size, importers): {phase: {figure: value}}}."""
    command = [os.path.join(TOP, "testbed", "vm"), "run", "--kernel", kernel,
               "--timeout", "1500"] + MEMORIES[memory][1]
    if icount:
        command += ["--icount", "--ram"]
    if backend == "stock":
        # It warns where it finds no contiguous memory.
        command += ["--stock", "--expect-splat"]
    command += ["--", "/src/selftests/bench-sweep-guest.sh"]
    command += ["figures" if icount else "times"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          check=False)
    points = {}
    for line in done.stdout.splitlines():
        words = line.split()
        if len(words) < 5 or words[1] not in STORAGES:
            continue
        point = points.setdefault((words[1], words[2], int(words[3])), {})
        if words[0] == "none":
            point["error"] = words[4]
            continue
        phase = point.setdefault(words[4], {})
        numbers = [int(word) for word in words[5:]]
        if words[0] == "time":
            phase.update(zip(("min", "median", "max", "n"), numbers))
        else:
            phase["operations"] = numbers[0]
            phase.update(zip(COUNTS, numbers[1:]))
    # What fails in one of its phases, or when it is counted, has no figures.
    for key, point in points.items():
        if "error" in point:
            points[key] = {"error": point["error"]}
    wanted = len(STORAGES) * (len(SIZES) + (len(MORE) if icount else 0))
    if done.returncode or len(points) != wanted:
        sys.stdout.write(done.stdout)
        sys.stdout.write(done.stderr)
        sys.exit(f"bench: the {backend} guest ({memory}) ended with "
                 f"{done.returncode} and {len(points)} of {wanted} points")
    return points


def measure(kernel):
    """All guests, or those with $MEMORY; a list of points."""
    result = []
    chosen = os.environ.get("MEMORY", "").split() or list(MEMORIES)
    if not set(chosen) <= set(MEMORIES):
        sys.exit(f"bench: MEMORY is of {', '.join(MEMORIES)}")
    for memory in chosen:
        name = MEMORIES[memory][0]
        figures = {}
        for backend in BACKENDS:
            print(f"bench: {name}, {backend}", file=sys.stderr, flush=True)
            figures[backend] = boot(kernel, memory, backend, True)
            if os.environ.get("WALL", "1") != "0":
                add_wall(figures[backend],
                         boot(kernel, memory, backend, False))
        result += join(memory, figures)
    check(result)
    return result


def add_wall(points, wall):
    """Wall time, beside the instructions."""
    for key, point in points.items():
        for phase, values in point.items():
            if phase != "error" and phase in wall.get(key, {}):
                values["wall_ns"] = wall[key][phase]["median"]


def join(memory, figures):
    """The points of one configuration of memory."""
    return [{"memory": memory, "storage": key[0], "size": key[1],
             "importers": key[2],
             **{backend: figures[backend][key] for backend in BACKENDS}}
            for key in figures["ours"]]


def check(points):
    """The counters count: ends the program if what must be there is not."""
    for point in points:
        for backend in BACKENDS:
            first = point[backend].get("first")
            if first and not first["maps"]:
                sys.exit(f"bench: no first map was counted: {point}")
    for memory, name in (("strict", "flushes"), ("lazy", "flushes"),
                         ("swiotlb", "bytes")):
        if memory in memories(points) and not any(
                point["stock"].get("rotating", {}).get(name)
                for point in points if point["memory"] == memory):
            sys.exit(f"bench: no {name} were counted on stock, {memory}")
    if "none" in memories(points) and not all(
            "found" in find(points, "none", "sg", size)["ours"]
            for size in ("VGA", "8K")):
        sys.exit("bench: nothing was measured of finding that memory does")
    # What ours is to do none of, stock does at each frame.
    for memory in memories(points):
        for name in COUNTS[:4]:
            if not all(point["stock"]["rotating"][name]
                       for point in points if point["memory"] == memory and
                       "rotating" in point["stock"]):
                sys.exit(f"bench: no {name} were counted on stock, {memory}")


def impossible(point):
    """Is it no wonder that ours can not be measured there?

    There is no contiguous memory above 4 MiB without an IOMMU, and what
    bounces in pieces has no one address.
    """
    if point["storage"] != "contig":
        return False
    return point["memory"] == "swiotlb" or (point["memory"] == "none" and
                                            point["size"] in ("4K", "8K"))


def memories(points):
    """Which configurations of memory there are, in order."""
    there = {point["memory"] for point in points}
    return [memory for memory in MEMORIES if memory in there]


def find(points, memory, storage, size, importers=1):
    """That point."""
    return next(point for point in points
                if (point["memory"], point["storage"], point["size"],
                    point["importers"]) == (memory, storage, size, importers))


def median(point, backend, phase):
    """Instructions, or None where it can not be done."""
    return point[backend].get(phase, {}).get("median")


def after_first_round(point, backend):
    """What is attached, mapped, unmapped or flushed when fds rotate, or None."""
    if "rotating" not in point[backend]:
        return None
    return sum(point[backend]["rotating"][name] for name in COUNTS[:5])


def ratio_row(text, after, before, bar, what="instructions"):
    """A bar; None where there is nothing to compare with.

    What stock can do and ours can not is above every bar.
    """
    if before is None:
        return None
    row = {"text": text, "value": after, "of": before, "what": what,
           "ratio": None, "bar": bar, "over": True}
    if after is not None:
        row["ratio"] = round(after / before, 4)
        row["over"] = bar is not None and after / before > bar
    return row


def over_stock(points, memory, storage, size, phase, bar, importers=1):
    """Ours over stock."""
    point = find(points, memory, storage, size, importers)
    text = f"{STORAGES[storage]}, {size}, {MEMORIES[memory][0]}"
    if importers > 1:
        text += f", {importers} importers"
    return ratio_row(text, median(point, "ours", phase),
                     median(point, "stock", phase), bar)


def in_itself(points, text, after, before, bar):
    """Ours over ours; a point is (memory, storage, size, phase).

    None where stock has no such point either.
    """
    values = [median(find(points, *point[:3]), "ours", point[3])
              for point in (after, before)]
    stock = median(find(points, *after[:3]), "stock", after[3])
    if values[0] is None and stock is None:
        return None
    return ratio_row(text, values[0], values[1], bar)


def sections(points):
    """The bars, by what they are about: [(title, [row])]."""
    coherent = ["none", "lazy", "strict"]
    fixed, first, own, counts, stock, same = [], [], [], [], [], []
    found = []
    for memory in memories(points):
        name = MEMORIES[memory][0]
        # Where memory bounces, stock copies too little: nothing to compare.
        right = memory in coherent
        # Nor are imports kept there that others export: those who look after
        # all that is attached would copy old bytes over new ones.
        kept = [storage for storage in STORAGES
                if right or storage != "pages"]
        for storage, text in STORAGES.items():
            for size in (USUAL, "4K"):
                where = f"{text}, {size}, {name}"
                fixed.append(over_stock(points, memory, storage, size, "fixed",
                                        FIXED_BAR if right else None))
                own.append(in_itself(points, where,
                                     (memory, storage, size, "rotating"),
                                     (memory, storage, size, "fixed"),
                                     ROTATING_BAR if storage in kept else
                                     None))
                point = find(points, memory, storage, size)
                n = after_first_round(point, "ours")
                if n is not None or "rotating" in point["stock"]:
                    counts.append({"text": where, "value": n,
                                   "bar": 0 if storage in kept else None,
                                   "over": n != 0 and storage in kept,
                                   "what": "count"})
                bar = None
                if storage == "contig":
                    bar = CONTIG_BARS.get(memory)
                elif storage == "pages" and right:
                    bar = FRAGMENTED_BARS[size]
                stock.append(over_stock(points, memory, storage, size,
                                        "rotating", bar))
            for importers in (1, 8):
                first.append(over_stock(points, memory, storage, USUAL, "first",
                                        FIRST_BAR, importers))
            if right:
                same.append(in_itself(points, f"8K over VGA, {text}, {name}",
                                      (memory, storage, "8K", "rotating"),
                                      (memory, storage, "VGA", "rotating"),
                                      SAME_BAR))
        if memory == "none":
            found.append(in_itself(points, f"8K over VGA, scatter-gather, {name}",
                                   (memory, "sg", "8K", "found"),
                                   (memory, "sg", "VGA", "found"),
                                   FOUND_BAR))
        if right:
            same.append(in_itself(points, f"fragmented over contiguous, {name}",
                                  (memory, "pages", USUAL, "rotating"),
                                  (memory, "contig", USUAL, "rotating"),
                                  SAME_BAR))
    named = [("fixed fd, over stock", fixed),
             ("4 fds over 2 indexes, over one fixed of ours", own),
             ("attaches, detaches, maps, unmaps and IOTLB flushes of 4 fds "
              "over 2, after the first round", counts),
             ("4 fds over 2 indexes, over stock", stock),
             ("4 fds over 2 indexes: the same instructions", same),
             ("first attach and map, over stock", first),
             ("attach, and finding that the memory does: the same "
              "instructions", found)]
    return [(title, [row for row in rows if row]) for title, rows in named]


def print_bars(points):
    """Prints them; returns the rows and the number above a bar."""
    rows, over = [], 0
    print("\nPREPARE_BUF of an import, vbcam to vbdisp; fragmented: a memfd's "
          "pages, by udmabuf")
    for title, section in sections(points):
        print(f"\n{title}")
        for row in section:
            rows.append({"section": title, **row})
            over += row["over"]
            bar = "" if row["bar"] is None else f"{row['bar']:.2f}"
            mark = " <--" if row["over"] else ""
            value = "-" if row["value"] is None else row["value"]
            ratio = row.get("ratio")
            ratio = "" if ratio is None else f"{ratio:.3f}"
            print(f"  {row['text']:46} {row.get('of', ''):10} {value:>10} "
                  f"{ratio:>7} {bar:>6}{mark}")
    for point in points:
        if "error" in point["ours"] and not impossible(point):
            over += 1
            print(f"\n{STORAGES[point['storage']]}, {point['size']}, "
                  f"{point['importers']} importers, "
                  f"{MEMORIES[point['memory']][0]}: "
                  f"{point['ours']['error']} <--")
    return rows, over


def each(phase, name):
    """A count for each operation, as short as it can be."""
    if name not in phase:
        return "-"
    value = phase[name] / phase["operations"]
    if name == "bytes":
        value /= 1024
    return f"{value:.4g}"


def pair(point, phase, name):
    """That figure of stock and of ours."""
    return "/".join(each(point[backend].get(phase, {}), name)
                    for backend in BACKENDS)


def print_all(points):
    """Every size, and every number of importers."""
    for memory in memories(points):
        name = MEMORIES[memory][0]
        for storage, text in STORAGES.items():
            print(f"\n{text}, {name}: instructions; for each frame maps, unmaps,"
                  f" IOTLB flushes, KiB copied (stock/ours); us of wall time")
            print(f"{'':14} {'fixed fd':>21} {'4 fds over 2 indexes':>30} "
                  f"{'maps':>9} {'unmaps':>9} {'flushes':>9} {'KiB':>15} "
                  f"{'wall':>19}")
            print(f"{'':14} {'stock':>10} {'ours':>10} {'stock':>11} "
                  f"{'ours':>11} {'':>6}")
            for size, importers in ([(size, 1) for size in SIZES] +
                                    [(USUAL, n) for n in MORE]):
                print_point(find(points, memory, storage, size, importers))


def print_point(point):
    """A line."""
    label = point["size"]
    if point["importers"] > 1:
        label += f", {point['importers']} imp."
    errors = [f"{backend}: {point[backend]['error']}" for backend in BACKENDS
              if "error" in point[backend]]
    if len(errors) == len(BACKENDS):
        print(f"{label:14} {', '.join(errors)}")
        return

    def show(backend, phase, width):
        value = median(point, backend, phase)
        return f"{'-' if value is None else value:>{width}}"

    before, after = (median(point, backend, "rotating") for backend in BACKENDS)
    ratio = f"{after / before:.3f}" if before and after else ""
    wall = "/".join(
        f"{point[backend]['rotating']['wall_ns'] / 1000:.1f}"
        if "wall_ns" in point[backend].get("rotating", {}) else "-"
        for backend in BACKENDS)
    print(f"{label:14} {show('stock', 'fixed', 10)} {show('ours', 'fixed', 10)} "
          f"{show('stock', 'rotating', 11)} {show('ours', 'rotating', 11)} "
          f"{ratio:>6} {pair(point, 'rotating', 'maps'):>9} "
          f"{pair(point, 'rotating', 'unmaps'):>9} "
          f"{pair(point, 'rotating', 'flushes'):>9} "
          f"{pair(point, 'rotating', 'bytes'):>15} {wall:>19}"
          f"{'  ' + ', '.join(errors) if errors else ''}")
