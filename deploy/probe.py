"""Asks the process of this container how it is: `python deploy/probe.py /readyz`. It fails unless the answer is 200."""

import os
import sys
import urllib.error
import urllib.request


def main(path: str) -> int:
    url = f"http://127.0.0.1:{os.environ['ATRIUM_METRICS_PORT']}{path}"
    try:
        with urllib.request.urlopen(url, timeout=4) as reply:
            sys.stdout.write(reply.read().decode())
            return 0
    except urllib.error.HTTPError as refused:
        sys.stdout.write(refused.read().decode())
    except OSError as away:
        sys.stdout.write(f"{url}: {away}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
