"""What the stack costs in a month, from the template's own settings. See `scripts/cost --help`."""

import json
import re
import sys
from pathlib import Path

from template import Template

HOURS = 730.0
DAYS = HOURS / 24

# USD, eu-west-1, November 2026: aws.amazon.com/lambda/pricing and its siblings.
PRICES = {
    "gb_seconds": 0.0000133334,  # arm64
    "requests": 0.20e-6,
    "sqs": 0.40e-6,
    "metrics": 0.30,
    "alarms": 0.10,
    "logs": 0.57,
    "kept_logs": 0.03,
    "decrypts": 0.03e-4,
    "dashboards": 3.00,
    "storage": 0.023,
}
# What an account has free every month.
FREE = {
    "gb_seconds": 400_000,
    "requests": 1e6,
    "sqs": 1e6,
    "metrics": 10,
    "alarms": 10,
    "logs": 5.0,
    "kept_logs": 5.0,
    "decrypts": 20_000,
    "dashboards": 3,
    "storage": 0,
}

# The work: five regions on one key that is always used up.
POINTS_AN_HOUR = 3600
POINTS_A_PLAYER = 10.4  # EU, where all classes are equally common: README.md, What one key can do.
PLAYERS_A_BATCH = 5
SECONDS_A_BATCH = 1.2  # The API's answer and the store's, over the internet.
BOARDS_A_DAY, PAGES_A_BOARD = 3, 5600  # The two raids' largest boards and one more, by the ranking pages.
MESSAGES_A_SECOND = 1000  # 10 to 15 ms for a batch of ten, four at a time.
GENERATOR_PROCESSOR_SECONDS = 8.0  # 5.5 s of wall for 213,129 players, a whole processor; a margin for TLS.
GENERATOR_WAITING_SECONDS = 60.0  # The store's cursor and the push.
WHOLE_PROCESSOR_MB = 1769  # docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
REVIVER_SECONDS = 5.0
LOG_BYTES = {"invocation": 2500, "metrics": 700}  # Lambda's own lines and ours.
LIFE_OF_AN_ENVIRONMENT_HOURS = 2.0
ZIPS_GB = 0.025 * 5  # Five deployments a month.

# Sent only when something is wrong or skipped: no metric-months in a usual month.
RARE_METRICS = {"refusals", "skipped", "failures"}
# One series for each key of the pool.
METRICS_OF_KEYS = 1


def schedule_runs(expression):
    """How often a day a schedule fires."""
    rate = re.fullmatch(r"rate\((\d+) (minute|hour|day)s?\)", expression)
    if rate:
        return 24 * 60 / (int(rate[1]) * {"minute": 1, "hour": 60, "day": 1440}[rate[2]])
    minutes, hours = expression.removeprefix("cron(").split(" ")[:2]
    return _times(minutes, 60) * _times(hours, 24)


def _times(field, span):
    if field in ("*", "?"):
        return span
    if "/" in field:
        start, step = field.split("/")
        return len(range(0 if start == "*" else int(start), span, int(step)))
    return len(field.split(","))


def metric_months(template, runs):
    """Metrics of our own that the template names, weighed by the hours of a month in which they come."""
    text = json.dumps(template.document, default=str)
    named = set()
    for alarm in template.of_type("AWS::CloudWatch::Alarm").values():
        stats = [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one] or [alarm]
        named |= {(_function_of(one), one["MetricName"]) for one in stats if one["Namespace"] == "parsebook"}
    for widget in re.findall(r'\[\[\\"parsebook\\".*?\]\]', text):
        functions = re.findall(r"\$\{(\w+)\}", widget)
        function = functions[0]
        for name in re.findall(r'\[\\"(?:parsebook|\.)\\",\\"(\w+)\\"', widget):
            named.add((function, name))
    hours = {"Aggregator": min(24.0, runs["Aggregator"]), "DbGenerator": min(24.0, runs["DbGenerator"])}
    usual = [(function, name) for function, name in named if name not in RARE_METRICS]
    return sum(hours.get(function, 24.0) / 24 for function, _ in usual) + METRICS_OF_KEYS, len(named)


def _function_of(metric):
    reference = metric["Dimensions"][0]["Value"]
    return reference.get("Ref") if isinstance(reference, dict) else str(reference)


def alarm_metrics(template):
    """CloudWatch bills an alarm by the metrics that it watches."""
    alarms = template.of_type("AWS::CloudWatch::Alarm").values()
    return sum(max(1, sum("MetricStat" in one for one in alarm.get("Metrics", []))) for alarm in alarms)


