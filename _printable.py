"""Text that comes from elsewhere, made harmless to show."""


def printable(text: str) -> str:
    """Returns text with escapes for what would drive a terminal, hide or turn around.

    >>> printable("w\\x1b[31m\\u202e")
    'w\\\\x1b[31m\\\\u202e'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
