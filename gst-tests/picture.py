#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Looks at pictures of the display (PNG, 8 bits, RGB or RGBA).

  picture.py is PNG RAW WIDTH HEIGHT ROWS   the picture is this BGRx frame
  picture.py bars PNG ROWS                  the picture is a camera's colour bars
  picture.py mirrored PNG ROWS              the same, right to left
  picture.py shows PNG COUNT                colour bars, left to right, are somewhere
                                            in at least so many rows
  picture.py differ PNG PNG ROWS            the pictures differ in these rows

ROWS, "FIRST-END", are those of the text that changes with every frame: "differ"
looks at nothing else, all others leave them out. "is" allows what a display
of 16 bits would lose and nothing beyond. Only modules of python3-minimal.
"""

import struct
import sys
import zlib

# The first test pattern of vivid and vbcam: 75 % colour bars, left to right.
BARS = [(191, 191, 191), (191, 191, 0), (0, 191, 191), (0, 191, 0),
        (191, 0, 191), (191, 0, 0), (0, 0, 191), (0, 0, 0)]
TOLERANCE = 8


class Wrong(Exception):
    """What is wrong with the picture."""


def unfilter(kind, line, above, step):
    """Undoes a PNG line filter, in place."""
    if kind == 0:
        return
    if kind == 2 and not any(line):
        # Most lines of a test picture are like the one above.
        line[:] = above
        return
    for i, value in enumerate(line):
        left = line[i - step] if i >= step else 0
        up = above[i]
        corner = above[i - step] if i >= step else 0
        if kind == 1:
            predicted = left
        elif kind == 2:
            predicted = up
        elif kind == 3:
            predicted = (left + up) // 2
        elif kind == 4:
            estimate = left + up - corner
            distances = (abs(estimate - left), abs(estimate - up),
                         abs(estimate - corner))
            predicted = (left, up, corner)[distances.index(min(distances))]
        else:
            raise Wrong(f"PNG filter {kind}")
        line[i] = (value + predicted) & 0xff


def read_png(name):
    """Width, height and rows, each a bytearray of RGB."""
    with open(name, "rb") as file:
        data = file.read()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise Wrong(f"{name} is no PNG")
    offset, packed = 8, b""
    while offset < len(data):
        length, kind = struct.unpack_from(">I4s", data, offset)
        body = data[offset + 8:offset + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack_from(">IIBB", body)
        elif kind == b"IDAT":
            packed += body
        offset += 12 + length
    if depth != 8 or colour not in (2, 6):
        raise Wrong(f"{name}: depth {depth}, colour type {colour}")
    step = 3 if colour == 2 else 4
    raw = zlib.decompress(packed)
    above = bytearray(width * step)
    rows = []
    for y in range(height):
        start = y * (width * step + 1)
        line = bytearray(raw[start + 1:start + 1 + width * step])
        unfilter(raw[start], line, above, step)
        above = line
        if step == 4:
            rgb = bytearray(width * 3)
            for channel in range(3):
                rgb[channel::3] = line[channel::4]
            line = rgb
        rows.append(line)
    return width, height, rows


def row_range(text):
    """The rows that "FIRST-END" names."""
    first, end = text.split("-")
    return range(int(first), int(end))


def picture_is(png, raw, width, height, rows):
    """The picture is this frame, but for the rows."""
    width, height, rows = int(width), int(height), row_range(rows)
    got_width, got_height, got = read_png(png)
    if (got_width, got_height) != (width, height):
        raise Wrong(f"the picture is {got_width}x{got_height}")
    with open(raw, "rb") as file:
        frame = file.read()
    if len(frame) != width * height * 4:
        raise Wrong(f"the frame has {len(frame)} bytes")
    wrong, colours = 0, set()
    for y in range(height):
        if y in rows:
            continue
        line = frame[y * width * 4:(y + 1) * width * 4]
        want = bytearray(width * 3)
        want[0::3], want[1::3], want[2::3] = line[2::4], line[1::4], line[0::4]
        colours.add(bytes(want[:3]))
        colours.add(bytes(want[width * 3 // 2 // 3 * 3:][:3]))
        if want == got[y]:
            continue
        wrong += sum(abs(a - b) >= TOLERANCE for a, b in zip(want, got[y]))
    if len(colours) < 2:
        raise Wrong("the frame has no picture")
    if wrong:
        raise Wrong(f"{wrong} samples differ")


def picture_mirrored(png, rows):
    """The picture is eight colour bars, right to left, but for the rows."""
    picture_bars(png, rows, BARS[::-1])


def picture_bars(png, rows, bars=None):
    """The picture is eight colour bars, but for the rows."""
    width, height, got = read_png(png)
    rows = row_range(rows)
    for y in range(height):
        if y in rows:
            continue
        for bar, want in enumerate(bars or BARS):
            # Not at the edges, where chroma of two bars may mix.
            first = width * bar // len(BARS) + 4
            last = width * (bar + 1) // len(BARS) - 4
            for x in (first, (first + last) // 2, last - 1):
                pixel = tuple(got[y][3 * x:3 * x + 3])
                if any(abs(a - b) > 2 * TOLERANCE
                       for a, b in zip(pixel, want)):
                    raise Wrong(f"row {y}, bar {bar}: {pixel}, not {want}")


def bars_in(line):
    """How many of the bars, left to right, are in this row."""
    found, wide = 0, 0
    for x in range(0, len(line) - 2, 3):
        if any(abs(a - b) > 2 * TOLERANCE
               for a, b in zip(line[x:x + 3], BARS[found])):
            wide = 0
            continue
        wide += 1
        if wide == 8:
            found, wide = found + 1, 0
            if found == len(BARS):
                break
    return found


def picture_shows(png, count):
    """The picture has eight colour bars in it, in a window."""
    found = [bars_in(line) for line in read_png(png)[2]]
    if found.count(len(BARS)) < int(count):
        raise Wrong(f"{found.count(len(BARS))} of {len(found)} rows show "
                    f"all bars, others up to {max(found)}")


def picture_differ(first, second, rows):
    """The rows differ, and show something."""
    first, second = read_png(first)[2], read_png(second)[2]
    rows = row_range(rows)
    if any(all(picture[y] == picture[rows.stop] for y in rows)
           for picture in (first, second)):
        raise Wrong("there is no text")
    if all(first[y] == second[y] for y in rows):
        raise Wrong("the text is the same")


def main():
    """Exit code 1: the picture is not what it should be."""
    commands = {"is": (picture_is, 5), "bars": (picture_bars, 2),
                "mirrored": (picture_mirrored, 2),
                "shows": (picture_shows, 2),
                "differ": (picture_differ, 3)}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    function, count = commands[sys.argv[1]]
    if len(sys.argv) != 2 + count:
        sys.exit(__doc__)
    try:
        function(*sys.argv[2:])
    except (Wrong, OSError) as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
