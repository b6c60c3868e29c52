"""An agent that tells watchglass what it does, call by call, with no model in between.

    pip install 'mcp>=1.24'
    python instrumented_agent.py "How many words does this sentence have?"

WATCHGLASS_URL      where records go: .../mcp, or .../sse for the older transport (http://127.0.0.1:8080/mcp)
WATCHGLASS_KEY      a key with the scope `ingest`, where the server asks for one
ANTHROPIC_API_KEY   with it Claude answers (`pip install anthropic`), without it a model that is made up here

The agent never waits for watchglass and never fails because of it: records go out in order from a thread of
their own, what is left at the end is flushed, and what can't be sent is said once on stderr and counted.
"""

import asyncio
import atexit
import json
import logging
import os
import secrets
import sys
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace

import anyio
from mcp import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

URL = os.environ.get("WATCHGLASS_URL", "http://127.0.0.1:8080/mcp")
KEY = os.environ.get("WATCHGLASS_KEY", "")
MODEL = os.environ.get("ANTHROPIC_MODEL", "claude-sonnet-5-5")

ANSWER_SECONDS = 2  # for the server to answer one call
FLUSH_SECONDS = 5  # for what is left when the agent ends
PAUSE_SECONDS = 5  # before a server that was away is tried again
MAX_WAITING = 10_000  # records kept while the server is slow
MAX_TURNS = 10  # of the model in one request

# The SDK logs a traceback for each attempt; whoever configures logging still gets them.
logging.getLogger("mcp").addHandler(logging.NullHandler())


class Recorder:
    """Sends records one after the other over one MCP session, from a thread of its own."""

    def __init__(self, url=URL, key=KEY):
        self.url = url
        self.lost = 0
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._warned = set()
        self._closed = False
        self._loop = asyncio.new_event_loop()
        self._waiting = asyncio.Queue()
        self._thread = threading.Thread(target=self._work, name="watchglass", daemon=True)
        self._thread.start()
        atexit.register(self.close)

    def record(self, tool, **arguments):
        """Hands over a call of `tool` and returns at once. What is `None` is left out."""
        given = {name: value for name, value in arguments.items() if value is not None}
        # What JSON can't say is said as text, so that no record is lost for what it holds.
        text = json.dumps(given, default=str, ensure_ascii=False).encode("utf-8", "replace")
        self._put((tool, json.loads(text)))

    def close(self):
        """Sends what is waiting, in `FLUSH_SECONDS` at most."""
        if not self._closed:
            self._put(None)
            self._closed = True
            self._thread.join(FLUSH_SECONDS)
            if self._thread.is_alive():
                self.lost += 1 + self._waiting.qsize()
                self._warn("away", f"{self.url} takes no records in time, so they are lost")

    def _put(self, record):
        try:
            if self._closed or (record and self._waiting.qsize() >= MAX_WAITING):
                raise RuntimeError
            self._loop.call_soon_threadsafe(self._waiting.put_nowait, record)
        except RuntimeError:  # so says a loop that has ended, too
            self.lost += 1

    def _work(self):
        self._loop.run_until_complete(self._send_all())
        self._loop.close()

    async def _send_all(self):
        failures = 0
        record = await self._waiting.get()
        while record:
            try:
                async with connect(self.url, self._headers) as session:
                    while record:
                        await self._send(session, *record)
                        failures = 0
                        record = await self._waiting.get()
            except Exception as error:
                # The first time the connection may have been the old one of a server that was started anew.
                failures += 1
                if failures > 1:
                    self._warn("away", f"{self.url} takes no records, so they are lost: {reason(error)}")
                    record = await self._lose()

    async def _send(self, session, tool, arguments):
        # The key makes it safe to send a call again whose answer was lost.
        arguments.setdefault("idempotency_key", secrets.token_hex(16))
        with anyio.fail_after(ANSWER_SECONDS):
            result = (await session.call_tool(tool, arguments)).model_dump(by_alias=True)
        if result.get("isError"):
            self.lost += 1
            self._warn("refused", f"{tool} was refused: {result['content'][0]['text']}")

    async def _lose(self):
        """Counts as lost what comes during the pause: sent later, it would be stored with a wrong time."""
        until = time.monotonic() + PAUSE_SECONDS
        record = True
        while record and time.monotonic() < until:
            self.lost += 1
            record = await self._waiting.get()
        return record

    def _warn(self, kind, text):
        if kind not in self._warned:
            self._warned.add(kind)
            print(f"watchglass: {text.splitlines()[0]}", file=sys.stderr)


@asynccontextmanager
async def connect(url, headers):
    """A session with the server, in 1.x and in 2.x of the SDK."""
    async with create_mcp_http_client(headers=headers) as client:
        if url.endswith("/sse"):
            streams = sse_client(url, headers=headers, timeout=ANSWER_SECONDS)
        else:
            streams = streamable_http_client(url, http_client=client)
        async with streams as (read, write, *_), ClientSession(read, write) as session:
            with anyio.fail_after(ANSWER_SECONDS):
                await session.initialize()
            yield session


def reason(error):
    """What went wrong, out of the groups in which the SDK wraps it."""
    while getattr(error, "exceptions", None):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


