"""
The models at high precision, after their definitions and not after the C code.

What has two independent routes has two functions:
  *_def   numerical quadrature of the definition (a mixture integral, an integral over the time of death)
  *_cf    a closed form (2F1, incomplete gamma, finite sums)
golden_files.py asserts that they agree before a value is written.

Arguments are converted exactly from IEEE-754 doubles, so that a value is the exact answer
for what a C function is given. tx, T, n, A, d: recency, age, r + x, alpha + T, the discount rate.
"""
from mpmath import mp, mpf
import mpmath as m


# ---------------------------------------------------------------- quadrature helper
def quad_panels(f, lo, hi, rate, scale):
    """integrate positive f over [lo,hi] with panels adapted to local decay rate / scale.
    rate(y) = |d log f / dy|, scale(y) = distance to nearest singularity."""
    lo, hi = mpf(lo), mpf(hi)
    if hi <= lo:
        return mpf(0)
    pts = [lo]
    y = lo
    fmax = f(lo)
    while y < hi:
        h = scale(y) / 2
        rr = abs(rate(y))
        if rr > 0:
            h = min(h, 12 / rr)
        y2 = min(hi, y + h)
        pts.append(y2)
        y = y2
        fy = f(y)
        fmax = max(fmax, fy)
        if fy < fmax * mpf(10) ** (-(mp.dps + 25)) and rate(y) < 0:
            break                       # remaining mass is negligible
        if len(pts) > 6000:
            raise RuntimeError("too many panels")
    tot = mpf(0)
    for a, b in zip(pts[:-1], pts[1:]):
        tot += m.quad(f, [a, b], method='gauss-legendre')
    return tot


def lpoch(r, x):
    return m.loggamma(r + x) - m.loggamma(r)


# ================================================================= Pareto/NBD
def pnbd_I_def(r, al, s, be, x, tx, T):
    """ integral_{tx}^{T} (al+y)^-(r+x) (be+y)^-(s+1) dy, normalised by value of
        (al+tx)^-(r+x) (be+tx)^-s   -> B  (see SPEC a)"""
    n = r + x

    def k(y):
        return s / (be + y) * m.exp(-n * m.log((al + y) / (al + tx)) - s * m.log((be + y) / (be + tx)))

    def rate(y):
        return -(n / (al + y)) - (s + 1) / (be + y)
    return quad_panels(k, tx, T, rate, lambda y: min(al + y, be + y))


def pnbd_bracket_def(r, al, s, be, x, tx, T):
    n = r + x
    ET = m.exp(-n * m.log((al + T) / (al + tx)) - s * m.log((be + T) / (be + tx)))
    B = pnbd_I_def(r, al, s, be, x, tx, T)
    return ET, B


def pnbd_bracket_cf(r, al, s, be, x, tx, T):
    """Fader & Hardie (2005) A0 form with 2F1, evaluated with plenty of guard digits"""
    n = r + x
    w = r + s + x
    if al >= be:
        mab, p2 = al, s + 1
    else:
        mab, p2 = be, n
    ab = abs(al - be)
    F1 = m.hyp2f1(w, p2, w + 1, ab / (mab + tx))
    F2 = m.hyp2f1(w, p2, w + 1, ab / (mab + T))
    # multiply by (al+tx)^n (be+tx)^s to normalise
    lnorm = n * m.log(al + tx) + s * m.log(be + tx)
    B = (s / w) * (F1 * m.exp(lnorm - w * m.log(mab + tx)) - F2 * m.exp(lnorm - w * m.log(mab + T)))
    ET = m.exp(-n * m.log((al + T) / (al + tx)) - s * m.log((be + T) / (be + tx)))
    return ET, B


def pnbd_LL(r, al, s, be, x, tx, T, br=None):
    ET, B = br if br else pnbd_bracket_def(r, al, s, be, x, tx, T)
    return (lpoch(r, x) + r * m.log(al) + s * m.log(be) - (r + x) * m.log(al + tx)
            - s * m.log(be + tx) + m.log(ET + B))


def pnbd_palive(r, al, s, be, x, tx, T, br=None):
    ET, B = br if br else pnbd_bracket_def(r, al, s, be, x, tx, T)
    return ET / (ET + B)


