"""
What is in each golden file: how many columns are arguments, and how the others follow from them.

GOLDENS maps a file's name to (number of argument columns, function, floor). The function takes the
arguments, exact, and returns one value for each other column, or None where there is none. `floor`
is the size below which a value counts as zero: that of derivatives, which vanish by cancellation.
PUBLISHED maps a file of another author's numbers to where they come from.
"""
from datetime import date, timedelta
import itertools

from mpmath import mp, mpf
import mpmath as m
import mpref as R

DIGITS = 50
YEARLY_15_PERCENT = mpf(0.002687729661060743)       # the double of ln(1.15) / 52
INF = mpf('inf')
GOLDENS = {}

PUBLISHED = {
    'grocery': 'Orders of grocery customers from the R package BTYDplus (Platzer 2016), groceryElog, first 52 weeks.',
    'kaplan_meier': 'Remission times under 6-MP, Freireich et al. (1963), with the usual estimates of R\'s survfit.',
}


def golden(name, n_arguments, floor=0):
    def register(function):
        GOLDENS[name] = (n_arguments, function, mpf(floor))
        return function
    return register


def agree(a, b, digits=22, absolute=0):
    """Two routes must meet; the first is given back."""
    difference = abs(a - b)
    if not (difference <= mpf(10) ** -digits * max(abs(a), abs(b)) or difference <= absolute):
        raise AssertionError('two routes differ: %s and %s' % (m.nstr(a, 30), m.nstr(b, 30)))
    return a


# ---------------------------------------------------------------- derivatives
def gradient(f, point, step=-15, dps=80):
    """Central differences with an error of the fourth order in the step."""
    values = []
    with mp.workdps(dps):
        for i, p in enumerate(point):
            h = p * mpf(10) ** step

            def at(k):
                q = list(point)
                q[i] = p + k * h
                return f(*q)
            values.append((at(-2) - 8 * at(-1) + 8 * at(1) - at(2)) / (12 * h))
    return values


def hessian(f, point, step=-20, dps=80):
    """The upper triangle, row by row."""
    values = []
    with mp.workdps(dps):
        h = [p * mpf(10) ** step for p in point]

        def at(*moves):
            q = list(point)
            for i, k in moves:
                q[i] += k * h[i]
            return f(*q)
        middle = at()
        for i in range(len(point)):
            values.append((at((i, 1)) - 2 * middle + at((i, -1))) / h[i] ** 2)
            for k in range(i + 1, len(point)):
                values.append((at((i, 1), (k, 1)) - at((i, 1), (k, -1)) - at((i, -1), (k, 1)) + at((i, -1), (k, -1)))
                              / (4 * h[i] * h[k]))
    return values


# ---------------------------------------------------------------- BG/NBD and MBG/NBD
def hyp2f1_positive(a, b, c, z):
    """2F1 with a, b, c > 0 and 0 <= z < 1 by its series, whose terms are all positive. (mpmath's transformations may fail.)"""
    total = term = mpf(1)
    for k in itertools.count():
        ratio = (a + k) * (b + k) / ((c + k) * (k + 1)) * z
        term *= ratio
        total += term
        if ratio < 1 and term < total * (1 - z) * mp.eps:
            return total


def bg_purchases(n, A, a, b, delta, horizon, finer=1):
    """
    Expected purchases in the horizon, discounted: the integral of e^(-delta w) n/A 2F1(n + 1, a; a + b; -w/A),
    with w = A (e^u - 1) and Pfaff's transformation.
    """
    def f(u):
        w = A * m.expm1(u)
        hyp2f1 = m.hyp2f1 if n < 400 or a + b - n - 1 <= 0 else hyp2f1_positive
        return m.exp(u - delta * w - a * u) * n * hyp2f1(a, a + b - n - 1, a + b, -m.expm1(-u))
    end = m.log1p((mpf(3) * mp.dps / delta if horizon == INF else horizon) / A)
    panels = finer * (int(m.ceil(end * 2)) + (8 if n < 100 else 40))
    return sum(m.quad(f, [end * i / panels, end * (i + 1) / panels], method='gauss-legendre') for i in range(panels))


def bg_state(modified, r, al, a, b, x, T):
    return r + x, al + T, a, b + x + (1 if modified else 0)


def bg_expected(n, A, a, b, t):
    """
    Expected purchases until t, by a hypergeometric series and by the integral. For many purchases the series takes
    too long, or does not converge; then the integral is taken twice.
    """
    integral = bg_purchases(n, A, a, b, 0, t)
    if n >= 400:
        return agree(bg_purchases(n, A, a, b, 0, t, finer=3), integral)
    with mp.workdps(mp.dps + 70):
        series = R.bg_E_3f2(n, A, a, b, t)
    return agree(+series, integral)


def bg_scores(modified):
    def values(r, al, a, b, x, tx, T):
        state = bg_state(modified, r, al, a, b, x, T)
        alive = R.bgnbd_palive(r, al, a, b, x, tx, T, modified)
        likelihood = R.bgnbd_LL(r, al, a, b, x, tx, T, modified)
        ln_alive = (R.lpoch(r, x) + r * m.log(al) + R.lbeta(a, state[3]) - R.lbeta(a, b) - (r + x) * m.log(al + T))
        agree(m.exp(ln_alive - likelihood), alive)
        yield likelihood
        yield alive
        yield alive * bg_expected(*state, mpf(39))
        yield lambda: alive * bg_purchases(*state, YEARLY_15_PERCENT, INF)
    return values


