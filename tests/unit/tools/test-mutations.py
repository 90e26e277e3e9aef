"""What tools/mutations.py finds in C and SQL, and what it leaves alone."""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))
import mutations  # noqa: E402

ENUMS = {"true": "false", "SC_JOB_FAILED": "SC_JOB_CANCELLED"}


def c(body, name="work"):
    text = f"static int {name}(int a)\n{{\n{body}}}\n"
    return mutations.find_c("x.c", text, ENUMS), text


def changes(found):
    return {(m.before, m.after) for m in found}


class C(unittest.TestCase):
    def test_a_comparison_is_moved_by_one_and_a_condition_turned_round(self):
        found, _ = c("    if (a <= 7 && a != *p)\n        return 1;\n    return 0;\n")
        got = changes(found)
        line = "if (a <= 7 && a != *p)"
        for after in ("if (a < 7 && a != *p)", "if (a <= 8 && a != *p)", "if (a <= 7 || a != *p)",
                      "if (a <= 7 && a == *p)", "if (!(a <= 7 && a != *p))"):
            self.assertIn((line, after), got)
        self.assertIn(("return 1;", ";"), got)
        self.assertNotIn(("return 0;", ";"), got)  # the last one: the function needs its value

    def test_statements_are_dropped_whole_declarations_are_not(self):
        found, text = c("    int b = 1;\n    call(a,\n         b);\n    s->x = b;\n    return b;\n")
        dropped = [m for m in found if m.kind == "statement"]
        self.assertEqual([m.before for m in dropped], ["call(a, b);", "s->x = b;"])
        for m in dropped:
            self.assertEqual(m.apply(text).count("\n"), text.count("\n"))

    def test_constants_become_their_neighbours(self):
        found, _ = c("    set(SC_JOB_FAILED, true);\n    return 0;\n")
        got = changes(found)
        self.assertIn(("set(SC_JOB_FAILED, true);", "set(SC_JOB_CANCELLED, true);"), got)
        self.assertIn(("set(SC_JOB_FAILED, true);", "set(SC_JOB_FAILED, false);"), got)

    def test_logs_frees_assertions_and_texts_are_left_alone(self):
        found, _ = c('    SC_LOG(INFO, "a < 1", SC_I("n", a + 1));\n    free(p);\n'
                     "    sc_assert(a > 1);\n    char text[20];\n    /* a < b && 1 */\n"
                     '    if (a > 2)\n        SC_LOG(INFO, "x");\n')
        self.assertEqual(found, [])

    def test_equal_changes_of_one_place_have_keys_of_their_own(self):
        found, _ = c("    go(a);\n    go(a);\n    return 0;\n")
        keys = [m.key() for m in found if m.kind == "statement"]
        self.assertEqual(len(set(keys)), 2)

    def test_enums_and_codes_are_read_from_their_tables(self):
        enums = mutations.read_enums(["enum sc_x { SC_X_A, /* SC_X_NOT, */ SC_X_B, SC_X_COUNT_ };"],
                                     'SC_ERROR(CONFLICT, 409, X, 0, "no")\n')
        self.assertEqual((enums["SC_X_A"], enums["SC_X_B"]), ("SC_X_B", "SC_X_A"))
        self.assertEqual(enums["SC_E_CONFLICT"], "SC_E_INTERNAL")
        self.assertNotIn("SC_X_NOT", enums)


def sql(body, name="job_one"):
    text = f"-- name: {name}\n{body}\n"
    return changes(mutations.find_sql("x.sql", text))


class Sql(unittest.TestCase):
    def test_conditions_states_orders_and_limits_change(self):
        line = "SELECT id FROM jobs WHERE state = 0 AND id > :after ORDER BY id LIMIT :limit;"
        got = {after for _, after in sql(line)}
        for change in (("state = 0", "state <> 0"), ("state = 0", "state = 1"), (" AND ", " OR "),
                       ("id > :", "id >= :"), ("ORDER BY id", "ORDER BY id DESC"),
                       (":limit", ":limit + 1")):
            self.assertIn(line.replace(*change), got)

    def test_an_assignment_is_dropped_not_compared(self):
        line = "UPDATE jobs SET a = 1, b = max(b, :b) WHERE id = :id;"
        got = {after for _, after in sql(line)}
        self.assertIn("UPDATE jobs SET a = 1 WHERE id = :id;", got)
        self.assertFalse(any("a <> 1" in x or "b <> max" in x for x in got))

    def test_between_and_nulls(self):
        line = "SELECT 1 FROM t WHERE a BETWEEN 1 AND 2 AND b IS NULL AND NOT EXISTS (SELECT 1);"
        got = {after for _, after in sql(line)}
        self.assertFalse(any("1 OR 2" in x for x in got))
        self.assertIn(line.replace("IS NULL", "IS NOT NULL"), got)
        self.assertIn(line.replace("NOT EXISTS", " EXISTS").replace("  ", " "), got)

    def test_comments_and_texts_are_left_alone(self):
        self.assertEqual(sql("-- a < 1 AND b\nSELECT count(*) FROM t;"), set())
        self.assertFalse(any("<=" in after for _, after in sql("SELECT 'a < 1' FROM t;")))


class Rank(unittest.TestCase):
    def test_the_order_depends_on_the_seed_and_not_on_the_line(self):
        first, _ = c("    go(a);\n    stop(a);\n    return 0;\n")
        moved, _ = c("\n\n    go(a);\n    stop(a);\n    return 0;\n")
        self.assertEqual([m.rank(1) for m in first], [m.rank(1) for m in moved])
        self.assertNotEqual([m.rank(1) for m in first], [m.rank(2) for m in first])


if __name__ == "__main__":
    unittest.main()
