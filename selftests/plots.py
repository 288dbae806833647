# SPDX-License-Identifier: GPL-2.0
"""Plots of what imports cost. See plots, which calls this."""

import json
import os
import sys

import matplotlib
matplotlib.use("Agg")
# pylint: disable=wrong-import-position
from matplotlib import pyplot
from matplotlib.ticker import NullFormatter, NullLocator

import sweep

# Backend, phase: how its line looks, later ones on top.
LINES = [
    ("stock", "rotating", {"color": "tab:red", "marker": "o"}),
    ("stock", "fixed", {"color": "tab:orange", "marker": "s", "ls": "--"}),
    ("ours", "rotating", {"color": "tab:blue", "marker": "o"}),
    ("ours", "fixed", {"color": "tab:cyan", "marker": "x", "ls": "--"}),
]
NAMES = {"rotating": "4 fds over 2 indexes", "fixed": "one fd"}
MPIXELS = [640 * 480, 1280 * 720, 1920 * 1080, 3840 * 2160, 7680 * 4320]


def grid(points, title, label, along):
    """A plot for each kind and configuration of memory, all to one scale.

    along: gives a point's place on the x axis, or None if it is none of it.
    """
    memories = sweep.memories(points)
    figure, axes = pyplot.subplots(len(memories), len(sweep.STORAGES),
                                   sharex=True, sharey=True, squeeze=False,
                                   figsize=(10, 3 * len(memories)))
    for row, memory in zip(axes, memories):
        for axis, (storage, storage_name) in zip(row, sweep.STORAGES.items()):
            here = [point for point in points if point["memory"] == memory and
                    point["storage"] == storage]
            drawn = [line(axis, here, along, *what) for what in LINES]
            if not any(drawn):
                axis.text(0.5, 0.5, "fails: swiotlb bounces\n"
                          "256 KiB in one piece at most",
                          ha="center", va="center", transform=axis.transAxes)
            axis.set_title(f"{storage_name}, {sweep.MEMORIES[memory][0]}",
                           fontsize=9)
            axis.set_yscale("log")
            axis.grid(True, which="major", alpha=0.3)
    for axis in axes[-1]:
        axis.set_xlabel(label)
    for row in axes:
        row[0].set_ylabel("instructions")
    handles, labels = axes[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncol=len(LINES))
    figure.suptitle(title)
    figure.tight_layout(rect=(0, 0.12 / len(memories), 1, 1))
    return figure, axes


def line(axis, points, along, backend, phase, style):
    """One line; returns whether there was anything to be drawn."""
    values = sorted((along(point), sweep.median(point, backend, phase))
                    for point in points if along(point) is not None and
                    sweep.median(point, backend, phase) is not None)
    axis.plot([x for x, _ in values], [y for _, y in values], lw=1.5, ms=4,
              label=f"{backend}, {NAMES[phase]}", **style)
    return bool(values)


def by_size(point):
    """The x axis of the first."""
    if point["importers"] > 1:
        return None
    return MPIXELS[sweep.SIZES.index(point["size"])] / 1e6


def by_importers(point):
    """And of the second."""
    return point["importers"] if point["size"] == sweep.USUAL else None


def main():
    """Both, for the kernel that was measured."""
    with open(sys.argv[1], encoding="utf-8") as file:
        result = json.load(file)
    if "imports" not in result:
        sys.exit("plots: out/bench.json has no imports: make bench")
    points, kernel = result["imports"]["points"], result["kernel"]
    what = f"PREPARE_BUF of an import, YUYV, Linux {kernel}"
    figure, axes = grid(points, what, "size of a frame", by_size)
    for axis in axes[-1]:
        axis.set_xscale("log")
        axis.set_xticks([pixels / 1e6 for pixels in MPIXELS], sweep.SIZES)
        axis.xaxis.set_minor_locator(NullLocator())
        axis.xaxis.set_minor_formatter(NullFormatter())
    figure.savefig(os.path.join(sys.argv[2], f"bench-{kernel}-size.png"),
                   dpi=100)
    figure, _ = grid(points, f"{what}, {sweep.USUAL}",
                     "importers of the same buffers", by_importers)
    figure.savefig(os.path.join(sys.argv[2], f"bench-{kernel}-importers.png"),
                   dpi=100)


if __name__ == "__main__":
    main()
