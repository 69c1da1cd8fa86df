"""A detector's training on the windows of a series."""

from dataclasses import replace

import numpy as np

from .._detection.memory import Memory
from .._detection.training import DetectorTraining
from .._rows.encoding import SAMPLE_SIZE
from .._rows.encodings import ENCODINGS
from .._rows.rows import Rows
from .._warnings import warn
from .calibration import calibration_of, judge_series
from .cutting import (
    check_lengths,
    count_missing,
    cut_at_gaps,
    find_series,
    guess_times_before,
)
from .encodings import WINDOW_ENCODINGS
from .model import SeriesModel, Tail, cut, longest_gap
from .record import Record
from .width import choose_width


class SeriesTraining(DetectorTraining):
    """A detector's training on the windows of a series.

    In a stream, a batch is preceded by the last stamps of the batch before. Windows that cross the
    border between batches are therefore learned, too.
    """

    # The windows that a model keeps have at most this many entries in total. The model keeps at
    # least ``fewest_windows`` windows.
    window_entries = 1 << 17
    fewest_windows = 32

    # The stamps that are cut into windows, with weights, times and the bounds of series.
    X = weight = time = bounds = None
    # Number of stamps that belong to the batch before, and the activation of their windows.
    n_before = 0
    known = np.empty(0)
    # The ``SeriesModel`` of another detector that is merged.
    theirs = None

    def learn(self, X, time, weight, groups):
        """Return the model of validated stamps."""
        bounds = find_series(groups, len(X))
        self.width = self._choose_width(X, bounds)
        self._begin_with_tail(X, time, weight, bounds, groups)
        if self.time is not None:
            self.bounds = cut_at_gaps(
                self.bounds, self.time, longest_gap(self.width), self.n_before
            )
        if self.going_on and max(end - first for first, end in self.bounds) < self.width:
            scores = np.full(len(X), np.nan)
            return replace(self.previous, training_scores=scores, **self._kept(np.empty(0)))
        # The last series may go on in the next batch.
        several = self.partial and len(self.bounds) > 1
        check_lengths(self.bounds[:-1] if several else self.bounds, self.width, self.n_before)
        self.found = cut(self.X, self.bounds, self.width)
        windows, places, weight = self._choose_windows()
        if not len(places):  # nothing is learned from stamps without weight
            scores = self.previous.judge(self.found)[self.n_before :]
            kept = self._kept(self._activation_before(windows))
            return replace(self.previous, training_scores=scores, **kept)
        return self.run(Rows(windows[places], None, weight))

    def _choose_width(self, X, bounds):
        """Return the number of stamps in a window, given or automatic."""
        asked, before = self.estimator.window, self.previous.width if self.going_on else None
        if asked == "auto" and before is None:
            width, reason = choose_width(X, bounds)
            if self.estimator.verbose:
                print(reason)
            return width
        width = before if asked == "auto" else int(asked)
        if before not in (None, width):
            refuse_width(width, before)
        return width

    def _begin_with_tail(self, X, time, weight, bounds, groups):
        """Put the last stamps of the batch before in front of a batch that continues them."""
        tail = self.previous.tail if self.going_on and groups is None else None
        if tail is not None and self._continues(tail, time):
            self.n_before, self.known = len(tail.X), tail.activation
        if self.n_before:
            X = np.concatenate([tail.X, X])
            weight = np.concatenate([tail.weight, weight])
            if time is not None:
                time = np.concatenate([guess_times_before(time, self.n_before, tail.time), time])
            bounds = [(0, len(X))]
        self.X, self.time, self.weight, self.bounds = X, time, weight, bounds

    def _continues(self, tail, time):
        """Whether a batch of a stream begins where the batch before has ended."""
        before = tail.time
        if time is None or before is None or len(before) < 2:
            return True
        step = np.median(np.diff(before))
        return 0 < time[0] - before[-1] <= (longest_gap(self.width) + 1.5) * step

    def _choose_windows(self):
        """Return all windows, the places of the windows to learn, and the weights of these."""
        found, windows = self.found, self.found.windows
        weight = windows.mean_of_stamps(self.weight)
        whole = found.whole
        places = np.flatnonzero((weight > 0) & (whole | ~whole.any()))
        places = places[places >= len(self.known)]
        if not len(places):
            if not self.going_on:
                raise ValueError(
                    f"sample_weight: all {len(windows)} windows have weight zero. Give positive "
                    "weights to the time steps of at least one window."
                )
            return windows, places, weight[places]
        weight = self.forget(weight[places])
        few = windows[places].evenly(self.most_rows)
        if len(few) < len(places) and not self.partial and self.solver.keeps_moments:
            weight = weight[few] * weight.sum() / weight[few].sum()
            places = places[few]
        return windows, places, weight

    def _activation_before(self, windows):
        """Return the activation of all windows before this batch is learned."""
        return np.concatenate([self.known, self.previous.score(windows[len(self.known) :])])

    def _kept(self, activation):
        """Return the tail and the record of a model, given the activation of all windows."""
        return {"tail": self._tail(activation), "record": self._record()}

    def _record(self):
        """Return the latest stamps, those of earlier batches included."""
        n = self.n_before
        new = [(first - n, end - n) for first, end in self.bounds if end > n]
        record = Record.of(self.X[n:], self.weight[n:], new, self._missing()[n:])
        if self.going_on:
            record = self.previous.record.then(record, continues=new[0][0] < 0)
        return record.latest(record.most_stamps(self.width))

    def _missing(self):
        """Return how many stamps of its series an index of times lacks before each stamp."""
        missing = np.zeros(len(self.X), dtype=int)
        if self.time is not None:
            for first, end in self.bounds:
                part = slice(first, end)
                missing[part] = count_missing(self.time[part], longest_gap(self.width))
        return missing

    def _tail(self, activation):
        """Return the last stamps, with the activation of the windows among them."""
        first = max(len(self.X) - 2 * (self.width - 1), self.bounds[-1][0])
        n_windows = max(len(self.X) - first - self.width + 1, 0)
        time = None if self.time is None else self.time[first:]
        last = activation[len(activation) - n_windows :]
        return Tail(self.X[first:], self.weight[first:], time, last)

    # -- steps of the training -----------------------------------------------------

    def draw(self, rows, size):
        windows = rows.X
        most = self.window_entries // windows.shape[1]
        size = int(np.clip(most, self.fewest_windows, SAMPLE_SIZE))
        if self.theirs is not None:
            return self.previous.sample.smallest(size)
        index = windows.evenly(size)
        weight = rows.weight[index] * len(windows) / len(index)
        return super().draw(Rows(np.asarray(windows[index]), None, weight), size)

    def fit_encoding(self, sample, seed, rows):
        X, weight = rows.X, rows.weight
        name, options = self.estimator.encoding, self.encoding_options(seed)
        most = min(SAMPLE_SIZE, 16 * self.window_entries // X.shape[1])
        index = X.evenly(max(self.fewest_windows, most))
        if name in WINDOW_ENCODINGS:
            return WINDOW_ENCODINGS[name].fitted_to(
                X,
                weight,
                index,
                relative_to=self.estimator.relative_to,
                level_weight=self.estimator.level_weight,
                **options,
            )
        return ENCODINGS[name].robustly_fitted_to(
            np.asarray(X[index]), weight[index], bent=False, categorical=None, **options
        )

    def make_progress(self, rows, fitted):
        if self.X is not None:  # callbacks see stamps, not windows
            rows = Rows(self.X, None, self.weight)
        return super().make_progress(rows, fitted)

    def finish(self, model, rows, task, is_last=True):
        if self.theirs is not None:
            return self._finish_merge(model, task)
        contamination = self.shared(task)["chosen"].get("p", self.estimator.contamination)
        before = activation = None
        if self.going_on:
            before = self.previous.series
            activation = self._activation_before(self.found.windows)
        judged = judge_series(
            model.solution,
            rows,
            task,
            contamination,
            before,
            activation,
            len(self.known),
            spoiled=self.found.beside_gaps(),
        )
        if is_last:
            for doubt in judged.doubts:
                warn(doubt)
        scores = np.where(self.found.dead, 0.0, judged.scores)
        model = replace(model, solution=judged.solution).extend(
            SeriesModel,
            calibration=calibration_of(judged.series),
            training_scores=scores[self.n_before :],
            memory=Memory.empty(),
            width=self.width,
            series=judged.series,
            **self._kept(judged.activation),
            **self.shared(task),
        )
        windows = self.found.windows
        if self.partial or len(windows) > self.most_rows:
            return model
        return model.remember(windows, np.ones(len(windows)), judged.activation)

    def merge(self, other):
        """Return the model of what two detectors have learned.

        The model keeps the training scores of the previous model.
        """
        self.theirs = other
        return super().merge(other)

    def _finish_merge(self, model, task):
        ours = self.previous.series
        series = self.theirs.series.after(ours)
        series = replace(series, typical=ours.typical, deviation=ours.deviation)
        model = model.extend(
            SeriesModel,
            training_scores=self.previous.training_scores,
            memory=Memory.empty(),
            width=self.previous.width,
            tail=self.previous.tail,
            record=self.previous.record.beside(self.theirs.record, self.previous.width),
            **self.shared(task),
        )
        return model.calibrate(series, self.estimator.contamination)


def refuse_width(width, before):
    """Raise a ValueError, because all windows of a stream have the same width."""
    raise ValueError(
        f"window={width} differs from window={before}, to which the detector was fitted. Call fit "
        f"to start again, or set window={before}."
    )
