// `@modelcontextprotocol/client` 2.x against a watchglass server.
//
//     node typescript_client2.mjs legacy|auto stdio COMMAND [ARGUMENT...]
//     node typescript_client2.mjs legacy|auto sse|http URL

import { Client, SSEClientTransport, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { keyHeaders, main, run } from "./scenario.mjs";

const options = { requestInit: { headers: keyHeaders() } };
const transports = {
  stdio: ([command, ...args]) => new StdioClientTransport({ command, args }),
  sse: ([url]) => new SSEClientTransport(new URL(url), options),
  http: ([url]) => new StreamableHTTPClientTransport(new URL(url), options),
};

await main(async (era, transport, target) => {
  const client = new Client({ name: "typescript_client2", version: "1.0.0" }, { versionNegotiation: { mode: era } });
  await client.connect(transports[transport](target));
  const seen = await run(
    async () => (await client.listTools()).tools,
    (name, args, _meta) => client.callTool({ name, arguments: args, _meta }),
  );
  const protocol = client.getNegotiatedProtocolVersion();
  await client.close();
  return { client: "typescript client 2.x", protocol, ...seen };
});
