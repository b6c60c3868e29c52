// `@modelcontextprotocol/sdk` 1.x against a watchglass server.
//
//     node typescript_sdk.mjs legacy stdio COMMAND [ARGUMENT...]
//     node typescript_sdk.mjs legacy sse|http URL

import assert from "node:assert/strict";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { keyHeaders, main, run } from "./scenario.mjs";

const options = { requestInit: { headers: keyHeaders() } };
const transports = {
  stdio: ([command, ...args]) => new StdioClientTransport({ command, args }),
  sse: ([url]) => new SSEClientTransport(new URL(url), options),
  http: ([url]) => new StreamableHTTPClientTransport(new URL(url), options),
};

/** The revision agreed on: the client tells its transport and nobody else. */
function negotiated(wire) {
  const tell = wire.setProtocolVersion?.bind(wire);
  return new Promise((resolve) => {
    wire.setProtocolVersion = (version) => {
      resolve(version);
      tell?.(version);
    };
  });
}

await main(async (era, transport, target) => {
  assert.equal(era, "legacy", "the 1.x SDK knows no other era");
  const client = new Client({ name: "typescript_sdk", version: "1.0.0" });
  const wire = transports[transport](target);
  const protocol = negotiated(wire);
  await client.connect(wire);
  const seen = await run(
    async () => (await client.listTools()).tools,
    (name, args, _meta) => client.callTool({ name, arguments: args, _meta }),
  );
  await client.close();
  return { client: "typescript sdk 1.x", protocol: await protocol, ...seen };
});
