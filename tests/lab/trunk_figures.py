"""What `bench trunks` makes of its figures: the table and the budget. Pure: values in, text out (tests/unit/lab_bench_test.py).

A result is a dict, as it stands in the JSON lines (trunk_acts.result). The post-dial delays of all runs of an act are one heap, of which a percentile is
taken: a call that never rang is endless in it, so that no percentile is made of the good calls alone.
"""
import math
import tomllib

from figures import BadBudget, endless, in_seconds, median, percentile, rows

MARKERS = "trunks"
LIMITS = ("failed", "p99", "changes")


def delays(results):
    """Post-dial delays of all calls of these runs, in seconds."""
    return [math.inf if pdd is None else pdd for r in results for pdd in r["pdd"]]


def failed_cell(results):
    """`0 of 1480`, and in brackets how many calls in progress went down with the carrier."""
    under_way = sum(r["cut"] + r["caught"] for r in results)
    return f"{sum(r['failed'] for r in results)} of {sum(r['tried'] for r in results)}" + (f" (+{under_way})" if under_way else "")


def delay_cell(results):
    values = delays(results)
    return f"{in_seconds(median(values))} / {in_seconds(percentile(values, 0.99))}" if values else "-"


def left_cell(results, asked):
    """Seconds until a way stood first by which calls pass; `-` where none is asked for."""
    if not asked:
        return "-"
    values = endless(results)
    left = [v for v in values if not math.isinf(v)]
    if not left:
        return "never"
    worst = percentile(values, 0.99)
    return f"{in_seconds(median(values))} / {in_seconds(worst)}" if len(left) == len(values) else f"{in_seconds(median(values))}; in {len(left)} of {len(values)}"


def changes_cell(results):
    """`1`, or the least and the most of a run: `8-12`."""
    values = [r["changes"] for r in results]
    return str(values[0]) if min(values) == max(values) else f"{min(values)}-{max(values)}"


def table(results, acts, contestants):
    """Markdown: a line for each act, in each group of columns one for each contestant. acts: trunk_acts.Act; contestants: (key, title)."""
    columns = (("calls failed", lambda mine, act: failed_cell(mine)), ("post-dial delay, median / p99 (s)", lambda mine, act: delay_cell(mine)),
               ("order led away after, median / worst (s)", lambda mine, act: left_cell(mine, act.changes)),
               ("order changes a run", lambda mine, act: changes_cell(mine)))
    lines = []
    for act in acts:
        of_act = [r for r in results if r["act"] == act.key]
        if not of_act:
            continue
        cells = [act.title]
        for _, cell in columns:
            for key, _ in contestants:
                mine = [r for r in of_act if r["contestant"] == key]
                cells.append(cell(mine, act) if mine else "-")
        lines.append([*cells, str(max(r["run"] for r in of_act))])
    return rows(lines, ["north is", *(f"{title}: {name}" for title, _ in columns for _, name in contestants), "runs"])


def read_budget(text, path, acts):
    """{act: (failed, p99, changes, source)} of a budget file; BadBudget names each thing that is wrong with it."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadBudget(f"{path}: {error}") from error
    wrong, budget = [], {}
    for act, limits in document.items():
        if act not in acts:
            wrong.append(f"[{act}] is no act; acts: {', '.join(acts)}")
        elif not isinstance(limits, dict) or set(limits) != {*LIMITS, "source"}:
            wrong.append(f"[{act}] needs {', '.join(LIMITS)} and source, and nothing else")
        elif not all(_is_limit(limits[key]) for key in LIMITS):
            wrong.append(f"[{act}] {', '.join(LIMITS)} are numbers, 0 at the least: calls, seconds of post-dial delay, changes of the order in one run")
        elif not isinstance(limits["source"], str) or not limits["source"].strip():
            wrong.append(f"[{act}] source is a text that says where the limits come from")
        else:
            budget[act] = (*(limits[key] for key in LIMITS), limits["source"])
    wrong += [f"[{act}] is missing: an act without limits cannot fail" for act in acts if act not in document]
    if wrong:
        raise BadBudget("\n".join(f"{path}: {text}" for text in wrong))
    return budget


def _is_limit(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < math.inf


def over_budget(results, budget, acts):
    """A sentence for each limit that our own results exceed; a limit itself is still within. Acts that were not run say nothing."""
    sentences = []
    for act in acts:
        mine, (most_failed, most_p99, most_changes, source) = [r for r in results if r["act"] == act.key], budget[act.key]
        if not mine:
            continue
        runs = f"{len(mine)} run{'s' if len(mine) > 1 else ''}"
        failed, p99, changes = sum(r["failed"] for r in mine), percentile(delays(mine) or [math.inf], 0.99), max(r["changes"] for r in mine)
        if failed > most_failed:
            sentences.append(f"{act.title}: {failed} of {sum(r['tried'] for r in mine)} calls of {runs} failed, allowed are {most_failed:g} ({source})")
        if p99 > most_p99:
            took = "endless" if math.isinf(p99) else f"{p99:.3f} s"
            sentences.append(f"{act.title}: p99 of the post-dial delay of {runs}: {took}, allowed are {most_p99:g} s ({source})")
        if changes > most_changes:
            sentences.append(f"{act.title}: the order changed {changes} times in one of {runs}, allowed are {most_changes:g} ({source})")
        if act.changes and math.isinf(max(endless(mine))):
            sentences.append(f"{act.title}: in {sum(r['seconds'] is None for r in mine)} of {runs} no way by which calls pass was ever put first")
    return sentences
