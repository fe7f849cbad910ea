#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Generate "factory telemetry table -> daily health report" examples.

Everything in a report follows from its table (which readings are out of limits,
which of them is worst, how it moved since yesterday, what to do about it, how
much was produced); only the wording is drawn at random. Example i of seed s is
always the same, whatever the count.
"""

import argparse
import json
import random
from dataclasses import dataclass

SITES = ["Lindau", "Tampere", "Porto", "Graz", "Leeds", "Brno", "Aalborg", "Gdansk", "Turin",
         "Malaga", "Namur", "Cork", "Split", "Tartu", "Plzen", "Kassel"]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September",
          "October", "November", "December"]
MACHINES = ["press", "pump", "fan", "kiln", "lathe", "mixer", "compressor", "conveyor", "chiller",
            "boiler", "robot", "oven", "mill", "dryer", "extruder", "crane", "furnace", "packer",
            "filler", "saw", "grinder", "welder", "centrifuge", "palletizer"]
PRODUCTS = ["housings", "valves", "panels", "bottles", "brackets", "rotors", "cartons", "gears"]
NUMBERS = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight"]


@dataclass(frozen=True)
class Sensor:
    """A measured quantity: its limit is a maximum, or a minimum if `low`."""

    name: str
    unit: str
    limits: tuple  # range the limit is drawn from
    digits: int
    low: bool
    cause: str
    advice: tuple  # (a thing to do, the same in other words)


SENSORS = [
    Sensor("bearing temperature", "C", (70, 110), 0, False, "worn or dry bearing",
           ("grease the bearing", "lubricate the bearing")),
    Sensor("gearbox temperature", "C", (75, 120), 0, False, "old or low gear oil",
           ("change the gear oil", "renew the gear oil")),
    Sensor("winding temperature", "C", (90, 150), 0, False, "blocked motor cooling",
           ("clean the motor fan", "clear the motor fan")),
    Sensor("vibration", "mm/s", (3, 9), 1, False, "imbalance or a loose mount",
           ("balance the rotor", "rebalance the rotor")),
    Sensor("motor current", "A", (12, 90), 0, False, "overload",
           ("reduce the load", "lower the load")),
    Sensor("torque", "Nm", (40, 400), 0, False, "a stiff drive",
           ("inspect the coupling", "check the coupling")),
    Sensor("noise", "dB", (75, 95), 0, False, "a loose cover",
           ("tighten the covers", "fasten the covers")),
    Sensor("filter pressure drop", "mbar", (60, 250), 0, False, "a clogged filter",
           ("replace the filter", "fit a new filter")),
    Sensor("cycle time", "s", (8, 60), 1, False, "a slow actuator",
           ("tune the actuator", "adjust the actuator")),
    Sensor("reject rate", "%", (1, 5), 1, False, "tool wear",
           ("change the tool", "fit a new tool")),
    Sensor("humidity", "%", (45, 70), 0, False, "a door left open",
           ("check the doors and the air dryer", "inspect the doors and the air dryer")),
    Sensor("CO level", "ppm", (20, 60), 0, False, "a poor burner setting",
           ("set the burner anew", "readjust the burner")),
    Sensor("oil pressure", "bar", (2, 6), 1, True, "an oil leak or a weak oil pump",
           ("look for oil leaks", "search for oil leaks")),
    Sensor("air pressure", "bar", (4, 8), 1, True, "an air leak",
           ("check the air lines", "inspect the air lines")),
    Sensor("coolant flow", "l/min", (10, 60), 0, True, "a blocked coolant line",
           ("flush the coolant line", "rinse the coolant line")),
    Sensor("tank level", "%", (20, 40), 0, True, "a late refill",
           ("refill the tank", "top up the tank")),
    Sensor("suction vacuum", "mbar", (300, 700), 0, True, "a worn suction cup",
           ("replace the suction cups", "fit new suction cups")),
    Sensor("belt tension", "N", (150, 600), 0, True, "a stretched belt",
           ("tension the belt", "tighten the belt")),
]

# The first wording of a list is the most frequent one.
WORDING = {
    "calm": ["All {total} readings are within limits.", "All {total} readings stayed within limits.",
             "No reading is out of limits."],
    "faults": ["{Faults} of {total} readings {are} out of limits.",
               "{Faults} of the {total} readings {are} outside {its} limits.",
               "Out of limits: {faults} of {total} readings."],
    "worst": ["{Machine} needs attention first: its {sensor} {moved} {value} {unit}, {side} the limit of {limit}.",
              "The worst case is {machine}: its {sensor} {moved} {value} {unit}, {side} the limit of {limit}.",
              "Most urgent is {machine}, whose {sensor} {moved} {value} {unit}, {side} the limit of {limit}."],
    "worst_again": ["{Machine} {sensor} is also out at {value} {unit} (limit {limit}).",
                    "Also out: {machine} {sensor} at {value} {unit} (limit {limit})."],
    "cause": ["Likely cause: {cause}; {advice} {when}.", "This points to {cause}; {advice} {when}.",
              "The usual cause is {cause}; {advice} {when}."],
    "watch": ["Watch {machine}: its {sensor} of {value} {unit} is close to the limit of {limit}.",
              "Keep an eye on {machine}, where the {sensor} of {value} {unit} is close to the limit of {limit}."],
    "dead": ["The {sensor} sensor of {machine} sent no data; check its cable.",
             "No data from the {sensor} sensor of {machine}; check its cable."],
    "met": ["Output was {made} {product}, {gap} more than planned.",
            "Output reached {made} {product}, {gap} more than planned."],
    "missed": ["Output was {made} {product}, {gap} fewer than planned.",
               "Output stayed at {made} {product}, {gap} fewer than planned."],
    "done": ["Output was {made} {product}, exactly as planned.",
             "Output reached {made} {product}, exactly as planned."],
}


def say(rng, kind, **values):
    wordings = WORDING[kind]
    return rng.choices(wordings, weights=[6, 2, 1][:len(wordings)])[0].format(**values)


def reading(rng, sensor, state):
    """(yesterday, today, limit, move, severity); today is None for a dead sensor."""
    limit = round(rng.uniform(*sensor.limits), sensor.digits)
    ratio = {"alarm": rng.uniform(1.06, 1.5), "watch": rng.uniform(0.94, 0.985),
             "ok": rng.uniform(0.45, 0.82), "dead": rng.uniform(0.45, 0.82)}[state]
    today = limit * (1 / ratio if sensor.low else ratio)
    change = rng.choice([rng.uniform(0.7, 0.92), rng.uniform(1.08, 1.3), 1.0])
    yesterday = round(today * change, sensor.digits)
    today = round(today, sensor.digits)
    if sensor.digits == 0:
        limit, today, yesterday = int(limit), int(today), int(yesterday)
    move = "rose" if today > yesterday else "fell" if today < yesterday else "held"
    severity = limit / today if sensor.low else today / limit
    wrong = severity > 1.0
    if wrong != (state == "alarm") or (state == "watch" and not 0.92 < severity < 1.0):
        return reading(rng, sensor, state)  # rounding moved it over the limit
    return yesterday, None if state == "dead" else today, limit, move, severity


def table(rng, rows, header, output, plan, product):
    """The prompt's table in one of three layouts."""
    layout = rng.choice(["pipes", "commas", "words"])
    lines = [header]
    if layout == "pipes":
        lines.append("machine | sensor | unit | yesterday | today | limit")
    elif layout == "commas":
        lines.append("machine,sensor,unit,yesterday,today,limit")
    for machine, s, yesterday, today, limit, *_ in rows:
        shown = "-" if today is None else today
        bound = f"{'min' if s.low else 'max'} {limit}"
        if layout == "pipes":
            lines.append(f"{machine} | {s.name} | {s.unit} | {yesterday} | {shown} | {bound}")
        elif layout == "commas":
            lines.append(f"{machine},{s.name},{s.unit},{yesterday},{shown},{bound}")
        else:
            lines.append(f"{machine} {s.name} {yesterday} then {shown} {s.unit} ({bound})")
    lines.append(f"Output: {output} {product}, plan {plan}")
    return "\n".join(lines)


