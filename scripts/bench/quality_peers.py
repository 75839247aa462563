"""The same eight rules over the same Parquet file in another tool; runs in a virtual environment of its own.

    python quality_peers.py great_expectations|pointblank FILE

Prints one JSON object: seconds from the file to all counts, failing rows of each rule, peak memory in MiB.
"""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from typing import Any

warnings.simplefilter("ignore")
KINDS = ["AA", "BB", "CC"]
PHONE = "^1[3-9][0-9]{9}$"
LONGEST = 20


def great_expectations(place: str) -> dict[str, int]:
    """Great Expectations on pandas, counts without examples."""
    import great_expectations as gx  # noqa: PLC0415
    import pandas as pd  # noqa: PLC0415

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    frame = pd.read_parquet(place)
    asset = context.data_sources.add_pandas("bench").add_dataframe_asset("table")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
    expect = gx.expectations
    rules = [
        expect.ExpectColumnValuesToBeUnique(column="id", meta={"rule": "id"}),
        expect.ExpectColumnValuesToNotBeNull(column="name", meta={"rule": "name"}),
        expect.ExpectColumnValuesToBeInSet(column="kind", value_set=KINDS, meta={"rule": "kind"}),
        expect.ExpectColumnValuesToBeBetween(
            column="delay", min_value=0, max_value=2500, meta={"rule": "delay"}
        ),
        expect.ExpectColumnValuesToBeBetween(column="amount", min_value=0, meta={"rule": "amount"}),
        expect.ExpectColumnValuesToMatchRegex(column="phone", regex=PHONE, meta={"rule": "phone"}),
        expect.ExpectColumnValueLengthsToBeBetween(
            column="name", max_value=LONGEST, meta={"rule": "length"}
        ),
        expect.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A="closed", column_B="opened", or_equal=True, meta={"rule": "order"}
        ),
    ]
    suite = gx.ExpectationSuite(name="bench", expectations=rules)
    told = batch.validate(suite, result_format="BASIC").results
    # Results come in an order of their own.
    return {
        one.expectation_config.meta["rule"]: int(one.result.get("unexpected_count", 0))
        for one in told
    }


def pointblank(place: str) -> dict[str, int]:
    """Pointblank on Polars."""
    import pointblank as pb  # noqa: PLC0415
    import polars as pl  # noqa: PLC0415

    frame = pl.read_parquet(place)
    checked = (
        pb.Validate(frame)
        .rows_distinct(columns_subset=["id"])
        .col_vals_not_null(columns="name")
        .col_vals_in_set(columns="kind", set=KINDS)
        .col_vals_between(columns="delay", left=0, right=2500)
        .col_vals_ge(columns="amount", value=0)
        .col_vals_regex(columns="phone", pattern=PHONE)
        .col_vals_expr(expr=pl.col("name").is_null() | (pl.col("name").str.len_chars() <= LONGEST))
        .col_vals_expr(expr=pl.col("opened") <= pl.col("closed"))
        .interrogate(collect_extracts=False)
    )
    names = ("id", "name", "kind", "delay", "amount", "phone", "length", "order")
    failed = checked.n_failed()
    return {name: int(failed[step]) for step, name in enumerate(names, start=1)}


def main() -> None:
    tool: Any = {"great_expectations": great_expectations, "pointblank": pointblank}[sys.argv[1]]
    __import__(sys.argv[1])
    started = time.perf_counter()
    failing = tool(sys.argv[2])
    told = {
        "seconds": time.perf_counter() - started,
        "failing": failing,
        "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main()
