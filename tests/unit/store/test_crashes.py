"""A worker that is killed at any point of the store leaves nothing half done."""

from __future__ import annotations

import multiprocessing
import signal

from reception import faults
from reception.ports import END_TASK
from tests.unit.store import crashing
from tests.unit.store.conftest import rows

# Where a claimed effect may have run although nobody knows: at least once, not at most.
IN_DOUBT = {"store.after_claim", "store.before_finish"}


def _run(dsn: str, points: dict[str, str], run: str) -> dict[str, list[str]]:
    """Run a worker for each tenant, all at once; return what was acknowledged to each."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload([crashing.__name__])
    started = []
    for tenant, point in points.items():
        hears, says = processes.Pipe(duplex=False)
        process = processes.Process(
            target=crashing.worker, args=(dsn, point, tenant, run, says), daemon=True
        )
        process.start()
        says.close()
        started.append((tenant, point, process, hears))
    said: dict[str, list[str]] = {}
    for tenant, point, process, hears in started:
        said[tenant] = lines = []
        try:
            while True:
                lines.append(hears.recv())
        except EOFError:
            hears.close()
        process.join(60)
        assert (0 if point == "-" else -signal.SIGKILL) == process.exitcode, (tenant, lines)
    return said


def test_killed_at_any_point_a_worker_leaves_what_the_next_one_can_finish(
    dsn: str, owner_dsn: str
) -> None:
    points = {point.replace(".", "-"): point for point in faults.POINTS}
    first = _run(dsn, points, "first")
    acknowledged = {
        (tenant, int(line.removeprefix("step ")))
        for tenant, lines in first.items()
        for line in lines
        if line.startswith("step ")
    }
    second = _run(dsn, dict.fromkeys(points, "-"), "second")
    stored = {
        (tenant, number): bytes(reply).decode()
        for tenant, number, reply in rows(
            owner_dsn,
            "SELECT s.tenant, s.step_no, s.reply FROM reception.step s"
            " JOIN reception.episode e USING (tenant, episode)"
            " WHERE e.digest = 'body' AND s.reply IS NOT NULL",
        )
    }

    # Nothing acknowledged is lost or changed, and each dialog is whole.
    assert {(tenant, n) for tenant in points for n in (0, 1, 2)} == set(stored)
    for tenant, number in acknowledged:
        assert f"first {number}" == stored[tenant, number]
    # Of each call one episode for each body, both ended: superseded, and hung up.
    assert [(tenant, 2, 2) for tenant in sorted(points)] == rows(
        owner_dsn,
        "SELECT tenant, count(*), count(ended_at) FROM reception.episode GROUP BY 1 ORDER BY 1",
    )
    # The jobs of steps 0, 1 and the second opening's, and one for each end.
    assert [(tenant, 3, 2) for tenant in sorted(points)] == rows(
        owner_dsn,
        "SELECT tenant, count(*) FILTER (WHERE task = 'task'), count(*) FILTER (WHERE task = %s)"
        " FROM reception.job GROUP BY 1 ORDER BY 1",
        END_TASK,
    )
    # An effect runs again only where it is unknown whether it has run.
    for tenant, point in points.items():
        ran = (first[tenant] + second[tenant]).count("effect")
        assert ran == (1 if point not in IN_DOUBT else 2 if "effect" in first[tenant] else 1)
    assert {("done",)} == set(rows(owner_dsn, "SELECT state FROM reception.effect"))
