#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""demo_pty.py RELEVANCE - 'relevance demo' and the progress bar on a pseudo-terminal.

A small screen model (cursor addressing, clearing, the alternate screen) follows the output, so what
is checked is what a person would see.  Prints one line; exit status 1 where a check failed.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time

LIMIT_S = 60  # for what a loaded machine takes long for; a passing test never waits that long
checks = 0


class Screen:
    """Text cells of a terminal of 'rows' x 'cols', as the sequences that the program uses leave it."""

    def __init__(self, rows, cols):
        self.rows, self.cols = rows, cols
        self.alternate = False
        self.raw = b""
        self.wide_lines = 0
        self.clear()

    def clear(self):
        self.cells = [[" "] * self.cols for _ in range(self.rows)]
        self.r = self.c = 0

    def feed(self, data):
        text = (self.raw + data).decode("utf-8", "ignore")
        i = 0
        while i < len(text):
            if text[i] == "\033":
                m = re.match(r"\033\[(\??)([\d;]*)([A-Za-z])", text[i:])
                if m is None:
                    break  # an incomplete sequence: wait for the rest
                self.sequence(*m.groups())
                i += m.end()
                continue
            self.put(text[i])
            i += 1
        self.raw = text[i:].encode()

    def put(self, c):
        if c == "\r":
            self.c = 0
        elif c == "\n":
            self.r = min(self.r + 1, self.rows - 1)
        elif c == "\a" or ord(c) < 32:
            raise AssertionError(f"control character {ord(c)} reaches the terminal")
        else:
            if self.c >= self.cols:
                self.wide_lines += 1
                self.c = 0
                self.r = min(self.r + 1, self.rows - 1)
            self.cells[self.r][self.c] = c
            self.c += 1

    def sequence(self, private, numbers, letter):
        if private:
            if numbers == "1049":
                self.alternate = letter == "h"
                self.clear()
            return
        if letter == "H":
            r, c = ([int(n) for n in numbers.split(";")] if numbers else [1, 1])
            self.r, self.c = r - 1, c - 1
        elif letter == "K":
            self.cells[self.r][self.c:] = [" "] * (self.cols - self.c)
        elif letter == "J":
            self.cells[self.r][self.c:] = [" "] * (self.cols - self.c)
            for r in range(self.r + 1, self.rows):
                self.cells[r] = [" "] * self.cols
        elif letter != "m":
            raise AssertionError(f"unknown sequence ESC [ {numbers} {letter}")

    def lines(self):
        return ["".join(row).rstrip() for row in self.cells]


class Terminal:
    def __init__(self, argv, rows=24, cols=80, term="xterm"):
        self.screen = Screen(rows, cols)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = term
            os.environ.pop("NO_COLOR", None)
            time.sleep(0.1)  # until the size below is set
            os.execv(argv[0], argv)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        self.status = None

    def resize(self, rows, cols):
        self.screen = Screen(rows, cols)
        self.screen.alternate = True
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def type(self, text):
        os.write(self.fd, text.encode())

    def read(self, wait):
        if select.select([self.fd], [], [], wait)[0]:
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b""
            if data:
                self.screen.feed(data)
                return True
            self.status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return False

    def until(self, what, condition):
        global checks
        checks += 1
        end = time.monotonic() + LIMIT_S
        while not condition(self.screen):
            if self.status is not None or time.monotonic() > end:
                sys.exit(f"demo_pty.py: {what}: not seen; status {self.status}, screen:\n" +
                         "\n".join(self.screen.lines()))
            self.read(0.2)

    def ends(self, status):
        global checks
        checks += 1
        end = time.monotonic() + LIMIT_S
        while self.status is None and time.monotonic() < end:
            self.read(0.2)
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
        if self.status != status:
            sys.exit(f"demo_pty.py: exit status {self.status}, not {status}")


def check(what, ok):
    global checks
    checks += 1
    if not ok:
        sys.exit(f"demo_pty.py: {what}")


def ranked(screen):
    """The scores and titles on the screen, or [] where no list stands there."""
    rows = [re.match(r"\s*(\d+)\s+([01]\.\d{3})\s+(\S+)\s+(.*)", line) for line in screen.lines()]
    return [(int(m[1]), float(m[2]), m[4]) for m in rows if m]


