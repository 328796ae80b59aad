"""What the shipped checkpoint costs: time to adapt, parameters, megabytes."""

from collections.abc import Sequence

from safetensors.torch import load_file

from benchmarks.report import Table, bold
from stf2m.checkpoint import WEIGHTS
from stf2m.model import SHIPPED, STF2M
from stf2m.views import tone

MOST_PARAMETERS, MOST_BYTES = 2_000_000, 8 * 2**20


def table(times: Sequence[tuple[str, str, str, str, str]]) -> Table:
    """Times, which were measured in the same run, and the sizes of the shipped model without the borrowed encoders."""
    model = STF2M.load()
    learned = [*model.parameters(), *load_file(tone.FILE).values()]
    parameters = sum(weight.numel() for weight in learned)
    fitted = sum(int(values.count_nonzero()) for values in model.buffers() if values.is_floating_point())
    size = sum(file.stat().st_size for file in (SHIPPED / WEIGHTS, tone.FILE))
    rows = (
        *times,
        (
            "parameters, learned by gradients",
            "–",
            "2 M at most",
            "–",
            bold(f"{parameters / 1e6:.2f} M", parameters <= MOST_PARAMETERS),
        ),
        ("numbers beside them that are fitted in closed form", "–", "–", "–", f"{fitted / 1e6:.2f} M"),
        ("size of the files", "–", "8 MB at most", "–", bold(f"{size / 2**20:.1f} MB", size <= MOST_BYTES)),
    )
    return Table("Costs", "", ("what", "plain", "at least", "aim", "ours"), rows)
