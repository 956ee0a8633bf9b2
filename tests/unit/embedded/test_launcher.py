from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.embedded import running
from tests.embedded import ROOT, Platform

SMALL = ("--street", "tests.unit.embedded.small_street")
Started = Callable[..., Platform]


@pytest.fixture
def a_street(tmp_path: Path) -> Iterator[Started]:
    streets: list[Platform] = []

    def start(**environ: str) -> Platform:
        streets.append(Platform(tmp_path, *SMALL, **environ))
        _until(lambda: "Ctrl-C" in streets[-1].text() or streets[-1].process.poll() is not None)
        return streets[-1]

    yield start
    for street in streets:
        if not street.said.closed:
            street.stop()


def _until(so: Callable[[], object], within_s: float = 30) -> None:
    until = time.monotonic() + within_s
    while not so() and time.monotonic() < until:
        time.sleep(0.02)


def _guest(street: Platform) -> tuple[int, int]:
    """A guest's call: which process answered, and how many guests there were."""
    with urllib.request.urlopen(street.address, timeout=10) as answer:
        process, guests = answer.read().split()
    return int(process), int(guests)


def _refused(tmp_path: Path, *arguments: str, **environ: str) -> tuple[int, list[str]]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("PALABRE_")}
    command = [sys.executable, "-m", "infra.embedded", "up", "--data", str(tmp_path), *SMALL, *arguments]
    ended = subprocess.run(
        command, cwd=ROOT, env={**own, **environ}, capture_output=True, text=True, timeout=60, check=False
    )
    return ended.returncode, (ended.stdout + ended.stderr).splitlines()


def test_a_street_tells_where_it_is_and_ends_with_every_process(a_street: Started) -> None:
    street = a_street()

    assert (street.owner_link, street.mailbox) == ("http://door", "http://box")
    assert set(street.pids()) == {"launcher", "zygote", "broker", "web.1", "town.worker"}
    assert _guest(street) == (street.pids()["web.1"], 1)
    assert street.stop(signal.SIGINT) == 0
    assert street.run["processes"] == []


@pytest.mark.parametrize("name", ["town.worker", "web.1", "broker", "zygote", "launcher"])
def test_a_killed_process_comes_back_and_the_address_keeps_answering(a_street: Started, name: str) -> None:
    street = a_street()
    _, guests = _guest(street)

    began = time.monotonic()
    killed = street.kill(name)
    street.wait_for(name, other_than=killed)
    print(f"{name} was back after {time.monotonic() - began:.2f} s")

    assert _guest(street)[1] == guests + 1
    assert street.stop() == (0 if name != "launcher" else -signal.SIGKILL)


def test_launcher_and_zygote_start_each_other_again_and_again(a_street: Started) -> None:
    street = a_street()
    web = street.pids()["web.1"]

    for name in ("zygote", "launcher", "zygote", "launcher"):
        street.wait_for(name, other_than=street.kill(name))

    assert _guest(street)[0] == web
    street.wait_for("web.1", other_than=street.kill("web.1"))
    street.stop(signal.SIGTERM)


def test_when_the_zygote_and_all_its_children_are_killed_at_once_everything_comes_back(
    a_street: Started,
) -> None:
    street = a_street()
    before = street.pids()
    # Who greets the newcomer ends once it is said.
    everybody = before.keys() - {"launcher", "greet"}
    for name in everybody:
        street.kill(name)

    for name in everybody:
        street.wait_for(name, other_than=before[name])

    assert _guest(street)[0] == street.pids()["web.1"]


def test_what_the_broker_knew_is_known_after_a_new_start(a_street: Started) -> None:
    street = a_street()
    _guest(street)
    street.stop()

    assert _guest(a_street())[1] == 2


def test_a_second_start_on_the_same_data_says_who_runs(a_street: Started, tmp_path: Path) -> None:
    street = a_street()

    status, said = _refused(tmp_path, "--port", "0")

    assert status == 1
    assert len(said) == 1
    assert f"runs already on {tmp_path}: {street.address} (process {street.pids()['launcher']})" in said[0]


def test_what_was_left_behind_by_two_kills_is_ended_by_the_next_start(a_street: Started) -> None:
    street = a_street()
    before = street.pids()
    for name in ("zygote", "launcher"):
        os.kill(before[name], signal.SIGSTOP)
    for name in ("zygote", "launcher"):
        street.kill(name)
    street.process.wait(10)
    street.said.close()

    after = a_street()

    assert "that an earlier start had left behind" in after.text()
    assert not any(running.born(pid) for pid in before.values())


def test_ctrl_c_twice_does_not_wait_for_anybody(a_street: Started) -> None:
    street = a_street()
    os.kill(street.pids()["town.worker"], signal.SIGSTOP)

    began = time.monotonic()
    os.kill(street.pids()["launcher"], signal.SIGINT)
    time.sleep(0.3)
    assert street.stop(signal.SIGINT) == 0

    assert time.monotonic() - began < 7


def test_a_failing_preparation_is_told_and_ends_the_start(a_street: Started) -> None:
    street = a_street(STREET_BROKEN="1")

    assert street.process.wait(20) == 1
    assert "prepare failed:\n  the cellar is flooded" in street.text()


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = _refused(tmp_path, "--port", str(port))

    assert status == 1
    assert said == [
        f"Cannot listen on 127.0.0.1:{port}: Address already in use. "
        f"Choose another port: make up PALABRE_PORT={port + 1}"
    ]


def test_a_data_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    status, said = _refused(tmp_path / "file" / "var")

    assert status == 1
    assert said == [
        f"The data folder {tmp_path}/file/var cannot be written: Not a directory. Set PALABRE_DATA."
    ]


def test_an_unknown_setting_is_one_line(tmp_path: Path) -> None:
    status, said = _refused(tmp_path, PALABRE_PROT="8001")

    assert status == 1
    assert said == ["Unknown setting PALABRE_PROT. Did you mean PALABRE_PORT?"]


def test_an_old_python_is_one_line(tmp_path: Path) -> None:
    check = "infra/setup/old_enough.py"
    pretending = f"import sys, runpy; sys.version_info = (3, 9, 2, 'final', 0); runpy.run_path('{check}')"

    ended = subprocess.run(
        [sys.executable, "-c", pretending], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert ended.returncode == 1
    assert ended.stderr == "Palabre needs Python 3.11 or newer; this is 3.9. Try: make PYTHON=python3.12 up\n"