def usage(template):
    """Quantities of a month, by item."""
    functions = template.of_type("AWS::Serverless::Function")
    gigabytes = {name: body["MemorySize"] / 1024 for name, body in functions.items()}
    limit = int(template.value("ConcurrencyLimit"))
    schedules = ("Discover", "Aggregator", "DbGenerator", "Reviver")
    runs = {name: schedule_runs(template.value(f"{name}Schedule")) for name in schedules}

    players = POINTS_AN_HOUR / POINTS_A_PLAYER * HOURS
    batches = players / PLAYERS_A_BATCH
    # Each hour the limit goes down to nothing, one refused batch at a time; then reviver is called.
    refused = limit * HOURS
    seconds = {
        "Discover": BOARDS_A_DAY * PAGES_A_BOARD / float(template.value("PagesPerSecond")) * DAYS,
        "Aggregator": players / MESSAGES_A_SECOND + runs["Aggregator"] * DAYS,
        "PlayerRank": batches * SECONDS_A_BATCH + refused,
        "Reviver": (runs["Reviver"] * DAYS + HOURS) * REVIVER_SECONDS,
        "DbGenerator": runs["DbGenerator"] * DAYS * (
            GENERATOR_WAITING_SECONDS
            + GENERATOR_PROCESSOR_SECONDS * max(1.0, WHOLE_PROCESSOR_MB / (gigabytes["DbGenerator"] * 1024))),
    }
    invocations = {name: runs.get(name, 0) * DAYS for name in functions}
    invocations["PlayerRank"] = batches + refused
    invocations["Reviver"] += HOURS
    # Lambda keeps five pollers for a mapping with a maximum; each waits as long as the queue tells it.
    waiting = int(template.of_type("AWS::SQS::Queue")["PlayersQueue"]["ReceiveMessageWaitTimeSeconds"])
    receives = 5 * HOURS * 3600 / max(1, waiting) + batches
    months, _ = metric_months(template, runs)
    total = sum(invocations.values())
    starts = (limit + 4) * HOURS / LIFE_OF_AN_ENVIRONMENT_HOURS
    logs = total * (LOG_BYTES["invocation"] + LOG_BYTES["metrics"]) / 1e9
    return {
        "gb_seconds": {name: seconds[name] * gigabytes[name] for name in functions},
        "requests": total,
        "sqs": players / 10 + receives + batches,
        "metrics": months,
        "alarms": alarm_metrics(template),
        "logs": logs,
        "kept_logs": logs,
        "decrypts": starts * 2,
        "dashboards": len(template.of_type("AWS::CloudWatch::Dashboard")),
        "storage": ZIPS_GB,
    }


LABELS = {
    "gb_seconds": "Lambda, GB-seconds",
    "requests": "Lambda, invocations",
    "sqs": "SQS, requests",
    "metrics": "CloudWatch, metrics of our own, by the hours in which they come",
    "alarms": "CloudWatch, metrics that alarms watch",
    "logs": "CloudWatch, GB of logs taken in",
    "kept_logs": "CloudWatch, GB of logs kept",
    "decrypts": "KMS, secrets decrypted",
    "dashboards": "CloudWatch, dashboards",
    "storage": "S3, GB of packed code",
}


def bill(used):
    """Item, quantity, USD with the free tier, USD without."""
    for item, label in LABELS.items():
        quantity = used[item]
        if isinstance(quantity, dict):
            quantity = sum(quantity.values())
        yield label, quantity, max(0.0, quantity - FREE[item]) * PRICES[item], quantity * PRICES[item]


def table(template):
    """The table of docs/deploy.md, and its two sums."""
    used = usage(template)
    rows = list(bill(used))
    free, full = (sum(row[column] for row in rows) for column in (2, 3))
    lines = ["| item | a month | with the free tier | without |", "| --- | --- | --- | --- |"]
    lines += [f"| {label} | {_number(quantity)} | {a:.2f} | {b:.2f} |" for label, quantity, a, b in rows]
    lines.append(f"| **all, USD** | | **{free:.2f}** | **{full:.2f}** |")
    by_function = ", ".join(f"{name} {_number(value)}" for name, value in used["gb_seconds"].items())
    return "\n".join([*lines, "", f"GB-seconds: {by_function}."]), free, full


def _number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.2f}".rstrip("0").rstrip(".")


BEGIN, END = "<!-- scripts/cost writes from here -->\n", "\n<!-- to here -->"


def main(arguments):
    mode = arguments.pop(0)
    path, page = arguments.pop(0), Path(arguments.pop(0))
    template = Template(path, dict(argument.split("=", 1) for argument in arguments))
    problems = [line for line in template.problems() if "is not given" not in line]
    if problems:
        sys.exit("cost: " + "\ncost: ".join(problems))
    text, free, full = table(template)
    if mode == "--json":
        used = usage(template)
        print(json.dumps({"withFreeTier": round(free, 4), "withoutFreeTier": round(full, 4), "used": used}))
        return
    if mode == "--print":
        print(text)
        return
    before, rest = page.read_text().split(BEGIN)
    written, after = rest.split(END, 1)
    if mode == "--write":
        page.write_text(before + BEGIN + text + END + after)
    elif written != text:
        sys.exit(f"cost: {page.name} shows other costs than the template makes; fix: scripts/cost --write")


main(sys.argv[1:])