def pnbd_E(r, al, s, be, t):
    """unconditional E[X(t)]; definition = r/al * int_0^t (be/(be+y))^s dy"""
    if s == 1:
        return r / al * be * m.log1p(t / be)
    return r * be / (al * (s - 1)) * (1 - (be / (be + t)) ** (s - 1))


def nbpmf(n, A, t, x):
    return m.exp(lpoch(n, x) - m.loggamma(x + 1) + n * m.log(A / (A + t)) + (x * m.log(t / (A + t)) if x else 0))


def pnbd_pmf(r, al, s, be, t, x):
    """P(X(t)=x) via death-time integral (positive integrand)"""
    p1 = nbpmf(r, al, t, x) * (be / (be + t)) ** s

    def f(y):
        if y == 0:
            return s / be if x == 0 else mpf(0)
        return nbpmf(r, al, y, x) * s / (be + y) * (be / (be + y)) ** s
    # log-spaced panels, no cancellation; NB kernel is unimodal in y
    # v = ln y, panels of width min(1/2, 12/(x+1)); kernel ~ y^(x+1) at the left
    sc = nbpmf(r, al, t, x)             # mp.quad has an absolute error target -> normalise

    def fv(v):
        y = m.exp(v)
        return y * f(y) / sc
    hi = m.log(t)
    lo = m.log(min(al, be, t)) - mpf(3) * (mp.dps + 10) / (x + 1)
    h = min(mpf(1) / 2, mpf(12) / (x + 1))
    N = int(m.ceil((hi - lo) / h))
    h = (hi - lo) / N
    tot = mpf(0)
    for i in range(N):
        tot += m.quad(fv, [lo + i * h, lo + (i + 1) * h], method='gauss-legendre')
    tot *= sc
    if x == 0:
        tot += m.exp(lo) * s / be          # int_0^{e^lo}, relative error e^lo ~ 1e-130
    return p1 + tot


def pnbd_pmf_cf(r, al, s, be, t, x):
    """Fader & Hardie note 012 (rev. 2020) closed form"""
    if al >= be:
        mab, p2 = al, s + 1
    else:
        mab, p2 = be, r + x
    ab = abs(al - be)
    p1 = nbpmf(r, al, t, x) * (be / (be + t)) ** s
    B1 = m.hyp2f1(r + s, p2, r + s + x + 1, ab / mab) / mab ** (r + s)
    S = mpf(0)
    for i in range(int(x) + 1):
        B2 = m.hyp2f1(r + s + i, p2, r + s + x + 1, ab / (mab + t)) / (mab + t) ** (r + s + i)
        S += m.gamma(r + s + i) / m.gamma(r + s) * t ** i / m.factorial(i) * B2
    return p1 + al ** r * be ** s * m.beta(r + x, s + 1) / m.beta(r, s) * (B1 - S)


def pnbd_next_cdf(r, al, s, be, x, tx, T, w, pal):
    """P(at least one purchase in (T,T+w] | history)"""
    n = r + x
    A, Bb = al + T, be + T
    # int_0^w E[lam e^{-(lam+mu)v}]dv, lam~G(n,A), mu~G(s,Bb)
    f = lambda v: n / (A + v) * m.exp(-n * m.log((A + v) / A) - s * m.log((Bb + v) / Bb))
    return pal * quad_panels(f, 0, w, lambda v: -n / (A + v) - s / (Bb + v), lambda v: min(A + v, Bb + v))


# ================================================================= BG/NBD family
def bgnbd_LL(r, al, a, b, x, tx, T, modified=False):
    n = r + x
    if modified:
        l1 = lbeta(a, b + x + 1) - lbeta(a, b) - n * m.log(al + T)
        l2 = lbeta(a + 1, b + x) - lbeta(a, b) - n * m.log(al + tx)
        lse = logadd(l1, l2)
    else:
        l1 = lbeta(a, b + x) - lbeta(a, b) - n * m.log(al + T)
        if x > 0:
            l2 = lbeta(a + 1, b + x - 1) - lbeta(a, b) - n * m.log(al + tx)
            lse = logadd(l1, l2)
        else:
            lse = l1
    return lpoch(r, x) + r * m.log(al) + lse


def lbeta(a, b):
    return m.loggamma(a) + m.loggamma(b) - m.loggamma(a + b)


def logadd(a, b):
    if a < b:
        a, b = b, a
    return a + m.log1p(m.exp(b - a))


