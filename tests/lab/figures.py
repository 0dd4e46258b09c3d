"""What the bench makes of its figures: percentiles, the budget, the tables. Pure: values in, text out (tests/unit/lab_bench_test.py).

A result is a dict, as it stands in the JSON lines: {"contestant", "act", "run", "waited_s", "seconds"}, where seconds is None when nothing
had moved after waited_s. A run without a move counts as endless, so that a median or a p99 is never made of the good runs alone.
"""
import math
import statistics
import tomllib


def markers(name):
    """The lines between which the tables of a bench stand."""
    return f"<!-- {name}:begin -->", f"<!-- {name}:end -->"


BEGIN, END = markers("bench")
CLOCKS = (("led_around_s", "new calls led around"), ("detected_s", "detected"), ("applied_s", "applied"), ("traffic_s", "traffic back"),
          ("verified_s", "verified"))


class BadBudget(Exception):
    """The budget file cannot be used; the text says where and what would be right."""


class BadMarkers(Exception):
    """A file has no place for the tables; the text says what to put there."""


def percentile(values, share):
    """The smallest value that at least this share of all values does not exceed (nearest rank): up to 100 values p99 is the worst."""
    if not values or not 0 < share <= 1:
        raise ValueError(f"no {share} percentile of {len(values)} values")
    return sorted(values)[math.ceil(share * len(values) - 1e-9) - 1]


def median(values):
    """The middle; between the two in the middle where their number is even, endless when one of these is."""
    return statistics.median(values)


def endless(results, key="seconds"):
    return [math.inf if r.get(key) is None else r[key] for r in results]


def in_seconds(value):
    """Three figures or so: 0.018, 0.93, 14.7, 121."""
    if math.isinf(value):
        return "never"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.1f}" if value < 100 else f"{value:.0f}"


def cell(results):
    """Median and p99 of one contestant in one act: `0.93 / 0.99`; how many moved when not all did; `-` when it was not tried."""
    if not results:
        return "-"
    values = endless(results)
    moved = [v for v in values if not math.isinf(v)]
    if not moved:
        return f"never ({len(values)} x {max(r['waited_s'] for r in results):g} s)"
    if len(moved) < len(values):
        return f"{in_seconds(median(values))}; moved in {len(moved)} of {len(values)}"
    return f"{in_seconds(median(values))} / {in_seconds(percentile(values, 0.99))}"


def rows(lines, header):
    """A Markdown table."""
    return "\n".join("| " + " | ".join(line) + " |" for line in (header, ["---"] * len(header), *lines)) + "\n"


def comparison(results, acts, contestants):
    """Markdown: a line for each contestant, a column for each act. acts and contestants: (key, title) in their order."""
    lines = []
    for key, title in contestants:
        mine = [r for r in results if r["contestant"] == key]
        if mine:
            cells = [cell([r for r in mine if r["act"] == act]) for act, _ in acts]
            lines.append([title, *cells, str(max(r["run"] for r in mine))])
    return rows(lines, ["seconds, median / p99", *(title for _, title in acts), "runs"])


def own_clocks(results, acts):
    """Markdown: for each act of ours median and p99 of each clock of a move, and the calls."""
    lines = []
    for key, title in acts:
        runs = [r for r in results if r["act"] == key]
        good = [r for r in runs if not r.get("problem")]
        if not runs:
            continue
        cells = []
        for clock, _ in CLOCKS:
            values = [r[clock] for r in good if r.get(clock) is not None]
            cells.append(f"{in_seconds(median(values))} / {in_seconds(percentile(values, 0.99))}" if values else "-")
        counted = [r for r in good if "tried" in r]
        lost = sum(r["failed"] - r["cut"] for r in counted)
        cells.append(f"{lost} of {sum(r['tried'] for r in counted)}")
        cells.append(str(len(runs)) + (f", {len(runs) - len(good)} not as expected" if len(good) != len(runs) else ""))
        lines.append([title, *cells])
    return rows(lines, ["seconds, median / p99", *(title for _, title in CLOCKS), "new calls lost of placed", "runs"])


def read_budget(text, path, acts):
    """{act: (median, p99, source)} of a budget file; BadBudget names each thing that is wrong with it."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadBudget(f"{path}: {error}") from error
    wrong, budget = [], {}
    for act, limits in document.items():
        if act not in acts:
            wrong.append(f"[{act}] is no act; acts: {', '.join(acts)}")
        elif not isinstance(limits, dict) or set(limits) != {"median", "p99", "source"}:
            wrong.append(f"[{act}] needs median and p99 in seconds, and source, and nothing else")
        elif not all(_is_limit(limits[key]) for key in ("median", "p99")) or limits["median"] > limits["p99"]:
            wrong.append(f"[{act}] median and p99 are seconds above 0, and the median is not above the p99")
        elif not isinstance(limits["source"], str) or not limits["source"].strip():
            wrong.append(f"[{act}] source is a text that says where the limits come from")
        else:
            budget[act] = (limits["median"], limits["p99"], limits["source"])
    wrong += [f"[{act}] is missing: an act without limits cannot fail" for act in acts if act not in document]
    if wrong:
        raise BadBudget("\n".join(f"{path}: {text}" for text in wrong))
    return budget


def _is_limit(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < math.inf


def over_budget(results, budget, titles):
    """A sentence for each limit that our own results exceed; a limit itself is still within. Acts that were not run say nothing."""
    sentences = []
    for act, (most_median, most_p99, source) in budget.items():
        values = endless([r for r in results if r["act"] == act])
        if not values:
            continue
        for what, value, most in (("median", median(values), most_median), ("p99", percentile(values, 0.99), most_p99)):
            if value > most:
                took = "never moved" if math.isinf(value) else f"{value:.3f} s"
                sentences.append(f"{titles[act]}: {what} of {len(values)} run{'s' if len(values) > 1 else ''}: {took}, allowed are {most:g} s ({source})")
    return sentences


def written_between(text, block, path, name="bench"):
    """The text with the block between the markers of that bench; BadMarkers where they are not there once each, in their order."""
    begin, end = markers(name)
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise BadMarkers(f"{path}: the tables stand between one line '{begin}' and one line '{end}' after it; put them where the tables shall be")
    return text[:text.index(begin) + len(begin)] + "\n" + block.strip("\n") + "\n" + text[text.index(end):]
