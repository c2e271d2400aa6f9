#!/usr/bin/env python3
"""Feeds bad trees to the structure rules and expects each offence, and good ones and expects none."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True

import house_rules  # noqa: E402
import include_rules  # noqa: E402
import metrics_table  # noqa: E402
from tree import Tree  # noqa: E402


class RulesTest(unittest.TestCase):
    def tree(self, files):
        """A new tree of these files and no others."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for path, content in files.items():
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(content)
        return Tree(self.root)

    def offences(self, rule, files):
        return list(rule(self.tree(files)))

    def includes(self, path, included):
        return self.offences(include_rules.direction, {path: f'\n#include "{included}"\n'})


class IncludeDirection(RulesTest):
    def test_names_file_line_and_reason(self):
        self.assertEqual(
            self.includes("libs/base/clock.h", "libs/async/timers.h"),
            ['libs/base/clock.h:2: includes "libs/async/timers.h": '
             'upward: libs/base stands below libs/async'])

    def test_a_library_includes_what_stands_below_it(self):
        self.assertFalse(self.includes("libs/rpc/client.h", "libs/async/awaitable.h"))
        self.assertFalse(self.includes("libs/rocksdb/committer.cc", "libs/base/mutex.h"))

    def test_a_library_does_not_include_its_neighbour(self):
        self.assertIn("sideways", self.includes("libs/rpc/client.cc", "libs/host/service.h")[0])
        self.assertIn("sideways", self.includes("libs/obs/trace.h", "libs/async/timers.h")[0])

    def test_a_library_does_not_include_a_service(self):
        self.assertTrue(self.includes("libs/rpc/client.cc", "services/gateway/gateway_service.h"))

    def test_a_test_of_a_library_does_not_look_up_either(self):
        self.assertTrue(self.includes("libs/base/clock_test.cc", "libs/async/fake_timers.h"))

    def test_services_do_not_include_each_other(self):
        self.assertTrue(self.includes("services/gateway/turns.cc", "services/dispatcher/turn/run.h"))
        self.assertTrue(self.includes("services/gateway/gateway_test.cc", "services/dispatcher/x.h"))
        self.assertTrue(self.includes("services/gateway/main.cc", "services/standalone/wiring.h"))

    def test_parts_of_one_service_include_each_other(self):
        self.assertFalse(self.includes("services/dispatcher/turn/run.cc", "services/dispatcher/queue/s.h"))

    def test_only_standalone_includes_the_services(self):
        self.assertFalse(self.includes("services/standalone/main.cc", "services/dispatcher/process.h"))
        self.assertTrue(self.includes("services/standalone/main.cc", "services/cli/chat.h"))
        self.assertTrue(self.includes("services/cli/chat.cc", "services/gateway/gateway_service.h"))
        self.assertTrue(self.includes("services/every_program/main.cc", "services/gateway/gateway_process.h"))

    def test_nothing_of_the_product_includes_tests(self):
        self.assertTrue(self.includes("services/gateway/turns.cc", "tests/harness/process.h"))
        self.assertTrue(self.includes("libs/http/client.h", "tests/providersim/options.h"))
        self.assertFalse(self.includes("libs/http/client_test.cc", "tests/providersim/simulator.h"))

    def test_the_simulator_and_the_harness_know_no_service(self):
        for folder in ("providersim", "harness", "e2e"):
            self.assertTrue(self.includes(f"tests/{folder}/x.cc", "services/dispatcher/turn/run.h"))
        self.assertTrue(self.includes("tests/providersim/x.cc", "tests/harness/process.h"))
        self.assertFalse(self.includes("tests/mesh/x_test.cc", "services/dispatcher/turn/run.h"))

    def test_angle_brackets_and_odd_spaces_count_too(self):
        for line in ("#include <libs/async/x.h>", "  #  include   \"libs/async/x.h\"  // why"):
            self.assertTrue(self.offences(include_rules.direction, {"libs/base/a.h": line + "\n"}))

    def test_a_library_without_a_rank_is_named(self):
        self.assertEqual(len(self.offences(include_rules.known_libraries, {"libs/magic/a.h": "\n"})), 1)
        self.assertEqual(len(self.offences(include_rules.known_libraries, {"services/magic/a.h": "\n"})), 1)


