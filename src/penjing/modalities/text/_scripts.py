"""Which characters are written without spaces between words."""

from __future__ import annotations

# Chinese and Japanese (also beyond the basic plane), Thai, Lao, Tibetan, Burmese, Khmer: each character stands alone.
UNSPACED = (
    "\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
