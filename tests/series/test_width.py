"""The width of windows that nobody has given."""

import numpy as np
import pytest

from sklearn_activation._series.width import choose_width


@pytest.mark.parametrize(
    "period, expected", [(25, 100), (40, 120), (99, 198), (100, 100), (130, 130)]
)
def test_automatic_width_is_a_multiple_of_the_period(period, expected):
    t = np.arange(4000)
    X = np.sin(2 * np.pi * t / period)[:, None]
    assert choose_width(X, [(0, len(X))])[0] == expected


def test_automatic_width_looks_at_every_channel_and_past_gaps():
    wave = np.sin(2 * np.pi * np.arange(4000) / 130)
    gaps = np.where(np.random.default_rng(0).random(4000) < 0.01, np.nan, wave + 1000)
    tiny = np.column_stack([1e-10 * wave, np.ones(4000)])
    assert choose_width(gaps[:, None], [(0, 4000)])[0] == 130
    assert choose_width(tiny, [(0, 4000)])[0] == 130


def test_automatic_width_without_a_period():
    noise = np.random.default_rng(0).normal(size=(3000, 1))
    assert choose_width(noise, [(0, 3000)])[0] == 100
    assert choose_width(noise[:300], [(0, 300)])[0] == 30
    assert choose_width(np.ones((2000, 1)), [(0, 2000)])[0] == 100
    assert choose_width(np.full((2000, 1), np.nan), [(0, 2000)])[0] == 100


def test_automatic_width_prefers_a_day_to_a_week():
    t = np.arange(6000)
    weekend = (t // 24) % 7 >= 5
    X = (np.sin(2 * np.pi * t / 24) * np.where(weekend, 0.6, 1.0))[:, None]
    assert choose_width(X, [(0, len(X))])[0] == 120
