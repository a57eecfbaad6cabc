# SPDX-License-Identifier: Apache-2.0
"""Judges R's golden values (figures.csv, by stats_figures.R) with SciPy. From the repository's root:
python3 tests/golden/figures_scipy.py
Prints how many figures of each name were computed again; ends with 1 where one differs by more than
1e-8 (relative; 1e-7 where SciPy's noncentral t is asked, 1e-6 for samples of 1e6 +- 1e-3, whose means
R rounds to 1e-10)."""
import csv
import itertools
import math
import sys
from collections import Counter, defaultdict

import numpy as np
import scipy
from scipy import optimize, stats

if tuple(map(int, scipy.__version__.split(".")[:2])) < (1, 11):
    print(f"skipped: SciPy {scipy.__version__}; intervals and degrees of freedom need 1.11")
    sys.exit(77)

samples = defaultdict(list)
for row in csv.DictReader(open("tests/golden/figures_samples.csv")):
    samples[row["sample"]].append(float(row["value"]))
samples = {name: np.array(values) for name, values in samples.items()}
for name in ("large_a", "large_b"):  # NumPy's mean of 1e6 +- 1e-3 has eight digits of the spread
    samples[name] -= 1e6


def whole(name):  # errors are multiples of 1e-4: whole numbers tie exactly
    return np.round(samples[name] * 1e4) if name.startswith("error") else samples[name]


def describe(r):
    x = np.sort(samples[r["x"]])
    out = dict(n=len(x), mean=x.mean(), median=np.median(x), min=x[0], max=x[-1],
               p5=np.quantile(x, 0.05), p95=np.quantile(x, 0.95),
               quartile_1=np.quantile(x, 0.25), quartile_3=np.quantile(x, 0.75))
    if len(x) > 1:
        low, high = stats.ttest_1samp(x, 0).confidence_interval(r["a"])
        out.update(variance=x.var(ddof=1), sd=x.std(ddof=1), cv=stats.variation(x, ddof=1) * np.sign(x.mean()),
                   mean_low=low, mean_high=high)
    return out


def t_result(test, level, shift=0):
    low, high = test.confidence_interval(level)
    return dict(t=test.statistic, df=test.df, p=test.pvalue, low=low - shift, high=high - shift)


def one_sample(r):
    if r["x"].startswith("large"):
        return {}
    return t_result(stats.ttest_1samp(samples[r["x"]], r["b"]), r["a"], r["b"])


def pair(r, change=lambda v: v):
    return change(samples[r["x"]]), change(samples[r["y"]])


def t_test(x, y, paired, **more):
    return stats.ttest_rel(x, y, **more) if paired else stats.ttest_ind(x, y, equal_var=False, **more)


def tost_of(x, y, paired, low, high):
    below = t_test(x - low, y, paired, alternative="greater")
    above = t_test(x - high, y, paired, alternative="less")
    return below, above


def tost(r, paired):
    below, above = tost_of(*pair(r), paired, r["a"], r["b"])
    low, high = t_test(*pair(r), paired).confidence_interval(1 - 2 * r["c"])
    return dict(t_low=below.statistic, t_high=above.statistic, p_low=below.pvalue, p_high=above.pvalue,
                p=max(below.pvalue, above.pvalue), low=low, high=high, df=below.df)


def ratio(r, paired):
    x, y = pair(r, np.log)
    test = t_test(x, y, paired)
    low, high = np.exp(test.confidence_interval(r["a"]))
    return dict(ratio=stats.gmean(np.exp(x)) / stats.gmean(np.exp(y)), low=low, high=high, p=test.pvalue,
                tost=max(t.pvalue for t in tost_of(x, y, paired, -math.log1p(r["b"]), math.log1p(r["b"]))))


def spearman(r):
    x, y = pair(r)
    test = stats.spearmanr(x, y)
    if not r["exact"]:
        return dict(rho=test.statistic, p=test.pvalue)
    a, b = stats.rankdata(x), stats.rankdata(y)
    if len(x) > 8:
        return dict(rho=test.statistic)
    orders = np.array(list(itertools.permutations(b)))
    s, seen = ((orders - a) ** 2).sum(axis=1), ((a - b) ** 2).sum()
    return dict(rho=test.statistic, p=min(1, 2 * min((s <= seen).mean(), (s >= seen).mean())))


def signed_rank(r):
    x, y = whole(r["x"]), whole(r["y"])
    method = "exact" if r["exact"] else "asymptotic"
    return dict(p=stats.wilcoxon(x, y, correction=True, zero_method="wilcox", method=method).pvalue)


def rank_sum(r):
    test = stats.mannwhitneyu(*pair(r), method="exact" if r["exact"] else "asymptotic")
    return dict(statistic=test.statistic, p=test.pvalue)


def sign_flip(r):
    d = whole(r["x"]) - whole(r["y"])
    if len(d) > 12:
        return {}
    test = stats.permutation_test((d,), lambda v, axis: v.sum(axis=axis), permutation_type="samples",
                                  n_resamples=np.inf, vectorized=True)
    return dict(p=test.pvalue)


def superiority(r):
    x, y = pair(r)
    n, z = (len(x) + len(y)) / 2, stats.norm.isf((1 - r["a"]) / 2)
    estimate = stats.mannwhitneyu(x, y).statistic / (len(x) * len(y))

    def f(t):
        return (estimate - t) ** 2 - z * z * t * (1 - t) * (
            1 + (n - 1) * ((1 - t) / (2 - t) + t / (1 + t))) / (len(x) * len(y))
    if not 0 < estimate < 1:
        return dict(probability=estimate)
    return dict(probability=estimate, low=optimize.brentq(f, 0, estimate, xtol=1e-15),
                high=optimize.brentq(f, estimate, 1, xtol=1e-15))


