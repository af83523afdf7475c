# SPDX-License-Identifier: Apache-2.0
"""The class Relevance: results, inputs, errors, threads, forks."""
import doctest
import gc
import os
import pickle
import random
import signal
import subprocess
import threading
import time
import unittest
import warnings

import numpy as np

import relevance
import relevance._command
from relevance import Relevance

from .support import golden, scratch, tiny


def words(seed, n):
    """n pairs of random text, of many lengths; some longer than the tiny model reads."""
    rng = random.Random(seed)
    letters = "abcdefghijklmnopqrstuvwxyz  \u00e9\u4e2d\U0001f600-1234"
    return [("".join(rng.choices(letters, k=rng.randrange(12))),
             "".join(rng.choices(letters, k=rng.randrange(60)))) for _ in range(n)]


class Results(unittest.TestCase):
    def test_against_transformers(self):
        for name in ("distilbert-seq", "bert-seq"):
            with Relevance(tiny(name, "f32")) as model:
                cases = golden(name)
                self.assertGreater(len(cases), 3)
                for case in cases:
                    if "query" in case:
                        pair = case["query"], case["product"]
                        ids = model.tokenize(*pair)
                        self.assertEqual((ids.dtype, ids.tolist()), (np.int32, case["ids"]))
                    if "hidden" in case:
                        np.testing.assert_allclose(model.encode(*pair), case["hidden"], atol=2e-4)
                    r = model.classify_tokens(case["ids"])
                    np.testing.assert_allclose(r.logits, case["logits"], atol=2e-4)
                    if case.get("product") is not None:
                        self.assertEqual(model.classify(*pair).logits, r.logits)

    def test_classify(self):
        model = Relevance(tiny())
        r = model.classify("running shoes", "Red running shoe, men, size 10")
        self.assertEqual(list(r.probabilities), list(model.labels))
        self.assertEqual(r.label, max(r.probabilities, key=r.probabilities.get))
        self.assertEqual(r.probability, r.probabilities[r.label])
        self.assertAlmostEqual(sum(r.probabilities.values()), 1, 5)
        z = np.exp(np.array(r.logits) - max(r.logits))
        np.testing.assert_allclose(list(r.probabilities.values()), z / z.sum(), atol=1e-5)
        self.assertEqual((r.tokens, r.truncated), (14, 0))
        long = model.classify("shoes", "red " * 100)
        self.assertEqual(long.tokens, 40)
        self.assertGreater(long.truncated, 60)
        self.assertEqual(Relevance(tiny(), max_tokens=8).classify("shoes", "red " * 9).tokens, 8)

    def test_predict_is_classify_row_by_row(self):
        seed = int.from_bytes(os.urandom(4), "little")
        pairs = words(seed, 1100)  # two chunks
        for threads in (1, 2):
            model = Relevance(tiny(), threads=threads)
            got = model.predict(pairs)
            logits = model.predict(pairs, logits=True)
            labels = model.predict_labels(pairs)
            batch = model.classify_batch(pairs)
            self.assertEqual((got.dtype, got.shape), (np.float32, (1100, 4)))
            for i, pair in enumerate(pairs):
                r = model.classify(*pair)
                self.assertEqual(tuple(got[i].tolist()), tuple(r.probabilities.values()), (seed, i))
                self.assertEqual(tuple(logits[i].tolist()), r.logits, (seed, i))
                self.assertEqual(labels[i], r.label)
                self.assertEqual(batch[i], r)

    def test_rank(self):
        model = Relevance(tiny())
        products = [p for _, p in words(5, 1100)]
        products[7] = products[1050] = "same"
        ranked = model.rank("shoes", products)
        self.assertEqual(sorted(r.index for r in ranked), list(range(1100)))
        keys = [(-r.score, r.index) for r in ranked]
        self.assertEqual(keys, sorted(keys))
        probabilities = model.predict("shoes", products)
        gains = np.array([1, 0.1, 0.01, 0])
        for r in ranked[:50]:
            self.assertEqual(r.product, products[r.index])
            self.assertEqual(list(r.probabilities.values()), probabilities[r.index].tolist())
            self.assertAlmostEqual(r.score, float(probabilities[r.index] @ gains), 5)
            self.assertEqual(r.label, model.labels[int(probabilities[r.index].argmax())])
        self.assertEqual(model.rank("shoes", products, top_k=3), ranked[:3])
        self.assertEqual(model.rank("shoes", []), [])
        self.assertEqual(model.rank("shoes", products, 0), [])

    def test_default_model(self):
        model = Relevance()
        self.assertEqual(model.labels, ("Exact", "Substitute", "Complement", "Irrelevant"))
        r = model.classify("dog leash", "Reflective nylon dog leash, 6 ft")
        self.assertEqual(r.label, "Exact")
        self.assertEqual(model.info.hidden_size, 384)
        self.assertIn("license", model.info.metadata)
        self.assertEqual(model.info.file_bytes, os.path.getsize(model.path))
        self.assertIn("bert q7", repr(model))

    def test_tokens(self):
        model = Relevance(tiny())
        text = [model.token(i) for i in model.tokenize("red shoe")]
        self.assertEqual((text[0], text[-1]), ("[CLS]", "[SEP]"))
        self.assertEqual(model.tokenize("red", "").tolist(),
                         model.tokenize("red").tolist() + [model.tokenize("")[1]])
        self.assertEqual(model.encode("red shoe").shape, (len(text), 64))
        self.assertEqual(model.encode("red " * 99).shape, (40, 64))
        for wrong in (-1, 150):
            with self.assertRaises(IndexError):
                model.token(wrong)

    def test_classify_tokens_refuses(self):
        model = Relevance(tiny())
        for ids in ([], [150], [-1], [2] * 41):
            with self.assertRaisesRegex(relevance.ArgumentError, "1 to 40 ids, each from 0 to 149"):
                model.classify_tokens(ids)
        with self.assertRaisesRegex(ValueError, "shape"):
            model.classify_tokens([[2, 3]])

    def test_priors(self):
        self.assertEqual(Relevance(tiny()).label_priors, (0, 0, 0, 0))
        with self.assertRaisesRegex(relevance.ArgumentError, "shares"):
            Relevance(tiny(), priors=[1, 1, 1, 1])
        data, out = scratch() / "labelled.tsv", scratch() / "calibrated.rlv"
        labels = Relevance(tiny()).labels
        data.write_text("query\ttitle\tlabel\n" + "".join(
            "%s\t%s\t%s\n" % (q.strip(), p.strip(), labels[i % 4])
            for i, (q, p) in enumerate(words(9, 200))))
        subprocess.run([str(relevance._command.program()), "calibrate", str(tiny()), str(data),
                        str(out)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        model = Relevance(out)
        np.testing.assert_allclose(model.label_priors, 0.25, atol=1e-6)
        share = {"Exact": 4, "Substitute": 2, "Complement": 1, "Irrelevant": 0}
        p = model.predict(words(10, 30))
        want = p * [4, 2, 1, 0]
        for priors in (share, list(share.values())):
            other = pickle.loads(pickle.dumps(Relevance(out, priors=priors)))
            np.testing.assert_allclose(other.predict(words(10, 30)),
                                       want / want.sum(axis=1, keepdims=True), atol=1e-5)
        with self.assertRaisesRegex(ValueError, "the labels Buy; the model's are Exact, Sub"):
            Relevance(out, priors={"Buy": 1})
        with self.assertRaises(relevance.ArgumentError):
            Relevance(out, priors=[1, 2])

    def test_special_tokens(self):
        plain, parse = Relevance(tiny()), Relevance(tiny(), special_tokens="parse")
        self.assertEqual(len(parse.tokenize("[SEP]")), 3)
        self.assertGreater(len(plain.tokenize("[SEP]")), 3)

    def test_every_instruction_set_gives_the_same(self):
        pairs = words(6, 100)
        want = Relevance(tiny(), isa="scalar").predict(pairs, logits=True)
        n = 0
        for isa in relevance._abi.Isa:
            if relevance.isa_supported(isa.name):
                model = Relevance(tiny(), isa=isa.name.lower())
                np.testing.assert_array_equal(model.predict(pairs, logits=True), want)
                n += 1
        self.assertGreaterEqual(n, 2)  # auto and scalar at least


class Column:
    """What pandas, Polars and Arrow columns have in common here."""

    def __init__(self, values, name):
        setattr(self, name, lambda: values)


class Frame(dict):
    columns = property(lambda self: list(self))


class Inputs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = Relevance(tiny())
        cls.pairs = words(1, 20)
        cls.queries = [q for q, _ in cls.pairs]
        cls.products = [p for _, p in cls.pairs]
        cls.want = cls.model.predict(cls.pairs)

    def same(self, *arguments):
        np.testing.assert_array_equal(self.model.predict(*arguments), self.want)

    def test_forms(self):
        q, p = self.queries, self.products
        self.same([list(pair) for pair in self.pairs])
        self.same(tuple(self.pairs))
        self.same(iter(self.pairs))
        self.same(np.array(self.pairs))
        self.same(np.array(self.pairs, object))
        self.same([(a.encode(), b.encode()) for a, b in self.pairs])
        self.same([(a.encode(), b) for a, b in self.pairs])
        self.same(q, p)
        self.same(tuple(q), iter(p))
        self.same(np.array(q), np.array(p, object))
        for name in ("tolist", "to_list", "to_pylist"):
            self.same(Column(q, name), Column(p, name))
        self.same({"query": q, "title": p, "price": [1] * 20})
        self.same(Frame(product=Column(p, "to_list"), query=Column(q, "to_list"), id=[0] * 20))
        self.same(Frame(a=q, b=p))
        np.testing.assert_array_equal(self.model.predict(q[0], p),
                                      self.model.predict([(q[0], t) for t in p]))

    def test_empty(self):
        for nothing in ([], np.empty((0, 2), object), {"query": [], "title": []}):
            self.assertEqual(self.model.predict(nothing).shape, (0, 4))
        self.assertEqual(self.model.classify("", "").tokens, 3)
        self.assertEqual(self.model.predict([("", "")]).shape, (1, 4))

    def test_text(self):
        one = self.model.classify
        # Inner NUL, a lone surrogate and invalid UTF-8 are read, not refused.
        self.assertEqual(one("red\0shoe", "x").logits, one("redshoe", "x").logits)
        self.assertEqual(one("\ud800", "x").tokens, one(b"\xff", "x").tokens)
        self.assertEqual(one(np.str_("red"), "x"), one("red", "x"))

    def refuses(self, kind, pattern, *arguments, **options):
        with self.assertRaisesRegex(kind, pattern):
            self.model.predict(*arguments, **options)

    def test_wrong(self):
        self.refuses(TypeError, r"product of pair 1 is float \(nan\)", [("a", "b"), ("a", float("nan"))])
        self.refuses(TypeError, r"query of pair 1500 is NoneType", ["a"] * 1500 + [None], ["b"] * 1501)
        self.refuses(ValueError, r"pairs\[1\] is \('a',\)", [("a", "b"), ("a",)])
        self.refuses(TypeError, r"pairs\[0\] is one text", ["ab", "cd"])
        self.refuses(TypeError, r"pairs is one text", "ab")
        self.refuses(TypeError, r"products is one text", ["ab"], "cd")
        self.refuses(ValueError, r"2 queries, but 1 products", ["a", "b"], ["c"])
        self.refuses(ValueError, r"shape \[n, 2\], not \[1, 3\]", np.array([["a", "b", "c"]]))
        self.refuses(ValueError, r"column 'query'.*'a', 'b', 'c'", Frame(a=[], b=[], c=[]))
        self.refuses(TypeError, r"pairs is int", 7)
        with self.assertRaisesRegex(TypeError, r"query is int \(3\)"):
            self.model.classify(3, "x")
        with self.assertRaisesRegex(TypeError, r"products\[1\] is int"):
            self.model.rank("x", ["a", 3])
        with self.assertRaisesRegex(ValueError, "top_k"):
            self.model.rank("x", ["a"], -1)

    def test_progress(self):
        seen = []
        pairs = self.pairs * 120
        self.model.predict(pairs, progress=lambda done, n: seen.append((done, n)))
        self.assertEqual(seen, [(1024, 2400), (2048, 2400), (2400, 2400)])


class Errors(unittest.TestCase):
    def test_file(self):
        with self.assertRaisesRegex(relevance.FileError, "none.rlv") as caught:
            Relevance(scratch() / "none.rlv")
        self.assertIsInstance(caught.exception, OSError)
        self.assertEqual(caught.exception.status, relevance.Status.IO)

    def test_damaged(self):
        data = bytearray(tiny().read_bytes())
        data[-100] ^= 1
        path = scratch() / "damaged.rlv"
        path.write_bytes(data)
        with self.assertRaises(relevance.ModelError) as caught:
            Relevance(path)
        self.assertEqual(caught.exception.status, relevance.Status.BAD_MODEL)
        self.assertGreater(caught.exception.position, 0)
        again = pickle.loads(pickle.dumps(caught.exception))
        self.assertEqual((str(again), again.status, again.position),
                         (str(caught.exception), caught.exception.status,
                          caught.exception.position))
        path.write_bytes(b"")
        with self.assertRaises(relevance.ModelError):
            Relevance(path)

    def test_options(self):
        for options, kind, pattern in (
                ({"threads": 65}, relevance.ArgumentError, "threads is 65"),
                ({"threads": -1}, ValueError, "threads is -1"),
                ({"max_tokens": 2}, relevance.ArgumentError, "max_tokens is 2"),
                ({"isa": "mmx"}, ValueError, "isa is 'mmx'.*'avx2'"),
                ({"special_tokens": 9}, ValueError, "special_tokens is 9"),
                ({"isa": "neon" if relevance.isa_supported("avx2") else "avx2"}, relevance.CpuError,
                 "instruction set")):
            with self.assertRaisesRegex(kind, pattern):
                Relevance(tiny(), **options)

    def test_no_head(self):
        model = Relevance(tiny("bert-bare"))
        self.assertEqual(model.labels, ())
        for call in (lambda: model.classify("a", "b"), lambda: model.predict([("a", "b")]),
                     lambda: model.predict([]), lambda: model.rank("a", ["b"]),
                     lambda: model.rank("a", [])):
            with self.assertRaisesRegex(relevance.HeadError, "head"):
                call()
        self.assertEqual(model.encode("a", "b").shape[1], model.info.hidden_size)

    def test_closed(self):
        model = Relevance(tiny())
        model.close()
        for call in (lambda: model.classify("a", "b"), lambda: model.predict([("a", "b")]),
                     lambda: model.token(1), lambda: model.rank("a", ["b"]),
                     lambda: model.encode("a")):
            with self.assertRaisesRegex(ValueError, "closed"):
                call()
        with model:
            model.close()  # twice is allowed

    def test_error_leaves_the_object_usable(self):
        model = Relevance(tiny())
        want = model.classify("a", "b")
        for _ in range(3):
            with self.assertRaises(TypeError):
                model.predict([("a", 1)])
        self.assertEqual(model.classify("a", "b"), want)
        self.assertEqual(len(model._idle), 1)


class Concurrency(unittest.TestCase):
    def test_threads(self):
        model = Relevance(tiny())
        pairs = words(2, 100)
        want = model.predict(pairs)
        bad = []

        def work(seed):
            order = list(range(100))
            random.Random(seed).shuffle(order)
            for i in order:
                r = model.classify(*pairs[i])
                if list(r.probabilities.values()) != want[i].tolist():
                    bad.append((seed, i))
            if not np.array_equal(model.predict(pairs), want):
                bad.append((seed, "predict"))

        threads = [threading.Thread(target=work, args=(s,)) for s in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(bad, [])
        self.assertLessEqual(len(model._idle), 8)

    def test_calls_release_the_gil(self):
        """While one thread is inside one call of the library, another one runs Python."""
        model = Relevance()
        text = "reflective nylon dog leash " * 100  # 512 tokens: tens of milliseconds
        ticks, stop = [], threading.Event()

        def tick():
            while not stop.is_set():
                ticks.append(time.perf_counter())
                time.sleep(0.0005)

        t = threading.Thread(target=tick)
        t.start()
        try:
            start = time.perf_counter()
            model.classify("dog leash", text)
            end = time.perf_counter()
        finally:
            stop.set()
            t.join()
        inside = sum(start < tick < end for tick in ticks)
        # Holding the lock, it would be none or one; the call takes some 50 of these ticks.
        self.assertGreaterEqual(inside, 4, "%.1f ms" % (1e3 * (end - start)))

    def test_close_while_in_use(self):
        model = Relevance(tiny())
        pairs = words(3, 3000)
        want = model.predict(pairs)
        got, started = [], threading.Event()

        def work():
            try:
                got.append(model.predict(pairs, progress=lambda done, n: started.set()))
            except ValueError as e:
                got.append(e)

        t = threading.Thread(target=work)
        t.start()
        started.wait()
        model.close()
        gc.collect()
        t.join()
        if isinstance(got[0], Exception):
            self.assertIn("closed", str(got[0]))
        else:
            np.testing.assert_array_equal(got[0], want)

    def in_child(self, function):
        """Run in a forked child; fails where it raises, returns False, or hangs for a minute."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # fork with threads, on purpose
            pid = os.fork()
        if pid == 0:
            status = 1
            try:
                signal.alarm(60)
                status = 0 if function() is not False else 3
            finally:
                os._exit(status)
        self.assertEqual(os.waitpid(pid, 0)[1], 0)

    def test_fork(self):
        pairs = words(4, 200)
        for threads in (1, 3):
            model = Relevance(tiny(), threads=threads)
            want = model.predict(pairs)

            def child():
                same = np.array_equal(model.predict(pairs), want)
                model.close()  # must not wait for the parent's workers
                gc.collect()
                return same

            self.in_child(child)
            # Closing without a call, and a fork while another thread is inside a call.
            self.in_child(model.close)
            stop = threading.Event()

            def work():
                while not stop.is_set():
                    model.predict(pairs)

            t = threading.Thread(target=work)
            t.start()
            try:
                for _ in range(5):
                    self.in_child(child)
            finally:
                stop.set()
                t.join()
            np.testing.assert_array_equal(model.predict(pairs), want)

    def test_processes(self):
        import multiprocessing
        pairs = words(7, 100)
        model = Relevance(tiny(), threads=2)
        want = model.predict(pairs)
        for method in ("spawn", "fork"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                with multiprocessing.get_context(method).Pool(2) as pool:
                    parts = pool.map(model.predict, [pairs[:50], pairs[50:]])
            np.testing.assert_array_equal(np.concatenate(parts), want)

    def test_pickle(self):
        model = Relevance(tiny(), threads=2, max_tokens=16)
        again = pickle.loads(pickle.dumps(model))
        self.assertEqual(again.path, model.path)
        self.assertEqual(again.classify("a", "b " * 40), model.classify("a", "b " * 40))

    def test_shared(self):
        a = relevance.shared(tiny())
        self.assertIs(a, relevance.shared(str(tiny())))
        self.assertIsNot(a, relevance.shared(tiny(), threads=2))

    def test_nothing_leaks(self):
        """Open, use and drop many times: the memory stays, and so do the threads."""
        def use():
            for _ in range(20):
                Relevance(tiny(), threads=2).predict([("a", "b")])
            gc.collect()

        def resident():
            with open("/proc/self/statm") as f:
                return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

        use()
        before, threads = resident(), len(os.listdir("/proc/self/task"))
        for _ in range(5):
            use()
        self.assertEqual(len(os.listdir("/proc/self/task")), threads)
        self.assertLess(resident() - before, 8 << 20)  # 100 contexts of 2 MB each would be 200


class Documentation(unittest.TestCase):
    def test_examples_in_docstrings(self):
        for module in (relevance, relevance._model):
            result = doctest.testmod(module)
            self.assertGreater(result.attempted, 0)
            self.assertEqual(result.failed, 0)

    def test_every_public_thing_has_a_docstring(self):
        for name in relevance.__all__:
            thing = getattr(relevance, name)
            if name != "Status":
                self.assertTrue(thing.__doc__, name)
        for name, member in vars(Relevance).items():
            if not name.startswith("_") and callable(member):
                self.assertTrue(member.__doc__, name)

    def test_version(self):
        self.assertEqual(relevance.version(), relevance.__version__)


if __name__ == "__main__":
    unittest.main()
