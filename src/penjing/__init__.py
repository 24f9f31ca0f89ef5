"""penjing grows a small, proven model from little data on an ordinary computer.

The public names are loaded on first use, so `import penjing` imports no torch.
"""

from __future__ import annotations

__version__ = "0.1.0"