def example(seed, index):
    rng = random.Random(f"{seed}:{index}")
    style = rng.choice(["brief", "standard", "detailed"])
    count = rng.randint(3, 6)
    alarms = rng.choices([0, 1, 2, 3], weights=[2, 5, 4, 2])[0]
    states = ["alarm"] * alarms
    states += rng.choices(["watch", "dead", "ok"], weights=[2, 1, 5], k=count - alarms)
    rows, names = [], set()
    for state in states:
        sensor = rng.choice(SENSORS)
        machine = f"{rng.choice(MACHINES)} {rng.randint(1, 9)}"
        while machine in names:
            machine = f"{rng.choice(MACHINES)} {rng.randint(1, 9)}"
        names.add(machine)
        rows.append((machine, sensor, *reading(rng, sensor, state), state))
    rng.shuffle(rows)
    plan = rng.randint(20, 160) * 5
    made = max(1, plan + rng.choice([0, rng.randint(1, 30), -rng.randint(1, 30)]))
    product = rng.choice(PRODUCTS)
    header = (f"Telemetry {rng.choice(SITES)} hall {rng.randint(1, 9)}, "
              f"{rng.randint(1, 28)} {rng.choice(MONTHS)}, {style} report")
    prompt = table(rng, rows, header, made, plan, product) + "\nHealth report:"

    def words(row):
        machine, s, _, today, limit, *_ = row
        return {"machine": machine, "Machine": machine.capitalize(), "sensor": s.name,
                "unit": s.unit, "value": today, "limit": limit,
                "side": "below" if s.low else "above"}

    faulty = sorted((r for r in rows if r[-1] == "alarm"), key=lambda r: -r[6])
    report = []
    if faulty:
        n = len(faulty)
        report.append(say(rng, "faults", faults=NUMBERS[n], Faults=NUMBERS[n].capitalize(),
                          total=NUMBERS[count], are="is" if n == 1 else "are",
                          its="its" if n == 1 else "their"))
        worst = faulty[0]
        sensor, move = worst[1], worst[5]
        worse = move == ("fell" if sensor.low else "rose")
        moved = "stayed at" if move == "held" else f"{move} from {worst[2]} to"
        values = words(worst)
        if not worse:
            values["side"] = "still " + values["side"]
        report.append(say(rng, "worst", moved=moved, **values))
        if style != "brief":
            when = "today" if worse else "at the next stop" if move == "held" else "this week"
            report.append(say(rng, "cause", cause=sensor.cause, when=when,
                              advice=rng.choices(sensor.advice, weights=[3, 1])[0]))
            report += [say(rng, "worst_again", **words(r)) for r in faulty[1:]]
    else:
        report.append(say(rng, "calm", total=NUMBERS[count]))
    if style == "detailed":
        report += [say(rng, "watch", **words(r)) for r in rows if r[-1] == "watch"]
    report += [say(rng, "dead", **words(r)) for r in rows if r[-1] == "dead"]
    if style != "brief":
        kind = "done" if made == plan else "met" if made > plan else "missed"
        report.append(say(rng, kind, made=made, product=product, gap=abs(made - plan)))
    return {"prompt": prompt, "reference": " ".join(report), "source": f"telemetry seed {seed} example {index}"}


def drill(seed, index):
    """A training aid: the same table, answered by its rows in another order.

    It teaches a young model to look a row up, long before the reports alone would.
    """
    record = example(seed, index)
    rng = random.Random(f"drill:{seed}:{index}")
    table, _ = record["prompt"].rsplit("\n", 1)
    rows = [row for row in table.split("\n")[1:-1] if not row.startswith("machine")]
    return {**record, "prompt": table + "\nRows:",
            "reference": "; ".join(rng.sample(rows, len(rows)))}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--seed", default="sample")
    args = parser.parse_args()
    for index in range(args.count):
        print(json.dumps(example(args.seed, index), ensure_ascii=False))


if __name__ == "__main__":
    main()
