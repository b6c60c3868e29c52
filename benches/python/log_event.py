#!/usr/bin/env python3
"""Logs an agent event to Redis: one of the scripts that watchglass replaces, as it was published.

    echo MESSAGE | log_event.py LEVEL EVENT_TYPE [METADATA]

The benchmark sets `watchglass log-event` beside it. Two changes to the published script: metadata goes to `logging`
under a name of its own, because the original's `message` is refused there and nothing is ever stored, and the port
comes from the environment.
"""
import json
import logging
import os
import sys
from datetime import datetime

import redis

r = redis.Redis(host="localhost", port=int(os.environ.get("REDIS_PORT", "6379")), db=0)

logger = logging.getLogger("agent")
logger.setLevel(logging.INFO)


def log_event(level, event_type, message, metadata):
    entry = {"timestamp": datetime.utcnow().isoformat(), "event_type": event_type, "message": message, **metadata}
    getattr(logger, level.lower(), logger.info)(json.dumps(entry), extra={"entry": entry})
    now = datetime.utcnow().timestamp()
    r.zadd(f"logs:{entry['event_type']}", {json.dumps(entry): now})
    r.zremrangebyscore(f"logs:{entry['event_type']}", 0, now - 86400)
    return {"logged": True, "event_type": event_type}


if __name__ == "__main__":
    level, event_type = sys.argv[1], sys.argv[2]
    metadata = json.loads(sys.argv[3]) if len(sys.argv) > 3 and sys.argv[3] else {}
    print(json.dumps(log_event(level, event_type, sys.stdin.read(), metadata)))
