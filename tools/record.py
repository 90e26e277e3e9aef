#!/usr/bin/env python3
"""Records a terminal session as an animated SVG picture: real commands in a real terminal.

record.py SESSION OUT.svg

Each line of SESSION is typed into a shell in an 80x24 terminal (tmux), and the next one waits until
the shell asks again. "# text" is a comment, the first one the picture's description; "! command" runs
unseen, before the picture begins or after its end; "~ SECONDS" leaves time to read. The picture
holds each line of the screen once, for the time that it was there, so it stays small; what stands
still for long is cut; where nothing moves it shows the last screen.
"""

import html
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

COLUMNS, ROWS = 80, 24
PROMPT = "$ "
CELL_WIDTH, LINE_HEIGHT, MARGIN, BAR = 8.4, 18, 12, 26
TYPING_S = 0.035
LOOK_S = 0.08
STILL_S = 2.5  # longer than this nothing stands still in a picture
END_S = 4.0
PALETTE = {30: "#3b3b3b", 31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff",
           35: "#d2a8ff", 36: "#76e3ea", 37: "#e6edf3", 90: "#8b949e"}
COMMAND_S = 120  # longer than this no command of a recording takes


class Terminal:
    """A shell in a tmux of its own."""

    def __init__(self, folder):
        self.socket = str(pathlib.Path(folder) / "tmux")
        shell = ["env", "-i", "TERM=tmux-256color", "LC_ALL=C.UTF-8", f"HOME={folder}",
                 f"PATH={os.environ['PATH']}", f"PS1={PROMPT}", "bash", "--norc", "--noprofile"]
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS),
                  "-c", folder, *shell)
        self.tmux("set-option", "-g", "status", "off")
        self.tmux("set-option", "-g", "escape-time", "0")

    def tmux(self, *args):
        done = subprocess.run(["tmux", "-S", self.socket, *args], capture_output=True, text=True,
                              check=True)
        return done.stdout

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def enter(self):
        self.tmux("send-keys", "Enter")

    def screen(self):
        """Lines with the escape sequences of their colours."""
        return self.tmux("capture-pane", "-p", "-e").rstrip("\n").split("\n")

    def asks(self):
        """Does the shell wait for a command?"""
        lines = [line for line in self.screen() if line.strip()]
        return bool(lines) and lines[-1].strip() == PROMPT.strip()

    def close(self):
        self.tmux("kill-server")


class Film:
    """What stood on which row, from when to when."""

    def __init__(self):
        self.clock = 0.0  # of the film: waiting is cut
        self.changed = time.monotonic()
        self.rows = {}  # row: (text, since)
        self.shots = []  # (row, text, since, until)

    def now(self):
        """Its time, now that something has changed."""
        now = time.monotonic()
        self.clock += min(now - self.changed, STILL_S)
        self.changed = now
        return self.clock

    def look(self, lines):
        lines = [lines[row] if row < len(lines) else "" for row in range(ROWS)]
        rows = [row for row in range(ROWS) if lines[row] != self.rows.get(row, ("", 0.0))[0]]
        now = self.now() if rows else 0.0
        for row in rows:
            text = lines[row]
            before, since = self.rows.get(row, ("", 0.0))
            if before.strip():
                self.shots.append((row, before, since, now))
            self.rows[row] = (text, now)

    def end(self):
        """All shots and the length of the film."""
        last = self.now() + END_S
        shots = self.shots + [(row, text, since, None) for row, (text, since) in self.rows.items()
                              if text.strip()]
        return sorted(shots, key=lambda s: (s[2], s[0])), last


def settle(terminal, film=None):
    """Until the shell asks again."""
    deadline = time.monotonic() + COMMAND_S
    while True:
        time.sleep(LOOK_S)
        if film:
            film.look(terminal.screen())
        if terminal.asks():
            return
        if time.monotonic() > deadline:
            raise SystemExit(f"a command takes longer than {COMMAND_S} s")


def play(session, folder):
    terminal = Terminal(folder)
    film = None
    try:
        settle(terminal)
        for line in session.splitlines():
            if line.startswith("! "):
                terminal.type(f"{line[2:]}; clear")
                terminal.enter()
                time.sleep(LOOK_S)
                settle(terminal)
                continue
            film = film or Film()
            if line.startswith("~ "):
                time.sleep(float(line[2:]))
            elif line and not line.startswith("#"):
                for sign in line:
                    terminal.type(sign)
                    time.sleep(TYPING_S)
                    film.look(terminal.screen())
                time.sleep(0.3)
                terminal.enter()
                settle(terminal, film)
        return film.end()
    finally:
        terminal.close()


