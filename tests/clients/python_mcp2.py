"""The `mcp` package 2.x against a watchglass server.

    python_mcp2.py auto|legacy|2026-07-28 stdio COMMAND [ARGUMENT...]
    python_mcp2.py auto|legacy|2026-07-28 sse|http URL

With WATCHGLASS_KEY in the environment it sends that key.
"""

import os
from importlib.metadata import version

from mcp import StdioServerParameters
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp.client.streamable_http import create_mcp_http_client, streamable_http_client

import scenario


def server(transport, target):
    if transport == "stdio":
        return StdioServerParameters(command=target[0], args=target[1:])
    key = os.environ.get("WATCHGLASS_KEY")
    if not key:
        return {"sse": sse_client, "http": str}[transport](target[0])
    headers = {"Authorization": f"Bearer {key}"}
    if transport == "sse":
        return sse_client(target[0], headers)
    return streamable_http_client(target[0], http_client=create_mcp_http_client(headers))


async def drive(era, transport, target):
    async with Client(server(transport, target), mode=era) as client:

        async def list_tools():
            return [wire(tool) for tool in (await client.list_tools()).tools]

        async def call(name, arguments, meta):
            return wire(await client.call_tool(name, arguments, meta=meta))

        seen = await scenario.run(list_tools, call)
        return {"client": f"python mcp {version('mcp')}", "protocol": client.protocol_version, **seen}


def wire(model):
    return model.model_dump(mode="json", by_alias=True)


if __name__ == "__main__":
    scenario.main(drive)
