"""Training and scoring of tables that no single machine holds, on Dask."""