def test_keys(exe):
    t = Terminal([exe, "demo"])
    t.until("the prompt", lambda s: s.alternate and s.lines()[0] == "Query:")
    t.until("the invitation", lambda s: "type what you would search for" in s.lines()[2])
    for c in "dog leash":
        t.type(c)
        t.read(0.02)
    t.until("the query", lambda s: s.lines()[0] == "Query: dog leash")
    t.until("its ranking", lambda s: any(" ms, " in line for line in s.lines()) and
            ranked(s) and "Dog" in ranked(s)[0][2])
    rows = ranked(t.screen)
    check("the ranks", [r[0] for r in rows] == list(range(1, len(rows) + 1)) and len(rows) == 15)
    check("the order", [r[1] for r in rows] == sorted((r[1] for r in rows), reverse=True))
    check("no line wraps", t.screen.wide_lines == 0)
    # What the command line says of the same catalogue.
    out = subprocess.run([exe, "rank", "dog leash", CATALOGUE, "--output", "tsv", "--top", "5"],
                         check=True, capture_output=True, text=True).stdout.splitlines()[1:]
    for row, line in zip(rows, out):
        fields = line.split("\t")
        check("the same score as 'relevance rank'", abs(row[1] - float(fields[1])) < 0.0006)
        check("the same title", fields[7].startswith(row[2].rstrip(".")))
    cursor = (t.screen.r, t.screen.c)
    check(f"the cursor behind the query, not {cursor}", cursor == (0, len("Query: dog leash")))

    t.type("\x17")  # Ctrl-W
    t.until("a word less", lambda s: s.lines()[0] == "Query: dog" and ranked(s))
    t.type("é\x7f\x7f\x7f")
    t.until("characters, not bytes, are erased", lambda s: s.lines()[0] == "Query: do")
    t.type("\x1b[A\x1b[D")  # arrows do nothing
    t.type("\x15")  # Ctrl-U
    t.until("an empty query", lambda s: s.lines()[0] == "Query:" and not ranked(s))
    t.type("kettle\x01\x02")
    t.until("kettles", lambda s: ranked(s) and "Kettle" in ranked(s)[0][2])
    t.resize(12, 50)
    t.until("a smaller window", lambda s: len(ranked(s)) == 6 and s.lines()[0] == "Query: kettle")
    t.screen.wide_lines = 0  # a frame that was under way when the window shrank was for the old one
    t.type("x" * 300)
    t.until("a query longer than the window", lambda s: s.lines()[0].endswith("..."))
    check("no line wraps in a small window", t.screen.wide_lines == 0)
    t.type("\x1b")
    t.ends(0)
    check("the screen is restored", not t.screen.alternate)


def test_ends(exe):
    for key in "\x03", "\x04":
        t = Terminal([exe, "demo"])
        t.until("the prompt", lambda s: s.lines()[0] == "Query:")
        t.type("shoe" + key)
        t.ends(0)
        check("the screen is restored", not t.screen.alternate)
    t = Terminal([exe, "demo"])
    t.until("the prompt", lambda s: s.lines()[0] == "Query:")
    os.kill(t.pid, signal.SIGTERM)
    t.ends(0)
    check("the screen is restored", not t.screen.alternate)


def test_lines(exe):
    dumb = Terminal([exe, "demo", "--top", "2"], term="dumb")
    dumb.type("dog leash\n\x04")
    dumb.ends(0)
    check("line mode on a dumb terminal", not dumb.screen.alternate and len(ranked(dumb.screen)) == 2)
    r = subprocess.run([exe, "demo", "--top", "3"], input="dog leash\n\nkettle", text=True,
                       capture_output=True, check=True)
    check("two queries from a pipe", r.stdout.count("rank  score") == 2 and "\033" not in r.stdout)
    check("three products each", len(re.findall(r"^ +\d+  [01]\.", r.stdout, re.M)) == 6)
    r = subprocess.run([exe, "demo", "--catalog", "/nonexistent"], capture_output=True, text=True)
    check("a missing catalogue is an error", r.returncode == 2 and "/nonexistent" in r.stderr)


def test_progress(exe):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "many.tsv")
        with open(path, "w", encoding="utf-8") as f:
            f.write("query\ttitle\n" + "red shoe\tA red shoe, size 10, for running\n" * 100000)
        script = f"'{exe}' classify '{path}' >/dev/null"
        t = Terminal(["/bin/sh", "-c", script], cols=90)
        t.until("a bar with count, rate and time left",
                lambda s: any(re.match(r"classify \[#* *\] +\d+ % \d+ pairs, \d+/s, .*\d+ s left$", line)
                              for line in s.lines()))
        os.kill(t.pid, signal.SIGKILL)
        os.close(t.fd)
        try:
            os.waitpid(t.pid, 0)
        except ChildProcessError:
            pass
        # Not on a terminal: not a word.
        with open(path, "w", encoding="utf-8") as f:
            f.write("query\ttitle\n" + "red shoe\tA red shoe\n" * 10)
        r = subprocess.run([exe, "classify", path], capture_output=True, check=True)
        check("no bar in a pipe", r.stderr == b"")


if len(sys.argv) != 2:
    sys.exit(__doc__)
EXE = os.path.abspath(sys.argv[1])
CATALOGUE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data",
                         "demo_catalog.tsv")
os.environ["PATH"] += ":/usr/bin:/bin"
test_keys(EXE)
test_ends(EXE)
test_lines(EXE)
test_progress(EXE)
print(f"demo_pty: {checks} checks on a pseudo-terminal")
