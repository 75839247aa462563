"""What of a process is never garbage: its modules and tables, which whoever looks for cycles may pass over."""

from __future__ import annotations

import atexit
import gc


def pass_over() -> None:
    """Look for garbage among nothing that is there now, until the process ends.

    Then all of it is looked at as ever: extension modules complain of what they think was lost.
    """
    gc.freeze()
    gc.enable()
    atexit.unregister(gc.unfreeze)
    atexit.register(gc.unfreeze)