def bgnbd_palive(r, al, a, b, x, tx, T, modified=False):
    n = r + x
    if modified:
        return 1 / (1 + a / (b + x) * m.exp(n * m.log((al + T) / (al + tx))))
    if x == 0:
        return mpf(1)
    return 1 / (1 + a / (b + x - 1) * m.exp(n * m.log((al + T) / (al + tx))))


def beta_mix(a, b, g):
    """E_{p~Beta(a,b)} g(p): quadrature over u=logit p, panels walked outwards from the mode,
    integrand scaled by the density maximum (mp.quad has an ABSOLUTE error target)."""
    def pq(u):
        if u < 0:
            e = m.exp(u)
            return e / (1 + e), 1 / (1 + e), u - m.log1p(e), -m.log1p(e)
        e = m.exp(-u)
        return 1 / (1 + e), e / (1 + e), -m.log1p(e), -u - m.log1p(e)
    mode = m.log(a / b)
    _, _, l1, l2 = pq(mode)
    lref = a * l1 + b * l2
    D = mp.dps + 12
    tot = mpf(0)

    def f(u):
        p, q, lp, lq = pq(u)
        return m.exp(a * lp + b * lq - lref) * g(p)
    for sgn in (1, -1):
        u = mode
        while True:
            p, q, lp, lq = pq(u)
            rate = abs(a * q - b * p)
            h = mpf(3) / 2
            if rate > 0:
                h = min(h, 8 / rate)
            h = min(h, 2 / m.sqrt((a + b) * p * q + mpf(10) ** -60))
            u2 = u + sgn * h
            tot += sgn * m.quad(f, [u, u2], method='gauss-legendre')
            u = u2
            if abs(f(u)) < mpf(10) ** -D * abs(tot) * mpf('0.01') * min(a, b, 1):
                break
            if abs(u) > 60000:
                return None
    return tot * m.exp(lref - lbeta(a, b))


def bg_E_3f2(n, A, a, b, t):
    """E = n tau 3F2(n+1, a, 1; a+b, 2; -tau)  (no singularity at a=1)"""
    tau = t / A
    return n * tau * m.hyp3f2(n + 1, a, 1, a + b, 2, -tau)


def bg_DERT_def(n, A, a, b, d):
    """E_p[ (n/p) e^k E_{n+1}(k) ], k = d A / p"""
    def g(p):
        k = d * A / p
        return n / p * expE_cf(n + 1, k)
    return beta_mix(a, b, g)


def expE_cf(s, z):
    """e^z E_s(z) by mpmath expint with guard digits (z<60) or by continued fraction"""
    if z < 60:
        with mp.workdps(mp.dps + 40 + int(float(abs(s)) * 0.5)):
            return m.exp(z) * m.expint(s, z)
    b0 = z + s
    f = b0
    C = f
    D = mpf(0)
    i = 0
    while True:
        i += 1
        an = -i * (s - 1 + i)
        bb = b0 + 2 * i
        D = 1 / (bb + an * D)
        C = bb + an / C
        dl = C * D
        f *= dl
        if abs(dl - 1) < mpf(10) ** (-mp.dps):
            return 1 / f


def bgnbd_pmf(r, al, a, b, t, x):
    """P(X(t)=x) for BG/NBD (FHL 2005 eq 8), exact"""
    p = m.exp(lbeta(a, b + x) - lbeta(a, b)) * nbpmf(r, al, t, x)
    if x > 0:
        tail = 1 - sum(nbpmf(r, al, t, j) for j in range(int(x)))
        p += m.exp(lbeta(a + 1, b + x - 1) - lbeta(a, b)) * tail
    return p


# ================================================================= (M)BG/CNBD-k
def cnbd_LL(k, r, al, a, b, x, tx, T, litt, modified):
    k = int(k)
    n = r + k * x
    e = 1 if modified else 0
    S2 = sum(m.exp(lpoch(n, j) - m.loggamma(j + 1)) * ((T - tx) / (al + T)) ** j for j in range(k))
    base = (k - 1) * litt - x * m.loggamma(k) + lpoch(r, k * x) + r * m.log(al) + lbeta(a, b + x + e) - lbeta(a, b)
    l1 = m.log(S2) - n * m.log(al + T)
    if modified or x > 0:
        l2 = m.log(a) - m.log(b + x - 1 + e) - n * m.log(al + tx)
        return base + logadd(l1, l2)
    return base + l1


