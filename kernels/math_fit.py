#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""math_fit.py - makes the constants of math.inc.

Prints the coefficients of the GELU and exp polynomials and the errors before and after rounding to
float.  Weighted least squares, the weights raised where the error is large until it is level
(Lawson 1961); Gauss-Newton for GELU, whose fit is not linear.

Needs numpy and scipy.  Run: python3 kernels/math_fit.py
"""
import numpy as np
from scipy.special import erfc

F = np.float32
POINTS = np.cos(np.pi * (np.arange(4000) + 0.5) / 4000)  # Chebyshev nodes of [-1, 1]


def level(w, e):
    """Weights after a round with errors e."""
    w = w * (e / e.max() + 1e-3) ** 0.3
    return w / w.mean()


def fit_gelu(top, degree, rounds=300):
    """s of the given degree with ((T - t) s(t))^4 near Phi(-t), by t |error| / max(1, t)."""
    t = (POINTS + 1) * top / 2
    u = top - t
    phi = 0.5 * erfc(t / np.sqrt(2))
    weight = np.maximum(t, 0.05) / np.maximum(1, t)
    v = np.stack([u * (t / top) ** k for k in range(degree + 1)], 1)
    root = phi ** 0.25
    slope = 4 * root ** 3 * weight + 1e-12
    c = np.linalg.lstsq(v * slope[:, None], root * slope, rcond=None)[0]
    w, best = np.ones(len(t)), (np.inf, c)
    for _ in range(rounds):
        p = v @ c
        e = (p ** 4 - phi) * weight
        if np.abs(e).max() < best[0]:
            best = (np.abs(e).max(), c.copy())
        w = level(w, np.abs(e))
        s = np.sqrt(w)
        j = (4 * p ** 3 * weight)[:, None] * v
        c = c + 0.7 * np.linalg.lstsq(j * s[:, None], -e * s, rcond=None)[0]
    return best[0], [best[1][k] / top ** k for k in range(degree + 1)]


def fma(a, b, c):
    """In double, then float: the double rounding does not show at this accuracy."""
    return (a.astype(float) * np.asarray(b, float) + np.asarray(c, float)).astype(F)


def gelu_error(c, top):
    x = np.linspace(-10, 10, 2000001).astype(F)
    t = np.minimum(np.abs(x), F(top))
    p = np.full_like(x, F(c[-1]))
    for k in c[-2::-1]:
        p = fma(p, t, float(F(k)))
    p = (p * (F(top) - t)).astype(F)
    p = p * p
    p = p * p
    y = fma(-t, p, np.maximum(x, F(0)))
    exact = x.astype(float) * 0.5 * erfc(-x.astype(float) / np.sqrt(2))
    return (np.abs(y - exact) / np.maximum(1, np.abs(x))).max()


def fit_exp(degree, rounds=500):
    """exp(r) = 1 + r + r^2 q(r) on |r| <= ln 2 / 2, by relative error; the coefficients of q."""
    r = POINTS * np.log(2) / 2 * 1.0005
    v = np.stack([r ** k for k in range(2, degree + 1)], 1)
    y = np.exp(r) - 1 - r
    w, best = np.ones(len(r)), (np.inf, None)
    for _ in range(rounds):
        s = np.sqrt(w) / np.exp(r)
        c = np.linalg.lstsq(v * s[:, None], y * s, rcond=None)[0]
        e = np.abs((v @ c - y) / np.exp(r))
        if e.max() < best[0]:
            best = (e.max(), c)
        w = level(w, e)
    return best


def main():
    fits = []
    for top in np.arange(5.5, 5.75, 1 / 32):
        error, c = fit_gelu(top, 7)
        fits.append((error, top, c))
        print("gelu: T %.5f error %.2e" % (top, error))
    error, top, c = min(fits)
    print("gelu: T %.5f error %.2e, in float %.2e" % (top, error, gelu_error(c, top)))
    print("      s, from the constant:", ", ".join("%.9g" % F(k) for k in c))
    error, c = fit_exp(6)
    print("exp: relative error %.2e" % error)
    print("      from r^2:", ", ".join("%.9g" % F(k) for k in c))
    print("      ln 2 = %.9g + %.9g" % (F(np.log(2)), F(np.log(2) - float(F(np.log(2))))))


if __name__ == "__main__":
    main()
