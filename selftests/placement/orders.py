# SPDX-License-Identifier: GPL-2.0
"""Every order in which a camera, a codec and a display come to a buffer.

orders.py write PASS FILE            configurations and their orders: vbm-orders
orders.py check LOG PASS SEEN...     what it saw, and the rules: TAP

The rules are written down here a second time, on model.py, which knows what
devices ask of memory. They say of each step whether it works, what it fails by,
whether the buffer moves, who owns it and who has it mapped. Which of all pages
that would do a buffer gets is nobody's rule: that is taken from what was seen,
and has to do for all for whom it has to, and to stay what it was where nothing
moves. LOG is the kernel's, which names some of those who were refused.

Each rule is turned off once, and what was seen is forged, which has to be
noticed.
"""

import itertools
import re
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, Iterator, List, Optional, Set, Tuple

import model
from model import ANY, PAGE, TOP, Device, Run

KIB = 1024
FIRST_ID = 3000
DIRS = ["bidir", "to", "from"]
BIDIR, TO = 0, 1

# What can be turned off, and what is wrong then.
RULES = {
    "deferred": "a managed buffer has no memory before it is needed",
    "alone": "what nothing can serve asks nothing of the others' memory",
    "freeze": "a driver that nobody vouches for keeps what it was given",
    "owned": "what the camera has stays",
    "done": "and may move when it is done",
    "in-use": "what a device has mapped stays",
    "idle": "what it has given back is dropped in a move",
    "served": "what a device can use where it is does not move for it",
    "impossible": "what no memory would do for fails by that",
    "bounce": "what can not move is bounced, if the device reaches the bounces",
    "stated": "and if the DMA API knows that it is out of reach",
    "whole": "but not for who needs it in one piece",
    "later": "an import that fails asks for nothing afterwards",
}


@dataclass
class Importer:
    """A codec or a display."""
    step: bool = False		# a queue of ours, else foreign
    scatter: bool = True		# a queue's kind
    bits: int = 64
    direction: int = TO
    keep: bool = True			# what it has mapped
    segments: int = 0			# stated, 0: not
    segment: int = 0
    boundary: int = 0
    align: int = 0
    stated: int = 0			# address bits

    def line(self) -> str:
        """As vbm-orders reads it."""
        return "i " + " ".join(str(int(n)) for n in (
            self.step, self.scatter, self.bits, self.direction, self.keep,
            self.segments, self.segment, self.boundary, self.align,
            self.stated))

    def text(self) -> str:
        """For people."""
        said = ["queue" if self.step else "device"]
        if self.step:
            said.append("sg" if self.scatter else "contig")
        if self.bits < 64:
            said.append(f"{self.bits} bits")
        if self.stated:
            said.append(f"says {self.stated}")
        for name in ("segments", "segment", "boundary", "align"):
            if getattr(self, name):
                said.append(f"{name} {getattr(self, name)}")
        if not self.step:
            said.append(DIRS[self.direction])
            if not self.keep:
                said.append("gives back")
        return " ".join(said)


@dataclass
class Config:
    """Who there is."""
    number: int
    contract: str			# managed, legacy, movable
    scatter: bool
    size: int
    importers: List[Importer]
    bits: int = 64

    def text(self) -> str:
        """For people."""
        camera = f"{self.contract} {'sg' if self.scatter else 'contig'}"
        if self.bits < 64:
            camera += f" {self.bits} bits"
        return (f"{camera} of {self.size // KIB} KiB, codec "
                f"{self.importers[0].text()}, display "
                f"{self.importers[1].text()}")


# --- what there is -----------------------------------------------------------

SMALL = 7 * PAGE		# three chunks, that seldom adjoin
LARGE = 40 * PAGE		# two, and longer than a segment of 64 KiB