def bg_discounted(modified):
    def values(r, al, a, b, x, tx, T, delta, horizon):
        return [R.bgnbd_palive(r, al, a, b, x, tx, T, modified)
                * bg_purchases(*bg_state(modified, r, al, a, b, x, T), delta, horizon)]
    return values


def bg_order_prob(modified):
    def values(r, al, a, b, x, tx, T):
        alive = R.bgnbd_palive(r, al, a, b, x, tx, T, modified)
        for w in (mpf(0.1), mpf(10), mpf(52), mpf(10000)):
            direct = alive * -m.expm1(-(r + x) * m.log1p(w / (al + T)))
            # nothing bought until T + w is what a history that is longer by w says
            none = m.exp(R.bgnbd_LL(r, al, a, b, x, tx, T + w, modified) - R.bgnbd_LL(r, al, a, b, x, tx, T, modified))
            yield agree(direct, 1 - none, absolute=mpf('1e-45'))
        yield alive
    return values


for bg_name, bg_modified in (('bgnbd', False), ('mbgnbd', True)):
    bg_ll = (lambda modified: lambda r, al, a, b, x, tx, T: R.bgnbd_LL(r, al, a, b, x, tx, T, modified))(bg_modified)
    golden(bg_name, 7)(bg_scores(bg_modified))
    golden(bg_name + '_discounted_transactions', 9)(bg_discounted(bg_modified))
    golden(bg_name + '_order_prob', 7)(bg_order_prob(bg_modified))
    golden(bg_name + '_gradient', 7, '1e-20')(
        lambda r, al, a, b, x, tx, T, ll=bg_ll: gradient(lambda *p: ll(*p, x, tx, T), (r, al, a, b)))
    golden(bg_name + '_hessian', 7, '1e-20')(
        lambda r, al, a, b, x, tx, T, ll=bg_ll: hessian(lambda *p: ll(*p, x, tx, T), (r, al, a, b), dps=110))


@golden('bgnbd_new_customer_transactions', 5)
def bgnbd_new(r, al, a, b, t):
    return [bg_expected(r, al, a, b, t)]


@golden('mbgnbd_new_customer_transactions', 5)
def mbgnbd_new(r, al, a, b, t):
    return [b / (a + b) * bg_expected(r, al, a, b + 1, t)]


@golden('bgnbd_new_customer_transactions_pmf', 6)
def bgnbd_pmf(r, al, a, b, t, x):
    with mp.workdps(700):
        return [R.bgnbd_pmf(r, al, a, b, t, x)]


# ---------------------------------------------------------------- BG/CNBD-k and MBG/CNBD-k
def cnbd_scores(modified):
    def values(r, al, a, b, k, x, tx, T, log_gaps):
        likelihood = R.cnbd_LL(k, r, al, a, b, x, tx, T, log_gaps, modified)
        if k == 1:
            agree(likelihood, R.bgnbd_LL(r, al, a, b, x, tx, T, modified))
        yield likelihood
        yield R.cnbd_palive(k, r, al, a, b, x, tx, T, modified)
        yield R.cnbd_CET(k, r, al, a, b, x, tx, T, mpf(32), modified)
    return values


def cnbd_purchases(k, n, A, a, b, j, delta, horizon):
    """Expected discounted orders of a customer who has made j of the k steps to the next one."""
    if horizon == INF:
        def over_rates(u):
            rate = m.exp(u)
            v = rate / (rate + delta)
            return m.exp(n * u - A * rate + n * m.log(A) - m.loggamma(n)) * v ** (k - j) * m.hyp2f1(1, b, a + b, v ** k)
        low = m.log(n / A) - (mp.dps + 5) * mpf('2.3026') / n
        high = m.log((n + 130 + 20 * m.sqrt(n)) / A)
        panels = int(m.ceil((high - low) / 2)) + 4
        step = (high - low) / panels
        return sum(m.quad(over_rates, [low + i * step, low + (i + 1) * step], method='gauss-legendre')
                   for i in range(panels))

    def over_time(w):
        z = w / (A + w)
        step = (1 - z) ** n
        stays, total, i = mpf(1), mpf(0), 0
        while True:
            if (i + j + 1) % k == 0:
                total += stays * step * (n + i)
                done = (i + j + 1) // k
                stays *= (b + done - 1) / (a + b + done - 1)
            step *= z * (n + i) / (i + 1)
            i += 1
            if i > n * z / (1 - z) + k and step * (n + i) < mpf(10) ** -(mp.dps + 3) * total * (1 - z):
                return m.exp(-delta * w) * total / (A + w)
    panels = 8
    return sum(m.quad(over_time, [horizon * i / panels, horizon * (i + 1) / panels], method='gauss-legendre')
               for i in range(panels))


def cnbd_discounted(modified):
    def values(r, al, a, b, k, x, tx, T, delta, horizon):
        k = int(k)
        n = r + k * x
        stages = [m.exp(R.lpoch(n, j) - m.loggamma(j + 1)) * ((T - tx) / (al + T)) ** j for j in range(k)]
        with mp.workdps(30):
            orders = sum(stages[j] * cnbd_purchases(k, n + j, al + T, a, b + x + (1 if modified else 0), j, delta, horizon)
                         for j in range(k))
        return [R.cnbd_palive(k, r, al, a, b, x, tx, T, modified) * orders / sum(stages)]
    return values


