"""How schemathesis writes and reads lines of JSON."""

import json

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def write(context, value):
    if isinstance(value, bytes):
        return value
    lines = value if isinstance(value, list) else [value]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


@schemathesis.deserializer("application/x-ndjson")
def read(context, response):
    """One line: the document describes each of them alike."""
    return json.loads(response.content.splitlines()[0])
