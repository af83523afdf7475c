# SPDX-License-Identifier: Apache-2.0
"""Builds the C library with its Makefile and puts it, the program and the models of data/ into the
package.

The C sources are the source tree's (this folder lies in it), or, in a source distribution, the copy
in native/.  What is needed: a C compiler and GNU make; libjansson-dev for the program, without
which the package has no command line and no convert(), and says so when they are used.

The wheel holds no code that depends on the Python version, so its tag is py3-none-<platform>, with
the manylinux platform of the newest glibc symbol that the library or the program asks for.
"""
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

HERE = Path(__file__).resolve().parent
NATIVE = HERE / "native"
if not NATIVE.exists():
    NATIVE = HERE.parent

# What of the source tree the build reads.
SOURCES = ("Makefile", "LICENSE", "include/*.h", "lib/*", "kernels/*", "tools/*.[ch]", "packaging/*",
           "**/*.mk", "data/default.rlv", "data/demo_catalog.tsv")
# Taken along where the source tree has them: the model of extract().
OPTIONAL = ("data/intent.rlv",)
# {what make builds: where it goes in the package}.  The program looks for data/ beside bin/.
BINARIES = {"librelevance.so": "librelevance.so", "relevance": "bin/relevance"}


def sources():
    """Paths of the C sources, relative to NATIVE."""
    if not (NATIVE / "include" / "relevance.h").exists():
        sys.exit("setup.py: no C sources: this folder must lie in librelevance's source tree")
    found = []
    for pattern in SOURCES:
        paths = [p for p in sorted(NATIVE.glob(pattern))
                 if p.is_file() and not {"build", "python", ".venv"} & set(p.relative_to(NATIVE).parts)]
        if not paths and pattern != "**/*.mk":
            sys.exit("setup.py: %s is missing in %s" % (pattern, NATIVE))
        found += [p.relative_to(NATIVE) for p in paths]
    return found + [Path(name) for name in optional()]


def optional():
    return [name for name in OPTIONAL if (NATIVE / name).exists()]


def static_jansson(cc):
    """Path of libjansson.a, so that the program runs where the library is not installed; or ""."""
    probe = subprocess.run(cc + ["-E", "-"], input=b"#include <jansson.h>\n",
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if probe.returncode:
        return ""
    path = subprocess.run(cc + ["-print-file-name=libjansson.a"], stdout=subprocess.PIPE,
                          universal_newlines=True).stdout.strip()
    return path if os.path.isabs(path) else "-ljansson"


def compile_native(folder):
    """Run make, with its output in 'folder'; returns the paths of the results."""
    cc = (os.environ.get("CC") or "cc").split()
    for tool, package in ((cc[0], "gcc and libc6-dev"), ("make", "make")):
        if shutil.which(tool) is None:
            sys.exit("setup.py: '%s' is missing; on Debian: apt-get install %s" % (tool, package))
    jansson = static_jansson(cc)
    if not jansson:
        print("setup.py: warning: jansson.h is missing (Debian: libjansson-dev): building without "
              "the command line and convert()", file=sys.stderr)
    folder = Path(folder).resolve()
    jobs = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    names = list(BINARIES) if jansson else ["librelevance.so"]
    command = ["make", "-C", str(NATIVE), "-j%d" % jobs, "BUILD=%s" % folder, "CC=" + " ".join(cc),
               "CFLAGS=-O2", "TARGET_TOOLS=" + ("yes" if jansson else "no"),
               "JANSSON=" + jansson, "lib"] + [str(folder / n) for n in names[1:]]
    print(" ".join(command), flush=True)
    # Not another make's job server, where this runs below one.
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    if subprocess.run(command, env=env).returncode:
        sys.exit("setup.py: make failed; its messages stand above")
    return {n: folder / n for n in names}


def platform_tag(paths):
    """manylinux_2_N for the newest GLIBC symbol version in the files; linux where there is none."""
    plain = re.sub(r"[-.]", "_", sysconfig.get_platform())
    versions = [tuple(map(int, v)) for p in paths
                for v in re.findall(rb"\0GLIBC_(\d+)\.(\d+)", Path(p).read_bytes())]
    if not plain.startswith("linux_") or not versions:
        return plain
    return plain.replace("linux_", "manylinux_%d_%d_" % max(versions), 1)


class BuildPy(build_py):
    def run(self):
        super().run()
        if getattr(self, "editable_mode", False):
            return  # the package finds the source tree's own build
        package = Path(self.build_lib) / "relevance"
        work = Path(self.get_finalized_command("build").build_temp) / "native"
        work.mkdir(parents=True, exist_ok=True)
        built = compile_native(work)
        for name, place in BINARIES.items():
            target = package / place
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():  # of an earlier build
                target.unlink()
            if name in built:
                shutil.copy2(built[name], target)
                subprocess.run(["strip", "--strip-unneeded", str(target)])
        (package / "data").mkdir(exist_ok=True)
        for name in ["data/default.rlv", "data/demo_catalog.tsv"] + optional():
            shutil.copyfile(NATIVE / name, package / name)


class BdistWheel(bdist_wheel):
    def finalize_options(self):
        super().finalize_options()
        self.root_is_pure = False

    def get_tag(self):
        package = Path(self.get_finalized_command("build_py").build_lib) / "relevance"
        return "py3", "none", platform_tag(
            p for p in map(package.joinpath, BINARIES.values()) if p.exists())


class Sdist(sdist):
    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        for path in sources():
            target = Path(base_dir) / "native" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(NATIVE / path, target)


class BinaryDistribution(Distribution):
    def has_ext_modules(self):
        return True


if platform.system() != "Linux":
    sys.exit("setup.py: this package is for Linux")
setup(cmdclass={"build_py": BuildPy, "bdist_wheel": BdistWheel, "sdist": Sdist},
      distclass=BinaryDistribution)
