"""What every Python client does with the six tools, and what it must see.

A client brings two functions, `list_tools()` and `call(name, arguments, meta)`, whose results are
plain JSON values in the wire's spelling. `scenario.mjs` is the same scenario for TypeScript.
"""

import asyncio
import json
import math
import secrets
import sys
from datetime import datetime

READERS = {"get_trace", "query_logs"}
WRITERS = {"log_event", "start_span", "end_span", "record_metric"}
HINTS = {"readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"}
CROWD = 50
DEADLINE_SECONDS = 60


async def run(list_tools, call):
    """Drive the server and return what was observed; a mismatch raises `AssertionError`."""

    async def ok(name, arguments, meta=None):
        result = await call(name, arguments, meta)
        expect(result.get("isError") is not True, f"{name} succeeds", result)
        content = result.get("structuredContent")
        expect(json.loads(text_of(result)) == content, f"{name}: text block and structured content agree", result)
        return content

    # Other clients share the server, so everything looked for later carries names of this run.
    agent, trace = f"agent-{secrets.token_hex(4)}", secrets.token_hex(16)

    tools = check_tools(await list_tools())

    message = 'héllo "wörld" 🌍'
    event = {"level": "info", "event_type": "client.check", "message": message}
    logged = await ok("log_event", {**event, "metadata": {"agent_name": agent, "n": 1}})
    has(logged, "log_event", logged=True, event_type="client.check")
    expect(is_text(logged.get("id")), "log_event answers with an id", logged)

    root = await ok("start_span", {"trace_id": trace, "span_name": "agent_request"})
    has(root, "start_span", trace_id=trace, parent_span_id=None, name="agent_request", status="in_progress")
    expect(root["traceparent"].split("-")[1:3] == [trace, root["span_id"]], "traceparent names the span", root)
    datetime.fromisoformat(root["start_time"].replace("Z", "+00:00"))

    child = await ok("start_span", {"span_name": "llm_call"}, {"traceparent": root["traceparent"]})
    has(child, "start_span under _meta.traceparent", trace_id=trace, parent_span_id=root["span_id"])

    for span in (child, root):
        ended = await ok("end_span", {"span_id": span["span_id"], "status": "ok", "metadata": '{"tokens": 5}'})
        has(ended, "end_span", span_id=span["span_id"], status="ok")
        duration = ended.get("duration_ms")
        expect(is_number(duration) and duration >= 0, "end_span measures the span", ended)

    metric = {"metric_name": "agent.tokens.input", "value": 12, "labels": {"agent_name": agent}}
    has(await ok("record_metric", metric), "record_metric", recorded=True, metric="agent.tokens.input", value=12)

    found = await ok("get_trace", {"trace_id": trace})
    ids = {span["span_id"] for span in found["spans"]}
    expect(ids == {root["span_id"], child["span_id"]}, "get_trace finds both spans", found)
    expect(all(id in json.dumps(found["tree"]) for id in ids), "both spans are in the tree", found)

    logs = (await ok("query_logs", {"event_type": "client.check"}))["logs"]
    mine = [log for log in logs if log.get("id") == logged["id"]]
    expect([log["message"] for log in mine] == [message], "query_logs returns the text as it was sent", logs)

    unknown = await call("end_span", {"span_id": "nope"}, None)
    expect(unknown.get("isError") is True, "ending an unknown span is an error result", unknown)
    expect(text_of(unknown) == '{"error": "Span not found"}', "the published error text", unknown)

    crowd = await asyncio.gather(
        *(ok("log_event", {"event_type": "client.crowd", "message": str(n)}) for n in range(CROWD))
    )
    expect(len({log["id"] for log in crowd}) == CROWD, "concurrent calls get records of their own", crowd)

    return {"tools": tools, "spans": len(ids), "concurrent_calls": CROWD}


def check_tools(tools):
    by_name = {tool["name"]: tool for tool in tools}
    expect(set(by_name) == READERS | WRITERS, "exactly the six tools", sorted(by_name))
    for name, tool in by_name.items():
        for schema in ("inputSchema", "outputSchema"):
            expect(tool.get(schema, {}).get("type") == "object", f"{name} has an {schema}", tool)
        hints = tool.get("annotations") or {}
        expect(all(isinstance(hints.get(hint), bool) for hint in HINTS), f"{name} has all four hints", hints)
        expect(hints["readOnlyHint"] == (name in READERS), f"{name} says whether it writes", hints)
    return sorted(by_name)


def text_of(result):
    (block,) = result["content"]
    return block["text"]


def is_text(value):
    return isinstance(value, str) and value != ""


def is_number(value):
    return isinstance(value, int | float) and math.isfinite(value)


def has(got, what, **fields):
    expect({name: got.get(name) for name in fields} == fields, f"{what} answers with {fields}", got)


def expect(holds, what, got):
    if not holds:
        raise AssertionError(f"expected: {what}; got: {json.dumps(got, ensure_ascii=False, default=str)}")


def main(drive):
    """Run `drive(era, transport, target)` as given by the arguments and print its one line of JSON."""
    era, transport, *target = sys.argv[1:]
    seen = asyncio.run(asyncio.wait_for(drive(era, transport, target), DEADLINE_SECONDS))
    print(json.dumps({"era": era, "transport": transport, **seen}))
