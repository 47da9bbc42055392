"""What `reception.toml` may say, and in which words it is told what it may not."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from reception.bootstrap.config import Config, Overrides, ServerConfig, TenantConfig, read_config
from reception.bootstrap.problems import ConfigError

SECRET = "a-made-up-secret-of-32-characters-or-more"
OTHER = "another-made-up-secret-of-32-characters"
ACCOUNT = "0123456789abcdef0123456789abcdef"
ENVIRON = {"ONE": SECRET, "TWO": OTHER, "SHORT": "too-short", "EMPTY": ""}
TENANT = '[tenants.a]\napp = "m:app"\n'
OPEN = TENANT + "insecure_no_secret = true\n"


def read(folder: Path, text: str, **overrides: int | str) -> tuple[Config, list[str]]:
    path = folder / "reception.toml"
    path.write_text(text)
    config, problems = read_config(path, ENVIRON, Overrides(**overrides))  # type: ignore[arg-type]  # by name
    return config, [str(problem).removeprefix("reception.toml: ") for problem in problems.found]


def test_everything_has_a_default_but_the_way_in(tmp_path: Path) -> None:
    config, problems = read(tmp_path, OPEN)
    assert [] == problems
    assert ServerConfig() == config.server
    assert (TenantConfig("a", app="m:app", insecure_no_secret=True),) == config.tenants


def test_every_setting_is_read(tmp_path: Path) -> None:
    config, problems = read(
        tmp_path,
        f"""
        [server]
        host = "0.0.0.0"
        port = 9000
        public_url = "https://voice.example.com/pbx/"
        workers = 4
        deadline_s = 3
        max_in_flight = 10
        slow_reply_s = 0.5
        connection = "close"
        keep_alive_s = 200
        drain_s = 1.5
        trusted_proxies = ["10.0.0.5/32", "2001:db8::5"]

        [tenants."Hotel_1.b-2"]
        app = "pkg.module:made.app"
        fallback = "flows/safe.json"
        secrets = ["$ONE", "$TWO"]
        account_id = "{ACCOUNT.upper()}"
        platform = 5

        [tenants.static]
        flow = "night.json"
        allow_from = ["203.0.113.0/24", "2001:db8::/32", "198.51.100.7"]
        account_id = ["{ACCOUNT}"]
        platform = "any"
        """,
    )
    assert [] == problems
    assert (
        ServerConfig(
            host="0.0.0.0",
            port=9000,
            public_url="https://voice.example.com/pbx",
            workers=4,
            deadline_s=3.0,
            max_in_flight=10,
            slow_reply_s=0.5,
            connection="close",
            keep_alive_s=200,
            drain_s=1.5,
            trusted_proxies=(ip_network("10.0.0.5/32"), ip_network("2001:db8::5")),
        )
        == config.server
    )
    assert (
        TenantConfig(
            "Hotel_1.b-2",
            app="pkg.module:made.app",
            fallback=tmp_path / "flows/safe.json",
            secrets=(SECRET.encode(), OTHER.encode()),
            account_ids=frozenset({ACCOUNT}),
            platforms=frozenset({5}),
        ),
        TenantConfig(
            "static",
            flow=tmp_path / "night.json",
            allow_from=tuple(
                ip_network(text) for text in ("203.0.113.0/24", "2001:db8::/32", "198.51.100.7")
            ),
            account_ids=frozenset({ACCOUNT}),
        ),
    ) == config.tenants


def test_the_command_line_overrides_the_file(tmp_path: Path) -> None:
    config, problems = read(tmp_path, "[server]\nport = 1\n" + OPEN, port=0, workers=3, host="::1")
    assert [] == problems
    assert (0, 3, "::1") == (config.server.port, config.server.workers, config.server.host)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "tenants: is empty"),
        ("[server]\nport = 70000\n", "server.port: must be a whole number from 0 to 65535, not 7"),
        ('[server]\nport = "80"\n', "server.port: must be a whole number, not a text in quotes"),
        ("[server]\nport = true\n", "server.port: must be a whole number, not true"),
        ("[server]\nworkers = 0\n", "server.workers: must be a whole number from 1 to 256, not 0"),
        ("[server]\ndeadline_s = 4\n", "server.deadline_s: must be a number from 0.1 to 3.5"),
        ("[server]\ndeadline_s = nan\n", "server.deadline_s: must be a number from 0.1 to 3.5"),
        ("[server]\nkeep_alive_s = 120\n", "server.keep_alive_s: must be a whole number from 121"),
        ('[server]\nconnection = "clos"\n', 'server.connection: must be one of "auto", "close"'),
        (
            '[server]\ntrusted_proxies = ["0.0.0.0/0"]\n',
            "server.trusted_proxies[0]: is so wide",
        ),
        (
            '[server]\ntrusted_proxies = ["proxy.example"]\n',
            "server.trusted_proxies[0]: must be a network",
        ),
        ('[server]\nhost = ""\n', "server.host: must not be empty"),
        ("server = 1\n", "server: must be a table, not 1"),
        ("[sever]\n", 'sever: is no setting of Reception; did you mean "server"?'),
        ("zzz = 1\n", "zzz: is no setting of Reception; take it out"),
        ('[server]\nhost = "0.0.0.0"\n', "server.public_url: is required, since others reach 0.0"),
        (
            '[server]\nhost = "0.0.0.0"\npublic_url = "http://voice.example.com"\n',
            "server.public_url: must begin with https",
        ),
        (
            '[server]\npublic_url = "http://voice.example.com"\n',
            "server.public_url: must begin with https",
        ),
        (
            '[server]\nhost = "10.0.0.1"\npublic_url = "https://localhost"\n',
            "server.public_url: points to this machine",
        ),
        ('[server]\npublic_url = "voice.example.com"\n', "server.public_url: is no URL"),
        ('[server]\npublic_url = "https://[::1"\n', "server.public_url: is no URL"),
        ('[server]\npublic_url = "https://a:b@c"\n', "server.public_url: must be an address"),
        ('[server]\npublic_url = "https://c?d"\n', "server.public_url: must be an address"),
        ("[tenants]\na = 1\n", "tenants.a: must be a table, not 1"),
        ('[tenants."a b"]\n', "tenants.a b: cannot be an APPID"),
        ("[tenants.a]\n", "tenants.a.app: is missing"),
        ('[tenants.a]\napp = "m:app"\nflow = "f.json"\n', "tenants.a.app: and `flow` exclude"),
        ('[tenants.a]\napp = "m"\n', 'tenants.a.app: must be "module:attribute"'),
        ('[tenants.a]\napp = "../m:app"\n', 'tenants.a.app: must be "module:attribute"'),
        (TENANT, "tenants.a.secrets: is missing"),
        (TENANT + "secrets = []\n", "tenants.a.secrets: must name one environment variable"),
        (
            TENANT + 'secrets = ["$ONE", "$TWO", "$ONE"]\n',
            "tenants.a.secrets: must name one environment variable",
        ),
        (TENANT + f'secrets = ["{SECRET}"]\n', "tenants.a.secrets[0]: must be the name of an env"),
        (TENANT + 'secrets = ["$NONE"]\n', "tenants.a.secrets[0]: names $NONE, which is not set"),
        (TENANT + 'secrets = ["$EMPTY"]\n', "tenants.a.secrets[0]: names $EMPTY, which is not set"),
        (TENANT + 'secrets = ["$SHORT"]\n', "tenants.a.secrets[0]: names $SHORT, whose value is"),
        (TENANT + 'secrets = ["$ONE", "$ONE"]\n', "tenants.a.secrets: name the same secret twice"),
        (TENANT + "secrets = [1]\n", "tenants.a.secrets[0]: must be a text in quotes, not 1"),
        (
            OPEN + 'secrets = ["$ONE"]\n',
            "tenants.a.insecure_no_secret: cannot go with `secrets`",
        ),
        (
            TENANT + 'allow_from = ["203.0.113.0/24"]\n',
            "tenants.a.account_id: is required with `allow_from`",
        ),
        (
            TENANT + 'allow_from = ["203.0.113.0/24"]\naccount_id = []\n',
            "tenants.a.account_id: is empty: name an account",
        ),
        (
            TENANT + 'secrets = ["$ONE"]\naccount_id = []\n',
            "tenants.a.account_id: is empty: name an account",
        ),
        (OPEN + "account_id = []\n", "tenants.a.account_id: is empty: name an account"),
        (
            TENANT + f'allow_from = ["203.0.113.1/24"]\naccount_id = "{ACCOUNT}"\n',
            'tenants.a.allow_from[0]: has an address inside the network: write "203.0.113.0/24"',
        ),
        (
            TENANT + f'allow_from = ["0.0.0.0/0"]\naccount_id = "{ACCOUNT}"\n',
            "tenants.a.allow_from[0]: is so wide",
        ),
        (
            TENANT + f'allow_from = ["here"]\naccount_id = "{ACCOUNT}"\n',
            "tenants.a.allow_from[0]: must be a network",
        ),
        (OPEN + 'account_id = "hotel"\n', "tenants.a.account_id[0]: must be the platform's acc"),
        (OPEN + "platform = 6\n", 'tenants.a.platform: must be 4, 5 or "any"'),
        (
            OPEN + 'fallbak = "x"\n',
            'tenants.a.fallbak: is no setting of Reception; did you mean "f',
        ),
        (
            '[server]\nhost = "0.0.0.0"\npublic_url = "https://v.example.com"\n' + OPEN,
            "tenants.a.insecure_no_secret: is accepted only where nobody else",
        ),
        (
            '[server]\npublic_url = "https://v.example.com"\n' + OPEN,
            "tenants.a.insecure_no_secret: is accepted only where nobody else",
        ),
        (
            TENANT + 'secrets = ["$ONE"]\n[tenants.b]\napp = "m:app"\nsecrets = ["$ONE"]\n',
            "tenants.b.secrets: hold a secret of tenants.a too",
        ),
    ],
)
def test_a_wrong_setting_is_told_with_its_key(tmp_path: Path, text: str, expected: str) -> None:
    _, problems = read(tmp_path, text)
    assert any(problem.startswith(expected) for problem in problems), problems
    assert not any(secret in "".join(problems) for secret in (SECRET, OTHER, "too-short"))


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    _, problems = read(tmp_path, "[server]\nport = -1\nworkers = 0\n[tenants.a]\nplatform = 3\n")
    keys = [problem.partition(":")[0] for problem in problems]
    assert [
        "server.port",
        "server.workers",
        "tenants.a.app",
        "tenants.a.platform",
        "tenants.a.secrets",
    ] == keys


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "reception.toml: cannot be read: No such file or directory"),
        (b"\xff\xfe", "reception.toml: is not UTF-8 text"),
        (b"[server\n", "reception.toml: is not TOML: "),
    ],
)
def test_a_file_that_cannot_be_read_is_told(
    tmp_path: Path, content: bytes | None, expected: str
) -> None:
    path = tmp_path / "reception.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        read_config(path, {}, Overrides())
    assert expected == raised.value.message[: len(expected)]


def test_a_secret_has_no_place_in_a_repr(tmp_path: Path) -> None:
    config, _ = read(tmp_path, TENANT + 'secrets = ["$ONE"]\n')
    assert SECRET not in repr(config)
