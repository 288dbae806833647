# SPDX-License-Identifier: GPL-2.0
"""The rules of placement, written down a second time.

Where the kernel's code works on a summary and in closed form, this counts. It
knows devices by their facts, memory as runs of bytes, and answers with the name
of a requirement, or None. The suites predict from it what must happen;
check-model compares it with vbm-constraints.c.
"""

import random
import sys
from dataclasses import dataclass, replace
from typing import List, Optional, Tuple

PAGE = 4096
ANY = 2**32 - 1			# number of segments: as many as there are
LONGEST = 2**32 - PAGE		# segment: what an entry of a scatterlist holds
NO_BOUNDARY = 2**64
TOP = 2**64 - 1

NAMES = [None, "address", "segments", "segment-size", "boundary", "align",
         "pages"]

Run = Tuple[int, int, bool]	# address, bytes, has struct pages


@dataclass
class Device:
    """What is known of one device, or of one user of it."""
    reach: int = TOP			# highest address, inclusive
    segments: int = ANY
    segment: int = LONGEST
    boundary: int = NO_BOUNDARY
    align: int = PAGE
    chunk: int = PAGE
    bounced: Optional[int] = None	# always, in segments of at most this
    iommu: bool = False
    pages: bool = False
    one: bool = False			# its driver has one address, no list

    def limits(self) -> "Device":
        """What it asks, as far as memory or tables can meet it."""
        if not self.one or self.iommu:
            return self
        return replace(self, segments=1, segment=LONGEST, one=False)

    def cut(self) -> int:
        """The longest segment that it ever sees."""
        if self.bounced is None:
            return self.segment
        return min(self.segment, self.bounced)


def pieces(memory: List[Run]) -> List[Tuple[int, int]]:
    """Runs of bytes that are adjacent: first and one past the last."""
    found: List[Tuple[int, int]] = []
    for address, size, _ in memory:
        if found and found[-1][1] == address:
            found[-1] = (found[-1][0], address + size)
        else:
            found.append((address, address + size))
    return found