def cnbd_palive(k, r, al, a, b, x, tx, T, modified):
    k = int(k)
    n = r + k * x
    e = 1 if modified else 0
    if not modified and x == 0:
        return mpf(1)
    S2 = sum(m.exp(lpoch(n, j) - m.loggamma(j + 1)) * ((T - tx) / (al + T)) ** j for j in range(k))
    P1 = a / (b + x - 1 + e) * m.exp(n * m.log((al + T) / (al + tx)))
    return 1 / (1 + P1 / S2)


def cnbd_CET(k, r, al, a, b, x, tx, T, t, modified, terms=None):
    """EXACT conditional expectation (derived in SPEC e): stage-weighted NB series."""
    k = int(k)
    e = 1 if modified else 0
    n0 = r + k * x
    bb = b + x + e
    d = T - tx
    w = [m.exp(lpoch(n0, j) - m.loggamma(j + 1)) * (d / (al + T)) ** j for j in range(k)]
    sw = sum(w)
    z = t / (al + T + t)
    tot = mpf(0)
    for j in range(k):
        if w[j] == 0:
            continue
        n = n0 + j
        pi = (1 - z) ** n
        W = mpf(0)
        om = mpf(1)
        cnt = 0
        acc = mpf(0)
        mm = 0
        cum = pi
        while True:
            c = (mm + j) // k
            while cnt < c:
                W += om
                om *= (bb + cnt) / (a + bb + cnt)
                cnt += 1
            acc += pi * W
            pi *= z * (n + mm) / (mm + 1)
            mm += 1
            if mm > n * z / (1 - z) and pi * (W + 1) * (1 / (1 - z)) < mpf(10) ** (-mp.dps - 5) * (acc + mpf(10) ** (-mp.dps)):
                break
            if mm > 2000000:
                raise RuntimeError
        tot += w[j] / sw * acc
    return cnbd_palive(k, r, al, a, b, x, tx, T, modified) * tot


# ================================================================= GG/NBD
def gg_lnD(b, be, y):
    return m.log(be + m.expm1(b * y))


def gg_bracket_def(r, al, b, s, be, x, tx, T, dens=1):
    n = r + x
    L0 = gg_lnD(b, be, tx)

    def k(y):
        lD = gg_lnD(b, be, y)
        return b * s * m.exp(b * y - lD - n * m.log((al + y) / (al + tx)) - s * (lD - L0))

    def rate(y):
        eb = m.exp(b * y)
        q = eb / (be - 1 + eb)
        return -(n / (al + y)) - (s + 1) * b * q + b

    def scale(y):
        if be > 1:
            yr = m.log(be - 1) / b
            im = m.pi / b
            ds = max(im / 2, (yr - y) / 3 if y < yr else m.sqrt((y - yr) ** 2 + im ** 2) / 2)
        elif be < 1:
            ds = y - m.log(1 - be) / b
        else:
            ds = mpf('1e30')
        return min(al + y, ds) / dens
    B = quad_panels(k, tx, T, rate, scale)
    ET = m.exp(-n * m.log((al + T) / (al + tx)) - s * (gg_lnD(b, be, T) - L0))
    return ET, B


def gg_LL(r, al, b, s, be, x, tx, T, br=None):
    ET, B = br if br else gg_bracket_def(r, al, b, s, be, x, tx, T)
    return (lpoch(r, x) + r * m.log(al) - (r + x) * m.log(al + tx)
            + s * (m.log(be) - gg_lnD(b, be, tx)) + m.log(ET + B))


def gg_palive(r, al, b, s, be, x, tx, T, br=None):
    ET, B = br if br else gg_bracket_def(r, al, b, s, be, x, tx, T)
    return ET / (ET + B)


def gg_resid(b, s, be, T, t, d=0, dens=1):
    """int_0^t e^{-d w} S(T+w)/S(T) dw  (t may be None => infinity, needs b>0 or d>0)"""
    L0 = gg_lnD(b, be, T)

    def f(w):
        return m.exp(-d * w - s * (gg_lnD(b, be, T + w) - L0))

    def rate(w):
        q = 1 / (1 + (be - 1) * m.exp(-b * (T + w)))
        return -d - s * b * q

    def scale(w):
        y = T + w
        if be > 1:
            yr = m.log(be - 1) / b
            im = m.pi / b
            return max(im / 2, (yr - y) / 3 if y < yr else m.sqrt((y - yr) ** 2 + im ** 2) / 2) / dens
        if be < 1:
            return y - m.log(1 - be) / b
        return mpf('1e30')
    hi = t if t is not None else mpf(10) ** 12
    return quad_panels(f, 0, hi, rate, scale)


