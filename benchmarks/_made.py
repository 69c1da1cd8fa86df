"""Made tables and series whose anomalies are known."""

import numpy as np
import pandas as pd
from scipy.signal import lfilter

SHOPS = ("grocery", "fuel", "restaurant", "travel", "electronics", "pharmacy", "streaming", "cash")
USUAL_AMOUNT = (35, 45, 28, 420, 180, 18, 11, 120)
USUAL_HOUR = (16, 13, 19, 11, 15, 14, 20, 12)
ONLINE = (0.1, 0.01, 0.15, 0.8, 0.6, 0.2, 1.0, 0.0)  # share of a shop's sales
COUNTRIES = ("AT", "DE", "CH", "IT", "FR", "CZ", "HU", "SI", "ES", "GB", "US", "PL", "NL", "BR")


def transactions(n=20_000, share=0.006, seed=0):
    """Card transactions: numbers over decades, four categories, five kinds of anomalies.

    Returns
    -------
    X : DataFrame of n rows
    kind : ndarray of int of shape (n,)
        0 is normal. 1: forty times the usual amount of the shop. 2: bought in the small hours at
        a shop that is closed. 3: a chip read where there is no terminal. 4: far away within
        minutes of the transaction before. 5: a cheap probe of a card in a far country.
    """
    rng = np.random.default_rng(seed)
    shop = rng.choice(len(SHOPS), n, p=(0.3, 0.12, 0.2, 0.03, 0.05, 0.1, 0.12, 0.08))
    online = rng.random(n) < np.take(ONLINE, shop)
    zipf = 1 / np.arange(1, len(COUNTRIES) + 1) ** 2
    country = rng.choice(len(COUNTRIES), n, p=zipf / zipf.sum())
    amount = np.take(USUAL_AMOUNT, shop) * np.exp(rng.normal(0, 0.6, n))
    hour = (np.take(USUAL_HOUR, shop) + rng.normal(0, 2.5, n)) % 24
    minutes = np.exp(rng.normal(6.5, 1.2, n))  # since the transaction before
    distance = np.exp(rng.normal(1.0, 1.0, n) + 1.5 * (country > 0)) * np.minimum(minutes / 200, 1)
    card = rng.choice(["debit", "credit", "gold", "prepaid"], n, p=(0.55, 0.35, 0.07, 0.03))
    balance = np.exp(rng.normal(7, 1, n)) * np.where(card == "gold", 5, 1)
    kind = np.zeros(n, dtype=int)
    odd = rng.permutation(n)[: int(share * n)]
    kind[odd] = 1 + np.arange(len(odd)) % 5
    amount[kind == 1] *= 40
    shop[kind == 2] = rng.choice([0, 1, 5], (kind == 2).sum())
    hour[kind == 2] = rng.uniform(1.5, 4.5, (kind == 2).sum())
    entry = np.where(online, "online", np.where(rng.random(n) < 0.8, "chip", "contactless"))
    shop[kind == 3] = 6
    entry[kind == 3] = "chip"
    minutes[kind == 4], distance[kind == 4] = 3.0, 900.0
    amount[kind == 5] = rng.uniform(0.5, 1.5, (kind == 5).sum())
    country[kind == 5], entry[kind == 5] = len(COUNTRIES) - 1, "online"
    X = pd.DataFrame(
        {
            "amount": amount.round(2),
            "hour": hour.round(2),
            "minutes_since_last": minutes.round(1),
            "distance_km": distance.round(2),
            "balance": balance.round(2),
            "shop": pd.Categorical.from_codes(shop, SHOPS),
            "country": np.take(COUNTRIES, country),
            "entry": entry,
            "card": card,
        }
    )
    return X, kind


# -- series ----------------------------------------------------------------------------

WEEK = 168  # hours
N_WEEKS = 52  # of the sensor log
CLEAN_WEEKS = 26  # of it, before the first event
SETTLING = 200  # stamps of an autoregressive series that are thrown away


