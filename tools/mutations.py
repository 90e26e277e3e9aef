"""Finds the small faults that can be put into our C and SQL, for mutate.py.

Nothing here parses C or SQL: the code is in the shape that clang-format gives it, comments and
literals are blanked, and what does not compile is replaced by another mutation. Left alone, because
no test of behaviour could tell:

- preprocessor lines, assertions, fault points, text in quotes
- statements that only log, or only give memory back (`make check` finds leaks with sanitizers)
- answers to an allocation that failed
- sizes of buffers in declarations
"""

import dataclasses
import hashlib
import re

C_NOISE = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'"""
                     r"""|^[ \t]*\#(?:\\\n|[^\n])*""", re.DOTALL | re.MULTILINE)
SQL_NOISE = re.compile(r"""--[^\n]*|'(?:[^']|'')*'|"(?:[^"]|"")*\"""")
SILENT = re.compile(r"\b(?:SC_LOG|SC_JOB_LOG|sc_log_\w+|free|\w+_free|\w+_done|\w+_freep|\w+_donep"
                    r"|\w+_unref|sc_buf_reset|va_end|va_start|sc_assert|SC_FAULT)\(")
FLIPS = {"<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||",
         "||": "&&", "+": "-", "-": "+", "*": "/", "/": "*", "%": "/", "+=": "-=", "-=": "+="}
KINDS = {"&&": "logic", "||": "logic", "<": "comparison", "<=": "comparison", ">": "comparison",
         ">=": "comparison", "==": "comparison", "!=": "comparison"}
OPERATOR = re.compile(r"(?<=[\w)\]\"'}] )(<=|>=|==|!=|<|>|&&|\|\||\+=|-=|[-+*/%])(?=[ \n])")
DECLARED = re.compile(r"^\s*(?:static |const |struct |unsigned |enum )*\w+ [*\w]+(?:\[[^\]]*\])+")
WORDS_BEFORE_A_VALUE = {"return", "case", "else", "sizeof", "goto"}


@dataclasses.dataclass(frozen=True)
class Mutation:
    path: str    # below the root of the project
    place: str   # function, table or SQL statement
    kind: str
    line: int    # where it begins; for people, no part of what it is
    start: int
    end: int     # of what is replaced
    new: str
    before: str  # the lines that it touches, on one line
    after: str
    nth: int = 1  # of equal changes within a place

    def key(self):
        """What stays the same when code elsewhere moves."""
        return "\t".join((self.path, self.place, self.before, self.after, str(self.nth)))

    def rank(self, seed):
        return hashlib.sha256(f"{seed}\t{self.key()}".encode()).hexdigest()

    def apply(self, text):
        return text[:self.start] + self.new + text[self.end:]

    def show(self):
        return (f"{self.path}:{self.line} {self.place} ({self.kind})\n"
                f"  - {self.before}\n  + {self.after or '(nothing)'}")


def blank(text, noise):
    """The text with comments and literals as spaces; quotes of strings stay."""
    def spaces(m):
        inner = re.sub(r"[^\n]", " ", m.group(0))
        return m.group(0)[0] + inner[1:-1] + m.group(0)[-1] if m.group(0)[0] in "\"'" else inner
    return noise.sub(spaces, text)


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip()


class Finder:
    """Gathers the mutations of one file."""

    def __init__(self, path, text):
        self.path, self.text = path, text
        self.found, self.counts = [], {}

    def add(self, place, kind, start, end, new):
        old = self.text[start:end]
        new += "\n" * (old.count("\n") - new.count("\n"))  # the lines behind keep their numbers
        first = self.text.rfind("\n", 0, start) + 1
        last = self.text.find("\n", end)
        last = len(self.text) if last < 0 else last
        before = squeeze(self.text[first:last])
        after = squeeze(self.text[first:start] + new + self.text[end:last])
        if before == after:
            return
        same = (place, before, after)
        nth = self.counts[same] = self.counts.get(same, 0) + 1
        self.found.append(Mutation(self.path, place, kind, self.text.count("\n", 0, start) + 1,
                                   start, end, new, before, after, nth))


def closing(code, at):
    """The place of the parenthesis that closes the one at `at`; -1: none."""
    depth = 0
    for i in range(at, len(code)):
        depth += (code[i] == "(") - (code[i] == ")")
        if depth == 0:
            return i
    return -1


def c_places(code):
    """(name, first, end) of the bodies of functions and of tables at the outermost level."""
    for m in re.finditer(r"^\{\n(.*?)^\}", code, re.DOTALL | re.MULTILINE):
        heads = re.findall(r"^[A-Za-z_].*?\b(\w+)\(", code[:m.start()], re.MULTILINE)
        if heads:
            yield heads[-1], m.start(1), m.end(1)
    for m in re.finditer(r"^static const [^;{}()]*?\b(\w+)(?:\[[^\]]*\])* = \{(.*?)^\};", code,
                         re.DOTALL | re.MULTILINE):
        yield m.group(1), m.start(2), m.end(2)