for cnbd_name, cnbd_modified in (('bgcnbd', False), ('mbgcnbd', True)):
    golden(cnbd_name, 9)(cnbd_scores(cnbd_modified))
    golden(cnbd_name + '_discounted_transactions', 10)(cnbd_discounted(cnbd_modified))
    golden(cnbd_name + '_gradient', 8, '1e-20')(
        lambda r, al, a, b, k, x, tx, T, modified=cnbd_modified: gradient(
            lambda *p: R.cnbd_LL(k, *p, x, tx, T, 0, modified), (r, al, a, b)))


# ---------------------------------------------------------------- Pareto/NBD
def pareto_purchases(n, A, s, B, delta, horizon):
    """n/A times the integral of e^(-delta w) (B / (B + w))^s, by quadrature and by exponential integrals."""
    end = mpf(3) * mp.dps / delta if horizon == INF else horizon
    integral = R.quad_panels(lambda w: m.exp(-delta * w - s * m.log1p(w / B)), 0, end,
                             lambda w: -delta - s / (B + w), lambda w: B + w)

    def beyond(w):
        with mp.workdps(mp.dps + 20):
            return m.exp(-delta * w - s * m.log1p(w / B)) * (B + w) * R.expE_cf(s, delta * (B + w))
    if delta > 0:
        agree(integral, beyond(mpf(0)) - (beyond(horizon) if horizon != INF else 0), digits=20)
    return n / A * integral


def pareto_bracket(r, al, s, be, x, tx, T):
    defined = R.pnbd_bracket_def(r, al, s, be, x, tx, T)
    with mp.workdps(mp.dps + 200):
        try:
            closed = R.pnbd_bracket_cf(r, al, s, be, x, tx, T)
        except (ValueError, m.NoConvergence):
            return defined
    agree(sum(defined), sum(closed))
    return defined


@golden('paretonbd', 7)
def pareto_scores(r, al, s, be, x, tx, T):
    bracket = pareto_bracket(r, al, s, be, x, tx, T)
    alive = R.pnbd_palive(r, al, s, be, x, tx, T, bracket)
    n, A, B = r + x, al + T, be + T
    yield R.pnbd_LL(r, al, s, be, x, tx, T, bracket)
    yield alive
    yield -m.log1p(bracket[1] / bracket[0])
    for t in (mpf(0.001), mpf(52)):
        with mp.workdps(mp.dps + 30):
            closed = n / A * R.pnbd_E(1, 1, s, B, t)
        yield alive * agree(pareto_purchases(n, A, s, B, 0, t), closed, digits=20)
    yield alive * pareto_purchases(n, A, s, B, YEARLY_15_PERCENT, INF)


@golden('paretonbd_discounted_transactions', 9)
def pareto_discounted(r, al, s, be, x, tx, T, delta, horizon):
    alive = R.pnbd_palive(r, al, s, be, x, tx, T)
    return [alive * pareto_purchases(r + x, al + T, s, be + T, delta, horizon)]


@golden('paretonbd_order_prob', 7)
def pareto_order_prob(r, al, s, be, x, tx, T):
    likelihood = R.pnbd_LL(r, al, s, be, x, tx, T)
    alive = R.pnbd_palive(r, al, s, be, x, tx, T)
    for w in (mpf(0.1), mpf(10), mpf(52), mpf(10000)):
        none = m.exp(R.pnbd_LL(r, al, s, be, x, tx, T + w) - likelihood)
        yield agree(R.pnbd_next_cdf(r, al, s, be, x, tx, T, w, alive), 1 - none, absolute=mpf('1e-40'))
    # in the end: more likely the sooner the rate of purchases is than the rate of leaving
    yield R.pnbd_next_cdf(r, al, s, be, x, tx, T, mpf(10) ** (120 / min(r + x + s, 60) + 20), alive)


@golden('paretonbd_gradient', 7, '1e-20')
def pareto_gradient(r, al, s, be, x, tx, T):
    return gradient(lambda *p: R.pnbd_LL(*p, x, tx, T), (r, al, s, be), step=-11, dps=60)


@golden('paretonbd_hessian', 7, '1e-16')
def pareto_hessian(r, al, s, be, x, tx, T):
    return hessian(lambda *p: R.pnbd_LL(*p, x, tx, T), (r, al, s, be), step=-13, dps=65)


# ---------------------------------------------------------------- Pareto/NBD with rates that vary over time
# segments (until, A, C), of which the last has no end; the same in test_varying_clocks.c
YEAR_OF_WEEKS = [mpf(x) for x in (4, 8, 13, 17, 22, 26, 30, 35, 39, 44, 48, 52)]
SEASON = [mpf(x) for x in (0.5, 0.625, 0.75, 0.875, 1, 0.75, 0.5, 0.75, 1, 1.25, 3, 1.5)]
VARYING = {
    1: [(10, mpf(0.8), mpf(1.1)), (13, mpf(2), mpf(0.6)), (36, mpf(0.8), mpf(1.1)), (39, mpf(2), mpf(0.6)),
        (100, mpf(0.9), mpf(1))],
    2: [(52 * year + until, factor, mpf(1)) for year in range(3) for until, factor in zip(YEAR_OF_WEEKS, SEASON)],
    3: [(7, mpf(1), mpf(1)), (50, mpf(1), mpf(1)), (60, mpf(1), mpf(1))],
    4: [(60, mpf(1.75), mpf(0.375))],
    5: [(2, mpf(0.001), mpf(300)), (30, mpf(50), mpf(0.01)), (31, mpf(1000), mpf(1)), (38, mpf(0.01), mpf(40)),
        (45, mpf(3), mpf(0.5))],
}
# (until, z1, z2), with A = exp(g1 z1 + g2 z2) and C = exp(h1 z1 + h2 z2)
COVARIATES = {
    1: [(10, mpf(0), mpf(1)), (13, mpf(1), mpf(0.5)), (30, mpf(-0.5), mpf(0)), (39, mpf(2), mpf(-1)), (60, mpf(0), mpf(0))],
    2: [(50, mpf(0.25), mpf(-1)), (90, mpf(0.25), mpf(2))],
}


