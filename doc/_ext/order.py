"""Order of the examples in the gallery: tables and logs first, then how the method works."""

FIRST = [
    "plot_quickstart",
    "plot_table_anomalies",
    "plot_series_anomalies",
    "plot_live_log",
    "plot_forecast",
    "plot_classify_table",
    "plot_imputation",
    "plot_threshold",
    "plot_imbalance",
    "plot_drift",
    "plot_activation_landscape",
    "plot_grid_search",
    "plot_learning_curve",
    "plot_features",
    "plot_pretraining",
    "plot_image_patches",
    "plot_local_connections",
    "plot_inference",
    "plot_learning_time",
]


class ReadingOrder:
    """Sort key: examples of ``FIRST`` as listed, and the remaining examples by name."""

    def __init__(self, src_dir):
        self.src_dir = src_dir

    def __call__(self, filename):
        stem = filename.removesuffix(".py")
        return (FIRST.index(stem) if stem in FIRST else len(FIRST), stem)
