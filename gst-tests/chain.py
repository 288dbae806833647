#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Follows frames from device to device, by what was traced.

  chain.py frames [OPTION...] TRACE HOP...
  chain.py shared TRACE [OWNER>USER...]
  chain.py imports TRACE once|each DEVICE...
  chain.py test DIRECTORY

Several of these, separated by ";", are answered a line each.

"frames" joins the events vbdma_frame: each frame that a device of drivers/ has
written or read, with its checksum. A hop is WRITER>READER: each frame that the
reader has read has to be one that the writer wrote, in the same order, and none
twice. Frames that were not read are counted. Prints "ok" and the numbers, or
what is wrong; the exit code is 0 either way unless the arguments are.

A writer or reader is one of
  DEVICE:FORMAT       in the trace, such as vbcam.0:YUYV
  jpeg=FILE           the pictures of a file, one JPEG after the other
  still=FILE:FORMAT:WIDTHxHEIGHT
                      a writer of this raw frame, again and again
  screen=FILE         a reader that shows a frame of BGRx, as PNG

After the hop, "@" and any of these, separated by commas:
  tail=N      that many of the last frames may be left unread (0)
  drop=N      that many may be missing before the last one that was read (0)
  least=N     --least, for this hop
  first=N     the first frame that was read is the writer's number N

Options:
  --least N       each reader in the trace has read at least so many frames (1)
  --lost DEV=N    a camera's counter of lost frames grew by N: its numbers have
                  to be consecutive but for so many
  --alter         a control: one checksum of the last reader is wrong

"shared" joins the events vbm_*: prints a line for each pair of the device that
owns buffers and one that they are shared with. Where pairs are given, prints
"ok" if these and no others share buffers, and if the CPU maps none of them.

"imports" compares what devices were asked for with what became of it, by events
of probes (pipelines/rotation.sh): "probe_qbuf", a dma-buf that is queued at an
index, and "probe_map", a dma-buf that is mapped for a device. Prints "ok" and
the numbers if each of these devices, and no other one, has

  once  mapped each dma-buf once, however often its index changed
  each  mapped a dma-buf each time when another one came to an index

and if there is a difference between the two.

"test" asks all these questions where the answer is known. It writes files.
"""

import functools
import re
import struct
import sys
import zlib

from picture import Wrong, read_png

CHROMA = 0x10000
BYTES = {"YUYV": 2, "NV12": 1, "XR24": 4}
EVENT = re.compile(r": (vbdma_frame|vbm_[a-z_]+|probe_[a-z]+): (.*)$")
V4L2_MEMORY_DMABUF = "4"

WRITTEN = re.compile(r"entries-in-buffer/entries-written: (\d+)/(\d+)")


class Frame:
    """A frame that was written or read."""

    def __init__(self, number, total):
        self.number, self.total = number, total

    def __str__(self):
        return f"frame {self.number} ({self.total:08x})"


# --- checksums, as drivers/vbdma/vbdma-sum.c has them -------------------------

def sum_bytes(data, first=0):
    """The kernel's crc32() with all bits of the seed inverted."""
    return ~zlib.crc32(data, first) & 0xffffffff


def sum_lines(data, stride, used, first, lines):
    """The part of some lines in the sum of a frame."""
    return sum(sum_bytes(data[y * stride:y * stride + used], first + y)
               for y in range(lines))


