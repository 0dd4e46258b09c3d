#!/usr/bin/python3
"""The pure parts of the lab's bench. Names are sentences; values one below, at and one above each limit."""
import math
import os
import sys
import unittest

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LAB = os.path.join(TOP, "tests", "lab")
sys.path.insert(0, LAB)

import contest  # noqa: E402
import figures  # noqa: E402
from acts import ACTS, OURS  # noqa: E402
from monitors import DECAY, Dpinger, Mwan3, Score, Window  # noqa: E402
from peers import PEERS  # noqa: E402
import trunk_acts  # noqa: E402
import trunk_bench  # noqa: E402
import trunk_figures  # noqa: E402

LIMITS = '[gateway]\nmedian = 0.9\np99 = 1.0\nsource = "the design"\n'


def result(seconds, act="gateway", contestant=OURS, run=1, **more):
    return {"contestant": contestant, "act": act, "run": run, "waited_s": 45, "seconds": seconds} | more


class Percentiles(unittest.TestCase):
    def test_p99_of_100_values_is_the_99th_and_of_fewer_the_worst(self):
        self.assertEqual(figures.percentile(range(1, 101), 0.99), 99)
        self.assertEqual(figures.percentile(range(1, 102), 0.99), 100)
        self.assertEqual(figures.percentile(range(1, 100), 0.99), 99)
        self.assertEqual(figures.percentile([3, 1, 2], 0.99), 3)
        self.assertEqual(figures.percentile([7], 0.01), 7)

    def test_the_order_of_the_values_does_not_matter(self):
        self.assertEqual(figures.percentile([5, 1, 4, 2, 3], 0.5), 3)

    def test_no_values_or_no_share_have_no_percentile(self):
        for values, share in (([], 0.99), ([1], 0), ([1], 1.01)):
            with self.assertRaises(ValueError):
                figures.percentile(values, share)

    def test_a_run_without_a_move_is_endless_in_the_median(self):
        half = figures.endless([result(1.0), result(None)])
        self.assertTrue(math.isinf(figures.median(half)))
        most = figures.endless([result(1.0), result(2.0), result(None)])
        self.assertEqual(figures.median(most), 2.0)
        self.assertTrue(math.isinf(figures.percentile(most, 0.99)))


class Cells(unittest.TestCase):
    def test_all_moved_some_moved_none_moved_not_tried(self):
        self.assertEqual(figures.cell([result(0.9), result(1.0), result(0.8)]), "0.90 / 1.00")
        self.assertEqual(figures.cell([result(4.0), result(None), result(6.0)]), "6.00; moved in 2 of 3")
        self.assertEqual(figures.cell([result(4.0), result(None), result(None)]), "never; moved in 1 of 3")
        self.assertEqual(figures.cell([result(None)] * 5), "never (5 x 45 s)")
        self.assertEqual(figures.cell([]), "-")

    def test_seconds_have_three_figures_or_so(self):
        for value, text in ((0.0179, "0.018"), (0.1, "0.10"), (9.994, "9.99"), (14.68, "14.7"), (121.4, "121"), (math.inf, "never")):
            self.assertEqual(figures.in_seconds(value), text)


