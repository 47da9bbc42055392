"""What `[store]` may say, and in which words it is told what it may not."""

from __future__ import annotations

from datetime import time
from pathlib import Path

import pytest

from reception.bootstrap.config import Config, Overrides, read_config
from reception.bootstrap.store_config import StoreConfig, store_message

URL = "postgresql://reception:pass-word@db.example.com/reception"
ENVIRON = {"DATABASE_URL": URL, "WRONG": "mysql://db", "EMPTY": ""}
TENANT = '[tenants.a]\napp = "m:app"\ninsecure_no_secret = true\n'


def read(folder: Path, store: str, tenant: str = TENANT) -> tuple[Config, list[str]]:
    path = folder / "reception.toml"
    path.write_text(f"[store]\n{store}\n{tenant}")
    config, problems = read_config(path, ENVIRON, Overrides())
    return config, [str(problem).removeprefix("reception.toml: ") for problem in problems.found]


def test_without_a_word_the_embedded_server_is_beside_the_file(tmp_path: Path) -> None:
    config, problems = read(tmp_path, "")
    assert [] == problems
    assert StoreConfig(tmp_path / "reception-data") == config.store
    assert 30 == config.tenants[0].keep_days


def test_every_setting_of_the_embedded_server_is_read(tmp_path: Path) -> None:
    config, problems = read(
        tmp_path,
        'data_dir = "/srv/data"\nbackup_dir = "backups"\nbackup_at = "23:05"\n'
        "backups_kept = 3\nkeep_days = 90",
        TENANT + "keep_days = 7\n[tenants.b]\napp = 'm:b'\ninsecure_no_secret = true\n",
    )
    assert [] == problems
    assert (
        StoreConfig(
            data_dir=Path("/srv/data"),
            backup_dir=tmp_path / "backups",
            backup_at=time(23, 5),
            backups_kept=3,
            keep_days=90,
        )
        == config.store
    )
    assert [7, 90] == [tenant.keep_days for tenant in config.tenants]


def test_an_address_comes_from_the_environment_and_is_never_shown(tmp_path: Path) -> None:
    config, problems = read(tmp_path, 'database_url = "$DATABASE_URL"')
    assert [] == problems
    assert (None, URL) == (config.store.data_dir, config.store.database_url)
    assert "pass-word" not in repr(config)
    assert {"config": "file"} == store_message(config.store, "file")
    assert URL == config.store.address


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://user:pass-word%zz@host/database",
        "postgresql://[host/database",
        "postgresql://user:pass-word@host/database?nonsense=1",
    ],
)
def test_an_address_that_libpq_cannot_read_is_refused_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setitem(ENVIRON, "DATABASE_URL", url)
    _, problems = read(tmp_path, 'database_url = "$DATABASE_URL"')
    assert 1 == len(problems)
    assert "whose value is no address of a database" in problems[0]
    assert "pass-word" not in problems[0]


def test_no_database_at_all_can_be_wanted(tmp_path: Path) -> None:
    config, problems = read(tmp_path, "embedded = false")
    assert [] == problems
    assert (None, "") == (config.store.data_dir, config.store.address)
    assert {} == store_message(config.store)


@pytest.mark.parametrize(
    ("store", "problem"),
    [
        (
            f'database_url = "{URL}"',
            'store.database_url: must be the name of an environment variable, like "$DATABASE_URL":'
            " an address holds a password, which must not stand in this file",
        ),
        (
            'database_url = "$EMPTY"',
            "store.database_url: names $EMPTY, which is not set: put an address like"
            " postgresql://user:password@host/database into that environment variable",
        ),
        (
            'database_url = "$WRONG"',
            "store.database_url: names $WRONG, whose value is no address of a database: write it"
            " like postgresql://user:password@host/database",
        ),
        (
            'database_url = "$DATABASE_URL"\ndata_dir = "x"',
            "store.data_dir: is about the embedded database, which `database_url` switches off",
        ),
        (
            'embedded = false\nbackup_dir = "x"',
            "store.backup_dir: is about the embedded database, which `embedded = false` switches"
            " off",
        ),
        (
            'backup_dir = "reception-data/backups"',
            "store.backup_dir: must not be in data_dir: what takes one would take the other",
        ),
        ('backup_at = "24:00"', 'store.backup_at: must be a time of day, like "03:30"'),
        ('backup_at = "3 am"', 'store.backup_at: must be a time of day, like "03:30"'),
        ("backups_kept = 0", "store.backups_kept: must be a whole number from 1 to 1000, not 0"),
        ("keep_days = 1", "store.keep_days: must be a whole number from 2 to 3650, not 1"),
        ("dat_dir = 'x'", 'store.dat_dir: is no setting of Reception; did you mean "data_dir"?'),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(tmp_path: Path, store: str, problem: str) -> None:
    _, problems = read(tmp_path, store)
    assert [problem] == problems
    assert "pass-word" not in problems[0]


def test_the_supervisor_is_told_what_it_keeps(tmp_path: Path) -> None:
    config, _ = read(tmp_path, 'backup_dir = "/backups"')
    assert {
        "config": "reception.toml",
        "data_dir": str(tmp_path / "reception-data"),
        "backup_dir": "/backups",
        "backup_at": "03:30",
        "backups_kept": 14,
    } == store_message(config.store, "reception.toml")
