"""Start the studio: ``python app.py``, and the same file on Hugging Face Spaces."""

import gc
import os
import tempfile
from pathlib import Path

# Nothing leaves this machine unless the person who runs the studio says so; read by Gradio at import.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
try:
    tempfile.gettempdir()
except FileNotFoundError:  # a container where only the user's home can be written
    own = Path.home() / ".cache" / "stf2m" / "tmp"
    own.mkdir(parents=True, exist_ok=True)
    os.environ["TMPDIR"] = str(own)


def main() -> None:
    """Prepare the studio's home, build the page and serve it until it is stopped."""
    gc.disable()  # what is imported stays for good: to look for garbage in it took a quarter of the start
    from app import memory
    from app.serving import serve
    from app.settings import Settings

    gc.freeze()
    gc.enable()
    memory.give_back()
    memory.keep_giving_back()
    serve(Settings()).page.block_thread()


if __name__ == "__main__":
    main()