class Budget(unittest.TestCase):
    def read(self, text, acts=("gateway",)):
        return figures.read_budget(text, "budget.toml", list(acts))

    def over(self, *seconds):
        return figures.over_budget([result(s) for s in seconds], self.read(LIMITS), {"gateway": "gateway dead"})

    def test_below_and_at_the_limits_is_within(self):
        self.assertEqual(self.over(0.899, 0.899, 0.999), [])
        self.assertEqual(self.over(0.9, 0.9, 1.0), [])

    def test_above_the_median_is_told_with_its_limit_and_where_that_comes_from(self):
        self.assertEqual(self.over(0.8, 0.901, 1.0), ["gateway dead: median of 3 runs: 0.901 s, allowed are 0.9 s (the design)"])

    def test_above_the_p99_is_told_though_the_median_is_within(self):
        self.assertEqual(self.over(0.8, 0.8, 1.001), ["gateway dead: p99 of 3 runs: 1.001 s, allowed are 1 s (the design)"])

    def test_a_run_that_never_moved_is_over_any_budget(self):
        self.assertEqual(self.over(0.8, 0.8, None), ["gateway dead: p99 of 3 runs: never moved, allowed are 1 s (the design)"])

    def test_one_run_is_spoken_of_as_one(self):
        self.assertEqual(self.over(0.95), ["gateway dead: median of 1 run: 0.950 s, allowed are 0.9 s (the design)"])

    def test_an_act_that_was_not_run_says_nothing(self):
        self.assertEqual(figures.over_budget([], self.read(LIMITS), {"gateway": "gateway dead"}), [])

    def test_every_mistake_is_told_at_once(self):
        with self.assertRaises(figures.BadBudget) as told:
            self.read('[gatway]\nmedian = 1\n[loss]\nmedian = 2\np99 = 1\nsource = "x"\n[delay]\nmedian = 0\np99 = 1\nsource = "x"\n'
                      '[upstream]\nmedian = 1\np99 = 1\nsource = " "\n', ("gateway", "loss", "delay", "upstream"))
        text = str(told.exception)
        for part in ("[gatway] is no act; acts: gateway, loss", "[loss] median and p99", "[delay] median and p99", "[upstream] source", "[gateway] is missing"):
            self.assertIn(part, text)

    def test_what_is_no_toml_is_told_with_its_file_and_line(self):
        with self.assertRaisesRegex(figures.BadBudget, r"budget\.toml: .*line 2"):
            self.read("[gateway]\nmedian =\n")

    def test_the_budget_that_ships_has_each_act(self):
        with open(os.path.join(LAB, "budget.toml")) as f:
            self.assertEqual(set(figures.read_budget(f.read(), "budget.toml", list(ACTS))), set(ACTS))


class Tables(unittest.TestCase):
    def test_a_line_for_each_contestant_and_a_column_for_each_act(self):
        text = figures.comparison([result(0.8), result(1.0, run=2), result(None, contestant="bfd")], [("gateway", "gateway dead"), ("loss", "30 % loss")],
                                  [(OURS, "Linekeeper"), ("bfd", "BFD"), ("mwan3", "mwan3")])
        self.assertEqual(text.splitlines(), ["| seconds, median / p99 | gateway dead | 30 % loss | runs |", "| --- | --- | --- | --- |",
                                             "| Linekeeper | 0.90 / 1.00 | - | 2 |", "| BFD | never (1 x 45 s) | - | 1 |"])

    def test_calls_that_were_cut_are_not_counted_as_lost_and_runs_that_went_wrong_are_told(self):
        runs = [result(0.8, detected_s=0.7, tried=10, failed=3, cut=2), result(None, problem="nothing moved", tried=5, failed=5, cut=0)]
        line = figures.own_clocks(runs, [("gateway", "gateway dead")]).splitlines()[2]
        self.assertEqual(line, "| gateway dead | - | 0.70 / 0.70 | - | - | - | 1 of 10 | 2, 1 not as expected |")

    def test_a_block_is_written_between_its_markers_and_nothing_else_changes(self):
        text = f"before\n{figures.BEGIN}\nold\n{figures.END}\nafter\n"
        self.assertEqual(figures.written_between(text, "new\n", "README.md"), f"before\n{figures.BEGIN}\nnew\n{figures.END}\nafter\n")

    def test_markers_that_are_missing_doubled_or_turned_round_are_refused(self):
        for text in ("", figures.BEGIN, f"{figures.END}{figures.BEGIN}", f"{figures.BEGIN}{figures.BEGIN}{figures.END}"):
            with self.assertRaisesRegex(figures.BadMarkers, "README.md"):
                figures.written_between(text, "new", "README.md")

    def test_the_readme_has_its_markers(self):
        with open(os.path.join(TOP, "README.md")) as f:
            text = f.read()
        for name in ("bench", trunk_figures.MARKERS):
            figures.written_between(text, "new", "README.md", name)

    def test_the_tables_of_two_benches_do_not_meet(self):
        begin, end = figures.markers("trunks")
        text = f"{figures.BEGIN}\none\n{figures.END}\n{begin}\ntwo\n{end}\n"
        self.assertEqual(figures.written_between(text, "new", "README.md", "trunks"), text.replace("two", "new"))


