"""Writes the data of the installed genai-prices as `prices.json.gz` and `prices.meta.json`, and says what changed.

    python scripts/prices.py DIRECTORY

The package's own dump fails on its registry of units, so its dataclasses are walked here. What a price is made of is
written: texts, links and rules for reading responses are left out. The form is that of the package's published JSON.
"""

import datetime
import gzip
import hashlib
import importlib.metadata
import json
import sys
from decimal import Decimal
from pathlib import Path

from genai_prices import types
from genai_prices.data import providers

CLAUSES = {
    types.ClauseStartsWith: "starts_with",
    types.ClauseEndsWith: "ends_with",
    types.ClauseContains: "contains",
    types.ClauseRegex: "regex",
    types.ClauseEquals: "equals",
}


def clause(value):
    if isinstance(value, types.ClauseOr):
        return {"or": [clause(part) for part in value.or_]}
    if isinstance(value, types.ClauseAnd):
        return {"and": [clause(part) for part in value.and_]}
    name = CLAUSES[type(value)]
    return {name: getattr(value, name)}


def amount(value):
    if isinstance(value, types.TieredPrices):
        tiers = [{"start": tier.start, "price": amount(tier.price)} for tier in value.tiers]
        return {"base": amount(value.base), "tiers": tiers}
    assert isinstance(value, Decimal) and value.is_finite() and value >= 0, f"no price: {value!r}"
    return format(value.normalize(), "f")


def price_set(prices):
    return {key: amount(value) for key, value in vars(prices).items() if value is not None}


def constraint(value):
    if isinstance(value, types.StartDateConstraint):
        return {"start_date": value.start_date.isoformat()}
    return {"start_time": value.start_time.isoformat(), "end_time": value.end_time.isoformat()}


def conditional(value):
    when = {"constraint": constraint(value.constraint)} if value.constraint else {}
    return when | {"prices": price_set(value.prices)}


def model(value):
    prices = value.prices
    history = [conditional(item) for item in prices] if isinstance(prices, list) else price_set(prices)
    return {"id": value.id, "match": clause(value.match), "prices": history}


def provider(value):
    rules = {
        "model_match": value.model_match and clause(value.model_match),
        "provider_match": value.provider_match and clause(value.provider_match),
        "fallback_model_providers": value.fallback_model_providers,
    }
    told = {key: rule for key, rule in rules.items() if rule}
    return {"id": value.id} | told | {"models": [model(item) for item in value.models]}


def validate(data):
    ids = [item["id"] for item in data]
    assert len(ids) == len(set(ids)), "a provider is there twice"
    for item in data:
        unknown = set(item.get("fallback_model_providers", [])) - set(ids)
        assert not unknown, f"`{item['id']}` falls back to unknown providers: {unknown}"
        assert all(entry["prices"] != [] for entry in item["models"]), f"a model of `{item['id']}` has no prices"
    models = sum(len(item["models"]) for item in data)
    assert len(data) >= 30 and models >= 1_500, f"only {len(data)} providers with {models} models"


def prices_by_model(data):
    return {(item["id"], entry["id"]): entry["prices"] for item in data for entry in item["models"]}


def tell_changes(before, after):
    before, after = prices_by_model(before), prices_by_model(after)
    for verb, names in [
        ("added", after.keys() - before.keys()),
        ("removed", before.keys() - after.keys()),
        ("price changed", {name for name in before.keys() & after.keys() if before[name] != after[name]}),
    ]:
        print(f"{verb}: {len(names)}")
        for provider_id, model_id in sorted(names):
            print(f"  {provider_id} {model_id}")


def main(directory):
    data = [provider(item) for item in providers]
    validate(data)
    file = directory / "prices.json.gz"
    before = json.loads(gzip.decompress(file.read_bytes())) if file.exists() else []
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False).encode()
    # Without a time in it, so that the same data gives the same file.
    file.write_bytes(gzip.compress(text, 9, mtime=0))
    meta_file = directory / "prices.meta.json"
    meta = json.loads(meta_file.read_text()) if meta_file.exists() else {}
    told = {
        "source": "genai-prices",
        "version": importlib.metadata.version("genai-prices"),
        "date": datetime.date.today().isoformat(),
        "sha256": hashlib.sha256(text).hexdigest(),
        "licence": "MIT",
    }
    if any(meta.get(key) != told[key] for key in ("version", "sha256")):
        meta_file.write_text(json.dumps(told, indent=2) + "\n")
    print(f"genai-prices {told['version']}: {len(data)} providers, {len(prices_by_model(data))} models")
    tell_changes(before, data)


main(Path(sys.argv[1]))
