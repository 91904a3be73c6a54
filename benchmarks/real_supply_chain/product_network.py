"""`supplygraph`: a stress on its product network, by the code that strikes suppliers around a core enterprise.

Plants make products, products are sold as groups. The tables tell which plants handle a product and not how much each
makes: equal parts are assumed, and what holds whatever the parts are stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.stats import spearmanr

from api.pledges.service import supply_chain_parameters
from benchmarks.real_credit import AS_OF, SEED
from benchmarks.real_data import real_data
from benchmarks.real_supply_chain.product_flows import FOLDER, Flows
from features.history import Array
from scoring.supply_chain.contagion.demand import levels_of_supply
from scoring.supply_chain.contagion.network import Chain
from scoring.supply_chain.contagion.stress import Shock, StressResult, stress

ORDERS = -0.4
PERMUTATIONS = 999
WEEK = 7
WEIGHT = "kg"
KILOGRAMS_A_TONNE = 1000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Network:
    """Which plants handle each product that was delivered, (product, plant), its group, and the tonnes delivered."""

    products: tuple[str, ...]
    plants: tuple[str, ...]
    groups: tuple[str, ...]
    handles: NDArray[np.bool_]
    group: NDArray[np.int64]
    weight: Array


def network_figures(flows: Flows) -> dict[str, Any]:
    """Orders of each group cut by 40 %, each plant stopped, and whether neighbours in the network move together."""
    network = read_network(flows)
    chain = chain_of_products(network)
    return {
        "products": len(network.products),
        "plants": len(network.plants),
        "groups": len(network.groups),
        "plants_a_product_median": float(np.median(network.handles.sum(axis=1))),
        "orders": ORDERS,
        "orders_cut": [_cut(network, chain, group) for group in network.groups],
        "plants_stopped": sorted((stopped(network, at) for at in range(len(network.plants))), key=_most_first)[:5],
        "moves_together": moves_together(flows, network),
    }


def read_network(flows: Flows) -> Network:
    """The tables of nodes for the products that were delivered at all."""
    lies = pd.read_csv(real_data(f"{FOLDER}/Nodes_Nodes_Type_Plant_Storage.csv")).drop_duplicates(["Node", "Plant"])
    kinds = pd.read_csv(real_data(f"{FOLDER}/Nodes_Node_Types_Product_Group_and_Subgroup.csv")).drop_duplicates("Node")
    known = kinds.set_index("Node")["Group"]
    delivered = dict(zip(flows.products, flows.weight, strict=True))
    products = tuple(sorted(name for name in set(lies["Node"]) & set(known.index) if delivered.get(name, 0.0) > 0))
    plants, groups = (
        tuple(sorted(lies["Plant"].astype(str).unique())),
        tuple(sorted(known.loc[list(products)].unique())),
    )
    handles = np.zeros((len(products), len(plants)), dtype=bool)
    for node, plant in zip(lies["Node"], lies["Plant"].astype(str), strict=True):
        if node in products:
            handles[products.index(node), plants.index(plant)] = True
    group = np.array([groups.index(known[name]) for name in products])
    weight = np.array([delivered[name] for name in products])
    return Network(products=products, plants=plants, groups=groups, handles=handles, group=group, weight=weight)


def chain_of_products(network: Network) -> Chain:
    """Plants "sell" to the products that they handle, products to their group, in kilograms where money would stand; no money is known."""
    plants, products, groups = len(network.plants), len(network.products), len(network.groups)
    firms = [f"plant {name}" for name in network.plants] + list(network.products)
    firms += [f"group {name}" for name in network.groups]
    sales = np.zeros((len(firms), len(firms)))
    kilograms = KILOGRAMS_A_TONNE * network.weight
    sales[:plants, plants : plants + products] = (_parts(network) * kilograms[:, None]).T
    sales[plants + np.arange(products), plants + products + network.group] = kilograms
    unknown = np.full(len(firms), np.nan)
    return Chain(
        firms=firms,
        obligors=plants + products,
        currency=WEIGHT,
        sales=csr_array(sales),
        receivable=csr_array(sales.shape),
        equity=unknown,
        liquidity=unknown,
        pd_12m=unknown,
        lgd=0.45,
        exposure=unknown,
        rests_on={"products": products, "plants": plants, "groups": groups},
    )


def stopped(network: Network, plant: int) -> dict[str, Any]:
    """What stops with a plant, as a share of the tonnes delivered: by equal parts, and the least and the most that it
    can be whatever the parts are."""
    plants, products = len(network.plants), len(network.products)
    bought = np.zeros((plants + products, plants + products))
    bought[plants:, :plants] = _parts(network)
    able = np.ones(plants + products)
    able[plant] = 0.0
    kind = np.repeat([0, 1], [plants, products])
    level = levels_of_supply(csr_array(bought), kind, np.array([True, False]), able)[plants:]
    alone = network.handles[:, plant] & (network.handles.sum(axis=1) == 1)
    every = network.weight.sum()
    return {
        "plant": network.plants[plant],
        "products": int(network.handles[:, plant].sum()),
        "lost": float((network.weight * (1.0 - level)).sum() / every),
        "lost_at_least": float(network.weight[alone].sum() / every),
        "lost_at_most": float(network.weight[network.handles[:, plant]].sum() / every),
    }


def moves_together(flows: Flows, network: Network) -> dict[str, Any]:
    """Whether products that share more plants make more and less in the same weeks: Spearman's correlation over pairs
    of (plants shared, over plants of either) with (correlation of weekly changes), and how often shuffled products
    have as much."""
    made = [at for at, name in enumerate(network.products) if flows.produced[flows.products.index(name)].sum() > 0]
    weeks = len(flows.days) // WEEK
    output = np.array([flows.produced[flows.products.index(network.products[at])] for at in made])
    weekly = output[:, : weeks * WEEK].reshape(len(made), weeks, WEEK).sum(axis=2)
    together = np.corrcoef(np.diff(np.log1p(weekly), axis=1))
    handles = network.handles[made].astype(np.float64)
    both = handles @ handles.T
    shared = both / (handles.sum(axis=1)[:, None] + handles.sum(axis=1)[None, :] - both)
    upper = np.triu_indices(len(made), 1)
    value = float(spearmanr(shared[upper], together[upper]).statistic)
    random = np.random.default_rng(SEED)
    above = 0
    for _ in range(PERMUTATIONS):
        order = random.permutation(len(made))
        above += spearmanr(shared[np.ix_(order, order)][upper], together[upper]).statistic >= value
    return {
        "products": len(made),
        "pairs": len(upper[0]),
        "weeks": weeks,
        "mean_correlation": float(together[upper].mean()),
        "rank_correlation": value,
        "share_of_shuffles_as_high": (above + 1) / (PERMUTATIONS + 1),
    }


def _cut(network: Network, chain: Chain, group: str) -> dict[str, Any]:
    shock = Shock(core_enterprise=f"group {group}", orders=ORDERS)
    result = stress(chain, shock, supply_chain_parameters().at(AS_OF))
    struck = {item.firm: item.output_level for item in result.struck}
    in_plants = _parts(network) * network.weight[:, None]
    levels = np.array([struck.get(f"plant {name}", 1.0) for name in network.plants])
    return {
        "group": group,
        "share_of_weight": float(
            network.weight[network.group == network.groups.index(group)].sum() / network.weight.sum()
        ),
        "products_struck": sum(name in struck for name in network.products),
        "plants_struck": int((levels < 1.0).sum()),
        "lowest_plant_level": float(levels.min()),
        "output_of_all_plants": float((in_plants.sum(axis=0) * levels).sum() / in_plants.sum()),
        "expected_loss_known": _has_loss(result),
    }


def _has_loss(result: StressResult) -> bool:
    return any(item.expected_loss_after_minor is not None for item in result.struck)


def _parts(network: Network) -> Array:
    """(product, plant): equal parts over the plants that handle a product."""
    return np.asarray(network.handles / network.handles.sum(axis=1, keepdims=True))


def _most_first(told: dict[str, Any]) -> tuple[float, str]:
    return -told["lost"], told["plant"]