def sum_frame(data, fourcc, width, height):
    """The sum of a raw frame without padding."""
    stride = width * BYTES[fourcc]
    total = sum_lines(data, stride, stride, 0, height)
    if fourcc == "NV12":
        total += sum_lines(data[stride * height:], stride, stride, CHROMA,
                           height // 2)
    return total & 0xffffffff


def jpeg_end(data, pos):
    """Where the JPEG picture that starts at this position ends."""
    if data[pos:pos + 2] != b"\xff\xd8":
        raise Wrong(f"no JPEG at {pos}")
    pos += 2
    while pos + 2 <= len(data):
        marker = data[pos + 1]
        if data[pos] != 0xff or marker == 0:
            raise Wrong(f"no marker at {pos}")
        if marker == 0xd9:
            return pos + 2
        if marker == 0xff:
            pos += 1
            continue
        if pos + 4 > len(data):
            break
        pos += 2 + struct.unpack_from(">H", data, pos + 2)[0]
        if marker != 0xda:
            continue
        # Coded data, up to a marker that is no restart.
        while True:
            pos = data.find(b"\xff", pos)
            if pos < 0 or pos + 1 >= len(data):
                raise Wrong("JPEG without an end")
            if data[pos + 1] not in (0, *range(0xd0, 0xd8)):
                break
            pos += 2
    raise Wrong("JPEG without an end")


@functools.lru_cache
def jpeg_frames(name):
    """The pictures of a file."""
    with open(name, "rb") as file:
        data = file.read()
    frames, pos = [], 0
    while pos < len(data):
        end = jpeg_end(data, pos)
        frames.append(Frame(len(frames), sum_bytes(data[pos:end])))
        pos = end
    return frames


def still_frame(name, fourcc, size):
    """The first frame of a raw file."""
    width, height = (int(n) for n in size.split("x"))
    with open(name, "rb") as file:
        data = file.read()
    need = width * height * BYTES[fourcc]
    if fourcc == "NV12":
        need += need // 2
    if len(data) < need:
        raise Wrong(f"{name} has {len(data)} bytes, not {need}")
    return sum_frame(data, fourcc, width, height)


@functools.lru_cache
def screen_frames(name):
    """What the display shows, as the frame that it was given."""
    width, height, rows = read_png(name)
    data = bytearray(b"\xff" * (4 * width * height))
    for y, row in enumerate(rows):
        line = slice(4 * width * y, 4 * width * (y + 1))
        pixels = bytearray(data[line])
        pixels[0::4], pixels[1::4], pixels[2::4] = row[2::3], row[1::3], row[0::3]
        data[line] = pixels
    return [Frame(0, sum_frame(data, "XR24", width, height))]


# --- the trace ----------------------------------------------------------------

def events(lines):
    """Names and fields of the events."""
    for line in lines:
        match = EVENT.search(line)
        if match:
            yield match[1], dict(word.split("=", 1)
                                 for word in match[2].split() if "=" in word)


@functools.lru_cache
def load(name):
    """The events of a file; one that has lost some is no evidence."""
    with open(name, encoding="ascii", errors="replace") as file:
        lines = file.read().splitlines()
    for line in lines:
        match = WRITTEN.search(line)
        if "LOST" in line or match and match[1] != match[2]:
            raise Wrong(f"the trace has lost events: {line}")
    return list(events(lines))


def traced(trace, device, fourcc, direction):
    """What a device has read or written of a format."""
    return [Frame(int(field["seq"]), int(field["sum"], 16))
            for name, field in trace
            if name == "vbdma_frame" and field["dev"] == device and
            field["dir"] == direction and field["fmt"] == fourcc]


# --- frames -------------------------------------------------------------------

class Hop:
    """From one device to the next."""

    def __init__(self, text):
        text, _, options = text.partition("@")
        self.writer, arrow, self.reader = text.partition(">")
        if not arrow:
            sys.exit(f"chain.py: no hop: {text}")
        self.tail, self.drop, self.least, self.first = 0, 0, 0, None
        for option in filter(None, options.split(",")):
            name, _, value = option.partition("=")
            if name not in ("tail", "drop", "least", "first"):
                sys.exit(f"chain.py: no option of a hop: {option}")
            setattr(self, name, int(value))

    def written(self, trace):
        """What the writer wrote; None if that is always the same."""
        kind, _, rest = self.writer.partition("=")
        if kind == "jpeg":
            return jpeg_frames(rest)
        if kind == "still":
            return None
        return traced(trace, *self.writer.rsplit(":", 1), "write")

    def read(self, trace):
        """What the reader read."""
        kind, _, rest = self.reader.partition("=")
        if kind == "jpeg":
            return jpeg_frames(rest)
        if kind == "screen":
            return screen_frames(rest)
        return traced(trace, *self.reader.rsplit(":", 1), "read")

    def still(self, read):
        """Every frame is the one of a still picture."""
        total = still_frame(*self.writer.partition("=")[2].rsplit(":", 2))
        for frame in read:
            if frame.total != total:
                raise Wrong(f"{self.reader}: {frame} is not {total:08x}")
        return f"{len(read)} of {len(read)}"

    def join(self, trace, least, alter):
        """Returns how many frames arrived, of how many."""
        read, written = self.read(trace), self.written(trace)
        if alter and read:
            read, middle = list(read), len(read) // 2
            read[middle] = Frame(read[middle].number, read[middle].total ^ 1)
        least = (1 if self.reader.startswith("screen=")
                 else self.least or least)
        if len(read) < least:
            raise Wrong(f"{self.reader}: read {len(read)} frames, not {least}")
        if written is None:
            return self.still(read)
        if self.reader.startswith("screen="):
            return self.shown(read[0], written)

        where = {}
        for index, frame in enumerate(written):
            where.setdefault(frame.total, []).append(index)
        last, matched = -1, 0
        for frame in read:
            following = [i for i in where.get(frame.total, ()) if i > last]
            if not following:
                raise Wrong(f"{self.reader}: {frame} " + (
                    "comes again or out of order" if frame.total in where
                    else f"was not written by {self.writer}"))
            last, matched = following[0], matched + 1
            if matched == 1 and self.first not in (None, written[last].number):
                raise Wrong(f"{self.reader}: the first frame is "
                            f"{self.writer}'s number {written[last].number}")
        dropped, tail = last + 1 - matched, len(written) - last - 1
        if dropped > self.drop:
            raise Wrong(f"{self.reader}: {dropped} frames of {self.writer} "
                        "were dropped")
        if tail > self.tail:
            raise Wrong(f"{self.reader}: the last {tail} frames of "
                        f"{self.writer} were not read")
        return f"{matched} of {len(written)}"

    def shown(self, frame, written):
        """The display shows one of the frames."""
        for index, other in enumerate(written):
            if frame.total == other.total:
                return f"frame {index} of {len(written)}"
        raise Wrong(f"{self.reader}: {frame} was not written by {self.writer}")


def check_lost(trace, text):
    """A camera's numbers have no gaps but for frames that it counts as lost."""
    device, _, lost = text.partition("=")
    numbers = [int(field["seq"]) for name, field in trace
               if name == "vbdma_frame" and field["dev"] == device and
               field["dir"] == "write"]
    if not numbers:
        raise Wrong(f"{device} wrote no frame")
    if any(b <= a for a, b in zip(numbers, numbers[1:])):
        raise Wrong(f"{device}: numbers do not increase")
    gaps = numbers[-1] + 1 - len(numbers)
    if gaps > int(lost):
        raise Wrong(f"{device}: {gaps} frames are missing, "
                    f"{lost} are counted as lost")


def frames(arguments):
    """The command."""
    least, lost, alter = 1, [], False
    while arguments and arguments[0].startswith("--"):
        option = arguments.pop(0)
        if option == "--least":
            least = int(arguments.pop(0))
        elif option == "--lost":
            lost.append(arguments.pop(0))
        elif option == "--alter":
            alter = True
        else:
            sys.exit(f"chain.py: no option {option}")
    if len(arguments) < 2:
        sys.exit(__doc__)
    trace, hops = load(arguments[0]), [Hop(text) for text in arguments[1:]]
    for text in lost:
        check_lost(trace, text)
    counts = [hop.join(trace, least, alter and hop is hops[-1])
              for hop in hops]
    return "ok " + ", ".join(counts)


# --- who shared what with whom ------------------------------------------------

class Pair:
    """Buffers of one device that another one uses."""

    def __init__(self):
        self.buffers = set()
        self.attaches = self.maps = self.reused = 0

    def __str__(self):
        return (f"buffers={len(self.buffers)} attaches={self.attaches} "
                f"maps={self.maps} reused={self.reused}")


def sharing(trace):
    """The pairs, and by device the buffers that the CPU mapped."""
    owner, pairs, touched = {}, {}, {}
    for name, field in trace:
        if name in ("vbm_buf_alloc", "vbm_export"):
            owner[field["buf"]] = field["dev"]
        elif name == "vbm_mmap":
            touched.setdefault(field["dev"], set()).add(field["buf"])
        elif name in ("vbm_attach", "vbm_map", "vbm_map_cached"):
            key = owner.get(field["buf"], "?"), field["dev"]
            # A device's own mapping is no sharing.
            if key not in pairs and name != "vbm_attach":
                continue
            pair = pairs.setdefault(key, Pair())
            pair.buffers.add(field["buf"])
            pair.attaches += name == "vbm_attach"
            pair.maps += name == "vbm_map"
            pair.reused += name == "vbm_map_cached"
    return pairs, touched


def shared(arguments):
    """The command."""
    if not arguments:
        sys.exit(__doc__)
    pairs, touched = sharing(load(arguments[0]))
    if len(arguments) == 1:
        return "\n".join(f"{owner} {user} {pair}"
                         for (owner, user), pair in sorted(pairs.items()))
    want = {tuple(text.split(">")) for text in arguments[1:]}
    for owner, user in sorted(want - set(pairs)):
        raise Wrong(f"{owner} shares nothing with {user}")
    for owner, user in sorted(set(pairs) - want):
        raise Wrong(f"{owner} shares buffers with {user}")
    for (owner, user), pair in sorted(pairs.items()):
        both = pair.buffers & touched.get(owner, set())
        if both:
            raise Wrong(f"the CPU maps {len(both)} buffers that {owner} "
                        f"shares with {user}")
    return "ok"


# --- who maps what, and how often ---------------------------------------------

class Importer:
    """A device, and the dma-bufs that are queued to it."""

    def __init__(self):
        self.dmabufs, self.at = set(), {}
        self.queued = self.changes = self.maps = 0

    def queue(self, queue, index, dmabuf):
        """A dma-buf comes to an index of one of its queues."""
        self.queued += 1
        self.changes += self.at.get((queue, index)) != dmabuf
        self.at[queue, index] = dmabuf
        self.dmabufs.add((queue, dmabuf))

    def __str__(self):
        return (f"{self.queued} queued, {len(self.dmabufs)} dma-bufs, "
                f"{self.changes} changes, {self.maps} maps")


def importers(trace):
    """All of them, by name."""
    found = {}
    for name, field in trace:
        if not name.startswith("probe_"):
            continue
        device = found.setdefault(field["dev"].strip('"'), Importer())
        if name == "probe_map":
            device.maps += 1
        elif field["memory"] == V4L2_MEMORY_DMABUF:
            device.queue(field["queue"], field["index"], field["fd"])
    return {name: device for name, device in found.items()
            if device.maps or device.queued}


def imports(arguments):
    """The command."""
    if len(arguments) < 3 or arguments[1] not in ("once", "each"):
        sys.exit(__doc__)
    found, once = importers(load(arguments[0])), arguments[1] == "once"
    if set(found) != set(arguments[2:]):
        raise Wrong(f"who imports: {' '.join(sorted(found))}")
    for name, device in sorted(found.items()):
        if device.changes <= len(device.dmabufs):
            raise Wrong(f"{name}: nothing changes: {device}")
        if device.maps != (len(device.dmabufs) if once else device.changes):
            raise Wrong(f"{name}: not mapped {arguments[1]}: {device}")
    return "ok " + "; ".join(f"{name}: {device}"
                             for name, device in sorted(found.items()))


# --- the judge on trial -------------------------------------------------------

def answer(function, *arguments):
    """What the command prints."""
    try:
        return function(list(arguments))
    except (Wrong, OSError) as error:
        return str(error)


def write_trace(name, entries):
    """A trace with these events."""
    with open(name, "w", encoding="ascii") as file:
        for event, text in entries:
            file.write(f"  kworker/u8:1-99 [001] ..... 12.5: {event}: {text}\n")


def test_frames(directory, check):
    """Three devices; each thing that can be wrong with what one read."""
    name = directory + "/trace"

    def run(read, hop="", *options, cam=(0, 1, 2, 3)):
        def moved(device, way, numbers):
            return [("vbdma_frame", f"dev={device} dir={way} fmt=YUYV seq={n} "
                     f"bytes=9 sum={0x1000 + 16 * n:#010x}") for n in numbers]
        write_trace(name, moved("cam", "write", cam) + moved("x", "read", read))
        return answer(frames, *options, name, "cam:YUYV>x:YUYV" + hop)

    check(run([0, 1, 2, 3]), "ok 4 of 4", "all frames")
    check(run([0, 1, 2, 3], "", "--alter"), "was not written", "a wrong sum")
    check(run([0, 1, 9, 3]), "was not written", "a foreign frame")
    check(run([0, 2, 1, 3], "@drop=9"), "out of order", "two frames swapped")
    check(run([0, 1, 1, 2, 3]), "comes again", "a frame twice")
    check(run([0, 2, 3]), "1 frames of cam:YUYV were dropped", "a gap")
    check(run([0, 2, 3], "@drop=1"), "ok 3 of 4", "a gap that is allowed")
    check(run([0, 1]), "last 2 frames", "frames left at the end")
    check(run([0, 1], "@tail=2"), "ok 2 of 4", "as many as may be")
    check(run([0, 1], "@tail=2", "--least", "3"), "not 3", "too few")
    check(run([0, 1], "@tail=2,least=3"), "not 3", "too few for this hop")
    check(run([0, 1, 2, 3], "@first=0"), "ok 4 of 4", "from the first on")
    check(run([1, 2, 3], "@first=0,drop=1"), "YUYV's number 1",
          "the first one is missing")
    check(run([1, 2, 3], "@first=0", cam=(1, 2, 3)), "YUYV's number 1",
          "there is no first one")
    check(run([]), "not 1", "none")
    check(run([0, 3], "", "--lost", "cam=2", cam=(0, 3)), "ok 2",
          "lost frames that are counted")
    check(run([0, 3], "", "--lost", "cam=1", cam=(0, 3)), "are missing",
          "one that is not")
    check(run([0], "", "--lost", "y=0", cam=(0,)), "wrote no frame",
          "another camera")


def test_files(directory, check):
    """JPEG files, a still picture, a screen."""
    trace, jpeg, raw, png = (f"{directory}/{name}"
                             for name in ("trace", "jpeg", "raw", "png"))
    pictures = [b"\xff\xd8\xff\xfe\0\x04\xff\xd9\xff\xff\xda\0\2" + data +
                b"\xff\xd9" for data in (b"a\xff\0b\xff\xd3c", b"", b"z")]
    with open(jpeg, "wb") as file:
        file.write(b"".join(pictures))

    def traced_as(way, fourcc, sums):
        write_trace(trace, [("vbdma_frame", f"dev=x dir={way} fmt={fourcc} "
                             f"seq={n} bytes=9 sum={total:#010x}")
                            for n, total in enumerate(sums)])

    sums = [sum_bytes(data) for data in pictures]
    traced_as("write", "JPEG", sums)
    check(answer(frames, trace, f"x:JPEG>jpeg={jpeg}"), "ok 3 of 3", "a file")
    traced_as("read", "JPEG", sums)
    check(answer(frames, trace, f"jpeg={jpeg}>x:JPEG"), "ok 3 of 3",
          "a file that is read")
    traced_as("write", "JPEG", [sums[0], sums[1] ^ 4, sums[2]])
    check(answer(frames, trace, f"x:JPEG>jpeg={jpeg}"), "was not written",
          "another file")
    with open(jpeg, "ab") as file:
        file.write(pictures[0][:-1])
    check(answer(frames, trace, f"x:JPEG>jpeg={jpeg}"), "without an end",
          "a file that was cut off")

    # The sum by its definition, bit by bit.
    def slow(data, crc):
        for byte in data:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ (0xedb88320 if crc & 1 else 0)
        return crc

    data = bytes(range(24))
    with open(raw, "wb") as file:
        file.write(data)
    total = sum(slow(data[4 * y:4 * y + 4], ~(y if y < 4 else CHROMA + y - 4) &
                     0xffffffff) for y in range(6)) & 0xffffffff
    traced_as("read", "NV12", [total] * 3)
    still = f"still={raw}:NV12:4x4>x:NV12"
    check(answer(frames, trace, still), "ok 3 of 3", "a still picture")
    check(answer(frames, "--alter", trace, still), "is not", "a wrong one")

    def chunk(kind, body):
        return (struct.pack(">I", len(body)) + kind + body +
                struct.pack(">I", zlib.crc32(kind + body)))

    with open(png, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" +
                   chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 8, 2, 0, 0, 0)) +
                   chunk(b"IDAT", zlib.compress(b"\0\1\2\3\4\5\6")) +
                   chunk(b"IEND", b""))
    shown = sum_bytes(b"\3\2\1\xff\6\5\4\xff")
    traced_as("write", "XR24", [5, shown, 7])
    check(answer(frames, trace, f"x:XR24>screen={png}"), "ok frame 1 of 3",
          "a screen")
    traced_as("write", "XR24", [5, 6, 7])
    check(answer(frames, trace, f"x:XR24>screen={png}"), "was not written",
          "another picture on it")


