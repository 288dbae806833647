#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""
Shows a camera in a window, as programs with OpenCV do.

  opencv.py DEVICE WIDTH HEIGHT FRAMES

After so many frames the last one stays, until the program is ended.
"""

import sys

import cv2


def main():
    """Exit code 1: the camera can not be opened, or gives no frame."""
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    width, height, frames = map(int, sys.argv[2:])
    camera = cv2.VideoCapture(sys.argv[1], cv2.CAP_V4L2)
    if not camera.isOpened():
        sys.exit(f"{sys.argv[1]}: can not be opened")
    # OpenCV takes any YUYV for that of BT.601, and vbcam's is not.
    camera.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter_fourcc(*"XR24"))
    camera.set(cv2.CAP_PROP_FRAME_WIDTH, width)
    camera.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
    for number in range(frames):
        good, frame = camera.read()
        if not good:
            sys.exit(f"{sys.argv[1]}: no frame {number}")
        cv2.imshow("camera", frame)
        cv2.waitKey(1)
    print("shown", frames, flush=True)
    while True:
        cv2.waitKey(100)


main()
