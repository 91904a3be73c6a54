"""Real (and, of the invoices, realistic) supply-chain tables through our own functions: late payment, order cover, stress.

    python -m benchmarks.real_supply_chain --json        (--write: docs/real-supply-chain.md)

Needs MILLGRADE_DATA. Nothing here joins these tables to loans or machines.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.real_supply_chain.late_payment import late_payment
from benchmarks.real_supply_chain.page import page
from benchmarks.real_supply_chain.product_flows import order_cover_figures, read_flows
from benchmarks.real_supply_chain.product_network import network_figures

PAGE = Path(__file__).parents[2] / "docs" / "real-supply-chain.md"


def main() -> None:
    """Measure, print, and write when asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--write", action="store_true", help="write docs/real-supply-chain.md")
    arguments = parser.parse_args()
    flows = read_flows()
    supplygraph = {"order_cover": order_cover_figures(flows), "network": network_figures(flows)}
    found = {"ibm_receivables": late_payment(), "supplygraph": supplygraph}
    text = page(found)
    if arguments.write:
        PAGE.write_text(text, encoding="utf-8")
    print(json.dumps(found, indent=2) if arguments.json else text)


if __name__ == "__main__":
    main()
