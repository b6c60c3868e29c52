// What every TypeScript client does with the six tools, and what it must see: the twin of
// `scenario.py`. A client brings `listTools()` and `call(name, arguments, meta)`.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";

const READERS = ["get_trace", "query_logs"];
const WRITERS = ["end_span", "log_event", "record_metric", "start_span"];
const HINTS = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"];
const CROWD = 50;
const DEADLINE_MS = 60_000;

const hex = (bytes) => randomBytes(bytes).toString("hex");

export async function run(listTools, call) {
  const ok = async (name, args, meta) => {
    const result = await call(name, args, meta);
    assert.notEqual(result.isError, true, `${name} succeeds: ${textOf(result)}`);
    assert.deepEqual(JSON.parse(textOf(result)), result.structuredContent, `${name}: text and structured content agree`);
    return result.structuredContent;
  };

  // Other clients share the server, so everything looked for later carries names of this run.
  const agent = `agent-${hex(4)}`;
  const trace = hex(16);

  // The SDKs check an answer against the output schema only of a tool that they have listed.
  const tools = checkTools(await listTools());

  const message = 'héllo "wörld" 🌍';
  const event = { level: "info", event_type: "client.check", message };
  const logged = await ok("log_event", { ...event, metadata: { agent_name: agent, n: 1 } });
  has(logged, { logged: true, event_type: "client.check" });
  assert.match(logged.id, /./, "log_event answers with an id");

  const root = await ok("start_span", { trace_id: trace, span_name: "agent_request" });
  has(root, { trace_id: trace, parent_span_id: null, name: "agent_request", status: "in_progress" });
  assert.deepEqual(root.traceparent.split("-").slice(1, 3), [trace, root.span_id], "traceparent names the span");
  assert.ok(Date.parse(root.start_time), "start_time is a time");

  const child = await ok("start_span", { span_name: "llm_call" }, { traceparent: root.traceparent });
  has(child, { trace_id: trace, parent_span_id: root.span_id });

  for (const { span_id } of [child, root]) {
    const ended = await ok("end_span", { span_id, status: "ok", metadata: '{"tokens": 5}' });
    has(ended, { span_id, status: "ok" });
    assert.ok(ended.duration_ms >= 0, "end_span measures the span");
  }

  const metric = { metric_name: "agent.tokens.input", value: 12, labels: { agent_name: agent } };
  has(await ok("record_metric", metric), { recorded: true, metric: "agent.tokens.input", value: 12 });

  const found = await ok("get_trace", { trace_id: trace });
  const ids = [root.span_id, child.span_id].sort();
  assert.deepEqual(found.spans.map((span) => span.span_id).sort(), ids, "get_trace finds both spans");
  for (const id of ids) assert.ok(JSON.stringify(found.tree).includes(id), "both spans are in the tree");

  const { logs } = await ok("query_logs", { event_type: "client.check" });
  const mine = logs.filter((log) => log.id === logged.id).map((log) => log.message);
  assert.deepEqual(mine, [message], "query_logs returns the text as it was sent");

  const unknown = await call("end_span", { span_id: "nope" });
  assert.equal(unknown.isError, true, "ending an unknown span is an error result");
  assert.equal(textOf(unknown), '{"error": "Span not found"}', "the published error text");

  const crowd = await Promise.all(
    Array.from({ length: CROWD }, (_, n) => ok("log_event", { event_type: "client.crowd", message: `${n}` })),
  );
  assert.equal(new Set(crowd.map((log) => log.id)).size, CROWD, "concurrent calls get records of their own");

  return { tools, spans: ids.length, concurrent_calls: CROWD };
}

export function checkTools(tools) {
  const names = tools.map((tool) => tool.name).sort();
  assert.deepEqual(names, [...READERS, ...WRITERS].sort(), "exactly the six tools");
  for (const { name, inputSchema, outputSchema, annotations } of tools) {
    assert.equal(inputSchema?.type, "object", `${name} has an inputSchema`);
    assert.equal(outputSchema?.type, "object", `${name} has an outputSchema`);
    for (const hint of HINTS) assert.equal(typeof annotations?.[hint], "boolean", `${name} has ${hint}`);
    assert.equal(annotations.readOnlyHint, READERS.includes(name), `${name} says whether it writes`);
  }
  return names;
}

/** The header with the key that the environment holds, if it holds one. */
export const keyHeaders = () => {
  const key = process.env.WATCHGLASS_KEY;
  return key ? { Authorization: `Bearer ${key}` } : {};
};

export const textOf = ({ content: [block] }) => block.text;

export function has(got, fields) {
  const same = Object.fromEntries(Object.keys(fields).map((name) => [name, got[name]]));
  assert.deepEqual(same, fields);
}

/** Runs `drive(era, transport, target)` as given by the arguments and prints its one line of JSON. */
export async function main(drive) {
  const [era, transport, ...target] = process.argv.slice(2);
  const deadline = setTimeout(() => assert.fail(`not done after ${DEADLINE_MS} ms`), DEADLINE_MS);
  const seen = await drive(era, transport, target);
  clearTimeout(deadline);
  console.log(JSON.stringify({ era, transport, ...seen }));
}
