#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Drives cnnmpi in terminals of several sizes: screens.py CNNMPI, beside job.yaml and its job.h5."""
import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios

cnnmpi = sys.argv[1]


class Screen:
    """What a terminal shows that knows carriage returns, erasures and moves upwards."""

    def __init__(self, columns, lines):
        self.columns, self.lines = columns, lines
        self.rows, self.row, self.column = [""], 0, 0
        self.drawings = 0

    def put(self, text):
        for part in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|[\r\n]|[^\x1b\r\n]", text):
            if part == "\r":
                self.column = 0
            elif part == "\n":
                self.row += 1
                if self.row == len(self.rows):
                    self.rows.append("")
            elif part.startswith("\x1b["):
                self.control(part[2:-1], part[-1])
            else:
                if self.column == self.columns:
                    self.put("\r\n")
                row = self.rows[self.row].ljust(self.column)
                self.rows[self.row] = row[:self.column] + part + row[self.column + 1:]
                self.column += 1

    def control(self, number, letter):
        if letter == "A":
            self.row = max(0, self.row - int(number or 1))
        elif letter == "H":
            self.row = self.column = 0
            self.drawings += 1
        elif letter in "KJ":
            if number == "2":
                self.rows = [""]
                self.row = 0
            self.rows[self.row] = self.rows[self.row][:self.column]
            if letter == "J":
                del self.rows[self.row + 1:]
        else:
            raise AssertionError(f"unknown sequence {number}{letter}")


class Terminal:
    def __init__(self, columns, lines, *command):
        self.screen = Screen(columns, lines)
        self.child, self.fd = pty.fork()
        if self.child == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
            os.execvp(command[0], command)
        self.left = b""

    def resize(self, columns, lines):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.screen.columns, self.screen.lines = columns, lines

    def read(self):
        """More output; False at its end."""
        ready, _, _ = select.select([self.fd], [], [], 120)
        assert ready, "nothing is drawn"
        try:
            more = os.read(self.fd, 65536)
        except OSError:
            more = b""
        # An escape sequence or a character may be cut.
        text = self.left + more
        cut = re.search(rb"(\x1b\[?[0-9;]*|[\xc0-\xff][\x80-\xbf]*)\Z", text) if more else None
        self.left = text[cut.start():] if cut else b""
        self.screen.put(text[:cut.start() if cut else None].decode())
        return bool(more)

    def end(self):
        while self.read():
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.child, 0)[1])


def check_fits(screen):
    assert len(screen.rows) <= screen.lines, screen.rows
    assert max(map(len, screen.rows)) <= screen.columns, screen.rows


def watch_a_job():
    """Somebody works on the file: it is locked, until the lock goes."""
    holder = os.open("job.h5.lock", os.O_RDWR | os.O_CREAT)
    fcntl.fcntl(holder, 37, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))  # F_OFD_SETLK
    terminal = Terminal(80, 24, cnnmpi, "status", "job.h5", "--watch")
    while "Means so far" not in "\n".join(terminal.screen.rows) or terminal.screen.drawings < 2:
        terminal.read()
    check_fits(terminal.screen)
    text = "\n".join(terminal.screen.rows)
    assert "running" in text and "24/24 runs ended" in text and "[########################]" in text, text
    assert re.search(r"one / arch1 / mnist +12/12 +1\.0", text), text
    terminal.resize(120, 8)  # no room for all
    before = terminal.screen.drawings
    while terminal.screen.drawings < before + 2:
        terminal.read()
    check_fits(terminal.screen)
    os.close(holder)
    assert terminal.end() == 0
    check_fits(terminal.screen)
    assert "complete" in terminal.screen.rows[0], terminal.screen.rows
    terminal = Terminal(80, 24, cnnmpi, "status", "absent.h5", "--watch")
    assert terminal.end() == 3


def run_a_job():
    """Live lines leave nothing behind, whatever the window does."""
    terminal = Terminal(100, 30, "mpirun", "--oversubscribe", "-np", "4", cnnmpi, "job.yaml", "--force", "--progress", "live",
                        "--output", "live.h5", "--set", "repeats=60")
    most, sizes = 0, [(60, 12), (150, 40), (45, 20)]
    while terminal.read():
        live = [row for row in terminal.screen.rows if " done, " in row]
        assert len(live) <= 1, terminal.screen.rows
        most += bool(live)
        if live and most % 3 == 0 and sizes:
            terminal.resize(*sizes.pop())
    assert os.waitstatus_to_exitcode(os.waitpid(terminal.child, 0)[1]) == 0
    assert most > 0 and len(sizes) < 3, (sizes, terminal.screen.rows)  # the window did change
    assert not [row for row in terminal.screen.rows if "time left" in row], terminal.screen.rows
    assert any("What was found" in row for row in terminal.screen.rows)


watch_a_job()
run_a_job()
print("ok")
