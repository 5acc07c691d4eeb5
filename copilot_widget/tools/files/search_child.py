"""Run as a script, by tools/search.py: matches a regular expression in texts from standard input.

The first line says what is searched, each further one is a file's text, all as JSON; a line of JSON goes out for each
match. It imports nothing of the package, so that it starts fast and can do nothing else.
"""

from __future__ import annotations

import json
import re
import signal
import sys
from typing import Any

_LONGEST_LINE = 400


def main() -> None:
    asked: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    if hasattr(signal, "setitimer"):  # it ends also where the process that asked is gone
        signal.setitimer(signal.ITIMER_REAL, asked["seconds"])
    try:
        pattern = re.compile(asked["query"], re.IGNORECASE if asked["ignore_case"] else 0)
    except (re.error, RecursionError, OverflowError) as error:
        print(json.dumps({"error": str(error)}), flush=True)
        return
    left = asked["matches"]
    for file, text in enumerate(sys.stdin.buffer):
        for number, line in enumerate(json.loads(text).replace("\r\n", "\n").replace("\r", "\n").split("\n"), 1):
            if pattern.search(line):
                print(json.dumps({"file": file, "line": number, "text": line.strip()[:_LONGEST_LINE]}), flush=True)
                left -= 1
                if left == 0:
                    return


if __name__ == "__main__":
    main()