class Jobs(unittest.TestCase):
    def test_all_contestants_play_the_first_round_before_the_second(self):
        rounds = contest.Rounds([OURS, "bfd"], ["gateway", "loss"], 2)
        self.assertEqual([(j["run"], j["act"]) for j in iter(lambda: rounds.next(ours=False), None)],
                         [(1, "gateway"), (1, "loss"), (2, "gateway"), (2, "loss")])
        self.assertEqual(rounds.next(ours=True)["contestant"], OURS)

    def test_carriers_are_for_linekeeper_alone(self):
        rounds = contest.Rounds([OURS, "bfd"], ["carrier-silent"], 1)
        self.assertIsNone(rounds.next(ours=False))
        self.assertEqual(rounds.next(ours=True)["act"], "carrier-silent")

    def test_the_failback_is_played_after_the_black_hole_also_when_that_was_not_asked_for(self):
        rounds = contest.Rounds(["bfd"], ["failback"], 1)
        self.assertEqual(rounds.next(ours=False), {"contestant": "bfd", "act": "black-hole", "run": 1, "failback": True})
        self.assertFalse(contest.Rounds(["bfd"], ["black-hole"], 1).next(ours=False)["failback"])

    def ask(self, rounds, fates):
        asked = 0
        while job := rounds.next(ours=False):
            rounds.heard(job, [result(fates(asked), act=job["act"], contestant="bfd")])
            asked += 1
        return asked

    def test_who_never_moved_in_five_runs_is_not_asked_again(self):
        self.assertEqual(self.ask(contest.Rounds(["bfd"], ["gateway"], contest.NEVER_AFTER + 3), lambda n: None), contest.NEVER_AFTER)

    def test_who_moved_in_the_fifth_run_is_asked_to_the_end(self):
        self.assertEqual(self.ask(contest.Rounds(["bfd"], ["gateway"], 30), lambda n: 1.0 if n == contest.NEVER_AFTER - 1 else None), 30)

    def test_linekeeper_is_asked_to_the_end_whatever_becomes_of_it(self):
        rounds, asked = contest.Rounds([OURS], ["gateway"], 30), 0
        while job := rounds.next(ours=True):
            rounds.heard(job, [result(None)])
            asked += 1
        self.assertEqual(asked, 30)


class DpingersRule(unittest.TestCase):
    """pfSense's defaults: 120 slots, of which those of the last 2 s are not decided."""
    SETTING = Dpinger(0.5, 60, 2, 1, 20, 0.5)

    def lost(self, window, count, answered_s=None):
        """So many requests, half a second apart; they end long enough ago to be counted."""
        now = 1000.0
        for i in range(count):
            number = window.sent(now + i * 0.5)
            if answered_s is not None:
                window.received(number, now + i * 0.5 + answered_s)
        return now + count * 0.5 + 3

    def test_twenty_per_cent_is_no_alarm_and_one_more_is(self):
        for count, percent, alarm in ((24, 20, False), (25, 20, False), (26, 21, True)):  # 25 of 120 are 20.8 %: whole ones, rounded down
            window = Window(self.SETTING, filled_s=0.01)
            now = self.lost(window, count)
            self.assertEqual((window.report(now)[1], window.look(now)), (percent, alarm))

    def test_what_is_younger_than_its_time_is_not_lost_yet_and_a_late_answer_un_loses(self):
        window = Window(self.SETTING, filled_s=0.01)
        number = window.sent(1000.0)
        self.assertEqual(window.report(1002.0)[1], 0)
        self.assertEqual(sum(1 for s in window.slots if s[1] is None and 1002.01 - s[0] > 2), 1)
        window.received(number, 1003.0)
        self.assertEqual(sum(1 for s in window.slots if s[1] is None), 0)

    def test_the_average_at_the_limit_is_no_alarm_and_above_it_is(self):
        for round_trip, alarm in ((0.499, False), (0.5, False), (0.501, True)):
            window = Window(self.SETTING, filled_s=round_trip)
            self.assertEqual(window.look(1000.0), alarm)

    def test_an_alarm_ends_at_the_tenth_quiet_look(self):
        window = Window(self.SETTING, filled_s=0.01)
        self.assertTrue(window.look(self.lost(window, 120)))
        quiet = self.lost(window, 120, answered_s=0.01)
        self.assertEqual([window.look(quiet) for _ in range(DECAY)], [True] * (DECAY - 1) + [False])

    def test_the_sequence_comes_round_without_a_gap_in_the_ring(self):
        window = Window(self.SETTING, filled_s=0.01)
        numbers = [window.sent(float(i)) for i in range(0x10000)]
        self.assertTrue(all((b - a) % len(window.slots) == 1 for a, b in zip(numbers, numbers[1:])))


