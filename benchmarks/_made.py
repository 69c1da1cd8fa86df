"""Made tables whose anomalies are known."""

import numpy as np
import pandas as pd

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
