#!/usr/bin/env python3
"""Writes src/whisper/letters.def: which signs behind ASCII are letters, numbers and white space.

tools/letters.py > src/whisper/letters.def

By the Unicode tables of the Python that runs it. Each row is where a class begins, times four, and
the class; signs that are not assigned belong to the class before them.
"""

import unicodedata

CLASSES = {"L": 1, "N": 2, "Z": 3}


def main():
    rows, last = [], 0
    for sign in range(0x80, 0x110000):
        kind = unicodedata.category(chr(sign))
        if kind in ("Cn", "Co", "Cs"):
            continue
        # The one control sign behind ASCII that is white space.
        number = 3 if sign == 0x85 else CLASSES.get(kind[0], 0)
        if number != last:
            rows.append(sign * 4 + number)
            last = number
    print("/* Of tools/letters.py, Unicode %s. */" % unicodedata.unidata_version)
    for i in range(0, len(rows), 10):
        print(" ".join(f"{row:#x}," for row in rows[i:i + 10]))


if __name__ == "__main__":
    main()