def pieces(segments, start, end):
    """(from, until, A, C) between two ages."""
    begin = mpf(0)
    for i, (until, A, C) in enumerate(segments):
        until = INF if i + 1 == len(segments) else until
        if min(until, end) > max(begin, start):
            yield max(begin, start), min(until, end), A, C
        begin = until


def clocks(segments, start, end):
    parts = list(pieces(segments, start, end))
    return sum(((v - u) * A for u, v, A, C in parts), mpf(0)), sum(((v - u) * C for u, v, A, C in parts), mpf(0))


def varying_gone(n, al, s, be, segments, start, end, closed):
    """
    Leaves before buying, between two ages of a customer whose clocks show 0 at the first. By definition, an integral;
    or by the plain model of each segment, with its clocks in the segment's time.
    """
    total, Lam, M = mpf(0), mpf(0), mpf(0)
    for u, v, A, C in pieces(segments, start, end):
        quiet = m.exp(-n * m.log1p(Lam / al) - s * m.log1p(M / be))
        if closed:
            total += quiet * R.pnbd_bracket_cf(n, (al + Lam) / A, s, (be + M) / C, 0, 0, v - u)[1]
        else:
            def density(y):
                return s * C / (be + M + C * y) * m.exp(-n * m.log1p((Lam + A * y) / al) - s * m.log1p((M + C * y) / be))

            def rate(y):
                return -n * A / (al + Lam + A * y) - (s + 1) * C / (be + M + C * y)
            total += R.quad_panels(density, 0, v - u, rate, lambda y: min((al + Lam) / A, (be + M) / C) + y)
        Lam, M = Lam + A * (v - u), M + C * (v - u)
    return total


def varying_terms(r, al, s, be, x, tx, T, segments, twice=True):
    """Alive, gone, and the logarithm of what both are relative to; without the factors at the purchases' times."""
    Lam, M = clocks(segments, mpf(0), tx)
    quiet = clocks(segments, tx, T)
    n, A, B = r + x, al + Lam, be + M
    gone = varying_gone(n, A, s, B, segments, tx, T, False)
    if twice:
        with mp.workdps(mp.dps + 200):
            agree(gone, varying_gone(n, A, s, B, segments, tx, T, True))
    history = R.lpoch(r, x) - r * m.log1p(Lam / al) - x * m.log(A) - s * m.log1p(M / be)
    return m.exp(-n * m.log1p(quiet[0] / A) - s * m.log1p(quiet[1] / B)), gone, history


def varying_purchases(n, A, s, B, segments, T, horizon, delta):
    """Expected purchases of a live customer whose clocks are A and B at T, discounted to T."""
    total, M = mpf(0), mpf(0)
    for u, v, a, c in pieces(segments, T, T + horizon):
        end = v - u if v < INF else mpf(3) * mp.dps / delta
        total += R.quad_panels(lambda y: a * m.exp(-delta * (u - T + y) - s * m.log1p((M + c * y) / B)), 0, end,
                               lambda y: -delta - s * c / (B + M + c * y), lambda y: (B + M) / c + y)
        M += c * end
    return n / A * total


@golden('paretonbd_varying', 8)
def varying_scores(schedule, r, al, s, be, x, tx, T):
    segments = VARYING[int(schedule)]
    alive, gone, history = varying_terms(r, al, s, be, x, tx, T, segments)
    Lam, M = clocks(segments, mpf(0), T)
    n, A, B = r + x, al + Lam, be + M
    yield history + m.log(alive + gone)
    yield alive / (alive + gone)
    yield gone / (alive + gone)
    yield varying_purchases(n, A, s, B, segments, T, mpf(39), mpf(0))
    yield varying_purchases(n, A, s, B, segments, T, INF, YEARLY_15_PERCENT)
    exchanged = [(until, c, a) for until, a, c in segments]
    yield varying_gone(s, B, n, A, exchanged, T, T + 39, False)


@golden('paretonbd_varying_gradient', 12, '1e-18')
def varying_gradient(schedule, r, al, s, be, g1, g2, h1, h2, x, tx, T):
    def likelihood(*v):
        segments = [(until, m.exp(v[4] * z1 + v[5] * z2), m.exp(v[6] * z1 + v[7] * z2))
                    for until, z1, z2 in COVARIATES[int(schedule)]]
        alive, gone, history = varying_terms(*v[:4], x, tx, T, segments, twice=False)
        return history + m.log(alive + gone)
    return gradient(likelihood, (r, al, s, be, g1, g2, h1, h2), step=-11, dps=60)


# ---------------------------------------------------------------- with a season: factors by the month, days since 2000-01-01
MONTHS = [mpf(x) for x in (0.5, 0.625, 0.75, 0.875, 1, 0.75, 0.5, 0.75, 1, 1.25, 3, 1.5)]


def factor_runs(first, until):
    """(until, A, 1), in weeks since the first day: each day has the factor of its month, and runs equal ones together."""
    runs = []
    for day in range(int(first) + 1, int(until) + 1):
        factor = MONTHS[(date(2000, 1, 1) + timedelta(days=day)).month - 1]
        if runs and runs[-1][1] == factor:
            runs.pop()
        runs.append((mpf(day - int(first)) / 7, factor, mpf(1)))
    return runs or [(mpf(1), mpf(1), mpf(1))]


