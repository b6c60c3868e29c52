"""Writes cases of (usage, model, provider, time) with the answers of the installed genai-prices.

    python tests/prices/generate.py FILE [SEED [COUNT]]

Each case is `[model, provider, seconds since the epoch, usage, answer]`. The usage is ours: disjoint, with parts of its
types beside it. The answer is in US dollars as a text, or null where the package knows no price.
"""

import datetime
import gzip
import json
import random
import sys
import warnings
from pathlib import Path

from genai_prices import Usage, calc_price, types
from genai_prices.data import providers

warnings.simplefilter("error")

SINCE = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
UNTIL = datetime.datetime(2027, 1, 1, tzinfo=datetime.UTC)
DAY = 86_400
UNKNOWN = ["", "my-finetune", "gpt", "claude", "o9-preview", "a/b/c", "llama3:8b", "modèle", "CLAUDE", "x" * 256]


def answer(model, provider, at, usage):
    told = {key: usage.get(key, 0) for key in ("input", "cache_read", "cache_write", "output")}
    part = usage.get
    counts = {
        "input_tokens": told["input"] + told["cache_read"] + told["cache_write"],
        "cache_read_tokens": told["cache_read"],
        "cache_write_tokens": told["cache_write"],
        "output_tokens": told["output"],
        "cache_write_1h_tokens": part("cache_write_1h", 0),
        "input_audio_tokens": part("input_audio", 0) + part("cache_read_audio", 0),
        "cache_audio_read_tokens": part("cache_read_audio", 0),
        "input_image_tokens": part("input_image", 0) + part("cache_read_image", 0),
        "cache_image_read_tokens": part("cache_read_image", 0),
        "output_audio_tokens": part("output_audio", 0),
        "output_image_tokens": part("output_image", 0),
        "output_reasoning_tokens": part("reasoning", 0),
    }
    when = datetime.datetime.fromtimestamp(at, tz=datetime.UTC)
    try:
        price = calc_price(Usage(**counts), model, provider_id=provider, genai_request_timestamp=when)
    except LookupError:
        return None
    return format(price.total_price, "f")


def texts(clause):
    """Texts that a clause of one text matches, or may."""
    for name in ("equals", "starts_with", "contains", "ends_with"):
        if text := getattr(clause, name, None):
            before, after = {"starts_with": ("", "-x"), "contains": ("x-", "-x"), "ends_with": ("x-", "")}.get(name, ("", ""))
            yield before + text + after
    for part in [*getattr(clause, "or_", []), *getattr(clause, "and_", [])]:
        yield from texts(part)


def names(rng, provider, model):
    """How callers may call a model: as it is matched, in other cases, and with what gateways put around it."""
    known = [model.id, *texts(model.match)]
    name = rng.choice(known)
    dated = f"{name}-{rng.choice(['20251211', '2025-12-11', '20240806'])}"
    return rng.choice([
        name, name, name, name, name.upper(), dated,
        f"us.{provider.id}.{name}-v1:0", f"{provider.id}/{name}", f"models/{name}", f"{name}:free", f"{name}@20250514",
    ])


def edges(model):
    """Instants just before and after each change of the prices, in seconds since the epoch."""
    for item in model.prices if isinstance(model.prices, list) else []:
        rule = item.constraint
        if isinstance(rule, types.StartDateConstraint):
            start = datetime.datetime.combine(rule.start_date, datetime.time(), datetime.UTC)
            yield from (int(start.timestamp()) + offset for offset in (-1, 0, 1, DAY))
        elif rule:
            for time in (rule.start_time, rule.end_time):
                at = datetime.datetime.combine(datetime.date(2026, 10, 5), time)
                yield from (int(at.timestamp()) + offset for offset in (-1, 0, 1))


def thresholds(model):
    sets = [item.prices for item in model.prices] if isinstance(model.prices, list) else [model.prices]
    values = [value for prices in sets for value in vars(prices).values() if isinstance(value, types.TieredPrices)]
    return sorted({tier.start for value in values for tier in value.tiers})


def tokens(rng, total=None):
    total = rng.choice([0, 1, 999, 12_345, 1_000_000, rng.randrange(10**7)]) if total is None else total
    usage = {"input": total, "output": rng.choice([0, 1, 777, rng.randrange(10**6)])}
    if rng.random() < 0.6:
        usage["cache_read"] = rng.randrange(total + 1)
        usage["cache_write"] = rng.randrange(total - usage["cache_read"] + 1)
        usage["input"] -= usage["cache_read"] + usage["cache_write"]
    if rng.random() < 0.3:
        usage["cache_write_1h"] = rng.randrange(usage.get("cache_write", 0) + 1)
        for kind, whole in [("input", "input"), ("cache_read", "cache_read"), ("output", "output")]:
            usage[f"{kind}_audio"] = rng.randrange(usage.get(whole, 0) // 2 + 1)
            usage[f"{kind}_image"] = rng.randrange((usage.get(whole, 0) - usage[f"{kind}_audio"]) // 2 + 1)
        usage["reasoning"] = rng.randrange((usage["output"] - usage["output_audio"] - usage["output_image"]) + 1)
    return {key: count for key, count in usage.items() if count or rng.random() < 0.5}


def cases(rng, count):
    def any_time():
        return rng.randrange(int(SINCE.timestamp()), int(UNTIL.timestamp()))

    models = [(provider, model) for provider in providers for model in provider.models]
    # The first and last models of every provider, then all edges of all models, then at random.
    for provider in providers:
        for model in dict.fromkeys(m.id for m in provider.models[:2] + provider.models[-2:]):
            yield model, provider.id, any_time(), tokens(rng)
    for provider, model in models:
        for at in edges(model):
            yield model.id, provider.id, at, tokens(rng)
        for start in thresholds(model):
            for total in (start - 1, start, start + 1):
                yield model.id, provider.id, any_time(), tokens(rng, total)
    for model in UNKNOWN:
        for provider in (None, "openai", "nobody", "LiteLLM"):
            yield model, provider, any_time(), tokens(rng)
    while True:
        provider, model = rng.choice(models)
        hint = rng.choice([provider.id, provider.id, None, None, provider.name, "litellm", rng.choice(providers).id])
        yield names(rng, provider, model), hint, any_time(), tokens(rng)


def main(file, seed=1, count=4_000):
    rng = random.Random(int(seed))
    source = cases(rng, count)
    told = [(*case, answer(*case)) for case, _ in zip(source, range(int(count)), strict=False)]
    lines = ",\n".join(json.dumps(case, separators=(",", ":"), ensure_ascii=False) for case in told)
    Path(file).write_bytes(gzip.compress(f"[\n{lines}\n]\n".encode(), 9, mtime=0))
    unpriced = sum(case[-1] is None for case in told)
    print(f"{len(told)} cases, {unpriced} of them without a price")


main(*sys.argv[1:])
