"""Put one bug in each guard and see whether the state machine, or else a named test, finds it: `make mutants`.

    python -m tests.chaos.mutants [WORD …]     only the mutants whose name has one of the words

Each mutant is a change of one line or two in a copy of the tree. A mutant that nobody finds ends it with an error, and so
does one whose line is no longer in the code.

| mutant | found by |
|---|---|
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
MACHINE = "tests/chaos/test_machine.py"
PIPELINE = "tests/integration/pipeline"
SEEDS = (1, 2)


@dataclass(frozen=True)
class Mutant:
    """A bug: in `file`, `good` is replaced by `bad`; `test` finds it where the machine does not."""

    name: str
    file: str
    good: str
    bad: str
    test: str = f"{PIPELINE}/test_links_stalls.py"


LINKS, STALLS, OUTBOX = (f"{PIPELINE}/test_{name}.py" for name in ("links", "links_stalls", "outbox"))
DECISION = "tests/unit/test_decision.py"
MUTANTS = (
    Mutant("an attempt is begun without the lease's token", "sql/queries/begin_attempt.sql", " AND l.token = :token", "", LINKS),
    Mutant("an attempt is begun for an order that is settled", "sql/queries/begin_attempt.sql", "    AND o.status = 'pending'\n", "", LINKS),
    Mutant(
        "an attempt is begun over a session that the club stored meanwhile",
        "sql/queries/begin_attempt.sql",
        "    AND o.stripe_checkout_session_id IS NOT DISTINCT FROM cast(:session_id AS text)\n",
        "",
        LINKS,
    ),
    Mutant(
        "a second attempt of an order can be live",
        "sql/migrations/versions/0001_ledger.sql",
        "CREATE UNIQUE INDEX checkout_attempts_one_live",
        "CREATE INDEX checkout_attempts_one_live",
        f"{PIPELINE}/test_migrations.py",
    ),
    Mutant("a lease is taken from whoever holds it", "sql/queries/lease_order.sql", "    WHERE order_leases.expires_at < clock_timestamp()\n", "", LINKS),
    Mutant(
        "a link is stored over one that the club stored",
        "sql/queries/set_order_link.sql",
        "    AND o.stripe_checkout_session_id IS NOT DISTINCT FROM cast(:session_id AS text)\n",
        "",
        LINKS,
    ),
    Mutant("a link is stored at a price that has changed", "sql/queries/set_order_link.sql", "    AND o.amount IS NOT DISTINCT FROM cast(:amount AS numeric)\n", "", LINKS),
    Mutant("an order is marked paid whatever it has become", "sql/queries/mark_order_paid.sql", "    AND status = 'pending'\n", "", LINKS),
    Mutant(
        "a lost worker's reading is written down",
        "sql/queries/record_session.sql",
        " AND l.token = :token AND l.expires_at > clock_timestamp()",
        "",
    ),
    Mutant(
        "a slow payment counts as the end of its session",
        "sql/queries/session_is_closed.sql",
        " AND payment_status <> 'unpaid'",
        "",
        LINKS,
    ),
    Mutant("a slow payment beside the kept session is forgotten", "sql/queries/live_attempts.sql", "        OR (state = 'complete' AND payment_status = 'unpaid')\n", ""),
    Mutant("a key is used when Stripe may have forgotten it", "tasks/links/recovery.py", "KEY_LIFE = timedelta(hours=23)", "KEY_LIFE = timedelta(hours=99)", LINKS),
    Mutant("a request is repeated under a new key", "tasks/links/recovery.py", "str(attempt.idempotency_key))\n    except", "str(uuid4()))\n    except", LINKS),
    Mutant("a request is given up while it may be under way", "tasks/links/recovery.py", "IN_FLIGHT = timedelta(minutes=10)", "IN_FLIGHT = timedelta(0)", LINKS),
    Mutant("a request that was sent again counts from its first try", "tasks/links/recovery.py", "now - attempt.asked_at < IN_FLIGHT", "now - attempt.requested_at < IN_FLIGHT"),
    Mutant("an attempt is given up without its key being spent", "tasks/links/recovery.py", "    elif replayable:\n        _replay", "    elif False:\n        _replay"),
    Mutant("a refused repetition counts as no session", "tasks/links/recovery.py", '    except (RefusedError, ServerFailedError):\n        ledger.close(attempt.id, "unknown"', '    except (RefusedError, ServerFailedError):\n        ledger.close(attempt.id, "refused"'),
    Mutant("a lost session is not looked for", "tasks/links/recovery.py", "return next((s for s in sessions if", "return next((s for s in () if", LINKS),
    Mutant("a late answer to an attempt that was given up stays open", "tasks/links/lifecycle.py", "        if self.ledger.gave_up(attempt_id):\n", "        if False:\n"),
    Mutant("a failure of Stripe's counts as no session", "tasks/links/lifecycle.py", 'self.ledger.close(attempt_id, "unknown"', 'self.ledger.close(attempt_id, "absent"', LINKS),
    Mutant("an unknown session is replaced", "tasks/links/lifecycle.py", '            return self.set_aside(order, None, Verdict(Action.SET_ASIDE, "unknown_session", str(error)))\n', "            del error\n            session = None\n", LINKS),
    Mutant("of two sessions the open one is kept, not the paid one", "tasks/links/rivals.py", 'return (session.payment_status == "paid", session.slow_payment, session.status == "open")', 'return (session.status == "open", session.slow_payment, session.payment_status == "paid")', LINKS),
    Mutant("of two sessions the open one is kept, not the one with a slow payment", "tasks/links/rivals.py", 'session.slow_payment, session.status == "open")', 'session.status == "open", session.slow_payment)', LINKS),
    Mutant("a second session is not closed", "tasks/links/rivals.py", 'if other.status == "open" else other', 'if other.status == "" else other', LINKS),
    Mutant("an open session is kept at the old price", "tasks/links/decision.py", "if session.amount_total != order.amount or", "if", LINKS),
    Mutant("a link that dies soon is mailed", "tasks/links/decision.py", "if mailing and session.expires_at - now < policy.minimum_life:", "if False:", LINKS),
    Mutant("an open session of an order that is not owed is kept", "tasks/links/decision.py", "    if not order.owed:\n        return Verdict(Action.EXPIRE", "    if False:\n        return Verdict(Action.EXPIRE", LINKS),
    Mutant("a slow payment is not waited for", "tasks/links/decision.py", "    if session.slow_payment:\n", "    if False:\n", LINKS),
    Mutant("a payment of another amount settles its order", "tasks/links/decision.py", '    if order.status == "pending":\n        if right_amount:', '    if order.status == "pending":\n        if True:', LINKS),
    Mutant("a payment on record does not keep a new session away", "tasks/links/decision.py", "    if order.paid_before:\n", "    if False:\n"),
    Mutant("a session of the other mode is taken", "tasks/links/decision.py", "or session.livemode != policy.livemode", "", DECISION),
    Mutant("a message goes out with another session than its order has", "sql/queries/enter_sending.sql", "                AND o.stripe_checkout_session_id = mo.session_id\n", "", OUTBOX),
    Mutant("a message goes out at another price than its order has", "sql/queries/enter_sending.sql", "                AND o.amount = mo.amount\n", "", OUTBOX),
    Mutant("a message goes out for an order that is settled", "sql/queries/enter_sending.sql", "                AND o.status = 'pending'\n", "", OUTBOX),
    Mutant("a message goes out long after its links were checked", "sql/queries/enter_sending.sql", "make_interval(secs => 120)", "make_interval(secs => 120000000)", OUTBOX),
    Mutant("a message goes out while its link is worked on", "sql/queries/enter_sending.sql", "l.order_id = any(cast(:order_ids AS bigint[])) AND l.expires_at", "FALSE AND l.expires_at", OUTBOX),
)  # fmt: skip


def main(words: Sequence[str]) -> int:
    """Try the mutants; return how many nobody found."""
    chosen = [mutant for mutant in MUTANTS if not words or any(word in mutant.name for word in words)]
    missed = 0
    for mutant in chosen:
        with mutated(mutant) as tree:
            found = found_by(tree, mutant)
        missed += found is None
        print(f"| {mutant.name} | {found or 'NOBODY'} |", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} found")
    return min(missed, 1)


@contextmanager
def mutated(mutant: Mutant) -> Iterator[Path]:
    """Give a copy of the tree with the bug in it."""
    with TemporaryDirectory(prefix="mutant-", ignore_cleanup_errors=True) as folder:
        tree = Path(folder) / "tree"
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in listed.stdout.splitlines():
            if (ROOT / name).is_file():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / name, tree / name)
        file = tree / mutant.file
        code = file.read_text(encoding="utf-8")
        if code.count(mutant.good) != 1:
            raise SystemExit(f"{mutant.name}: {mutant.file} does not have this once:\n{mutant.good}")
        file.write_text(code.replace(mutant.good, mutant.bad), encoding="utf-8")
        if "uuid4()" in mutant.bad:
            file.write_text("from uuid import uuid4\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
        yield tree


def found_by(tree: Path, mutant: Mutant) -> str | None:
    """Return what fails: the machine, or else tests by name."""
    hunt = ["--long", "--hypothesis-profile=hunt", MACHINE]
    for seed in SEEDS:
        if failures(tree, [*hunt, f"--hypothesis-seed={seed}"]):
            return f"the machine (seed {seed})"
    names = failures(tree, [mutant.test])
    return ", ".join(names[:2]) + (f" and {len(names) - 2} more" if len(names) > 2 else "") if names else None


def failures(tree: Path, arguments: Sequence[str]) -> list[str]:
    """Run tests in a tree; return those that fail, with what failed where the machine did."""
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    failed = [line for line in result.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    return [line.split(" ", 2)[1].rpartition("::")[2] for line in failed]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