PAIRS = {
    # Narrow masks, a list and one address.
    "narrow": (SMALL, Importer(bits=24), Importer(bits=30, segments=1)),
    "lists": (SMALL, Importer(bits=32, direction=BIDIR), Importer(bits=28)),
    "queue": (SMALL, Importer(bits=32), Importer(step=True, scatter=False)),
    "queues": (SMALL, Importer(step=True, bits=32),
               Importer(step=True, scatter=False, bits=30)),
    "narrow queue": (SMALL, Importer(step=True, scatter=False, bits=32),
                     Importer(bits=24, keep=False)),
    # A mask that says less than the driver does.
    "stated": (SMALL, Importer(bits=32, stated=31),
               Importer(step=True, scatter=False, bits=32)),
    # Nobody asks for anything; or for what lies together.
    "any": (SMALL, Importer(), Importer(direction=BIDIR, keep=False)),
    "one": (SMALL, Importer(segments=2, keep=False), Importer(segments=1)),
    # Segments, boundaries, alignment.
    "segments": (LARGE, Importer(segments=3, segment=64 * KIB),
                 Importer(segments=1, boundary=256 * KIB, bits=32)),
    "boundary": (LARGE, Importer(segment=64 * KIB, boundary=64 * KIB,
                                 keep=False),
                 Importer(step=True, scatter=False, bits=28)),
    "align": (SMALL, Importer(step=True), Importer(align=8192 * KIB)),
    # What nothing can serve.
    "too long": (LARGE, Importer(segments=2, segment=64 * KIB),
                 Importer(bits=30, keep=False)),
    "never": (SMALL, Importer(segments=1, segment=PAGE, bits=32),
              Importer(bits=28)),
}

# For each pass (one load of the module: movable= says nothing, or vbm-step)
# whose queue it is, whether it takes a list, and with whom.
PASSES: Dict[str, List[Tuple[str, bool, List[str]]]] = {
    "plain": [
        ("managed", True, list(PAIRS)),
        ("managed", False, ["narrow", "queue", "queues", "boundary", "align"]),
        ("legacy", True, ["narrow", "queue", "queues", "narrow queue",
                          "stated", "segments", "never"]),
        ("legacy", False, ["lists", "queues", "narrow queue", "boundary"]),
    ],
    "movable": [
        ("movable", True, ["narrow", "queues", "narrow queue", "boundary",
                           "too long"]),
        ("movable", False, ["queue", "queues", "align"]),
    ],
    # Of a guest whose memory is all within 32 bits: nothing is bounced.
    "low": [
        ("managed", True, ["lists", "queues", "narrow queue"]),
        ("legacy", True, ["lists", "queues", "narrow queue"]),
        ("legacy", False, ["queues", "narrow queue", "stated"]),
    ],
}


def configs(which: str) -> List[Config]:
    """Those of a pass."""
    found = []
    for contract, scatter, names in PASSES[which]:
        for size, *importers in (PAIRS[name] for name in names):
            found.append(Config(len(found), contract, scatter, size,
                                importers))
    if which == "plain":
        # A camera that does not reach all memory itself.
        size, *importers = PAIRS["narrow"]
        found.append(Config(len(found), "managed", True, size, importers, 32))
    return found


def events(config: Config) -> str:
    """What happens in some order; a queue attaches when it maps."""
    letters = ""
    for letter, importer in zip("cd", config.importers):
        letters += letter.upper() if importer.step else letter + letter.upper()
    return letters + "qfu"


def orders(config: Config) -> Iterator[str]:
    """All of them."""
    letters = events(config)
    after = [("c", "C"), ("d", "D"), ("q", "f")]
    for order in itertools.permutations(letters):
        if all(order.index(a) < order.index(b) for a, b in after
               if a in letters):
            yield "".join(order)


# --- the rules ---------------------------------------------------------------

@dataclass
class Guest:
    """What is true of the machine: last bytes of RAM, and of swiotlb's pool."""
    top: int
    bounce: int
    rules: Dict[str, bool]
    told: Set[Tuple[str, str, str]] = field(default_factory=set)


@dataclass
class Mapping:
    """A line's worth of it."""
    who: str
    direction: str
    users: int
    sync: bool

    def text(self) -> str:
        """As debugfs has it."""
        return (f"{self.who}:{self.direction}:{self.users}:"
                f"{'sync' if self.sync else '-'}")


class Wrong(Exception):
    """What was seen is not what the rules say."""


@dataclass
class Seen:
    """How things are after a step."""
    error: str
    refused: str
    backing: str
    frozen: str
    moves: str
    owned: str
    mappings: str
    demand: str
    one: str
    memory: Optional[List[Run]]


