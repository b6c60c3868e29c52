#!/usr/bin/env bash
# watchglass without a client: one call in each era of MCP, with nothing but curl.
#
#     examples/curl.sh [URL]        the server, http://127.0.0.1:8080 by default
#
# WATCHGLASS_KEY, if the server asks for one: a key with the scope `ingest`.
set -euo pipefail

url="${1:-http://127.0.0.1:8080}"

# The key goes through a file descriptor: what stands on a command line, every user of the machine can see.
ask() {
  local path="$1"
  shift
  curl --silent --show-error --fail-with-body --max-time 10 --write-out '\n' "$@" \
    --config <([ -z "${WATCHGLASS_KEY:-}" ] || printf 'header = "Authorization: Bearer %s"\n' "$WATCHGLASS_KEY") \
    "$url$path"
}

mcp() {
  ask /mcp --header 'Content-Type: application/json' --header 'Accept: application/json, text/event-stream' "$@"
}

# Since 2026-07-28 a request says all by itself: the headers name the tool, `_meta` the protocol.
mcp --header 'MCP-Protocol-Version: 2026-07-28' --header 'Mcp-Method: tools/call' --header 'Mcp-Name: log_event' \
  --data '{
    "jsonrpc": "2.0", "id": 1, "method": "tools/call",
    "params": {
      "name": "log_event",
      "arguments": {"event_type": "curl.hello", "message": "from a stateless call"},
      "_meta": {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}
      }
    }
  }'

# Before that, a client introduces itself, and then calls.
mcp --data '{
    "jsonrpc": "2.0", "id": 1, "method": "initialize",
    "params": {
      "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "curl", "version": "1"}
    }
  }'
mcp --header 'MCP-Protocol-Version: 2025-11-25' \
  --data '{"jsonrpc": "2.0", "method": "notifications/initialized"}'
mcp --header 'MCP-Protocol-Version: 2025-11-25' \
  --data '{
    "jsonrpc": "2.0", "id": 2, "method": "tools/call",
    "params": {
      "name": "log_event",
      "arguments": {"event_type": "curl.hello", "message": "from a call after initialize"}
    }
  }'

# Open to all: whether the process lives, and whether it can store what it is sent.
ask /health
ask /ready
