#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""docs.py - the documents hold together: prints one line, exit status 1 where something is wrong.

 - docs/api.md and librelevance.3 are what tools/gen_api.py makes of the header.
 - Every manual page, those that tools/gen_man.py makes of the help texts too, passes mandoc's lint
   and groff -ww without a word, and man renders it.
 - relevance.1 describes every command, and the command's own page every option of its help.
 - Every relative link of every Markdown file leads to a file that is there, and to a heading in it.
 - Every document of docs/ is in the index, docs/README.md.

usage: test/docs.py RELEVANCE
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
bad = 0


def complain(message):
    global bad
    bad += 1
    print(f"docs.py: {message}", file=sys.stderr)


def output_of(*command):
    r = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                       check=False)
    return r.returncode, r.stdout


def check_api():
    status, text = output_of(sys.executable, "tools/gen_api.py", "--check")
    if status != 0:
        complain(text.strip())


def check_manuals(folder):
    pages = sorted((ROOT / "docs/man").iterdir()) + sorted(pathlib.Path(folder).iterdir())
    for page in pages:
        for command in (["mandoc", "-T", "lint", "-W", "warning"],
                        ["groff", "-ww", "-mandoc", "-T", "utf8", "-z"]):
            if shutil.which(command[0]) is None:
                print(f"SKIP: docs.py: no {command[0]}")
                continue
            status, text = output_of(*command, str(page))
            if status != 0 or text:
                complain(f"{command[0]}: {page.name}: {text[:500]}")
        if shutil.which("man") is not None:
            status, text = output_of("man", "--warnings", "-P", "cat", "-l", str(page))
            if status != 0 or "warning" in text or "NAME" not in text:
                complain(f"man -l {page.name}: {text[:300]}")
    return len(pages)


def check_options(exe, folder):
    page = (ROOT / "docs/man/relevance.1").read_text(encoding="utf-8")
    overview = subprocess.run([exe, "help"], check=True, capture_output=True, text=True).stdout
    commands = re.findall(r"^  ([a-z]+) ", overview.split("Examples:")[0], re.M)
    for command in commands:
        if not re.search(rf"^\.It Cm {command}$", page, re.M):
            complain(f"docs/man/relevance.1 does not describe the command {command} (.It Cm {command})")
        if command == "help":
            continue
        own = pathlib.Path(folder, f"relevance-{command}.1").read_text(encoding="utf-8")
        items = " ".join(re.findall(r"^\.It (.*)", own, re.M)).replace("\\-", "-")
        text = subprocess.run([exe, "help", command], check=True, capture_output=True, text=True).stdout
        for line in re.findall(r"^ +(-.*)", text, re.M):
            for option in re.findall(r"--[a-z][\w-]*", line.split("   ")[0]):
                if option not in items:
                    complain(f"relevance-{command}.1 does not list {option}")
    return len(commands)


def headings(path):
    """The anchors of a Markdown file, as they are made of its headings."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)
    out = set()
    for title in re.findall(r"^#+ (.*)$", text, re.M):
        title = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title).lower()
        out.add(re.sub(r"[^\w\- ]", "", title).strip().replace(" ", "-"))
    return out


def check_links():
    count = 0
    listed = output_of("git", "ls-files", "*.md")
    files = [ROOT / f for f in listed[1].split("\n") if f] if listed[0] == 0 else \
        [p for p in ROOT.glob("**/*.md") if "build" not in p.parts and ".venv" not in p.parts]
    for path in files:
        if not path.exists():
            continue
        text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text(encoding="utf-8"), flags=re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            count += 1
            name, _, anchor = target.partition("#")
            file = (path.parent / name).resolve() if name else path
            if not file.exists():
                complain(f"{path.relative_to(ROOT)}: a link to {target}, which is not there")
            elif anchor and file.suffix == ".md" and anchor not in headings(file):
                complain(f"{path.relative_to(ROOT)}: no heading for {target}")
    index = (ROOT / "docs/README.md").read_text(encoding="utf-8")
    for path in sorted((ROOT / "docs").glob("*.md")):
        if path.name != "README.md" and f"({path.name})" not in index:
            complain(f"docs/README.md does not list {path.name}")
    return count


if len(sys.argv) != 2:
    sys.exit(__doc__)
check_api()
with tempfile.TemporaryDirectory() as made:
    status_, text_ = output_of(sys.executable, "tools/gen_man.py", str(pathlib.Path(sys.argv[1]).resolve()), made)
    if status_ != 0:
        complain(text_)
    page_n = check_manuals(made)
    command_n = check_options(sys.argv[1], made)
link_n = check_links()
if bad == 0:
    print(f"docs: api.md current, {page_n} manual pages clean, {command_n} commands in relevance.1, "
          f"{link_n} links lead somewhere")
sys.exit(1 if bad else 0)
