#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""examples.py - runs every console block of docs/examples/README.md, and of files named after it.

usage: test/examples.py [--update] [--build DIR] [FILE.md...]       (DIR: build/examples)

A line that begins with "$ " is a command for bash, in the root of the source tree; what follows it is
its output (standard output and error together).  The output must be the one that stands there, but
for numbers and labels, which change with the model.  --update writes the output into the file.  A block
whose program is missing is skipped, by name.

Port 7070 stands for one that is free.  After a command that ends in "&", the next one waits until the
port answers.
"""
import concurrent.futures
import pathlib
import re
import shutil
import socket
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BLOCK = re.compile(r"```console\n(.*?)```\n", re.S)
PORT = "7070"
NUMBER = re.compile(r"\d+(?:\.\d+)?")
BUILD = ["build/examples"]  # what stands for it
END_MARK = "-- end of output --"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


def masked(text):
    """What does not change with the model: no numbers, no labels, and no widths that follow them."""
    text = re.sub(r"Exact|Substitute|Complement|Irrelevant", "Label", NUMBER.sub("0", text))
    return re.sub(r"[ -]{2,}", " ", text)


def built(word):
    return ROOT / word.replace("build/examples", BUILD[0])


def commands_of(block):
    """[(command, expected output)]"""
    out = []
    for line in block.splitlines(keepends=True):
        if line.startswith("$ "):
            out.append([line[2:].rstrip("\n"), ""])
        elif out:
            out[-1][1] += line
    return out


def missing(commands):
    for command, _ in commands:
        for word in re.findall(r"(?:^|[|;] *)([\w./]+)", command):
            if word.startswith("build/examples/") and not built(word).exists():
                return word
            if word in ("curl", "sqlite3") and shutil.which(word) is None:
                return word
        for word in re.findall(r"\.load (\S+?)'", command):
            if not built(word + ".so").exists():
                return word
    return None


def run(commands):
    """The output of each command; one bash runs them all."""
    port = free_port()
    script = ["exec 2>&1"]
    for command, _ in commands:
        command = command.replace(PORT, port).replace("build/examples", BUILD[0])
        script.append(command)
        if command.endswith("&"):
            script.append(f"for i in {{1..900}}; do (exec 9<>/dev/tcp/127.0.0.1/{port}) 2>/dev/null && "
                          "break; sleep 0.1; done; sleep 0.5")
        if command.startswith("kill "):
            script.append("wait")
        script.append(f"echo '{END_MARK}'")
    r = subprocess.run(["bash", "-c", "\n".join(script)], cwd=ROOT, stdout=subprocess.PIPE, text=True,
                       timeout=240, stdin=subprocess.DEVNULL, check=False)
    parts = r.stdout.replace(port, PORT).split(END_MARK + "\n")
    # What bash says of a job that ended is for its user, not of the program.
    return [re.sub(r"^bash: line \d+: +\d+ Terminated.*\n", "", p, flags=re.M)
            for p in parts[:len(commands)]]


def many_clients():
    """service.c under 8 clients at once: each line gets the answer that it gets alone."""
    exe = built("build/examples/service")
    if not exe.exists():
        return 0
    lines = [f"dog leash\tProduct number {i}, for dogs\n".encode() for i in range(12)]
    with subprocess.Popen([exe, ROOT / "data/default.rlv", "0", "4"], stdout=subprocess.PIPE,
                          text=True) as service:
        port = int(service.stdout.readline().rsplit(":", 1)[1])

        def ask(chosen):
            with socket.create_connection(("127.0.0.1", port), timeout=200) as s, s.makefile("rwb") as f:
                answers = []
                for line in chosen:
                    f.write(line)
                    f.flush()
                    answers.append(f.readline())
                return answers

        alone = ask(lines)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            together = list(pool.map(ask, [lines[i:] + lines[:i] for i in range(8)]))
        service.terminate()
        said = service.stdout.read()
    wrong = sum(answers != alone[i:] + alone[:i] for i, answers in enumerate(together))
    if wrong or f"{9 * len(lines)} requests answered" not in said or service.returncode != 0:
        print(f"examples.py: service.c: {wrong} of 8 clients got other answers; it said {said!r}")
        return 1
    return 0


def main():
    arguments = sys.argv[1:]
    update = "--update" in arguments
    if "--build" in arguments:
        at = arguments.index("--build")
        BUILD[0] = arguments[at + 1]
        del arguments[at:at + 2]
    paths = [pathlib.Path(a) for a in arguments if not a.startswith("--")] or \
        [ROOT / "docs/examples/README.md"]
    count = failures = 0
    for path in paths:
        text = path.read_text(encoding="utf-8")

        def one(match):
            nonlocal count, failures
            commands = commands_of(match[1])
            absent = missing(commands)
            if absent:
                print(f"SKIP: examples.py: {path.name}: no {absent}")
                return match[0]
            outputs = run(commands)
            for (command, expected), got in zip(commands, outputs):
                count += 1
                if not update and masked(expected) != masked(got):
                    failures += 1
                    print(f"examples.py: {path.name}: {command}\nexpected:\n{expected}got:\n{got}")
            if len(outputs) != len(commands):
                failures += 1
                print(f"examples.py: {path.name}: the block stopped after {len(outputs)} commands")
            return "```console\n" + "".join(f"$ {c}\n{o}" for (c, _), o in zip(commands, outputs)) + \
                "```\n"

        updated = BLOCK.sub(one, text)
        if update and failures == 0:
            path.write_text(updated, encoding="utf-8")
    if not update:
        failures += many_clients()
    print(f"examples: {count} commands of the documents run")
    return 1 if failures or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
