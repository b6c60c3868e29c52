"""The `mcp` package 1.x against a watchglass server.

    python_mcp1.py legacy stdio COMMAND [ARGUMENT...]
    python_mcp1.py legacy sse|http URL

With WATCHGLASS_KEY in the environment it sends that key.
"""

import os
from contextlib import asynccontextmanager
from importlib.metadata import version

from mcp import ClientSession, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamablehttp_client

import scenario


@asynccontextmanager
async def connect(transport, target):
    if transport == "stdio":
        streams = stdio_client(StdioServerParameters(command=target[0], args=target[1:]))
    else:
        key = os.environ.get("WATCHGLASS_KEY")
        headers = {"Authorization": f"Bearer {key}"} if key else None
        streams = {"sse": sse_client, "http": streamablehttp_client}[transport](target[0], headers)
    async with streams as (read, write, *_), ClientSession(read, write) as session:
        yield session


async def drive(era, transport, target):
    assert era == "legacy", "mcp 1.x knows no other era"
    async with connect(transport, target) as session:
        hello = await session.initialize()

        async def list_tools():
            return [wire(tool) for tool in (await session.list_tools()).tools]

        async def call(name, arguments, meta):
            return wire(await session.call_tool(name, arguments, meta=meta))

        seen = await scenario.run(list_tools, call)
    return {"client": f"python mcp {version('mcp')}", "protocol": hello.protocolVersion, **seen}


def wire(model):
    return model.model_dump(mode="json", by_alias=True)


if __name__ == "__main__":
    scenario.main(drive)