def test_shared(directory, check):
    """Who shares with whom."""
    name = directory + "/trace"
    entries = [("vbm_buf_alloc", "buf=1 dev=cam size=9 dir=from"),
               ("vbm_map", "buf=1 dev=cam dir=from segments=1 sync=0"),
               ("vbm_export", "buf=1 dev=cam size=9 dir=from"),
               ("vbm_attach", "buf=1 dev=enc size=9 dir=from"),
               ("vbm_map", "buf=1 dev=enc dir=to segments=1 sync=0"),
               ("vbm_buf_alloc", "buf=2 dev=enc size=9 dir=from"),
               ("vbm_mmap", "buf=2 dev=enc size=9 dir=from")]
    write_trace(name, entries)
    check(answer(shared, name), "cam enc buffers=1 attaches=1 maps=1 reused=0",
          "the pairs")
    check(answer(shared, name, "cam>enc"), "ok", "shared, and not touched")
    check(answer(shared, name, "cam>dec"), "cam shares nothing with dec",
          "the wrong pair")
    check(answer(shared, name, "cam>enc", "enc>dec"), "enc shares nothing",
          "one more")
    write_trace(name, entries + [("vbm_mmap", "buf=1 dev=cam size=9 dir=from")])
    check(answer(shared, name, "cam>enc"), "the CPU maps 1",
          "a shared buffer that the CPU maps")
    write_trace(name, entries +
                [("vbm_attach", "buf=2 dev=z size=9 dir=from")])
    check(answer(shared, name, "cam>enc"), "enc shares buffers with z",
          "an importer that nobody expects")
    for line in ("# entries-in-buffer/entries-written: 7/9   #P:2",
                 "CPU:1 [LOST 3 EVENTS]"):
        with open(name, "w", encoding="ascii") as file:
            file.write(line + "\n")
        check(answer(shared, name, "cam>enc"), "lost events", "a lossy trace")