class InstrumentedAgent:
    """Answers tasks with a model and tools, and records how."""

    def __init__(self, agent_name, model=None, recorder=None):
        self.agent_name = agent_name
        self.current_trace_id = None
        self.current_span_id = None
        self._model = model or (Claude() if os.environ.get("ANTHROPIC_API_KEY") else FakeModel())
        self._recorder = recorder or Recorder()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._recorder.close()

    def _log(self, level, event_type, message, **metadata):
        metadata = {"agent_name": self.agent_name, "trace_id": self.current_trace_id, **metadata}
        self._recorder.record("log_event", level=level, event_type=event_type, message=message, metadata=metadata)

    def _start_span(self, span_name, parent_span_id=None):
        span_id = secrets.token_hex(8)  # of the W3C's length: shorter ones collide
        self._recorder.record(
            "start_span",
            trace_id=self.current_trace_id,
            span_name=span_name,
            parent_span_id=parent_span_id,
            span_id=span_id,
            agent_name=self.agent_name,
        )
        return span_id

    def _end_span(self, span_id, status="ok", **metadata):
        self._recorder.record("end_span", span_id=span_id, status=status, metadata=metadata)

    def _record_metric(self, metric_name, value, **labels):
        labels = {"agent_name": self.agent_name, **labels}
        self._recorder.record("record_metric", metric_name=metric_name, value=value, labels=labels)

    @contextmanager
    def span(self, name):
        """A span around a block, below the one that is open. What is put in the dictionary is on its end."""
        self.current_trace_id = self.current_trace_id or secrets.token_hex(16)
        parent = self.current_span_id
        span_id = self.current_span_id = self._start_span(name, parent)
        metadata = {}
        try:
            yield metadata
        except BaseException as error:
            status = "error" if isinstance(error, Exception) else "cancelled"
            self._end_span(span_id, status, **metadata, error=reason(error))
            raise
        else:
            self._end_span(span_id, **metadata)
        finally:
            self.current_span_id = parent

    def run(self, task):
        """Answers `task`; what goes wrong is recorded and raised again."""
        self.current_trace_id, self.current_span_id = secrets.token_hex(16), None
        started = time.monotonic()
        with self.span("agent_request") as request:
            self._log("info", "agent.request.start", f"Processing request: {task[:100]}")
            try:
                answer, used = self._answer(task)
            except Exception as error:
                kind = type(error).__name__
                self._log("error", "agent.request.error", reason(error), error_type=kind)
                self._record_metric("agent.request.errors", 1, error_type=kind)
                raise
            seconds = time.monotonic() - started
            request["duration_ms"] = seconds * 1000
            self._record_metric("agent.request.duration_ms", seconds * 1000)
            self._record_metric("agent.tokens.input", used.input)
            self._record_metric("agent.tokens.output", used.output)
            self._record_metric("agent.tool_calls", used.tools)
            self._log("info", "agent.request.success", f"Request completed in {seconds:.2f}s")
        return answer

    def _answer(self, task):
        messages = [{"role": "user", "content": task}]
        used = SimpleNamespace(input=0, output=0, tools=0)
        for _ in range(MAX_TURNS):
            with self.span("llm_call") as call:
                reply = self._model.create(messages)
                # Under this name the tokens are shown and not counted: the metrics of the request count them.
                call.update(model=reply.model, tokens=reply.usage.input_tokens + reply.usage.output_tokens)
            used.input += reply.usage.input_tokens
            used.output += reply.usage.output_tokens
            asked = [block for block in reply.content if block.type == "tool_use"]
            if not asked:
                return "".join(block.text for block in reply.content if block.type == "text"), used
            used.tools += len(asked)
            messages.append({"role": "assistant", "content": reply.content})
            messages.append({"role": "user", "content": [self._use(block) for block in asked]})
        raise RuntimeError(f"no answer after {MAX_TURNS} turns")

    def _use(self, block):
        """Uses a tool. That it fails is for the model to mend."""
        result = {"type": "tool_result", "tool_use_id": block.id}
        try:
            with self.span(f"tool.{block.name}"):
                return {**result, "content": str(TOOLS[block.name](**block.input))}
        except Exception as error:
            return {**result, "content": reason(error), "is_error": True}


def count_words(text):
    return len(text.split())


TOOLS = {"count_words": count_words}
TOOL_SCHEMAS = [
    {
        "name": "count_words",
        "description": "Count the words of a text",
        "input_schema": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    }
]


class Claude:
    """Answers through Anthropic's API."""

    def __init__(self):
        import anthropic

        self._client = anthropic.Anthropic()

    def create(self, messages):
        return self._client.messages.create(model=MODEL, max_tokens=1024, tools=TOOL_SCHEMAS, messages=messages)


class FakeModel:
    """Answers offline, in the API's shape: uses the tool on what it is asked, then says what came of it."""

    def create(self, messages):
        asked, *results = [message["content"] for message in messages if message["role"] == "user"]
        if not asked.strip():
            raise ValueError("messages: text content blocks must be non-empty")
        if results:
            reply = SimpleNamespace(type="text", text=f"I counted {results[0][0]['content']} words.")
        else:
            reply = SimpleNamespace(type="tool_use", id="toolu_1", name="count_words", input={"text": asked})
        read = sum(count_words(str(message["content"])) for message in messages)
        usage = SimpleNamespace(input_tokens=read, output_tokens=count_words(str(vars(reply))))
        return SimpleNamespace(model="fake-model", content=[reply], usage=usage)


if __name__ == "__main__":
    with InstrumentedAgent("word-counter") as agent:
        print(agent.run(" ".join(sys.argv[1:])))