class HeavyHeaders(RulesTest):
    def heavy(self, files):
        return self.offences(include_rules.heavy_headers, files)

    def test_a_header_may_not_include_them(self):
        for included in ("grpcpp/server.h", "penstock/chat/v1/turn.grpc.pb.h", "rocksdb/db.h", "libpq-fe.h"):
            self.assertEqual(len(self.heavy({"services/gateway/a.h": f"#include <{included}>\n"})), 1, included)

    def test_nor_through_a_header_of_their_library(self):
        offences = self.heavy({"libs/rpc/server.h": "#include <grpcpp/server.h>\n",
                               "services/gateway/a.h": '#include "libs/rpc/server.h"\n'})
        self.assertEqual(len(offences), 1)
        self.assertIn("services/gateway/a.h: a header that includes libs/rpc/server.h -> grpcpp/server.h",
                      offences[0])

    def test_the_first_offender_is_named_and_not_its_includers(self):
        offences = self.heavy({"services/gateway/a.h": "#include <grpcpp/server.h>\n",
                               "services/gateway/b.h": '#include "services/gateway/a.h"\n'})
        self.assertEqual([offence.split(":")[0] for offence in offences], ["services/gateway/a.h"])

    def test_sources_tests_and_the_library_itself_may(self):
        self.assertFalse(self.heavy({"libs/rpc/server.h": "#include <grpcpp/server.h>\n",
                                     "services/gateway/a.cc": '#include "libs/rpc/server.h"\n',
                                     "services/gateway/b.cc": "#include <rocksdb/db.h>\n",
                                     "tests/harness/call.h": "#include <grpcpp/channel.h>\n"}))

    def test_the_rim_of_a_service_may_and_no_header_includes_it(self):
        rim = {"services/gateway/gateway_service.h": "#include <grpcpp/server.h>\n"}
        process = '#include "services/gateway/gateway_service.h"\n'

        self.assertFalse(self.heavy({**rim, "services/gateway/gateway_process.cc": process}))
        self.assertEqual(len(self.heavy({**rim, "services/gateway/gateway_process.h": process})), 1)

    def test_another_library_may_not(self):
        self.assertTrue(self.heavy({"libs/rpc/store.h": "#include <rocksdb/db.h>\n"}))

    def test_a_cycle_ends(self):
        self.assertFalse(self.heavy({"libs/base/a.h": '#include "libs/base/b.h"\n',
                                     "libs/base/b.h": '#include "libs/base/a.h"\n'}))


class HouseRules(RulesTest):
    def test_sizes_by_kind(self):
        limits = {"services/gateway/main.cc": 40, "libs/base/a.h": 180, "libs/base/a.cc": 330,
                  "libs/base/a_test.cc": 450, "tests/e2e/turn.cc": 450,
                  "services/x/store_conformance.cc": 450, "libs/base/fake_clock.h": 450}
        for path, limit in limits.items():
            self.assertFalse(self.offences(house_rules.sizes, {path: "\n" * limit}), path)
            self.assertTrue(self.offences(house_rules.sizes, {path: "\n" * (limit + 1)}), path)

    def test_names_that_say_nothing(self):
        for path in ("libs/base/string_util.h", "libs/common/a.h", "services/gateway/session_manager.cc",
                     "tests/test_helpers.py", "tests/misc-notes.md"):
            self.assertEqual(len(self.offences(house_rules.names, {path: "\n"})), 1, path)

    def test_names_that_only_look_like_it(self):
        self.assertFalse(self.offences(house_rules.names, {"libs/base/utility_curve.h": "\n",
                                                           "libs/base/commonwealth.h": "\n"}))

    def test_every_library_and_service_has_a_readme(self):
        self.assertEqual(
            self.offences(house_rules.readmes, {"libs/base/a.h": "\n", "libs/CMakeLists.txt": "\n",
                                                "services/gateway/README.md": "x\n",
                                                "services/gateway/turn/a.h": "\n"}),
            ["libs/base: has no README.md"])

    def test_every_text_ends_with_a_newline(self):
        self.assertEqual(self.offences(house_rules.newlines, {"a.md": "x", "b.md": "x\n", "empty": "",
                                                              "picture.png": "\0x",
                                                              "tests/fuzz/corpus/deep": "{"}),
                         ["a.md: does not end with a newline"])

    def test_flags_of_gpp(self):
        for line in ("add_compile_options(-Wlogical-op)", "set(CMAKE_CXX_COMPILER g++-12)",
                     '"CMAKE_CXX_COMPILER": "g++"', "-Wno-maybe-uninitialized"):
            self.assertTrue(self.offences(house_rules.compiler_flags, {"CMakeLists.txt": line + "\n"}), line)
        for line in ('"CMAKE_CXX_COMPILER": "clang++-19"', "-Wall -Wshadow", "# Debian's g++ 12 miscompiles"):
            self.assertFalse(self.offences(house_rules.compiler_flags, {"CMakeLists.txt": line + "\n"}), line)

    def test_the_page_of_failpoints_and_the_sources_agree(self):
        page = "tests/chaos/FAILPOINTS.md"
        source = 'PENSTOCK_FAILPOINT("journal.after");\nif (PENSTOCK_PLANTED_BUG("planted.x")) return;\n'
        tree = {"libs/rocksdb/a.cc": source, page: "| `journal.after` | x |\nPlanted: `planted.x`.\n"}
        self.assertFalse(self.offences(house_rules.failpoints, tree))
        self.assertIn("journal.after is not in", str(self.offences(
            house_rules.failpoints, {**tree, page: "`planted.x` \n"})))
        self.assertIn("no source has failpoint journal.gone", str(self.offences(
            house_rules.failpoints, {**tree, page: tree[page] + "`journal.gone`, too\n"})))

    def test_the_page_of_rules_names_tests_that_exist(self):
        tree = {"services/a/a_test.cc": "TEST_F(Turn, IsOne) {\n}\n",
                "tests/RULES.md": "| a rule | `Turn.IsOne` `Turn.IsTwo` |\n"}
        self.assertEqual(self.offences(house_rules.rules, tree),
                         ["tests/RULES.md: there is no test Turn.IsTwo"])

    def test_what_is_built_or_stored_is_not_looked_at(self):
        self.assertFalse(self.offences(house_rules.newlines, {"build/dev/x": "x", "data/y": "x",
                                                              "tests/clients/node_modules/z": "x"}))


