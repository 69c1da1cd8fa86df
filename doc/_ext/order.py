"""Order of the examples in the gallery: from the first look to the special."""

FIRST = ["plot_quickstart", "plot_table_anomalies", "plot_series_anomalies", "plot_few_labels"]


class ReadingOrder:
    """Sort key: those of ``FIRST`` as listed, then the others by name."""

    def __init__(self, src_dir):
        self.src_dir = src_dir

    def __call__(self, filename):
        stem = filename.removesuffix(".py")
        return (FIRST.index(stem) if stem in FIRST else len(FIRST), stem)