class Mwan3sRule(unittest.TestCase):
    def test_the_third_failed_round_takes_it_out_and_the_eighth_good_one_brings_it_back(self):
        score = Score(Mwan3(5, 2, down=3, up=8, reliability=1))
        self.assertEqual([score.round(0) for _ in range(3)], [True, True, False])
        self.assertEqual([score.round(1) for _ in range(8)], [False] * 7 + [True])
        self.assertEqual([score.round(0) for _ in range(3)], [True, True, False])

    def test_one_good_round_forgives_all(self):
        score = Score(Mwan3(5, 2, down=3, up=8, reliability=1))
        self.assertTrue(all(score.round(hosts) for hosts in (0, 0, 1, 0, 0, 1)))

    def test_a_failed_round_on_the_way_back_begins_it_anew(self):
        score = Score(Mwan3(5, 2, down=3, up=8, reliability=1))
        for _ in range(3):
            score.round(0)
        self.assertFalse(any(score.round(hosts) for hosts in [1] * 7 + [0] + [1] * 7))

    def test_fewer_hosts_than_are_needed_are_a_failed_round(self):
        score = Score(Mwan3(5, 2, down=1, up=1, reliability=2))
        self.assertFalse(score.round(1))
        self.assertTrue(score.round(2))


S = 10**9
SILENT, ODD = trunk_acts.ACTS["silent"], trunk_acts.ACTS["options-404"]


def call(seconds, pdd=0.01, answered=True, cut=False):
    """Placed so many seconds after the fault, which is at 100 s."""
    return int((100 + seconds) * S), pdd, answered, cut


def trunk_result(failed=0, pdd=(0.01,), seconds=2.0, changes=1, act="silent", contestant=OURS, run=1, cut=0, caught=0):
    return {"contestant": contestant, "act": act, "run": run, "tried": len(pdd), "failed": failed, "cut": cut, "caught": caught, "pdd": list(pdd),
            "seconds": seconds, "changes": changes}


class TrunkPlays(unittest.TestCase):
    def play(self, calls, seen, act=SILENT, told=0, took_s=0.01):
        return trunk_acts.result(OURS, act, 1, (100 * S, int(took_s * S)), calls, seen, told)

    def test_calls_before_the_fault_count_only_where_they_were_cut(self):
        told = self.play([call(-0.5, cut=True), call(-0.4), call(1), call(2, pdd=1.5)], [])
        self.assertEqual((told["tried"], told["failed"], told["cut"], told["pdd"]), (2, 0, 1, [0.01, 1.5]))

    def test_a_call_that_was_never_answered_has_failed_but_for_one_that_was_being_set_up_at_the_fault(self):
        for at, caught in ((0.059, 1), (0.06, 1), (0.061, 0)):  # 10 ms of doing it, 50 ms of setting up
            told = self.play([call(at, None, answered=False)], [])
            self.assertEqual((told["caught"], told["failed"], told["tried"]), (caught, 1 - caught, 1 - caught))

    def test_the_order_is_led_away_when_a_way_that_takes_calls_stands_first(self):
        told = self.play([], [(98 * S, 11), (101 * S, 12), (103 * S, 22)])
        self.assertEqual((told["seconds"], told["changes"]), (3.0, 2))
        self.assertIsNone(self.play([], [(98 * S, 11), (101 * S, 12)])["seconds"])

    def test_changes_are_those_that_were_seen_or_that_the_journal_tells_of_whichever_are_more(self):
        self.assertEqual(self.play([], [(98 * S, 11), (101 * S, 22)], told=3)["changes"], 3)
        self.assertEqual(self.play([], [(98 * S, 11), (101 * S, 22)], told=0)["changes"], 1)

    def test_where_nothing_is_to_move_nobody_is_asked_when_it_did(self):
        self.assertIsNone(self.play([], [(101 * S, 22)], act=ODD)["seconds"])

    def test_everybody_plays_each_act_in_each_run(self):
        rounds = trunk_bench.Rounds([OURS, "dispatcher"], ["silent", "503"], 2)
        for ours in (True, False):
            jobs = list(iter(lambda: rounds.next(ours), None))
            self.assertEqual([(j["run"], j["act"]) for j in jobs], [(1, "silent"), (1, "503"), (2, "silent"), (2, "503")])
        self.assertEqual(rounds.left, 0)