@golden('paretonbd_season', 8)
def season_scores(r, al, s, be, x, first, last, today):
    segments = factor_runs(first, today + 730)
    tx, T = (last - first) / 7, (today - first) / 7

    def likelihood(*v):
        alive, gone, history = varying_terms(*v, x, tx, T, segments, twice=False)
        return history + m.log(alive + gone)

    alive, gone, history = varying_terms(r, al, s, be, x, tx, T, segments)
    n, A, B = r + x, al + clocks(segments, mpf(0), T)[0], be + T
    yield history + m.log(alive + gone)
    yield from gradient(likelihood, (r, al, s, be), step=-11, dps=60)
    yield alive / (alive + gone)
    yield gone / (alive + gone)
    yield varying_purchases(n, A, s, B, segments, T, mpf(365) / 7, mpf(0))
    yield varying_purchases(n, A, s, B, segments, T, mpf(730) / 7, m.log1p(mpf(15) / 100) / 365 * 7)
    exchanged = [(until, c, a) for until, a, c in segments]
    yield varying_gone(s, B, n, A, exchanged, T, T + mpf(90) / 7, False)


@golden('bgnbd_season', 8)
def season_bg_scores(r, al, a, b, x, first, last, today):
    segments = factor_runs(first, today + 365)
    tx, T, later = (clocks(segments, mpf(0), (day - first) / 7)[0] for day in (last, today, today + 365))
    alive = R.bgnbd_palive(r, al, a, b, x, tx, T)
    yield R.bgnbd_LL(r, al, a, b, x, tx, T)
    yield alive
    yield alive * bg_expected(*bg_state(False, r, al, a, b, x, T), later - T)


@golden('paretonbd_new_customer_transactions_pmf', 6)
def pareto_pmf(r, al, s, be, t, x):
    value = R.pnbd_pmf(r, al, s, be, t, x)
    with mp.workdps(400):
        closed = R.pnbd_pmf_cf(r, al, s, be, t, x)
    return [agree(value, closed, digits=18, absolute=mpf('1e-280'))]


# ---------------------------------------------------------------- GG/NBD
@golden('ggnbd', 8)
def gg_scores(r, al, b, s, be, x, tx, T):
    bracket = R.gg_bracket_def(r, al, b, s, be, x, tx, T)
    agree(sum(bracket), sum(R.gg_bracket_def(r, al, b, s, be, x, tx, T, mpf(1.7))))
    alive = R.gg_palive(r, al, b, s, be, x, tx, T, bracket)
    yield R.gg_LL(r, al, b, s, be, x, tx, T, bracket)
    yield alive
    for t, delta in ((mpf(52), 0), (mpf(10) ** 5, YEARLY_15_PERCENT)):
        stays = R.gg_resid(b, s, be, T, t, delta)
        agree(stays, R.gg_resid(b, s, be, T, t, delta, mpf(1.7)), digits=20)
        yield alive * (r + x) / (al + T) * stays


@golden('ggnbd_gradient', 8, '1e-16')
def gg_gradient(r, al, b, s, be, x, tx, T):
    return gradient(lambda *p: R.gg_LL(*p, x, tx, T), (r, al, b, s, be), step=-11, dps=60)


# ---------------------------------------------------------------- BG/BB
def bgbb_paths(al, be, ga, de, x, tx, T):
    """Probabilities of a history with a last purchase at tx, up to its beginning: alive at T, gone before."""
    alive, gone = mpf(1), mpf(0)
    for i in range(int(T - tx)):
        t = tx + i
        gone += alive * ga / (ga + de + t)
        alive *= (de + t) / (ga + de + t) * (be + t - x) / (al + be + t)
    return alive, gone


def bgbb_ln_beginning(al, be, ga, de, x, tx):
    return R.lbeta(al + x, be + tx - x) - R.lbeta(al, be) + R.lbeta(ga, de + tx) - R.lbeta(ga, de)


def bgbb_ll(al, be, ga, de, x, tx, T):
    return bgbb_ln_beginning(al, be, ga, de, x, tx) + m.log(sum(bgbb_paths(al, be, ga, de, x, tx, T)))


def bgbb_alive(al, be, ga, de, x, tx, T):
    alive, gone = bgbb_paths(al, be, ga, de, x, tx, T)
    return alive / (alive + gone)


def bgbb_purchases(al, be, ga, de, x, T, delta, horizon):
    """Expected discounted purchases of a customer who is alive at T, by a closed form; the sum if that is short."""
    def stays(since, w):
        return m.exp(R.lbeta(ga, de + since + w) - R.lbeta(ga, de + since))

    def for_ever(since):
        z = m.exp(-delta)
        return stays(since, 1) * z * m.hyp2f1(1, de + since + 1, ga + de + since + 1, z)
    with mp.workdps(mp.dps + 30):
        c = de + T
        # e^-80 is less than the last digit by far
        if horizon == INF or delta * horizon > 80:
            total = for_ever(T)
        elif delta > 0:
            total = for_ever(T) - m.exp(-delta * horizon) * stays(T, horizon) * for_ever(T + horizon)
        elif ga == 1:
            total = c * (m.psi(0, c + 1 + horizon) - m.psi(0, c + 1))
        else:
            total = c / (ga - 1) * (1 - m.exp(R.lpoch(c + 1, horizon) - R.lpoch(c + ga, horizon)))
    if horizon <= 3000:
        discounted, staying = mpf(0), mpf(1)
        for i in range(int(horizon)):
            staying *= (de + T + i) / (ga + de + T + i)
            discounted += staying * m.exp(-delta * (i + 1))
        agree(discounted, +total)
    return (al + x) / (al + be + T) * total


