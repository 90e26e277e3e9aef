"""Text of files as C literals, for the tools that embed it."""

C_LINE = 4000  # bytes per C literal: compilers promise 4095


def c_string(text):
    """The C literals for text; long ones are split, which the compiler joins again."""
    out, piece = [], []
    size = 0
    for byte in text.encode("utf-8"):
        if byte == 0x0A:
            part = "\\n"
        elif byte in b'"\\':
            part = "\\" + chr(byte)
        elif byte == 0x3F:
            part = "\\?"  # no trigraphs
        elif 0x20 <= byte < 0x7F:
            part = chr(byte)
        else:
            part = f"\\{byte:03o}"
        if size + len(part) > C_LINE:
            out.append("".join(piece))
            piece, size = [], 0
        piece.append(part)
        size += len(part)
    out.append("".join(piece))
    return " ".join(f'"{p}"' for p in out)


def write_changed(path, text):
    """Writes the file unless it already says so."""
    if not path.exists() or path.read_text(encoding="ascii") != text:
        path.write_text(text, encoding="ascii")