def test_imports(directory, check):
    """Three buffers that take turns at two indexes."""
    name = directory + "/trace"

    def run(maps, fds=(3, 4, 5, 3, 4, 5), how="once", device="x"):
        write_trace(name, [
            ("probe_qbuf", f'(vb2_qbuf+0x0) dev="x" queue=0xa index={i % 2} '
             f"memory=4 fd={fd}") for i, fd in enumerate(fds)
        ] + [("probe_qbuf", 'dev="cam" queue=0xb index=0 memory=1 fd=0'),
             *[("probe_map", '(dma_buf_map+0x0) dev="x"')] * maps])
        return answer(imports, name, how, device)

    check(run(3), "ok x: 6 queued, 3 dma-bufs, 6 changes, 3 maps", "once")
    check(run(4), "not mapped once", "once more")
    check(run(2), "not mapped once", "once less")
    check(run(6, how="each"), "ok x: 6 queued", "each time")
    check(run(3, how="each"), "not mapped each", "not each time")
    check(run(2, (3, 4, 3, 4)), "nothing changes", "no turns")
    check(run(3, device="y"), "who imports: x", "another device")


def test(arguments):
    """The command: prints TAP."""
    if len(arguments) != 1:
        sys.exit(__doc__)
    results = []

    def check(got, want, text):
        # Files are written anew for the next question.
        for function in (load, jpeg_frames, screen_frames):
            function.cache_clear()
        good = got.startswith(want) if want.startswith("ok") else want in got
        results.append(good)
        print(f"{'ok' if good else 'not ok'} {len(results)} - {text}")
        if not good:
            print(f"#   got      {got}\n#   expected {want}")

    for part in (test_frames, test_files, test_shared, test_imports):
        part(arguments[0], check)
    return f"1..{len(results)}"


def main():
    """Exit code 2: the question makes no sense."""
    commands = {"frames": frames, "shared": shared, "imports": imports,
                "test": test}
    questions = [[]]
    for word in sys.argv[1:]:
        if word == ";":
            questions.append([])
        else:
            questions[-1].append(word)
    for name, *arguments in filter(None, questions):
        if name not in commands:
            sys.exit(__doc__)
        print(answer(commands[name], *arguments))


if __name__ == "__main__":
    main()
