"""The functions that a generated C file may have: those that it calls, each with what it calls itself.

exp, tanh and the sigmoid are our own because a loop that calls the C library is not vectorised: they have no branch and
no table, so that a compiler computes 8 or 16 entries at once.  Their errors are held in tests/codegen/test_c.py.
To add one: a row in `HELPERS`, and what it needs in `NEEDS`.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import factorial

# log 2 as a sum of two numbers, the first with so few digits that its product with a whole number is exact.
_SPLIT = {
    True: ("0.693359375f", "-2.12194440e-4f"),
    False: ("6.93147180369123816490e-01", "1.90821492927058770002e-10"),
}
# Between these exp(a) is a normal number.
_NORMAL = {True: ("-87.336544f", "88.722832f"), False: ("-708.39641853226408", "709.78271289338397")}
# 2^n for the n nearest to -a / log 2 is 0 at the first of these a, and infinite at minus the last.
_ENDS = {True: ("88", "89"), False: ("709", "710")}
_DEGREE = {True: 7, False: 13}

HELPERS: dict[str, str] = {
    "times_power": """\
/* y 2^n of the whole number n that is in the low bits of n + @ROUND@: added to the exponent of y. */
static inline real times_power(real y, real shifted)
{
    @BITS@ bits, power;
    memcpy(&bits, &y, sizeof bits);
    memcpy(&power, &shifted, sizeof power);
    bits += power << @SHIFT@;
    memcpy(&y, &bits, sizeof y);
    return y;
}
""",
    "exp_parts": """\
/* exp(a) = 2^n (1 + rest): a = n log 2 + r, and exp(r) - 1 by its series, |r| <= log(2) / 2. */
static inline real exp_parts(real a, real *shifted)
{
    *shifted = a * @LOG2E@ + @ROUND@;
    const real n = *shifted - @ROUND@, r = a - n * @LN2@ - n * @LN2_LOW@, rr = r * r;
@SERIES@
    return r + rr * s;
}
""",
    "exponential": """\
/* 0 where exp(a) is below the least normal number. */
static inline real exponential(real a)
{
    real shifted;
    const real rest = exp_parts(a, &shifted);
    return a < @LOWEST@ ? 0 : a <= @HIGHEST@ ? times_power(1 + rest, shifted) : a + @INFINITY@;
}
""",
    "sigmoid": """\
/* From these ends on 2^n is 0 or infinite.  One quotient for all: of cases, compilers make a division each. */
static inline real sigmoid(real a)
{
    real shifted;
    const real rest = exp_parts(a < -@LAST@ ? @LAST@ : a > @FIRST@ ? -@FIRST@ : -a, &shifted);
    return 1 / (1 + (1 + rest) * times_power(1, shifted));
}
""",
    "hyperbolic_tangent": """\
/* (1 - e) / (1 + e) with e = exp(-2 |a|); 1 - e keeps its digits near 0. */
static inline real hyperbolic_tangent(real a)
{
    const real twice = 2 * @FABS@(a);
    real shifted;
    const real rest = exp_parts(twice > 40 ? -40 : -twice, &shifted), scale = times_power(1, shifted);
    const real e1 = scale * rest + (scale - 1);
    return @COPYSIGN@(-e1 / (2 + e1), a);
}
""",
    "silu": "static inline real silu(real a)\n{\n    return a / (1 + exponential(-a));\n}\n",
    "softplus": """\
/* log(1 + exp(a)) without overflow. */
static inline real softplus(real a)
{
    return (a > 0 ? a : 0) + @LOG1P@(exponential(-@FABS@(a)));
}
""",
    "rectified": "static inline real rectified(real a)\n{\n    return a < 0 ? 0 : a;\n}\n",
    "sign_of": "static inline real sign_of(real a)\n{\n    return a > 0 ? 1 : a < 0 ? -1 : a;\n}\n",
    "unit_step": "static inline real unit_step(real a)\n{\n    return a > 0 ? 1 : a < 0 ? 0 : a;\n}\n",
    "square": "static inline real square(real a)\n{\n    return a * a;\n}\n",
    "larger": "static inline real larger(real a, real b)\n{\n    return a > b || a != a ? a : b;\n}\n",
    "smaller": "static inline real smaller(real a, real b)\n{\n    return a < b || a != a ? a : b;\n}\n",
    "add_part": """\