class TrunkFigures(unittest.TestCase):
    LIMITS = '[silent]\nfailed = 0\np99 = 2.0\nchanges = 1\nsource = "the design"\n'

    def over(self, *results):
        budget = trunk_figures.read_budget(self.LIMITS, "b.toml", ["silent"])
        return trunk_figures.over_budget(list(results), budget, [SILENT])

    def test_a_call_that_never_rang_is_endless_in_the_delay(self):
        self.assertEqual(trunk_figures.delay_cell([trunk_result(pdd=[0.01, 0.02, None])]), "0.020 / never")
        self.assertEqual(trunk_figures.delay_cell([trunk_result(pdd=[0.01] * 99), trunk_result(pdd=[1.5])]), "0.010 / 0.010")
        self.assertEqual(trunk_figures.delay_cell([trunk_result(pdd=[0.01] * 98), trunk_result(pdd=[1.5, 1.5])]), "0.010 / 1.50")

    def test_calls_that_were_under_way_are_told_apart_from_failed_ones(self):
        self.assertEqual(trunk_figures.failed_cell([trunk_result(failed=1, pdd=[1, None], cut=3, caught=1)]), "1 of 2 (+4)")
        self.assertEqual(trunk_figures.failed_cell([trunk_result()]), "0 of 1")

    def test_led_away_always_sometimes_never_or_not_asked(self):
        self.assertEqual(trunk_figures.left_cell([trunk_result(), trunk_result(seconds=3.0)], 1), "2.50 / 3.00")
        self.assertEqual(trunk_figures.left_cell([trunk_result(), trunk_result(seconds=3.0), trunk_result(seconds=None)], 1), "3.00; in 2 of 3")
        self.assertEqual(trunk_figures.left_cell([trunk_result(seconds=None)], 1), "never")
        self.assertEqual(trunk_figures.left_cell([trunk_result(seconds=None)], 0), "-")

    def test_changes_are_one_number_or_the_least_and_the_most(self):
        self.assertEqual(trunk_figures.changes_cell([trunk_result(), trunk_result()]), "1")
        self.assertEqual(trunk_figures.changes_cell([trunk_result(changes=12), trunk_result(changes=8)]), "8-12")

    def test_a_line_for_each_act_and_in_each_group_a_column_for_each_contestant(self):
        text = trunk_figures.table([trunk_result(), trunk_result(contestant="dispatcher", changes=4, run=2)], [SILENT, ODD], [(OURS, "we"), ("dispatcher", "they")])
        self.assertEqual(text.splitlines()[2:], ["| silent | 0 of 1 | 0 of 1 | 0.010 / 0.010 | 0.010 / 0.010 | 2.00 / 2.00 | 2.00 / 2.00 | 1 | 4 | 2 |"])
        self.assertEqual(text.splitlines()[0].count("|"), text.splitlines()[2].count("|"))

    def test_below_and_at_the_limits_is_within(self):
        self.assertEqual(self.over(trunk_result(pdd=[1.999]), trunk_result(pdd=[2.0])), [])
        self.assertEqual(self.over(), [])

    def test_each_limit_that_is_exceeded_is_told(self):
        self.assertEqual(self.over(trunk_result(failed=1, pdd=[2.001], changes=2)), [
            "silent: 1 of 1 calls of 1 run failed, allowed are 0 (the design)",
            "silent: p99 of the post-dial delay of 1 run: 2.001 s, allowed are 2 s (the design)",
            "silent: the order changed 2 times in one of 1 run, allowed are 1 (the design)"])

    def test_an_order_that_is_never_led_away_is_over_any_budget(self):
        self.assertIn("no way by which calls pass", self.over(trunk_result(seconds=None, changes=0))[0])

    def test_every_mistake_of_the_budget_is_told_at_once(self):
        with self.assertRaises(figures.BadBudget) as told:
            trunk_figures.read_budget(self.LIMITS.replace("failed = 0", "failed = -1") + "[x]\n[y]\np99 = 1\n", "b.toml", ["silent", "y", "z"])
        for part in ("[x] is no act", "[silent] failed, p99, changes are numbers", "[y] needs", "[z] is missing"):
            self.assertIn(part, str(told.exception))

    def test_the_budget_that_ships_has_each_act_and_no_more_changes_than_the_act_calls_for(self):
        with open(os.path.join(LAB, "trunk_budget.toml")) as f:
            budget = trunk_figures.read_budget(f.read(), "trunk_budget.toml", list(trunk_acts.ACTS))
        self.assertEqual({key: act.changes for key, act in trunk_acts.ACTS.items()}, {key: limits[2] for key, limits in budget.items()})


class Contestants(unittest.TestCase):
    def test_each_says_how_it_is_set(self):
        for key, peer in PEERS.items():
            self.assertEqual(key, peer.key)
            self.assertTrue(peer.title and peer.how)


if __name__ == "__main__":
    unittest.main()
