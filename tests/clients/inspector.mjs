// The MCP Inspector's command line against a watchglass server. One process is one call, so this is
// the part of the scenario that needs no state between calls, with the Inspector's own schema check.
//
//     node inspector.mjs legacy|modern stdio COMMAND [ARGUMENT...]
//     node inspector.mjs legacy|modern sse|http URL

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { checkTools, has, keyHeaders, main, textOf } from "./scenario.mjs";

const MCP_INSPECTOR = fileURLToPath(new URL("node_modules/.bin/mcp-inspector", import.meta.url));
const TOOL_RESULT_IS_ERROR = 5;

await main(async (era, transport, target) => {
  const headers = Object.entries(keyHeaders()).flatMap(([name, value]) => ["--header", `${name}: ${value}`]);
  const server = transport === "stdio" ? ["--", ...target] : ["--transport", transport, "--server-url", ...target];
  const inspect = async (...args) => {
    const options = ["--cli", "--format", "json", "--protocol-era", era, ...args, ...headers, ...server];
    const { stdout } = await promisify(execFile)(process.execPath, [MCP_INSPECTOR, ...options]);
    return JSON.parse(stdout);
  };
  const call = async (tool, args) =>
    (await inspect("--method", "tools/call", "--tool-name", tool, "--tool-args-json", JSON.stringify(args))).result;

  // `--strict` ends with an error if a schema has a problem that some model's provider refuses.
  const listed = await inspect("--method", "tools/list", "--strict");
  const tools = checkTools(listed.result.tools);
  const warnings = (listed.schemaFindings ?? []).flatMap(({ findings }) => findings).length;

  const event = { event_type: "client.check", message: 'héllo "wörld" 🌍', metadata: { n: 1 } };
  const logged = await call("log_event", event);
  has(logged.structuredContent, { logged: true, event_type: "client.check" });
  assert.deepEqual(JSON.parse(textOf(logged)), logged.structuredContent, "text and structured content agree");

  const unknown = call("end_span", { span_id: "nope" });
  await assert.rejects(unknown, { code: TOOL_RESULT_IS_ERROR }, "ending an unknown span is an error result");

  return { client: "inspector 2.x", tools, schema_warnings: warnings };
});