/* Adds a part of a sum to it, and leaves of the part what rounding took: sums of many samples keep their digits. */
static inline void add_part(size_t n, real *part, real *sum)
{
    SIMD
    for (size_t j = 0; j < n; ++j) {
        const real before = sum[j];
        sum[j] += part[j];
        part[j] -= sum[j] - before;
    }
}
""",
    "softmax": """\
static void softmax(size_t n, const real *a, real *y)
{
    real most = a[0], sum = 0;
    for (size_t j = 1; j < n; ++j) most = a[j] > most ? a[j] : most;
    SIMD
    for (size_t j = 0; j < n; ++j) y[j] = exponential(a[j] - most);
    for (size_t j = 0; j < n; ++j) sum += y[j];
    for (size_t j = 0; j < n; ++j) y[j] /= sum;
}
""",
    "dots": """\
/* y (m) = A (m, n) x (n), the rows of A so many entries apart; @LANES@ sums of each row go on side by side. */
static void dots(size_t m, size_t n, const real *a, size_t apart, const real *x, real *y)
{
    for (size_t i = 0; i < m; ++i, a += apart) {
        real sum[@LANES@] = {0}, rest = 0;
        size_t j = 0;
        for (; j + @LANES@ <= n; j += @LANES@)
            for (size_t l = 0; l < @LANES@; ++l) sum[l] += a[j + l] * x[j + l];
        for (; j < n; ++j) rest += a[j] * x[j];
        for (size_t l = 0; l < @LANES@; ++l) rest += sum[l];
        y[i] = rest;
    }
}
""",
}

NEEDS: dict[str, tuple[str, ...]] = {
    "exponential": ("exp_parts", "times_power"),
    "sigmoid": ("exp_parts", "times_power"),
    "hyperbolic_tangent": ("exp_parts", "times_power"),
    "silu": ("exponential",),
    "softplus": ("exponential",),
    "softmax": ("exponential",),
}


def helper_texts(used: Iterable[str], single: bool) -> list[str]:
    """The functions that are used, and what they need, each after what it calls; for float if `single`."""
    wanted = set(used)
    while more := {n for w in wanted for n in NEEDS.get(w, ())} - wanted:
        wanted |= more
    return [_filled(text, single) for name, text in HELPERS.items() if name in wanted]


def _filled(text: str, single: bool) -> str:
    suffix = "f" if single else ""
    words = {
        "BITS": "uint32_t" if single else "uint64_t",
        "ROUND": "12582912.0f" if single else "6755399441055744.0",
        "SHIFT": "23" if single else "52",
        "LOG2E": f"1.44269504088896341{suffix}",
        "LN2": _SPLIT[single][0],
        "LN2_LOW": _SPLIT[single][1],
        "SERIES": _series(single),
        "LOWEST": _NORMAL[single][0],
        "HIGHEST": _NORMAL[single][1],
        "FIRST": _ENDS[single][0],
        "LAST": _ENDS[single][1],
        "INFINITY": f"HUGE_VAL{'F' if single else ''}",
        "FABS": f"fabs{suffix}",
        "COPYSIGN": f"copysign{suffix}",
        "LOG1P": f"log1p{suffix}",
        "LANES": "16" if single else "8",
    }
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text


def _series(single: bool) -> str:
    """1/2! + r/3! + r² (1/4! + r/5! + r² ...), as lines: pairs wait for fewer sums than term after term would."""
    suffix = "f" if single else ""
    degree = _DEGREE[single]
    pairs = [f"1 / {factorial(k)}.0{suffix} + 1 / {factorial(k + 1)}.0{suffix} * r" for k in range(degree - 1, 1, -2)]
    return "\n".join([f"    real s = {pairs[0]};", *(f"    s = s * rr + ({pair});" for pair in pairs[1:])])
