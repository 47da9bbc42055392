"""`reception simulate --scenario`: a platform on a port of this machine, until it is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest
from click.testing import CliRunner

from reception.bootstrap.cli.simulate import simulate

SRC = Path(__file__).parents[4] / "src"


def test_it_says_where_it_is_answers_there_and_ends_when_told(tmp_path: Path) -> None:
    (tmp_path / "hotel.toml").write_text(
        'api_key = "k"\n[numbers]\n"100" = "http://127.0.0.1:9/v"\n'
    )
    command = [
        sys.executable,
        "-m",
        "reception",
        "simulate",
        "--scenario",
        "hotel.toml",
        "--port",
        "0",
    ]
    environment = {**os.environ, "PYTHONPATH": str(SRC), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            base = first.split()[-1]
            assert base.startswith("http://127.0.0.1:")
            url = base.removesuffix("/v2") + "/control/calls"
            asked = urllib.request.Request(url, json.dumps({"to": "1"}).encode())
            with pytest.raises(HTTPError) as caught:
                urllib.request.urlopen(asked, timeout=10)
            assert 404 == caught.value.code
            caught.value.close()
            process.send_signal(signal.SIGTERM)
            assert 0 == process.wait(10)
        finally:
            process.kill()


def test_a_wrong_file_is_named_with_every_mistake(tmp_path: Path) -> None:
    path = tmp_path / "hotel.toml"
    path.write_text("platform = 6\nx = 1\n")
    result = CliRunner().invoke(simulate, ["--scenario", str(path)])
    assert 2 == result.exit_code
    assert f"{path}: platform: must be 4 or 5" in result.output
    assert f"{path}: x: is not known here" in result.output
    path.write_text("platform = ")
    assert 2 == CliRunner().invoke(simulate, ["--scenario", str(path)]).exit_code
    assert 2 == CliRunner().invoke(simulate, []).exit_code
    both = ["--scenario", str(path), "--trace", str(path)]
    assert 2 == CliRunner().invoke(simulate, both).exit_code