# ================================================================= BG/BB
def bgbb_LL(al, be, ga, de, x, tx, n):
    A = lbeta(al + x, be + n - x) - lbeta(al, be) + lbeta(ga, de + n) - lbeta(ga, de)
    tot = m.exp(A)
    for i in range(int(n - tx)):
        tot += m.exp(lbeta(al + x, be + tx - x + i) - lbeta(al, be) + lbeta(ga + 1, de + tx + i) - lbeta(ga, de))
    return m.log(tot)


def bgbb_palive(al, be, ga, de, x, tx, n, at):
    """P(alive at transaction opportunity `at` >= n | history).  at=n: 'alive at n';
    Fader-Hardie-Shang table uses at=n+1"""
    return m.exp(lbeta(al + x, be + n - x) - lbeta(al, be) + lbeta(ga, de + at) - lbeta(ga, de)
                 - bgbb_LL(al, be, ga, de, x, tx, n))


def bgbb_CET(al, be, ga, de, x, tx, n, ns):
    C = m.exp(lbeta(al + x + 1, be + n - x) - lbeta(al, be) - bgbb_LL(al, be, ga, de, x, tx, n))
    return C * sum(m.exp(lbeta(ga, de + n + j) - lbeta(ga, de)) for j in range(1, int(ns) + 1))


def bgbb_CET_cf(al, be, ga, de, x, tx, n, ns):
    C = m.exp(lbeta(al + x + 1, be + n - x) - lbeta(al, be) - bgbb_LL(al, be, ga, de, x, tx, n))
    return C * de / (ga - 1) * m.gamma(ga + de) / m.gamma(1 + de) * (
        m.gamma(1 + de + n) / m.gamma(ga + de + n) - m.gamma(1 + de + n + ns) / m.gamma(ga + de + n + ns))


def bgbb_DERT(al, be, ga, de, x, tx, n, d):
    C = m.exp(lbeta(al + x + 1, be + n - x) - lbeta(al, be) - bgbb_LL(al, be, ga, de, x, tx, n))
    return C * m.exp(lbeta(ga, de + n + 1) - lbeta(ga, de)) / (1 + d) * m.hyp2f1(1, de + n + 1, ga + de + n + 1, 1 / (1 + d))


# ================================================================= gamma-gamma
def gg_spend_LL(p, q, g, x, mx):
    return (m.loggamma(p * x + q) - m.loggamma(p * x) - m.loggamma(q) + q * m.log(g) + (p * x - 1) * m.log(mx)
            + p * x * m.log(x) - (p * x + q) * m.log(g + mx * x))


def gg_spend_LL_def(p, q, g, x, mx):
    """f(zbar) = int gamma(zbar; px, nu x) gamma(nu; q, g) dnu"""
    f = lambda nu: m.exp(p * x * m.log(nu * x) + (p * x - 1) * m.log(mx) - nu * x * mx - m.loggamma(p * x)
                         + q * m.log(g) + (q - 1) * m.log(nu) - g * nu - m.loggamma(q))
    mode = (p * x + q) / (g + mx * x)
    sd = m.sqrt(p * x + q) / (g + mx * x)
    pts = [mode * mpf(10) ** (-j) for j in range(60, 0, -1)]
    pts += [mode + sd * j for j in range(-60, 61) if mode + sd * j > mode / 10]
    pts += [mode + 60 * sd + mode * mpf(2) ** j for j in range(-3, 6)] + [mode + 60 * sd + 400 * sd]
    pts = sorted(set(pts))
    return m.log(sum(m.quad(f, [a, b]) for a, b in zip(pts[:-1], pts[1:])))


def gg_spend_E(p, q, g, x, mx):
    return p * (g + mx * x) / (p * x + q - 1)


# ================================================================= sBG / BdW

def sbg_DEL(a, b, d):
    return m.hyp2f1(1, b, a + b, 1 / (1 + d))


def sbg_DERL(a, b, d, n):
    """standing at end of period n, just before the n-th renewal decision; n-1 renewals so far"""
    return (b + n - 1) / (a + b + n - 1) * m.hyp2f1(1, b + n, a + b + n, 1 / (1 + d))
