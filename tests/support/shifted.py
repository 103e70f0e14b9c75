"""A clock that a test moves instead of sleeping."""

import os
import struct
import subprocess
import time
from pathlib import Path

SOURCE = Path(__file__).resolve().parent / "preload" / "clock.c"


class ShiftedClock:
    """For Gateway(environ=clock.environ); then clock.move(seconds)."""

    def __init__(self, directory, wall_only=False):
        self._file = Path(directory) / "clock-shift"
        self._library = Path(directory) / "clock.so"
        self.seconds = 0
        self.move(0)
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o",
                        self._library, SOURCE], check=True)
        self.environ = {"LD_PRELOAD": str(self._library),
                        "CLOCK_SHIFT": str(self._file),
                        # a sanitizer wants to be the first library
                        "ASAN_OPTIONS": "verify_asan_link_order=0"}
        if wall_only:
            self.environ["CLOCK_SHIFT_WALL"] = "1"

    def time(self):
        """For stand-ins that look at the clock."""
        return time.time() + self.seconds

    def move(self, seconds):
        """Every process reads so much more from now on."""
        self.seconds += seconds
        with os.fdopen(os.open(self._file, os.O_RDWR | os.O_CREAT, 0o600),
                       "wb") as out:
            out.write(struct.pack("q", self.seconds * 10**9))
