"""Start the studio: ``python app.py``, and the same file on Hugging Face Spaces."""

import os

# Nothing leaves this machine unless the person who runs the studio says so; read by Gradio at import.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

from app import first_start, look, page, server
from app.settings import Settings
from app.studio import Studio


def main() -> None:
    """Prepare the studio's home, build the page and serve it until it is stopped."""
    studio = Studio(Settings())
    first_start.prepare(studio)
    demo = page.build(studio)
    web, _, _ = demo.queue(default_concurrency_limit=8).launch(
        server_name=os.environ.get("GRADIO_SERVER_NAME", "127.0.0.1"),
        prevent_thread_lock=True,
        show_error=True,
        max_file_size=studio.settings.max_bytes,
        **look.launch_options(),
    )
    server.add_routes(web, studio)
    demo.block_thread()


if __name__ == "__main__":
    main()