class Command(RulesTest):
    def check(self, *arguments):
        check = Path(__file__).with_name("check.py")
        done = subprocess.run([sys.executable, check, *arguments], capture_output=True, text=True)
        return done.returncode, done.stdout

    def test_fails_on_a_bad_tree_and_names_the_offence(self):
        self.tree({"libs/base/a.h": '#include "libs/rpc/b.h"\n', "libs/base/README.md": "x"})

        includes_status, includes_output = self.check("includes", self.root)
        house_status, house_output = self.check("house", self.root)

        self.assertEqual((includes_status, house_status), (1, 1))
        self.assertIn("upward", includes_output)
        self.assertIn("libs/base/README.md: does not end with a newline", house_output)

    def test_passes_on_a_good_tree(self):
        self.tree({"libs/base/a.h": "#pragma once\n", "libs/base/README.md": "x\n"})

        self.assertEqual(self.check("includes", self.root)[0], 0)
        self.assertEqual(self.check("house", self.root)[0], 0)

    def test_a_tree_without_sources_is_a_mistake(self):
        self.tree({})

        self.assertEqual(self.check("includes", self.root)[0], 2)
        self.assertEqual(self.check("everything")[0], 2)


class MetricsTable(RulesTest):
    def page(self, source, path="services/gateway/a.cc"):
        self.tree({path: source})
        return metrics_table.page(self.root)

    def unreadable(self, source, path="services/gateway/a.cc"):
        with self.assertRaises(metrics_table.Unreadable) as caught:
            self.page(source, path)
        return str(caught.exception)

    def test_shows_name_type_unit_labels_and_meaning(self):
        page = self.page(
            'const obs::Labels labels = {{"pool", p}, {"lane", l}};\n'
            'a(m.AddGauge("penstock_gateway_age_seconds", "How old, "\n "at most.", labels));\n'
            'm.AddCounter("penstock_gateway_calls_total", "Calls.", {{"method", f(1, 2)}});\n'
            'm.AddHistogram("penstock_gateway_size_bytes", "Size.", Buckets({1, 2}));\n')

        self.assertIn("## gateway\n", page)
        self.assertIn("| `penstock_gateway_age_seconds` | gauge | seconds | `pool`, `lane` |"
                      " How old, at most |", page)
        self.assertIn("| `penstock_gateway_calls_total` | counter | count | `method` | Calls |", page)
        self.assertIn("| `penstock_gateway_size_bytes` | histogram | bytes |  | Size |", page)

    def test_a_constant_of_the_file_is_a_name(self):
        page = self.page('constexpr char kName[] = "penstock_rpc_x_total";\n'
                         'm.AddCounter(kName, "X.");\n', "libs/rpc/a.cc")

        self.assertIn("## every process", page)
        self.assertIn("`penstock_rpc_x_total`", page)

    def test_what_cannot_be_read_is_an_error(self):
        self.assertIn("expected a literal", self.unreadable('m.AddGauge(Name(), "X.");'))
        self.assertIn("expected a list", self.unreadable('m.AddGauge("penstock_a", "X.", LabelsOf(x));'))
        self.assertIn("declared nowhere", self.unreadable('Read("penstock_gateway_b");'))
        self.assertIn("nobody is known", self.unreadable('m.AddGauge("penstock_a", "X.");', "libs/a/a.cc"))
        self.assertIn("other words", self.unreadable(
            'm.AddGauge("penstock_a", "X.");\nm.AddGauge("penstock_a", "Y.");'))

    def test_says_whether_the_page_is_right(self):
        self.tree({"services/gateway/a.cc": 'm.AddGauge("penstock_a", "X.");\n'})
        page = self.root / metrics_table.PAGE
        page.parent.mkdir(parents=True)
        page.write_text(metrics_table.page(self.root))
        self.assertEqual(metrics_table.main(["--check", str(self.root)]), 0)

        page.write_text("another\n")

        self.assertEqual(metrics_table.main(["--check", str(self.root)]), 1)


if __name__ == "__main__":
    unittest.main()