@dataclass
class Buffer:
    """The state that the rules are about."""
    config: Config
    guest: Guest
    memory: Optional[List[Run]] = None
    frozen: str = "-"
    owned: bool = False
    moves: int = 0
    attached: List[int] = field(default_factory=list)
    mappings: List[Mapping] = field(default_factory=list)
    counts: Counter = field(default_factory=Counter)
    cache: Dict[Tuple, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rules = self.guest.rules
        queues = itertools.count(1)
        self.names = []
        for i, importer in enumerate(self.config.importers):
            self.names.append(f"vbm-step.{next(queues)}" if importer.step else
                              f"vbm-peer.{FIRST_ID + 2*self.config.number + i}")

    # Who asks for what

    def reach(self, bits: int) -> int:
        """A mask that covers all RAM limits nothing."""
        required = (1 << self.guest.top.bit_length()) - 1
        mask = (1 << bits) - 1
        return TOP if mask >= required else mask

    def camera(self) -> Device:
        """The queue that allocates."""
        return Device(reach=self.reach(self.config.bits),
                      one=not self.config.scatter)

    def device(self, i: int) -> Device:
        """An importer as a user of the buffer."""
        imp = self.config.importers[i]
        dev = Device(reach=self.reach(imp.bits),
                     one=imp.step and not imp.scatter)
        if imp.stated:
            dev.reach = min(dev.reach, (1 << imp.stated) - 1)
        if imp.segments:
            dev.segments = imp.segments
        if imp.segment:
            dev.segment = imp.segment
        if imp.boundary:
            dev.boundary = imp.boundary
        if imp.align:
            dev.align = imp.align
        return dev

    def users(self, wanted: Optional[int]) -> List[Tuple[str, Device]]:
        """Those whose wishes count."""
        users = [("vbm-step.0", self.camera())]
        for i in self.attached:
            dev = self.device(i)
            if i != wanted and self.rules["alone"] and \
                    model.possible(dev, self.config.size):
                continue
            users.append((self.names[i], dev))
        return users

    def all_of(self, wanted: Optional[int] = None) -> Device:
        """What memory has to be."""
        key = ("all", wanted, *self.attached)
        if key not in self.cache:
            self.cache[key] = model.merge(
                [dev for _, dev in self.users(wanted)], self.config.size)
        return self.cache[key]

    def prefers(self) -> Optional[str]:
        """Who would rather have one piece, if nobody has to."""
        if self.all_of().segments == 1:
            return None
        for i in self.attached:
            imp = self.config.importers[i]
            if not imp.step and imp.segments != 1:
                return self.names[i]
        return None

    def demand(self) -> str:
        """As debugfs has it."""
        key = ("demand", *self.attached)
        if key not in self.cache:
            self.cache[key] = self.collect()
        return self.cache[key]

    def collect(self) -> str:
        """What each asks, and who is the first to ask as much."""
        said = []
        keys = [("address", "reach"), ("segments", "segments"),
                ("segment-size", "segment"), ("boundary", "boundary"),
                ("align", "align")]
        least = Device()
        for name, key in keys:
            value, who = getattr(least, key), None
            for user, dev in self.users(None):
                asked = getattr(model.settle(dev, self.config.size), key)
                if asked > value if key == "align" else asked < value:
                    value, who = asked, user
            if who:
                if key == "boundary":
                    value -= 1
                said.append(f"{name}:{value:x}:{who}")
        return ",".join(said) or "-"

    # Memory

    def allocate(self, seen: Seen) -> None:
        """It gets memory: for all who are attached, if there can be such."""
        if seen.memory is None:
            raise Wrong("it has no memory")
        need, why = model.settle(self.camera(), self.config.size), "camera"
        if self.config.contract == "managed" and self.attached:
            all_ = self.all_of()
            if not model.possible(all_, self.config.size):
                need, why = all_, "all"
                if self.prefers():
                    need = replace(need, segments=1)
        lacks = model.check(need, seen.memory)
        if lacks:
            raise Wrong(f"memory is not for {why}: {lacks}")
        self.memory = seen.memory
        self.mappings = [Mapping("vbm-step.0", "from", 1, False)]
        self.counts["allocated for " + why] += 1

    def move(self, need: Device, seen: Seen) -> None:
        """It is elsewhere now, with what was in it."""
        if seen.memory is None:
            raise Wrong("it has no memory")
        lacks = model.check(need, seen.memory)
        if lacks:
            raise Wrong(f"it should have moved to better memory: {lacks}")
        was = {p for a, n, _ in self.memory for p in range(a, a + n, PAGE)}
        now = {p for a, n, _ in seen.memory for p in range(a, a + n, PAGE)}
        if was & now:
            raise Wrong("it should have moved, and has not as a whole")
        self.memory = seen.memory
        self.moves += 1
        self.mappings = self.mappings[:1]
        self.counts["moved"] += 1

    def stays(self) -> str:
        """Why it can not move, in the order in which that is looked at."""
        if self.frozen != "-":
            return "frozen"
        if self.owned and self.rules["owned"]:
            return "owned"
        others = self.mappings[1:]
        if any(m.users for m in others) and self.rules["in-use"]:
            return "mapped"
        if others and not self.rules["idle"]:
            return "mapped"
        return "-"

    def bounces(self, i: int) -> bool:
        """Can it be had through bounce buffers, where it is?"""
        imp, dev = self.config.importers[i], self.device(i)
        if not self.guest.bounce or not self.rules["bounce"]:
            return False
        # The DMA API does not know.
        if imp.stated and self.rules["stated"]:
            return False
        if self.guest.bounce > dev.reach:
            return False
        if not self.rules["whole"]:
            return True
        near = replace(dev.limits(), reach=TOP, bounced=256 * KIB)
        return model.check(near, self.memory) is None

    # Events

    def map_(self, i: int, seen: Seen) -> Tuple[str, str]:
        """An importer maps: what it returns, and why nothing moved."""
        dev = self.device(i)
        refused, sync = "-", False
        if self.memory is None:
            self.allocate(seen)
        lacks = model.check(dev, self.memory)
        if lacks is None and not self.rules["served"] and self.moves == 0:
            lacks = "address"
        if lacks:
            need = self.all_of(i)
            never = model.possible(need, self.config.size)
            if never and self.rules["impossible"]:
                error = "EOPNOTSUPP"
            else:
                refused = self.stays()
                error = "EBUSY"
                if refused == "-":
                    self.move(need, seen)
                    error = "0"
            if error != "0":
                sync = lacks == "address" and self.bounces(i)
                self.counts[f"{error} {refused}" if not sync else
                            f"bounced {refused}"] += 1
                if not sync:
                    self.tell(i, lacks, refused)
                    return error, refused
        imp = self.config.importers[i]
        direction = DIRS[TO if imp.step else imp.direction]
        # What bounces one does not bounce the other.
        self.mappings.append(Mapping(self.names[i], direction,
                                     int(imp.step or imp.keep), sync))
        self.counts["mapped"] += 1
        return "0", refused

    def tell(self, i: int, lacks: str, refused: str) -> None:
        """What the kernel's log may say: who is refused, and why."""
        why = "no memory would do for all" if refused == "-" else refused
        if refused == "frozen":
            why += " " + self.frozen
        self.guest.told.add((self.names[i], lacks, why))

    def happens(self, event: str, seen: Seen) -> Tuple[str, str]:
        """A step: what it returns, and why nothing moved."""
        contract = self.config.contract
        if event == "-":
            if contract != "managed" or not self.rules["deferred"]:
                self.allocate(seen)
        elif event in "cd":
            self.attached.append("cd".index(event))
        elif event in "CD":
            i = "CD".index(event)
            if self.config.importers[i].step:
                self.attached.append(i)
            result = self.map_(i, seen)
            if result[0] != "0" and self.config.importers[i].step and \
                    self.rules["later"]:
                self.attached.remove(i)
            return result
        else:
            if self.memory is None:
                self.allocate(seen)
            if event == "q":
                self.owned = True
                if contract == "legacy" and self.rules["freeze"]:
                    self.frozen = "queued"
            elif event == "f" and self.rules["done"]:
                # What is frozen is not looked at again.
                self.owned = contract == "legacy"
        return "0", "-"

    def expect(self, event: str, seen: Seen) -> None:
        """Compares all that there is to see."""
        was = self.memory, self.moves
        error, refused = self.happens(event, seen)
        if was[0] is not None and self.moves == was[1] and \
                seen.memory != was[0]:
            raise Wrong("it lies elsewhere, and should not have moved")
        prefers = self.prefers()
        want = {
            "error": error,
            "refused": refused,
            "frozen": self.frozen,
            "moves": str(self.moves),
            "owned": str(int(self.owned)),
            "mappings": ",".join(m.text() for m in self.mappings) or "-",
            "demand": self.demand(),
            "one": f"preferred:{prefers}" if prefers else "any",
        }
        for key, value in want.items():
            got = getattr(seen, key)
            if got != value:
                raise Wrong(f"{key}: got {got}, expected {value}")
        if (seen.memory is None) != (self.memory is None):
            raise Wrong("it has memory" if seen.memory else
                        "it has no memory")
        if seen.backing not in (("none",) if self.memory is None else
                                ("pages", "range")):
            raise Wrong(f"memory of {seen.backing}")


# --- what was seen -----------------------------------------------------------

def parse_memory(text: str) -> Optional[List[Run]]:
    """Frames to bytes."""
    if text == "-":
        return None
    runs = []
    for run in text.split(","):
        first, number = run.split("+")
        runs.append((int(first, 16) * PAGE, int(number, 16) * PAGE, True))
    return runs


Case = Tuple[str, List[Tuple[str, Seen]]]


def read(path: str) -> Tuple[int, int, Dict[int, List[Case]]]:
    """The last bytes of RAM and of the bounce buffers, and all cases."""
    cases: Dict[int, List[Case]] = {}
    current: List[Case] = []
    top = bounce = 0
    ended = False
    last: List[str] = []
    memory: Dict[str, Optional[List[Run]]] = {}
    with open(path, encoding="ascii") as lines:
        for line in lines:
            words = line.split()
            if words[0] == "m":
                top, bounce = int(words[1], 16), int(words[2], 16)
            elif words[0] == "o":
                current.append((words[1], []))
            elif words[0] == "end":
                ended = True
            elif words[0] == "c" and len(words) == 2:
                current = cases.setdefault(int(words[1]), [])
            else:
                if words[3] != "~":
                    last = words[3:]
                where = last[7]
                if where not in memory:
                    memory[where] = parse_memory(where)
                current[-1][1].append(
                    (words[0], Seen(*words[1:3], *last[:7], memory[where])))
    if not ended:
        raise Wrong(f"{path} has no end")
    return top, bounce, cases


def check_case(config: Config, guest: Guest, case: Case,
               counts: Counter, cache: Dict[Tuple, Any]) -> Optional[str]:
    """What is wrong with it."""
    order, steps = case
    buffer = Buffer(config, guest, counts=counts, cache=cache)
    done = ""
    if "".join(event for event, _ in steps) != "-" + order:
        return f"order {order}: not all steps were seen"
    for event, seen in steps:
        done += event
        try:
            buffer.expect(event, seen)
        except Wrong as wrong:
            return f"order {order}, step {done}: {wrong}"
    return None


def check_config(config: Config, guest: Guest, cases: List[Case],
                 counts: Counter) -> List[str]:
    """All that is wrong with the orders of one configuration."""
    wanted = list(orders(config))
    if [order for order, _ in cases] != wanted:
        return [f"{len(cases)} orders were seen, not all {len(wanted)}"]
    cache: Dict[Tuple, Any] = {}
    wrong = (check_case(config, guest, case, counts, cache)
             for case in cases)
    return [text for text in wrong if text]


# What must have happened, and how often, for all of this to prove something.
LEAST = {
    "moved": 2000, "EBUSY frozen": 1000, "EBUSY owned": 1000,
    "EBUSY mapped": 500, "EOPNOTSUPP -": 1000, "bounced frozen": 300,
    "bounced owned": 200, "bounced mapped": 100, "allocated for all": 2000,
}


# --- forgeries ---------------------------------------------------------------

Forgery = Callable[[Seen], Seen]


def far(seen: Seen) -> Seen:
    """Nobody's reach."""
    memory = [(a + (1 << 40), n, has) for a, n, has in seen.memory or []]
    return replace(seen, memory=memory or None)


def torn(seen: Seen) -> Seen:
    """Memory in more pieces than it was."""
    memory = [(p + (p - a), PAGE, has) for a, n, has in seen.memory or []
              for p in range(a, a + n, PAGE)]
    return replace(seen, memory=memory or None)


def still(seen: Seen) -> Seen:
    """The counter has not noticed."""
    return replace(seen, moves="0")


def named(seen: Seen) -> Seen:
    """Another device is to blame."""
    return replace(seen, demand=re.sub(r"vbm-peer\.\d+", "vbm-peer.1",
                                       seen.demand))


FORGERIES: Dict[str, Tuple[Forgery, str]] = {
    "memory that an attached device does not reach":
        (far, "memory is not for all: address"),
    "memory in pieces where one was to be had":
        (torn, "memory is not for all: segments"),
    "a move that does not count": (still, "moves: got 0"),
    "another device that asks": (named, "demand: got"),
}


def forge(cases: List[Case], how: Forgery) -> List[Case]:
    """The same orders, with all that was seen forged."""
    return [(order, [(event, how(seen)) for event, seen in steps])
            for order, steps in cases]


class Tap:
    """Results."""

    def __init__(self) -> None:
        self.number = 0

    def result(self, good: bool, text: str, why: List[str]) -> None:
        """One of them."""
        self.number += 1
        print(f"{'ok' if good else 'not ok'} {self.number} - {text}")
        if not good:
            for line in why[:5]:
                print(f"#   {line}")
            if len(why) > 5:
                print(f"#   and {len(why) - 5} more")

    def plan(self) -> None:
        """The end."""
        print(f"1..{self.number}")


def check_log(path: str, guest: Guest) -> List[str]:
    """Does the kernel name whom the rules refuse, and for what?"""
    line = re.compile(r"videobuf2-mem: buffer \d+ of vbm-step\.0, .* is not as "
                      r"(\S+) needs it \((\S+)\), and does not move: (.*)")
    wrong, lines, begun = [], 0, False
    with open(path, encoding="utf-8", errors="replace") as log:
        for text in log:
            begun |= text.rstrip().endswith("vbm-orders begins")
            found = line.search(text)
            if not begun or not found:
                continue
            lines += 1
            who, lacks, why = found.groups()
            if (who, lacks, why.split(",")[0].rstrip()) not in guest.told:
                wrong.append(text.strip())
    return wrong or ([] if lines else ["there is no line"])


@dataclass
class Pass:
    """One load of the module, and what was seen of it."""
    which: str
    configs: List[Config]
    guest: Guest
    cases: Dict[int, List[Case]]

    def wrong(self, how: Optional[Forgery] = None) -> Iterator[str]:
        """What is wrong with all of it."""
        for config in self.configs:
            cases = self.cases.get(config.number, [])
            yield from check_config(config, self.guest,
                                    forge(cases, how) if how else cases,
                                    Counter())


def check_controls(tap: Tap, passes: List[Pass]) -> None:
    """Each rule turned off, and each forgery."""
    for rule, text in RULES.items():
        found = False
        for each in passes:
            each.guest.rules[rule] = False
            found = found or any(each.wrong())
            each.guest.rules[rule] = True
        tap.result(found, f"control: {text}: missed", [])
    for text, (how, why) in FORGERIES.items():
        found = any(why in wrong for each in passes
                    for wrong in each.wrong(how))
        tap.result(found, f"control: {text}: found", [])


def check(log: str, files: List[str]) -> None:
    """All configurations; with the first pass of all, the controls."""
    tap = Tap()
    counts: Counter = Counter()
    told: Set[Tuple[str, str, str]] = set()
    passes = []
    for which, path in zip(files[::2], files[1::2]):
        try:
            top, bounce, cases = read(path)
        except (Wrong, IndexError, ValueError, TypeError, OSError) as error:
            tap.result(False, f"{which}: what was seen can be read",
                       [str(error)])
            continue
        guest = Guest(top, bounce, {rule: True for rule in RULES}, told)
        passes.append(Pass(which, configs(which), guest, cases))
        for config in passes[-1].configs:
            seen = cases.get(config.number, [])
            wrong = check_config(config, guest, seen, counts)
            tap.result(not wrong, f"{len(seen)} orders: {config.text()}",
                       wrong)
    print("# " + ", ".join(f"{name}: {number}" for name, number in
                           sorted(counts.items())))
    if passes:
        wrong = check_log(log, passes[0].guest)
        tap.result(not wrong, "the log names whom and why", wrong)
    if "plain" in files:
        few = [f"{name}: {counts[name]}, not {least}" for name, least in
               LEAST.items() if counts[name] < least]
        tap.result(not few, "all that can happen has happened", few)
        check_controls(tap, passes)
    tap.plan()


def write(which: str, path: str) -> None:
    """What vbm-orders reads."""
    with open(path, "w", encoding="ascii") as out:
        for config in configs(which):
            print("c", config.number, config.size, int(config.scatter),
                  int(config.contract == "managed"), config.bits, file=out)
            for importer in config.importers:
                print(importer.line(), file=out)
            for order in orders(config):
                print("o", order, file=out)


def main() -> None:
    """See above."""
    if sys.argv[1] == "write":
        write(sys.argv[2], sys.argv[3])
    else:
        check(sys.argv[2], sys.argv[3:])


if __name__ == "__main__":
    main()