def sensor_log(seed=0):
    """A year of hourly readings of a plant, with seven events in its second half.

    Load follows the day, weaker at weekends; temperature and pressure follow load, the day and
    the week, and temperature drifts by six degrees in the year. Forty times a channel lacks one to
    three readings, and once, in the first half, 30 hours are missing altogether.

    Parameters
    ----------
    seed : int, default=0
        Of the noise, of the gaps, and of when the events are.

    Returns
    -------
    X : DataFrame of shape (8736, 3)
        Columns temperature, load and pressure, NaN for what is missing; the index holds the
        hours, from a Monday.
    events : DataFrame of shape (7, 3)
        By time: "kind", "start" and "end", the last hour. A spike of load for one hour; a shift
        of pressure, which stays but counts as an event for 24 hours; temperature stuck for 36
        hours; load dropping to 0 for 9; noisy pressure for 24; a working day off; temperature
        ramping up by 8 degrees in 48 hours and falling back at once.
    """
    rng = np.random.default_rng(seed)
    n, first = N_WEEKS * WEEK, CLEAN_WEEKS * WEEK
    X = _usual_readings(rng, n)
    slots = np.linspace(first + 100, n - 400, 7).astype(int) + rng.integers(-60, 60, 7)
    events = _put_events(X, rng.permutation(slots), rng)
    for start in rng.integers(0, n - 3, 40):
        X[start : start + rng.integers(1, 4), rng.integers(3)] = np.nan
    start = rng.integers(300, first - 300)
    X[start : start + 30] = np.nan
    index = pd.date_range("2024-01-01", periods=n, freq="h", name="time")
    kinds, starts, lengths = zip(*sorted(events, key=lambda event: event[1]), strict=True)
    starts, lengths = np.array(starts), np.array(lengths)
    table = {"kind": kinds, "start": index[starts], "end": index[starts + lengths - 1]}
    return pd.DataFrame(X, index, ["temperature", "load", "pressure"]), pd.DataFrame(table)


def _usual_readings(rng, n):
    """Temperature, load and pressure without events or gaps."""
    t = np.arange(n)
    day = 2 * np.pi * t / 24
    weekend = (t // 24) % 7 >= 5
    activity = np.maximum(0, np.sin(day - 2.2)) * np.where(weekend, 0.4, 1.0)
    load = 40 + 50 * activity + 3 * autoregressive(n, 0.6, rng)
    temperature = 20 + 6 * t / n + 4 * np.sin(day - 2.8) + 0.08 * (load - 60)
    temperature += 0.7 * autoregressive(n, 0.8, rng)
    pressure = 6 - 0.01 * (load - 60) + 0.12 * np.sin(2 * np.pi * t / WEEK)
    pressure += 0.06 * autoregressive(n, 0.7, rng)
    return np.column_stack([temperature, load, pressure])


def _put_events(X, slots, rng):
    """Write the seven events into ``X``; their kinds, first stamps and lengths in stamps."""
    spike, shift, stuck, dropout, noise, day_off, ramp = slots.tolist()
    day_off = day_off // WEEK * WEEK + 24  # the Tuesday of its week
    X[spike, 1] += rng.choice([-1, 1]) * 35
    X[shift:, 2] += 0.5
    X[stuck : stuck + 36, 0] = X[stuck, 0]
    X[dropout : dropout + 9, 1] = 0
    X[noise : noise + 24, 2] += rng.normal(0, 0.25, 24)
    X[day_off : day_off + 24, 1] = 42 + 3 * autoregressive(24, 0.6, rng)
    X[ramp : ramp + 48, 0] += np.linspace(0, 8, 48)
    return [
        ("spike", spike, 1),
        ("shift", shift, 24),
        ("stuck", stuck, 36),
        ("dropout", dropout, 9),
        ("noise", noise, 24),
        ("day off", day_off, 24),
        ("ramp", ramp, 48),
    ]


def autoregressive(n, rho, rng):
    """A stationary AR(1) series of ``n`` stamps with deviation 1."""
    steps = rng.normal(size=n + SETTLING)
    return lfilter([1], [1, -rho], steps)[SETTLING:] * np.sqrt(1 - rho**2)


def normal_series(n, seed=0):
    """Twelve kinds of series without anomalies.

    Parameters
    ----------
    n : int
        Stamps of each.
    seed : int, default=0

    Returns
    -------
    series : dict of str to ndarray of shape (n, 1)
    """
    rng = np.random.default_rng(seed)
    t = np.arange(n)

    def ar(rho):
        return autoregressive(n, rho, rng)

    bumps = np.zeros(n)
    for start in rng.integers(0, n - 30, n // 200):
        bumps[start : start + 30] += rng.exponential(2) * np.hanning(30)
    week = 1 + 0.5 * np.sin(2 * np.pi * t / WEEK)
    series = {
        "white noise": rng.normal(size=n),
        "AR(0.7)": ar(0.7),
        "AR(0.95)": ar(0.95),
        "AR(0.99)": ar(0.99),
        "noisy sine": np.sin(2 * np.pi * t / 50) + 0.2 * rng.normal(size=n),
        "noisy season": np.sin(2 * np.pi * t / 24) * week + 0.3 * ar(0.5),
        "wandering period": np.sin(np.cumsum(2 * np.pi / 40 * (1 + 0.1 * ar(0.9))))
        + 0.2 * rng.normal(size=n),
        "bumps": bumps + 0.3 * rng.normal(size=n),
        "wandering variance": rng.normal(size=n) * np.exp(0.5 * ar(0.98)),
        "heavy tails": rng.standard_t(4, size=n),
        "trend": 4 * t / n + ar(0.5),
        "counts": rng.poisson(np.exp(1 + np.sin(2 * np.pi * t / 96))).astype(float),
    }
    return {name: values[:, None] for name, values in series.items()}
