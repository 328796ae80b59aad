"""What came of it: corrections that are missing, and the page of figures."""

import os
import statistics
from collections import Counter

from annotations.store import Store
from benchmarks import growth
from benchmarks.soak.people import Seen
from benchmarks.soak.tormented import Studio


def lost(studio: Studio, seen: Seen) -> list[str]:
    """Acknowledged corrections that the log does not tell of; later ones may have taken their place on the lane."""
    store = Store(f"sqlite:///{studio.home / 'studio.sqlite3'}")
    kept = [each.after for each in store.events(1) if each.entity == "annotation" and each.after]
    store.close()
    there = {each["note"]: each["degrees"] for each in kept if each.get("note")}
    return [note for note, degrees in seen.kept.items() if there.get(note) != degrees]


def memory(seen: Seen) -> list[float]:
    """The memory of the studio from one moment to the next, MB."""
    return [size for _, size, *_ in seen.sizes]


def told(seen: Seen, people: int, missing: list[str], minutes: float) -> str:
    """The figures as Markdown."""
    grown = [
        f"| {what} | {' | '.join(f'{of(each[at] for each in part):.0f}' for part in growth.thirds(seen.sizes))} |"
        for what, at, of in (
            ("memory at least, MB", 1, min),
            ("memory, mean", 1, statistics.mean),
            ("threads, mean", 2, statistics.mean),
            ("open files, mean", 3, statistics.mean),
            ("temporary files, mean", 4, statistics.mean),
        )
    ]
    said = [
        f"| {fault} | {sentence} | {number} |"
        for fault, sentences in seen.said.items()
        if fault != "nothing"
        for sentence, number in sentences.most_common()
    ]
    quiet = "".join(f"\n- {sentence} ({number})" for sentence, number in seen.said.get("nothing", {}).items())
    done = "".join(f"| {what} | {number} |\n" for what, number in seen.done.most_common())
    failed = Counter(each.split(":")[0] for each in seen.failures)
    return (
        "# Two hours in little time\n\nBy `python -m benchmarks.soak`, which says what is done: "
        f"{people} people, {minutes:g} minutes at twelve times a person's pace, on {os.cpu_count()} cores.\n\n"
        f"| what | how often |\n| --- | --- |\n{done}| **acknowledged corrections lost** | **{len(missing)}** |\n\n"
        "| of the studio, in each third | first | second | last |\n| --- | --- | --- | --- |\n"
        + "\n".join(grown)
        + f"\n\nMemory is {growth.told(memory(seen), minutes)}."
        + "\n\n| what goes wrong | what people are told | how often |\n| --- | --- | --- |\n"
        + "\n".join(said)
        + f"\n\nSaid while nothing was wrong:{quiet or ' nothing.'}\n"
        + (f"\nNot answered while something was wrong: {dict(failed)}.\n" if failed else "")
        + "".join(f"\n- lost: {note}" for note in missing[:10])
    )
