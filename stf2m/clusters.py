"""Where joblib's workers are: processes of this machine, or the machines of a Ray or a Dask cluster."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from stf2m.datasets.items import DatasetError

#: So often a Ray cluster is asked to let this program in.
TRIES = 3


@contextmanager
def cluster(address: str = "") -> Iterator[None]:
    """Joblib works there inside: in processes of this machine, each with one thread, where ``address`` is empty.

    ``ray://HOST:PORT`` is a Ray cluster's client server, ``dask://HOST:PORT`` a Dask scheduler. Raises
    :class:`DatasetError` for any other address, a missing package, a cluster that does not answer or workers that die.
    """
    kind, _, place = address.partition("://")
    if address and (kind not in ("ray", "dask") or not place):
        raise DatasetError(f"A cluster is ray://HOST:PORT or dask://HOST:PORT, not {address!r}.")
    with ExitStack() as stack:
        try:
            if kind == "ray":
                _ray(address, stack)
            elif kind == "dask":
                _dask(place, stack)
            else:
                stack.enter_context(joblib.parallel_config("loky", inner_max_num_threads=1))
        except ModuleNotFoundError as error:
            package = {"ray": "'ray[client]'", "dask": "'dask[distributed]'"}[kind]
            raise DatasetError(f"This needs one more package: pip install {package}.") from error
        except (OSError, ConnectionError) as error:
            said = str(error).partition("\n")[0].rstrip(":. ")
            raise DatasetError(f"The cluster {address} does not answer: {said}.") from error
        try:
            yield
        except TerminatedWorkerError as error:
            raise DatasetError(
                "A worker process was ended from outside, for lack of memory perhaps. What is done is kept: run it "
                "again, with fewer --jobs if need be."
            ) from error


def _ray(address: str, stack: ExitStack) -> None:
    import ray  # pyright: ignore[reportMissingImports]  # an extra, without wheels for the newest Python
    from ray.util.joblib import register_ray  # pyright: ignore[reportMissingImports]

    for left in reversed(range(TRIES)):
        try:
            ray.init(address, logging_level=logging.ERROR)
            break
        except ConnectionAbortedError:  # what the cluster starts for a client ends at once now and then
            ray.shutdown()
            if not left:
                raise
    stack.callback(ray.shutdown)
    register_ray()
    stack.enter_context(joblib.parallel_config("ray"))


def _dask(place: str, stack: ExitStack) -> None:
    from distributed import Client

    stack.enter_context(Client(place, timeout=20))
    stack.enter_context(joblib.parallel_config("dask"))