def statements(code, first, end):
    """(start, end) of each expression statement, `break;` and `continue;` of a body."""
    for m in re.finditer(r"^([ \t]+)(?=[\w(*+-])", code[first:end], re.MULTILINE):
        start = first + m.end(1)
        before = code[:start].rstrip()
        if not before.endswith((";", "{", "}", ":", ")", "else")):
            continue  # goes on from the line above
        stop = code.find(";", start, end)
        text = code[start:stop + 1]
        if stop < 0 or "{" in text or "}" in text or text.count("(") != text.count(")"):
            continue
        yield start, stop + 1


def is_droppable(text):
    """Expression statements that do something which a test can miss."""
    if SILENT.search(text) or text.startswith(("case ", "default", "else", "goto ", "return")):
        return False
    if re.match(r"(break|continue);$", text):
        return True
    # Calls, assignments, steps; no declaration, which has a type before its name.
    return re.match(r"(\(void\))?[*\w.>\[\]()-]+(?: [-+|&*/]?= |\(|\+\+;|--;)", text) is not None \
        or re.match(r"(\+\+|--)[\w.>-]+;", text) is not None


def silent_spans(code, first, end):
    """Where assertions, log lines and fault points stand: their insides are left alone."""
    spans = []
    for m in re.compile(r"\b(?:sc_assert|SC_LOG|SC_JOB_LOG|SC_FAULT|sc_log_\w+)\(").finditer(
            code, first, end):
        at = m.end() - 1
        spans.append((at, closing(code, at)))
    return spans


def guards_silence(code, stop):
    """Whether the condition that ends at `stop` decides about a line of the log alone."""
    return SILENT.match(code[stop + 1:].lstrip()) is not None


NO_MEMORY = re.compile(r"sc_try_\w+\([^;]*;\s*if \([^;{]*== NULL\)\s*(?:\{[^}]*\}|[^;]*;)")


def silent_conditions(code, first, end):
    """The insides of such conditions, and all that answers a failed allocation."""
    for m in NO_MEMORY.finditer(code, first, end):
        yield m.start(), m.end()
    for m in re.compile(r"\bif \(").finditer(code, first, end):
        stop = closing(code, m.end() - 1)
        if 0 < stop < end and guards_silence(code, stop):
            yield m.end() - 1, stop


def find_c(path, text, enums):
    """All mutations of a C file; `enums` maps a constant to what may stand in its place."""
    code = blank(text, C_NOISE)
    f = Finder(path, text)
    for place, first, end in c_places(code):
        silent = silent_spans(code, first, end) + list(silent_conditions(code, first, end))

        def add(kind, start, stop, new, place=place, silent=silent):
            if not any(a <= start < b for a, b in silent):
                f.add(place, kind, start, stop, new)

        for m in OPERATOR.finditer(code, first, end):
            word = re.search(r"(\w+) $", code[max(0, m.start() - 12):m.start()])
            if word is None or word.group(1) not in WORDS_BEFORE_A_VALUE:
                sign = m.group(1)
                add(KINDS.get(sign, "arithmetic"), m.start(1), m.end(1), FLIPS[sign])
        for m in re.compile(r"\b(?:if|while) \(").finditer(code, first, end):
            stop = closing(code, m.end() - 1)
            if 0 < stop < end:
                add("condition", m.end(), stop, f"!({text[m.end():stop]})")
        for m in re.compile(r"(?<![\w.])(\d+)(?![\w.])").finditer(code, first, end):
            line = code[code.rfind("\n", 0, m.start()) + 1:code.find("\n", m.end())]
            if not (code[m.start() - 1] == "[" and DECLARED.match(line)):
                add("off by one", m.start(), m.end(), str(int(m.group(1)) + 1))
        for m in re.compile(r"\b(?:true|false|SC_[A-Z0-9_]+)\b").finditer(code, first, end):
            if m.group(0) in enums and not re.search(r"[=!]= $", code[m.start() - 3:m.start()]):
                add("constant", m.start(), m.end(), enums[m.group(0)])
        for start, stop in statements(code, first, end):
            kept = code[start:stop]
            if is_droppable(kept):
                add("statement", start, stop, ";")
            elif kept.startswith("return") and not code[stop:].lstrip(" \n").startswith("}\n"):
                add("return", start, stop, ";")
    return f.found


