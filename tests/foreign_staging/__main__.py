"""`python -m tests.foreign_staging FOLDER [--pooler] [--redis-tls] [--redis-user NAME] …`: builds it, and waits.

Writes FOLDER/env, to be used as `.env.staging`. Ctrl-C takes it down.
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from dataclasses import fields
from pathlib import Path

from tests.foreign_staging.staging import ForeignStaging
from tests.foreign_staging.variation import Variation, missing_programs


def main() -> int:
    """Builds what the options say; exit 4 where this machine cannot."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    for each in fields(Variation):
        option = f"--{each.name.replace('_', '-')}"
        if isinstance(each.default, bool):
            parser.add_argument(option, action=argparse.BooleanOptionalAction, default=each.default)
        else:
            parser.add_argument(option, type=type(each.default), default=each.default)
    said = vars(parser.parse_args())
    if lacking := missing_programs():
        sys.stderr.write(f"no foreign staging here: {', '.join(lacking)} missing\n")
        return 4
    folder, over = said.pop("folder"), threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    with ForeignStaging(folder.absolute(), Variation(**said)) as staging:
        staging.write_env_file(folder / "env")
        sys.stdout.write(f"up: {folder / 'env'}\n")
        sys.stdout.flush()
        over.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