def segments(dev: Device, memory: List[Run], bounded: bool = True) -> int:
    """How long the device's table of that memory is."""
    total = 0
    for first, end in pieces(memory):
        stops = [first, end]
        if bounded and dev.boundary < NO_BOUNDARY:
            stops += range((first // dev.boundary + 1) * dev.boundary, end,
                           dev.boundary)
        stops.sort()
        for here, there in zip(stops, stops[1:]):
            total += -(-(there - here) // dev.cut())
    return total


def check(user: Device, memory: List[Run]) -> Optional[str]:
    """The first requirement that the memory fails for it."""
    dev = user.limits()
    if not memory:
        return "pages"
    if dev.iommu:
        # It makes the best of pieces, out of any.
        failing = possible(dev, sum(n for _, n, _ in memory))
        if failing:
            return failing
    else:
        if any(a + n - 1 > dev.reach for a, n, _ in memory):
            return "address"
        if len(pieces(memory)) > dev.segments:
            return "segments"
        if dev.segments != ANY:
            if segments(dev, memory, bounded=False) > dev.segments:
                return "segment-size"
            if segments(dev, memory) > dev.segments:
                return "boundary"
        if dev.align > PAGE and memory[0][0] % dev.align:
            return "align"
    if dev.pages and not all(has for _, _, has in memory):
        return "pages"
    return None


def possible(user: Device, size: int) -> Optional[str]:
    """What keeps any memory from doing for it."""
    dev = user.limits()
    if size > dev.reach + 1:
        return "address"
    # Memory in the best of pieces: each as long as a segment may be.
    best = min(dev.cut(), dev.boundary)
    if -(-size // best) > dev.segments:
        return "boundary" if dev.boundary < dev.cut() else "segment-size"
    # Address 0 is nobody's, so the first that will do is the alignment.
    if dev.align > PAGE and dev.align + size - 1 > dev.reach:
        return "align"
    return None


def settle(user: Device, size: int) -> Device:
    """A device that only counts pieces, if cutting can do the rest."""
    dev = user.limits()
    if dev.iommu:
        return dev
    free = replace(dev, segment=LONGEST, boundary=NO_BOUNDARY, bounced=None)
    if dev.segments == ANY:
        return free

    def worst(number: int) -> int:
        cuts = (size - 1) // dev.cut()
        # What lies within reach does not meet a boundary beyond it.
        if dev.boundary <= dev.reach:
            cuts += number + (size - 1) // dev.boundary
        return number + cuts

    if worst(1) > dev.segments:
        return dev
    low, high = 1, dev.segments
    while low < high:
        middle = (low + high + 1) // 2
        if worst(middle) <= dev.segments:
            low = middle
        else:
            high = middle - 1
    return replace(free, segments=low)


def merge(users: List[Device], size: int) -> Device:
    """One device that is content with memory only if all of them are."""
    all_ = Device()
    for user in users:
        dev = settle(user, size)
        all_.chunk = max(all_.chunk, dev.chunk)
        all_.pages |= dev.pages
        if dev.iommu:
            continue
        all_.reach = min(all_.reach, dev.reach)
        all_.align = max(all_.align, dev.align)
        all_.segments = min(all_.segments, dev.segments)
        all_.segment = min(all_.segment, dev.cut())
        all_.boundary = min(all_.boundary, dev.boundary)
    return all_


# --- cases ------------------------------------------------------------------

KIB, MIB, GIB = 2**10, 2**20, 2**30
CAMERA = Device()
DISPLAY = Device(one=True, reach=2**30 - 1)
IOMMU = Device(iommu=True, one=True, chunk=2 * MIB, segment=64 * KIB)

# What it is, devices, memory, what each says of it, what the merge says is in
# the way of any memory.
TABLE = [
    ("one run serves a list and an address",
     [CAMERA, DISPLAY], [(MIB, 8 * MIB, True)], [None, None], None),
    ("an address needs one piece",
     [CAMERA, DISPLAY], [(MIB, MIB, True), (4 * MIB, MIB, True)],
     [None, "segments"], None),
    ("neighbours are one piece",
     [DISPLAY], [(MIB, MIB, True), (2 * MIB, MIB, True)], [None], None),
    ("out of reach",
     [CAMERA, DISPLAY], [(GIB, MIB, True)], [None, "address"], None),
    ("the last byte in reach",
     [DISPLAY], [(GIB - MIB, MIB, True)], [None], None),
    ("one byte too far",
     [replace(DISPLAY, reach=GIB - 2)], [(GIB - MIB, MIB, True)],
     ["address"], None),
    ("an IOMMU makes one of many",
     [IOMMU], [(GIB, MIB, True), (4 * GIB, MIB, True)], [None], None),
    ("but no more than the device can bear",
     [replace(IOMMU, segments=15)], [(GIB, MIB, True)],
     ["segment-size"], None),
    ("or not across its boundary",
     [replace(IOMMU, segments=1, segment=LONGEST, boundary=64 * KIB)],
     [(GIB, 64 * KIB, True), (4 * GIB, PAGE, True)], ["boundary"], None),
    ("short segments do not matter to an address",
     [replace(DISPLAY, segment=64 * KIB)], [(MIB, MIB, True)], [None], None),
    ("nor keep a list of them from the same run",
     [DISPLAY, Device(segments=16, segment=64 * KIB)], [(MIB, MIB, True)],
     [None, None], None),
    ("one segment more than there are",
     [Device(segments=15, segment=64 * KIB)], [(MIB, MIB, True)],
     ["segment-size"], "segment-size"),
    ("a boundary costs a segment",
     [Device(segments=1, boundary=MIB)], [(MIB + PAGE, MIB, True)],
     ["boundary"], None),
    ("and none where the memory begins at it",
     [Device(segments=1, boundary=MIB)], [(MIB, MIB, True)], [None], None),
    ("a buffer that is longer than the boundary",
     [Device(segments=1, boundary=MIB)], [(MIB, 2 * MIB, True)],
     ["boundary"], "boundary"),
    ("any number of segments: no boundary is in the way",
     [Device(boundary=64 * KIB), DISPLAY], [(MIB + PAGE, MIB, True)],
     [None, None], None),
    ("bounced always, and too long for that in one segment",
     [replace(DISPLAY, bounced=256 * KIB)], [(MIB, MIB, True)],
     ["segment-size"], "segment-size"),
    ("aligned, and not",
     [Device(align=64 * KIB), Device(align=128 * KIB)],
     [(64 * KIB, MIB, True)], [None, "align"], None),
    ("aligned to more than there is",
     [Device(align=2**31, reach=2**31 - 1)], [(MIB, MIB, True)],
     ["align"], "align"),
    ("memory without pages",
     [CAMERA, replace(IOMMU, pages=True)], [(MIB, MIB, False)],
     [None, "pages"], None),
    ("memory of which nothing is known",
     [CAMERA], [], ["pages"], None),
    ("more memory than the device has addresses",
     [replace(DISPLAY, reach=MIB - 1)], [(MIB, 2 * MIB, True)],
     ["address"], "address"),
]


def random_device(rng: random.Random) -> Device:
    """Anything from no limit to limits that nothing meets."""
    dev = Device()
    if rng.random() < .5:
        dev.reach = (1 << rng.randint(13, 33)) - 1
        if rng.random() < .2:
            dev.reach -= rng.randint(0, 2 * PAGE)
    if rng.random() < .5:
        dev.segments = rng.choice([1, 1, 2, 3, 4, 8, 16, 64, 256])
    if rng.random() < .5:
        dev.segment = rng.choice([1, 2, 3, 4, 16, 100, 1024]) * PAGE
    if rng.random() < .4:
        dev.boundary = 1 << rng.randint(11, 34)
    if rng.random() < .2:
        dev.align = 1 << rng.randint(12, 24)
    if rng.random() < .1:
        dev.bounced = rng.choice([1, 2, 64]) * PAGE
    dev.iommu = rng.random() < .15
    dev.pages = rng.random() < .1
    dev.one = rng.random() < .3
    if dev.iommu:
        dev.reach, dev.bounced = TOP, None
        dev.chunk = rng.choice([PAGE, 64 * KIB, 2 * MIB])
    return dev


def random_memory(rng: random.Random) -> List[Run]:
    """Up to ten runs, some of them neighbours, some at special places."""
    memory = []
    where = 0
    pages = rng.random() > .1
    for _ in range(rng.choice([0, 1, 1, 1, 1, 2, 2, 3, 4, 10])):
        size = rng.choice([1, 1, 2, 3, 4, 7, 8, 16, 33, 64]) * PAGE
        if not where or rng.random() > .3:
            where = 1 << rng.randint(12, 33)
            where += rng.choice([0, 0, 1, 3, 16]) * PAGE
            if rng.random() < .3 and where > size:
                where -= size
        memory.append((where, size, pages or rng.random() < .5))
        where += size
    return memory


def question(devices: List[Device], memory: List[Run], size: int) -> str:
    """A line for the C program."""
    line = [size, len(devices)]
    for user in devices:
        line += [user.reach, user.segments, user.segment,
                 user.boundary - 1, user.align, user.chunk,
                 user.bounced or 0, user.bounced is not None, user.iommu,
                 user.pages, user.one]
    line.append(len(memory))
    for run in memory:
        line += run
    return " ".join(str(int(n)) for n in line)


def answer(devices: List[Device], memory: List[Run], size: int) -> str:
    """What that program is to say."""
    line: List[int] = []
    for user in devices:
        dev = settle(user, size)
        line += [NAMES.index(possible(user, size)),
                 NAMES.index(check(user, memory)),
                 dev.segments, dev.segment, dev.boundary - 1]
    all_ = merge(devices, size)
    line += [all_.reach, all_.segments, all_.segment, all_.boundary - 1,
             all_.align, all_.chunk, all_.pages,
             NAMES.index(possible(all_, size)),
             NAMES.index(check(all_, memory))]
    return " ".join(str(int(n)) for n in line)


def check_table() -> None:
    """The model itself against what is written down by hand."""
    for text, devices, memory, verdicts, empty in TABLE:
        size = sum(n for _, n, _ in memory) or PAGE
        said = [check(user, memory) for user in devices]
        if said != verdicts:
            sys.exit(f"model: {text}: {said}, not {verdicts}")
        said_all = possible(merge(devices, size), size)
        if said_all != empty:
            sys.exit(f"model: {text}: merge: {said_all}, not {empty}")


def main() -> None:
    """model.py NUMBER SEED QUESTIONS ANSWERS"""
    number, seed = int(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(seed)
    check_table()
    good = 0
    with open(sys.argv[3], "w", encoding="ascii") as questions, \
            open(sys.argv[4], "w", encoding="ascii") as answers:
        for i in range(len(TABLE) + number):
            if i < len(TABLE):
                _, devices, memory, _, _ = TABLE[i]
            else:
                devices = [random_device(rng)
                           for _ in range(rng.randint(1, 3))]
                memory = random_memory(rng)
            size = sum(n for _, n, _ in memory) or PAGE
            # What a merge accepts, each must; but for one behind an IOMMU
            # that no memory serves, which says nothing of where to be.
            if check(merge(devices, size), memory) is None:
                good += 1
                for user in devices:
                    if user.iommu and possible(user, size):
                        continue
                    if check(user, memory) is not None:
                        sys.exit(f"model: merge is too kind: {devices} "
                                 f"{memory}")
            print(question(devices, memory, size), file=questions)
            print(answer(devices, memory, size), file=answers)
    # Cases in which all is refused would be none.
    if good < number // 10:
        sys.exit(f"model: only {good} of {number} cases are accepted")
    print(f"{len(TABLE) + number} cases, {good} accepted")


if __name__ == "__main__":
    main()
