"""How fast data comes in: Parquet files beside pyarrow, and gateways that post sealed batches over HTTP."""