def spans(line):
    """(column, text, colour, bold) of the pieces of a line with colours."""
    colour, bold, column = None, False, 0
    for piece in re.split(r"(\033\[[0-9;]*m)", line.rstrip()):
        codes = re.fullmatch(r"\033\[([0-9;]*)m", piece)
        if not codes:
            if piece.strip():
                yield column, piece, colour, bold
            column += len(piece)
            continue
        for code in [int(x or 0) for x in codes[1].split(";")]:
            if code == 0:
                colour, bold = None, False
            elif code == 1:
                bold = True
            elif code == 39:
                colour = None
            elif code in PALETTE:
                colour = PALETTE[code]


def text_elements(row, line):
    y = BAR + MARGIN + LINE_HEIGHT * row + 13
    if line.startswith(PROMPT):
        line = f"\033[90m{PROMPT}\033[0;1m{line[len(PROMPT):]}\033[0m"
    for column, text, colour, bold in spans(line):
        style = (f' fill="{colour}"' if colour else "") + (' font-weight="bold"' if bold else "")
        # Runs of spaces are no text in XML: what stands between them is placed by itself.
        for piece in re.finditer(r"\S+(?: \S+)*", text):
            x = MARGIN + CELL_WIDTH * (column + piece.start())
            yield (f'<text x="{x:g}" y="{y}" textLength="{CELL_WIDTH * len(piece[0]):g}"{style}>'
                   f"{html.escape(piece[0])}</text>")


def frames(since, until, length):
    """Keyframes of what is seen from since to until (None: to the end)."""
    start = 100 * since / length
    steps = [] if start <= 0 else ["0%{opacity:0}"]
    steps.append(f"{start:.2f}%{{opacity:1}}")
    if until is not None:
        steps.append(f"{100 * until / length:.2f}%{{opacity:0}}")
    return "".join(steps)


def draw(shots, length, title):
    width = 2 * MARGIN + CELL_WIDTH * COLUMNS
    height = BAR + 2 * MARGIN + LINE_HEIGHT * ROWS
    groups, styles = {}, []
    for row, line, since, until in shots:
        groups.setdefault((round(since, 2), until and round(until, 2)), []).extend(
            text_elements(row, line))
    body = []
    for n, ((since, until), elements) in enumerate(groups.items()):
        styles.append(f"@keyframes k{n}{{{frames(since, until, length)}}}"
                      f"#s{n}{{animation-name:k{n}}}")
        kept = ' class="last"' if until is None else ""
        body.append(f'<g id="s{n}"{kept}>{"".join(elements)}</g>')
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height}" role="img" '
        f'aria-label="{html.escape(title)}">',
        "<style>",
        "svg{font:14px ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;fill:#e6edf3}",
        f"g{{opacity:0;animation:{length:.2f}s step-end infinite}}.last{{opacity:1}}",
        "@media (prefers-reduced-motion:reduce){g{animation:none}}",
        *styles,
        "</style>",
        f'<rect width="{width:g}" height="{height}" rx="8" fill="#161b22"/>',
        f'<path d="M8,0 h{width - 16:g} a8,8 0 0 1 8,8 v{BAR - 8} h-{width:g} v-{BAR - 8} '
        'a8,8 0 0 1 8,-8 z" fill="#2d333b"/>',
        *(f'<circle cx="{18 + 18 * i}" cy="{BAR / 2:g}" r="5" fill="{c}"/>'
          for i, c in enumerate(("#ff5f57", "#febc2e", "#28c840"))),
        *body,
        "</svg>", ""])


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    session = pathlib.Path(sys.argv[1]).read_text("utf-8")
    title = next((line[2:] for line in session.splitlines() if line.startswith("# ")), "A session")
    with tempfile.TemporaryDirectory(prefix="scripta-record-") as folder:
        shots, length = play(session, folder)
    pathlib.Path(sys.argv[2]).write_text(draw(shots, length, title), "utf-8")
    print(f"{sys.argv[2]}: {length:.0f} s, {pathlib.Path(sys.argv[2]).stat().st_size} bytes")


if __name__ == "__main__":
    main()
