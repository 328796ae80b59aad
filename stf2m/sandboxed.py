"""The other side of :mod:`stf2m.sandbox`: a process that copies itself, and copies that do one call within limits."""

import errno
import functools
import json
import math
import os
import resource
import signal
import socket
import time
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from stf2m import playback, probing  # noqa: F401 - what most calls need is there before they come
from stf2m.containers import MediaError
from stf2m.sandbox import AGAIN, ANSWER, REQUEST, Item, Limits

_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO)
_MOST_S = 86_400.0  # no time stamp buys more processor time than this one


def nurse(line: int) -> None:
    """Copy this process for every call and tell how the copies ended, until the program that asks is gone."""
    _limit(resource.RLIMIT_CORE, 0)
    killed: set[int] = set()
    with socket.socket(fileno=line) as asked:
        while True:
            request, lines, _, _ = socket.recv_fds(asked, REQUEST.size, 1)
            if len(request) < REQUEST.size:
                return
            what, worker = REQUEST.unpack(request)
            answer = 0
            if what == b"start":
                answer = _start(asked, lines[0])
            elif what == b"await":
                os.kill(worker, signal.SIGKILL)  # one that is ending is not changed by that
                answer = os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1])
            else:
                os.kill(worker, signal.SIGKILL)
                killed.add(worker)
            killed -= {each for each in killed if os.waitpid(each, os.WNOHANG)[0]}
            asked.sendall(ANSWER.pack(answer))


def _start(asked: socket.socket, line: int) -> int:
    """The number of a new process that answers on a line, or the error below 0."""
    try:
        worker = os.fork()
    except OSError as error:
        os.close(line)
        return -(error.errno or errno.EAGAIN)
    if worker:
        os.close(line)
        return worker
    try:
        asked.close()
        with Connection(line) as connection:
            function, path, args, limits = connection.recv()
            _answer(connection, functools.partial(function, path, *args), Limits(*limits))
    finally:
        os._exit(0)


def _answer(connection: Connection, work: Callable[[], Any], limits: Limits) -> None:
    began = time.process_time()
    _limit(resource.RLIMIT_AS, limits.memory_bytes)
    _limit(resource.RLIMIT_FSIZE, limits.written_bytes)
    _limit(resource.RLIMIT_CPU, began + limits.cpu_s)
    try:
        value = work()
        if isinstance(value, Iterator):
            value = _stream(connection, value, began, limits)
        end = ["end", value]
    except MediaError as error:
        end = ["refused", str(error)]
    except MemoryError:
        end = ["memory", ""]
    except Exception as error:
        if getattr(error, "errno", None) in _DISK:
            end = ["disk", error.errno, str(error.strerror)]  # pyright: ignore[reportAttributeAccessIssue]
        else:
            end = ["failed", traceback.format_exc()[-4000:]]
    connection.send_bytes(json.dumps(end).encode())


def _stream(connection: Connection, items: Iterator[Item], began: float, limits: Limits) -> Any:
    """Send what a generator yields; what it returns."""
    sent = None
    while True:
        try:
            time_s, array = next(items)
        except StopIteration as end:
            return end.value
        _limit(resource.RLIMIT_CPU, began + limits.cpu_s + limits.cpu_per_s * min(time_s, _MOST_S))
        again = array is not None and array is sent
        form = None if array is None else AGAIN if again else [array.dtype.str, array.shape]
        connection.send_bytes(json.dumps(["item", time_s, form]).encode())
        sent = array
        if array is not None and not again:
            connection.send_bytes(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)


def _limit(what: int, most: float) -> None:
    """Lower or raise a limit of this process; systems that do not know it go without."""
    _, hardest = resource.getrlimit(what)
    most = math.ceil(most) if hardest == resource.RLIM_INFINITY else min(math.ceil(most), hardest)
    try:
        resource.setrlimit(what, (most, hardest))
    except (ValueError, OSError):
        return