@golden('bgbb', 7)
def bgbb_scores(al, be, ga, de, x, tx, T):
    alive = bgbb_alive(al, be, ga, de, x, tx, T)
    yield agree(bgbb_ll(al, be, ga, de, x, tx, T), R.bgbb_LL(al, be, ga, de, x, tx, T))
    yield agree(alive, R.bgbb_palive(al, be, ga, de, x, tx, T, T))
    yield R.bgbb_palive(al, be, ga, de, x, tx, T, T + 1)
    yield agree(alive * bgbb_purchases(al, be, ga, de, x, T, 0, 5), R.bgbb_CET(al, be, ga, de, x, tx, T, 5))
    for discount in (mpf(0.1), mpf(0.001)):
        yield agree(alive * bgbb_purchases(al, be, ga, de, x, T, m.log1p(discount), INF),
                    R.bgbb_DERT(al, be, ga, de, x, tx, T, discount))


@golden('bgbb_discounted_transactions', 9)
def bgbb_discounted(al, be, ga, de, x, tx, T, delta, horizon):
    return [bgbb_alive(al, be, ga, de, x, tx, T) * bgbb_purchases(al, be, ga, de, x, T, delta, horizon)]


@golden('bgbb_gradient', 7, '1e-20')
def bgbb_gradient(al, be, ga, de, x, tx, T):
    return gradient(lambda *p: bgbb_ll(*p, x, tx, T), (al, be, ga, de))


@golden('bgbb_hessian', 7, '1e-20')
def bgbb_hessian(al, be, ga, de, x, tx, T):
    return hessian(lambda *p: bgbb_ll(*p, x, tx, T), (al, be, ga, de), dps=110)


@golden('bgbb_order_prob', 7)
def bgbb_order_prob(al, be, ga, de, x, tx, T):
    def buys(w):
        """The sum over the day of the next purchase."""
        total, silent = mpf(0), bgbb_alive(al, be, ga, de, x, tx, T)
        for t in range(int(T), int(T + w)):
            silent *= (de + t) / (ga + de + t)
            total += silent * (al + x) / (al + be + t)
            silent *= (be + t - x) / (al + be + t)
        return total
    likelihood = bgbb_ll(al, be, ga, de, x, tx, T)
    for w in (0, 10, 52, 10000):
        yield agree(buys(w), 1 - m.exp(bgbb_ll(al, be, ga, de, x, tx, T + w) - likelihood), absolute=mpf('1e-40'))

    # for ever: integrate out the chance to buy p; what remains, over the chance to leave, is a smooth integral
    def ever(th):
        q, b, c, n = 1 - th, be + T - x, al + be + T + 1, al + x
        if th > mpf('1e-10') or n == int(n):
            series = m.hyp2f1(1, b, c, q)
        else:
            # near 0 it goes with th ** n, whose digits would be lost in 1 - th: Abramowitz & Stegun 15.3.6
            series = (m.gammaprod([c, n], [c - 1, c - b]) * m.hyp2f1(1, b, 1 - n, th)
                      + th ** n * m.gammaprod([c, -n], [b]) * m.hyp2f1(c - 1, c - b, n + 1, th))
        return q * n / (al + be + T) * series
    yield bgbb_alive(al, be, ga, de, x, tx, T) * R.beta_mix(ga, de + T, ever)


def bgbb_pmf(al, be, ga, de, t, x):
    """The last purchase at x + i, in any of the orders that has; then silent or gone."""
    if x > t:
        return mpf(0)
    alive = m.exp(R.lbeta(al + x, be) - R.lbeta(al, be) + R.lbeta(ga, de + x) - R.lbeta(ga, de))
    gone = mpf(0)
    for i in range(int(t - x)):
        at = x + i
        gone += alive * ga / (ga + de + at)
        alive *= (de + at) / (ga + de + at) * (be + i) / (al + be + at) * (x + i + 1) / mpf(i + 1)
    return alive + gone


for bgbb_name in ('bgbb_new_customer_transactions_pmf', 'bgbb_orders_pmf_long'):
    golden(bgbb_name, 6)(lambda *arguments: [bgbb_pmf(*arguments)])


# ---------------------------------------------------------------- the probability of having left, all models
@golden('churn', 9)
def gone_prob(model, p1, p2, p3, p4, p5, x, tx, T):
    if model in (1, 3, 5, 6):
        k, modified = (int(p5) if model > 3 else 1), model in (3, 6)
        if x == 0 and not modified:
            return [mpf(0)]
        n = p1 + k * x
        stages = sum(m.exp(R.lpoch(n, j) - m.loggamma(j + 1)) * ((T - tx) / (p2 + T)) ** j for j in range(k))
        leaves = p3 / (p4 + x - (0 if modified else 1))
        return [leaves / (leaves + stages * m.exp(-n * m.log1p((T - tx) / (p2 + tx))))]
    if model == 2:
        alive, gone = pareto_bracket(p1, p2, p3, p4, x, tx, T)
    elif model == 4:
        alive, gone = R.gg_bracket_def(p1, p2, p3, p4, p5, x, tx, T)
    else:
        alive, gone = bgbb_paths(p1, p2, p3, p4, x, tx, T)
    return [gone / (alive + gone)]


