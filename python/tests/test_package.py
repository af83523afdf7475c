# SPDX-License-Identifier: Apache-2.0
"""The wheel and the source distribution: built, looked at, installed and run.

Slow, and pip fetches setuptools and NumPy: only where RELEVANCE_TEST_PACKAGE is set, as
'make check-python' does.
"""
import os
import re
import shutil
import subprocess
import sys
import unittest
import zipfile

from .support import ROOT, scratch

PYTHON = ROOT / "python"

PROGRAM = """
from relevance import Relevance
model = Relevance()
print(model.classify("dog leash", "Reflective nylon dog leash, 6 ft").label)
"""


def run(*command, **options):
    # As a user would: without this source tree's library or modules.
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("RELEVANCE_", "PYTHON", "MAKE", "MFLAGS"))}
    done = subprocess.run([str(c) for c in command], env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True, **options)
    if done.returncode:
        raise AssertionError("%s: status %d\n%s" % (command[0], done.returncode, done.stdout[-4000:]))
    return done.stdout


@unittest.skipUnless(os.environ.get("RELEVANCE_TEST_PACKAGE"), "RELEVANCE_TEST_PACKAGE is not set")
class Package(unittest.TestCase):
    def wheel_from(self, source, name):
        folder = scratch() / name
        run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", folder, source)
        wheels = list(folder.glob("*.whl"))
        self.assertEqual(len(wheels), 1)
        return wheels[0]

    def works(self, wheel):
        self.assertRegex(wheel.name, r"^relevance-[\d.]+-py3-none-(many)?linux_[\w]+\.whl$")
        with zipfile.ZipFile(wheel) as z:
            names = set(z.namelist())
            requires = re.findall(r"^Requires-Dist: (.*)$", z.read(
                next(n for n in names if n.endswith("/METADATA"))).decode(), flags=re.M)
        wanted = ["librelevance.so", "bin/relevance", "py.typed", "__main__.py"]
        wanted += ["data/" + name for name in ("default.rlv", "intent.rlv", "demo_catalog.tsv")
                   if (ROOT / "data" / name).exists()]
        for name in wanted:
            self.assertIn("relevance/" + name, names)
        self.assertTrue(any(n.endswith("LICENSE") for n in names))
        self.assertEqual([r for r in requires if "extra ==" not in r], ["numpy>=1.19"])
        venv = scratch() / "venv"
        shutil.rmtree(venv, ignore_errors=True)
        run(sys.executable, "-m", "venv", venv)
        run(venv / "bin" / "pip", "install", wheel)
        self.assertEqual(run(venv / "bin" / "python", "-c", PROGRAM, cwd=scratch()), "Exact\n")
        self.assertIn("relevance", run(venv / "bin" / "relevance", "--version"))
        out = run(venv / "bin" / "python", "-m", "relevance", "classify", "dog leash", "dog leash",
                  cwd=scratch())
        self.assertIn("Exact", out)
        out = run(venv / "bin" / "relevance", "demo", "--top", "1", cwd=scratch(), input="kettle\n")
        self.assertIn("Kettle", out)
        out = run(venv / "bin" / "python", "-c", "import relevance as r; r.convert(%r, 'x.rlv', "
                  "calibrate='none'); print(r.Relevance('x.rlv').info.hidden_size)"
                  % str(ROOT / "test/golden/tiny/distilbert-seq"), cwd=scratch())
        self.assertEqual(out, "64\n")

    def test_wheel(self):
        wheel = self.wheel_from(PYTHON, "wheel")
        self.works(wheel)
        keep = os.environ.get("RELEVANCE_KEEP_WHEEL")
        if keep:
            shutil.copy(wheel, keep)

    def test_sdist(self):
        folder, builder = scratch() / "sdist", scratch() / "builder"
        run(sys.executable, "-m", "venv", builder)
        run(builder / "bin" / "pip", "install", "setuptools>=77")
        run(builder / "bin" / "python", "-c", "import os, sys; os.chdir(%r); from setuptools import build_meta; "
            "build_meta.build_sdist(%r)" % (str(PYTHON), str(folder)))
        # Unpacked elsewhere: nothing of this tree can be used.
        self.works(self.wheel_from(next(folder.glob("*.tar.gz")), "wheel-from-sdist"))


if __name__ == "__main__":
    unittest.main()