def read_enums(headers, errors):
    """Each constant of our enums with its neighbour; of errors, with INTERNAL."""
    enums = {"true": "false", "false": "true", "SC_E_INTERNAL": "SC_E_INVALID_VALUE"}
    for text in headers:
        for m in re.finditer(r"enum \w+ \{(.*?)\}", blank(text, C_NOISE), re.DOTALL):
            names = [re.match(r"\w+", x.strip()).group(0) for x in m.group(1).split(",")
                     if re.match(r"\s*SC_\w+", x) and not x.strip().endswith("COUNT_")]
            for i, name in enumerate(names):
                if len(names) > 1:
                    enums[name] = names[(i + 1) % len(names)]
    for m in re.finditer(r"^SC_ERROR\((\w+),", errors, re.MULTILINE):
        enums.setdefault(f"SC_E_{m.group(1)}", "SC_E_INTERNAL")
    return enums


SQL_TOKEN = re.compile(r"[:@]?[A-Za-z_][\w.]*|\d+|<>|<=|>=|\|\||[-+*/=<>(),;]|'[^']*'|\"[^\"]*\"")
SQL_FLIPS = {"=": "<>", "<>": "=", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "AND": "OR",
             "OR": "AND", "+": "-", "-": "+", "*": "/", "/": "*", "min": "max", "max": "min"}
SQL_KINDS = {"=": "comparison", "<>": "comparison", "<": "comparison", "<=": "comparison",
             ">": "comparison", ">=": "comparison", "AND": "logic", "OR": "logic"}


def sql_places(text, code):
    """(name, first, end) of each named statement, its closing semicolon included."""
    marks = list(re.finditer(r"^-- name: (\w+)\n", text, re.MULTILINE))
    for i, m in enumerate(marks):
        yield m.group(1), m.end(), marks[i + 1].start() if i + 1 < len(marks) else len(code)


class Clauses:
    """Which clause of a SELECT, UPDATE … a token stands in, by depth of parentheses."""

    STARTS = {"WHERE", "FROM", "SET", "ORDER", "LIMIT", "ON", "GROUP", "HAVING", "RETURNING",
              "SELECT", "VALUES", "UPDATE", "INSERT", "JOIN", "DO", "OVER", "WITH", "DELETE"}

    def __init__(self):
        self.stack = [""]

    def feed(self, word):
        if word == "(":
            self.stack.append("")
        elif word == ")" and len(self.stack) > 1:
            self.stack.pop()
        elif word in self.STARTS:
            self.stack[-1] = word
        return self.stack[-1]


def find_sql(path, text):
    code = blank(text, SQL_NOISE)
    f = Finder(path, text)
    for place, first, end in sql_places(text, code):
        tokens = [(m.group(0), m.start(), m.end()) for m in SQL_TOKEN.finditer(code, first, end)]
        words = [t[0] for t in tokens]
        clauses, between = Clauses(), False
        for i, (word, start, stop) in enumerate(tokens):
            clause = clauses.feed(word)
            before = words[i - 1] if i else ""
            after = words[i + 1] if i + 1 < len(words) else ""
            between = between or word == "BETWEEN"
            assigns = word == "=" and clause == "SET"
            all_columns = word == "*" and (before in ("(", "SELECT") or after in (")", "FROM"))
            a_name = word in ("min", "max") and after != "("
            if word == "AND" and between:
                between = False
            elif word in SQL_FLIPS and not assigns and not all_columns and not a_name:
                f.add(place, SQL_KINDS.get(word, "arithmetic"), start, stop, SQL_FLIPS[word])
            elif word.isdigit():
                f.add(place, "state or number", start, stop, str(int(word) + 1))
            elif word == "NULL" and before == "IS":
                f.add(place, "comparison", start, stop, "NOT NULL")
            elif word == "NOT" and after in ("NULL", "EXISTS", "IN", "LIKE"):
                f.add(place, "condition", start, stop, "")
            elif word == "EXISTS" and before != "NOT":
                f.add(place, "condition", start, start, "NOT ")
            elif word == "LIMIT" and not after.isdigit():
                f.add(place, "limit", tokens[i + 1][2], tokens[i + 1][2], " + 1")
            elif word == "DESC" and clause == "ORDER":
                f.add(place, "order", start, stop, "")
            elif clause == "ORDER" and word not in "(),;" and after in (",", ";", ")", "LIMIT", ""):
                f.add(place, "order", stop, stop, " DESC")
            elif word == "," and clause == "SET":
                drop = next((j for j in range(i + 1, len(words)) if words[j] == "="), None)
                if drop == i + 2:
                    add_dropped_assignment(f, place, tokens, i)
    return f.found


def add_dropped_assignment(f, place, tokens, comma):
    """`, column = value` of a SET, where the value reaches to the next comma or clause."""
    depth = 0
    for word, start, _ in tokens[comma + 1:]:
        depth += (word == "(") - (word == ")")
        if depth < 0 or (depth == 0 and word in (",", ";", "WHERE", "FROM", "RETURNING")):
            f.add(place, "assignment", tokens[comma][1], start, " " if word not in ",;" else "")
            return