# ---------------------------------------------------------------- gamma-gamma
@golden('gammagamma', 5)
def gammagamma(p, q, g, x, mean):
    likelihood = R.gg_spend_LL(p, q, g, x, mean)
    yield likelihood
    yield R.gg_spend_E(p, q, g, x, mean) if p * x + q > 1 else None


@golden('gammagamma_gradient', 5, '1e-20')
def gammagamma_gradient(p, q, g, x, mean):
    return gradient(lambda *at: R.gg_spend_LL(*at, x, mean), (p, q, g))


# ---------------------------------------------------------------- retention
def ln_survival(a, b, c, t):
    """ln B(a, b + t^c) / B(a, b); beyond 1e60 by the first terms of Stirling's series."""
    if t == 0:
        return mpf(0)
    z = b + t ** c
    if abs(z) > mpf(10) ** 60:
        return m.loggamma(a + b) - m.loggamma(b) - a * m.log(z) - a * (a - 1) / (2 * z)
    with mp.workdps(mp.dps + 60):
        value = m.loggamma(z) - m.loggamma(z + a) + m.loggamma(a + b) - m.loggamma(b)
    return +value


@golden('contract_survival', 4)
def contract_survival(a, b, c, t):
    with mp.workdps(120):
        now = m.exp(ln_survival(a, b, c, t))
        before = m.exp(ln_survival(a, b, c, t - 1)) if t > 0 else None
        return [now, before - now if t > 0 else None, now / before if t > 0 else None]


def contract_ll(a, b, c, t, ended):
    with mp.workdps(mp.dps + 60):
        now = ln_survival(a, b, c, t)
        return m.log(m.exp(ln_survival(a, b, c, t - 1)) - m.exp(now)) if ended else now


@golden('contract_gradient', 4, '1e-20')
def contract_gradient(a, b, c, t):
    return gradient(lambda *p: contract_ll(*p, t, True), (a, b, c))


@golden('contract_hessian', 5, '1e-20')
def contract_hessian(ended, a, b, c, t):
    return [contract_ll(a, b, c, t, ended)] + hessian(lambda *p: contract_ll(*p, t, ended), (a, b, c), dps=110)


@golden('contract_sbg_lifetime', 3)
def sbg_lifetime(a, b, discount):
    return [R.sbg_DEL(a, b, discount)] + [R.sbg_DERL(a, b, discount, n) for n in (1, 2, 5, 20)]


@golden('contract_residual', 6)
def contract_residual(a, b, c, tenure, annual_discount, months):
    """The renewals to come: the first one by one, the rest by the Abel-Plana formula."""
    delta = m.log1p(annual_discount) * months / 12
    if delta == 0 and a * c <= 1:
        return [INF]
    base = ln_survival(a, b, c, tenure)

    def f(k):
        return m.exp(ln_survival(a, b, c, tenure + k) - base - delta * (k - 1))
    start = 250
    total = sum(f(mpf(k)) for k in range(1, start)) + f(mpf(start)) / 2
    u, tail = mpf(0), mpf(0)
    while True:
        piece = m.quad(lambda v: f(start * m.exp(v)) * start * m.exp(v), [u, u + mpf(1) / 2], method='gauss-legendre')
        tail += piece
        u += mpf(1) / 2
        if abs(piece) < mpf(10) ** -(mp.dps - 15) * total:
            break
    total += tail

    def crosswise(y):
        return -2 * m.im(f(m.mpc(start, y))) / m.expm1(2 * m.pi * y)
    total += m.quad(crosswise, [0, 1, 2, 4, 8, 20], method='gauss-legendre')
    value = m.re(total)
    if c == 1 and delta > 0:
        agree(value, R.sbg_DERL(a, b, m.expm1(delta), tenure + 1), digits=20)
    return [value]


PANELS = ((1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173),
          (1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394))


@golden('contract_fits', 3)
def contract_fit(high_end, last, n_params):
    """The maximum of the likelihood of the panels in Fader & Hardie (2007), as they were after `last` years."""
    alive, last, n = PANELS[int(high_end)], int(last), int(n_params)

    def ll(*p):
        a, b = p[0], p[1]
        c = p[2] if n == 3 else mpf(1)
        return (sum((alive[t - 1] - alive[t]) * contract_ll(a, b, c, mpf(t), True) for t in range(1, last + 1))
                + alive[last] * ln_survival(a, b, c, mpf(last)))
    point = [mpf(v) for v in ((0.7, 3.0, 1.2) if high_end else (0.7, 1.2, 1.1))[:n]]

    def curvature(at):
        upper = iter(hessian(ll, at, step=-14, dps=45))
        matrix = m.matrix(n)
        for i in range(n):
            for k in range(i, n):
                matrix[i, k] = matrix[k, i] = next(upper)
        return matrix
    with mp.workdps(30):
        for _ in range(60):
            slope = gradient(ll, point, step=-8, dps=45)
            log_slope = m.matrix([p * g for p, g in zip(point, slope)])
            scaled = curvature(point)
            for i in range(n):
                for k in range(n):
                    scaled[i, k] *= point[i] * point[k]
                scaled[i, i] += log_slope[i]
            move = -m.lu_solve(scaled, log_slope)
            size = max(abs(v) for v in move)
            if sum(v * g for v, g in zip(move, log_slope)) < 0:
                move = -move
            move *= min(1, mpf('0.3') / size) if size > 0 else 1
            point = [p * m.exp(v) for p, v in zip(point, move)]
            if size < mpf('1e-18'):
                break
        else:
            raise AssertionError('no maximum found')
        covariance = (-curvature(point)) ** -1
    errors = [m.sqrt(covariance[i, i]) for i in range(n)]
    return [ll(*point)] + point + [None] * (3 - n) + errors + [None] * (3 - n)