def f_test(r):
    x, y = pair(r)
    df, value = (len(x) - 1, len(y) - 1), x.var(ddof=1) / y.var(ddof=1)
    ends = stats.f.ppf([(1 + r["a"]) / 2, (1 - r["a"]) / 2], *df)
    return dict(ratio=value, p=2 * min(stats.f.cdf(value, *df), stats.f.sf(value, *df)),
                low=value / ends[0], high=value / ends[1])


def brown_forsythe(r):
    test = stats.levene(*pair(r), center="median")
    return dict(statistic=test.statistic, p=test.pvalue)


def pitman_morgan(r):
    x, y = pair(r, lambda v: v - v.mean())
    return dict(p=stats.pearsonr(x + y, x - y).pvalue)


def hedges(t, df, scale, level):
    spread = math.sqrt(1 + t * t / (2 * df))

    def bound(p):
        guess = t - stats.norm.ppf(p) * spread
        return optimize.brentq(lambda d: stats.nct.cdf(t, df, d) - p, guess - spread, guess + spread,
                               xtol=1e-13) * scale
    g = t * scale * math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2)
    if abs(t) > 30:
        return dict(d=t * scale, g=g)
    return dict(d=t * scale, g=g, low=bound((1 + level) / 2), high=bound((1 - level) / 2))


def hedges_unpaired(r):
    x, y = pair(r)
    return hedges(stats.ttest_ind(x, y).statistic, len(x) + len(y) - 2, math.sqrt(1 / len(x) + 1 / len(y)),
                  r["a"])


def t_power(df, delta, alpha):
    critical = stats.t.isf(alpha / 2, df)
    return stats.nct.sf(critical, df, delta) + stats.nct.cdf(-critical, df, delta)


def welch_power(r):
    e = np.array([2 / r["b"], 5 / r["c"]])
    df = e.sum() ** 2 / (e ** 2 / (np.array([r["b"], r["c"]]) - 1)).sum()
    return dict(value=t_power(df, r["a"] / math.sqrt(e.sum()), 0.05))


def paired_blocks(r):
    n = 2
    while t_power(n - 1, r["a"] * math.sqrt(n), r["b"]) < r["c"]:
        n += 1
    return dict(value=n)


judges = dict(
    describe=describe, one_sample=one_sample, spearman=spearman, signed_rank=signed_rank, rank_sum=rank_sum,
    sign_flip=sign_flip, superiority=superiority, f_test=f_test, brown_forsythe=brown_forsythe,
    pitman_morgan=pitman_morgan, hedges_unpaired=hedges_unpaired,
    welch_power=welch_power, paired_blocks=paired_blocks,
    paired=lambda r: t_result(t_test(*pair(r), True), r["a"]),
    welch=lambda r: t_result(t_test(*pair(r), False), r["a"]),
    tost_paired=lambda r: tost(r, True), tost_welch=lambda r: tost(r, False),
    ratio_paired=lambda r: ratio(r, True), ratio_welch=lambda r: ratio(r, False),
    normal_cdf=lambda r: dict(value=stats.norm.cdf(r["a"])),
    normal_quantile=lambda r: dict(value=stats.norm.ppf(r["a"])),
    student_cdf=lambda r: dict(value=stats.t.cdf(r["a"], r["b"])),
    f_cdf=lambda r: dict(value=stats.f.cdf(r["a"], r["b"], r["c"])),
    f_sf=lambda r: dict(value=stats.f.sf(r["a"], r["b"], r["c"])),
    f_quantile=lambda r: dict(value=stats.f.ppf(r["a"], r["b"], r["c"])),
    chi_squared_cdf=lambda r: dict(value=stats.chi2.cdf(r["a"], r["b"])),
    chi_squared_sf=lambda r: dict(value=stats.chi2.sf(r["a"], r["b"])),
    chi_squared_quantile=lambda r: dict(value=stats.chi2.ppf(r["a"], r["b"])),
    binomial_cdf=lambda r: dict(value=stats.binom.cdf(r["a"], r["b"], r["c"])),
    beta_quantile=lambda r: dict(value=stats.beta.ppf(r["a"], r["b"], r["c"])))
loose = {"hedges_unpaired", "welch_power"}

calls = defaultdict(dict)
for row in csv.DictReader(open("tests/golden/figures.csv")):
    calls[tuple(row[k] for k in ("name", "x", "y", "a", "b", "c"))][row["field"]] = row["value"]
checked, wrong = Counter(), 0
for (name, x, y, a, b, c), fields in calls.items():
    if name not in judges or x.startswith("large") and (name == "describe" or name.startswith("ratio")):
        continue
    number = {k: math.nan if v == "NA" else float(v) for k, v in dict(a=a, b=b, c=c).items()}
    answer = judges[name](dict(number, x=x, y=y, exact=fields.get("exact") == "1"))
    for field in answer.keys() & fields.keys():
        expected = math.nan if fields[field] == "NA" else float(fields[field])
        got = float(answer[field])
        checked[name] += 1
        tolerance = 1e-6 if x.startswith("large") else 1e-7 if name in loose else 1e-8
        if not abs(got - expected) <= tolerance * abs(expected) and not (math.isnan(got) and math.isnan(expected)):
            wrong += 1
            print(f"{name},{x},{y},{a},{b},{c}: {field} is {got:.17g} by SciPy, {expected:.17g} by R")
print(", ".join(f"{name} {count}" for name, count in sorted(checked.items())))
print(f"{sum(checked.values())} figures, {wrong} differ")
sys.exit(1 if wrong or sum(checked.values()) < 2800 else 0)
