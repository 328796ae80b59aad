"""What every server function of a widget does with errors: sentences for people, never a bare failure."""

import functools
import logging
from collections.abc import Callable
from typing import Any

from annotations.records import AnnotationError, StoreError
from app import caller
from app.jobs import PlainError, plainly

log = logging.getLogger(__name__)

Call = Callable[[dict[str, Any]], dict[str, Any]]


def plain(call: Call) -> Call:
    """Answer ``{"refused": sentence}`` where the studio refuses or fails, so that the page can say so.

    Whoever is named as annotator is somebody, whatever the call does.
    """

    @functools.wraps(call)
    def answered(data: dict[str, Any]) -> dict[str, Any]:
        try:
            if "annotator" in data:
                caller.annotator(data["annotator"])
            return call(data)
        except (AnnotationError, PlainError, StoreError) as refusal:
            return {"refused": str(refusal)}
        except OSError as error:
            log.exception("%s failed", call.__name__)
            return {"refused": f"That did not work: {plainly(error)}."}
        except Exception:
            log.exception("%s failed", call.__name__)
            return {"refused": "That did not work because of an error in the studio; its log says which."}

    return answered