# ---------------------------------------------------------------- special functions
@golden('gauss_legendre16', 0)
def gauss_legendre(row):
    """Node and weight of this row."""
    about = -m.cos(m.pi * (row + mpf('0.75')) / mpf('16.5'))
    node = m.findroot(lambda x: m.legendre(16, x), (about, about + mpf('1e-4')))
    slope = 16 * (node * m.legendre(16, node) - m.legendre(15, node)) / (node ** 2 - 1)
    return [node, 2 / ((1 - node ** 2) * slope ** 2)]


@golden('scaled_expint', 2)
def scaled_expint(s, z):
    integral = R.quad_panels(lambda w: m.exp(-z * w - s * m.log1p(w)), 0, mpf(400) / z,
                             lambda w: -z - s / (1 + w), lambda w: 1 + w)
    return [agree(integral, R.expE_cf(s, z))]


@golden('hypergeometric1', 3)
def hypergeometric1(b, c, z):
    with mp.workdps(mp.dps + 30):
        return [agree(m.hyp2f1(1, b, c, z), m.hyp2f1(1, c - b, c, z / (z - 1)) / (1 - z))]


@golden('lpoch', 2)
def lpoch(r, x):
    with mp.workdps(90):
        return [R.lpoch(r, x), m.psi(0, r + x) - m.psi(0, r), m.psi(1, r + x) - m.psi(1, r)]


@golden('lbeta_shift', 3)
def lbeta_shift(a, b, h):
    with mp.workdps(90):
        return [m.loggamma(b + h) - m.loggamma(b) - m.loggamma(a + b + h) + m.loggamma(a + b)]


# ---------------------------------------------------------------- acquisition
def proportional_survival(r, alpha, c, beta, since, until):
    """Who started after period `since` and is still there after `until`; every fourth period from the second on is special."""
    exposure = sum(((mpf(i)) ** c - (mpf(i) - 1) ** c) * m.exp(beta if (since + i) % 4 == 2 else 0)
                   for i in range(1, until - since + 1))
    return (alpha / (alpha + exposure)) ** r


def subscriber_figures(pool, stay, period):
    """Acquired, lost and active of a period: a population of 1000 that grows by 30 a period."""
    r, alpha, c, never, beta = pool

    def acquired(at):
        return (1 - never) * sum((1000 if since == 0 else 30) *
                                 (proportional_survival(r, alpha, c, beta, since, at - 1) -
                                  proportional_survival(r, alpha, c, beta, since, at)) for since in range(at))

    def active(at):
        return sum(acquired(since) * proportional_survival(*stay, since, at) for since in range(1, at + 1))
    now, before = active(period), active(period - 1)
    return [acquired(period), before + acquired(period) - now, now]


@golden('subscribers', 10)
def subscribers(r, alpha, c, never, beta, stay_r, stay_alpha, stay_c, stay_beta, period):
    """The figures, and of acquired the derivatives by ln c, ln (1 - never) / never and beta; of active those by ln alpha,
    ln r, ln alpha, ln c and beta of staying."""
    period = int(period)
    point = [m.log(r), m.log(alpha), m.log(c), m.log((1 - never) / never), beta, m.log(stay_r), m.log(stay_alpha),
             m.log(stay_c), stay_beta]

    def figure(which, place):
        def function(value):
            t = point[:place] + [value] + point[place + 1:]
            return subscriber_figures([m.exp(t[0]), m.exp(t[1]), m.exp(t[2]), 1 / (1 + m.exp(t[3])), t[4]],
                                      [m.exp(t[5]), m.exp(t[6]), m.exp(t[7]), t[8]], period)[which]
        return central(function, point[place])
    return (subscriber_figures([r, alpha, c, never, beta], [stay_r, stay_alpha, stay_c, stay_beta], period) +
            [figure(0, 2), figure(0, 3), figure(0, 4), figure(2, 1), figure(2, 5), figure(2, 7), figure(2, 8)])


def central(function, at):
    """The derivative, to some 50 digits."""
    with mp.workdps(110):
        step = mpf(10) ** -30
        return (function(at + step) - function(at - step)) / (2 * step)


@golden('seasonal_fit', 0)
def seasonal_fit(row):
    """Estimate of this parameter and its standard error without dispersion; in the last row, the dispersion."""
    counts = [mpf(100 + 7 * i + 31 * (i % 4) + i * i * 17 % 23) for i in range(16)]
    rows = [[mpf(1), mpf(i) / 4] + [mpf(i % 4 == season) for season in (1, 2, 3)] for i in range(16)]
    point = m.matrix([m.log(sum(counts) / 16), 0, 0, 0, 0])
    for _ in range(60):
        means = [m.exp(sum(x * p for x, p in zip(row_, point))) for row_ in rows]
        slope = m.matrix([sum((y - mean) * x[k] for y, mean, x in zip(counts, means, rows)) for k in range(5)])
        information = m.matrix(5, 5)
        for j in range(5):
            for k in range(5):
                information[j, k] = sum(mean * x[j] * x[k] for mean, x in zip(means, rows))
        move = m.lu_solve(information, slope)
        point += move
        if max(abs(v) for v in move) < mpf(10) ** -(mp.dps - 8):
            break
    if row == 5:
        return [sum((y - mean) ** 2 / mean for y, mean in zip(counts, means)) / 11, None]
    return [point[row], m.sqrt((information ** -1)[row, row])]
