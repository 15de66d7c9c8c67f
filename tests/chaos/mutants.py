"""Put one bug in each guard and see that a test finds it: `make mutants`, or with ARGS=--machine the state machine.

Words in ARGS choose mutants by name; without, what found them is written to mutants.md beside this. Each is a change of a line or two in a copy of the tree. One that nobody finds ends
it with an error, and so does one whose line is no longer in the code.
"""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deployments.local.temporary_home import temporary_home
from deployments.local.whole_run import whole_run

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_name("mutants.md")
HEAD = (
    "# Bugs that were put into the guards, and the test that found each first",
    "",
    "Written by `make mutants` where it tries all of them.",
    "",
    "| bug | found by |",
    "|---|---|",
)
NOBODY = "NOBODY"
INTEGRATION = "tests/integration"
HUNT = ["--long", "--hypothesis-profile=hunt", "--hypothesis-seed=1", "tests/chaos/test_machine.py"]


@dataclass(frozen=True)
class Mutant:
    """A bug: in `file`, `good` is replaced by `bad`, which tests of `test` find."""

    name: str
    file: str
    good: str
    bad: str
    test: str
    words: str
    """Which tests of it, as pytest's -k has it."""


LINKS, STALLS, PITFALLS, OUTBOX, REFRESH, STRANGERS = (
    f"{INTEGRATION}/{name}.py"
    for name in (
        "links/test_keeper",
        "links/test_stalls",
        "links/test_odd_orders",
        "delivery/test_outbox",
        "refresh/test_refresh",
        "links/test_strangers",
    )
)
PAYMENT, ENDS = f"{INTEGRATION}/links/test_payment_links.py", f"{INTEGRATION}/links/test_payment_links_ends.py"
GLANCE, AHEAD = "tasks/links/kept_links.py", f"{INTEGRATION}/delivery/test_read_ahead.py"
SCOPE, CHARGES = "sql/queries/club/list_orders_to_refresh.sql", "tasks/campaigns/charges.py"
STRIPE_LINKS = "tasks/links/stripe_api/payment_links.py"
DECISION = "tests/unit/links/test_decision.py"
BEGIN, STORE, SENDING = (
    f"sql/queries/{name}.sql" for name in ("links/begin_attempt", "links/set_order_link", "delivery/enter_sending")
)
RECOVERY, LIFECYCLE, CREATION, RIVALS, JUDGE = (
    f"tasks/links/{name}.py" for name in ("lost_requests", "keeper", "create", "duplicates", "decision")
)
MUTANTS = (
    Mutant("an attempt is begun without the lease's token", BEGIN, " AND l.token = :token", "", STALLS, "any_moment"),
    Mutant("an attempt is begun for an order that is settled", BEGIN, "    AND o.status = 'pending'\n", "", LINKS, "settled_between"),
    Mutant("an attempt is begun at a price that has changed", BEGIN, "    AND o.amount = :amount\n", "", LINKS, "changes_between_look"),
    Mutant("a second attempt of an order can be live", "sql/migrations/versions/0001_ledger.sql", "CREATE UNIQUE INDEX checkout_attempts_one_live", "CREATE INDEX checkout_attempts_one_live", STALLS, "index"),
    Mutant("a lease is taken from whoever holds it", "sql/queries/links/lease_orders.sql", "    WHERE order_leases.expires_at < clock_timestamp()\n", "", LINKS, "workers"),
    Mutant("a link is stored over one that the club stored", STORE, "    AND nullif(trim(o.stripe_checkout_session_id), '') IS NOT DISTINCT FROM cast(:session_id AS text)\n", "", STALLS, "stored_over"),
    Mutant("a link is stored at a price that has changed", STORE, "    AND o.amount IS NOT DISTINCT FROM cast(:amount AS numeric)\n", "", LINKS, "price_that_changes_while"),
    Mutant("a link is stored under a lost lease", STORE, "    AND l.token = :token\n", "", STALLS, "stored_under"),
    Mutant("an order is marked paid whatever it has become", "sql/queries/links/mark_order_paid.sql", "    AND status = 'pending'\n", "", LINKS, "recorded_by_the_webhook"),
    Mutant("a lost worker's reading is written down", "sql/queries/links/record_session.sql", " AND l.token = :token AND l.expires_at > clock_timestamp()", "", STALLS, "another_one_holds"),
    Mutant("a slow payment beside the kept session is forgotten", "sql/queries/links/list_live_attempts.sql", "        OR (state = 'complete' AND payment_status = 'unpaid')\n", "", STALLS, "slow"),
    Mutant("a key is used when Stripe may have forgotten it", RECOVERY, "KEY_LIFE = timedelta(hours=23)", "KEY_LIFE = timedelta(hours=99)", LINKS, "key_that_may"),
    Mutant("a request is repeated under a new key", RECOVERY, "stripe.create(attempt.request or {}, str(attempt.idempotency_key))", "stripe.create(attempt.request or {}, str(__import__('uuid').uuid4()))", LINKS, "same_key"),
    Mutant("a request is given up while it may be under way", RECOVERY, "IN_FLIGHT = timedelta(minutes=10)", "IN_FLIGHT = timedelta(0)", LINKS, "failure"),
    Mutant("a request that was sent again counts from its first try", RECOVERY, "now - attempt.asked_at < IN_FLIGHT", "now - attempt.requested_at < IN_FLIGHT", STALLS, "sent_again"),
    Mutant("an attempt is given up without its key being spent", RECOVERY, "    elif replayable:\n        _replay", "    elif False:\n        _replay", STALLS, "suspended"),
    Mutant("a refused repetition counts as no session", RECOVERY, 'ledger.close(attempt.id, "unknown"', 'ledger.close(attempt.id, "refused"', STALLS, "refused"),
    Mutant("a lost session is not looked for", RECOVERY, "return next((one for one in made if", "return next((one for one in list(made)[:0] if", LINKS, "listing or key_that_may"),
    Mutant("a late answer to an attempt that was given up stays open", CREATION, "    if not ledger.has_answer(attempt_id, session.id):\n", "    if not attempt_id:\n", STALLS, "given_up"),
    Mutant("a session is closed that another worker made of the same request", CREATION, "    if not ledger.has_answer(attempt_id, session.id):\n", "    if attempt_id:\n", STALLS, "comes_late"),
    Mutant("a failure of Stripe's counts as no session", CREATION, 'ledger.close(attempt_id, "unknown"', 'ledger.close(attempt_id, "absent"', LINKS, "failure"),
    Mutant("of two sessions the open one is kept, not the paid one", RIVALS, 'return (session.payment_status == "paid", session.slow_payment, session.status == "open")', 'return (session.status == "open", session.slow_payment, session.payment_status == "paid")', LINKS, "payment_through"),
    Mutant("of two sessions the open one is kept, not that of a slow payment", RIVALS, 'session.slow_payment, session.status == "open")', 'session.status == "open", session.slow_payment)', STALLS, "slow"),
    Mutant("a second session is not closed", RIVALS, 'if other.status == "open" else other', 'if other.status == "" else other', LINKS, "session_of_the_club"),
    Mutant("an open session is kept at the old price", JUDGE, "    if not _right_price(order, session):\n        return Verdict(Action.EXPIRE", "    if session is None:\n        return Verdict(Action.EXPIRE", LINKS, "old_price"),
    Mutant("a link that dies soon is mailed", JUDGE, "if ends is not None and ends - now < policy.minimum_life:", "if ends is not None and now is None:", LINKS, "dies_soon"),
    Mutant("an open session of an order that is not owed is kept", JUDGE, "    if not order.owed:\n        return Verdict(Action.EXPIRE", "    if not order:\n        return Verdict(Action.EXPIRE", LINKS, "not_owed"),
    Mutant("a slow payment is not waited for", JUDGE, "    if session.slow_payment:\n", "    if session is None:\n", LINKS, "slow_payment"),
    Mutant("a payment of another amount settles its order", JUDGE, "        if _right_price(order, session):\n", "        if session:\n", LINKS, "another_amount"),
    Mutant("a payment on record does not keep a new session away", JUDGE, "    if order.paid_before:\n", "    if order is None:\n", STALLS, "on_record"),
    Mutant("a payment that was refunded pays its order again", JUDGE, "        if session.id in order.settled:\n", "        if order is None:\n", PITFALLS, "refunded"),
    Mutant("a payment that the club has as paid is not noted", LIFECYCLE, '            self.ledger.record_payment(order, session, "settled", now=now)\n', "", PITFALLS, "refunded"),
    Mutant("an order is paid anew beside a payment that nobody has dealt with", LIFECYCLE, "        if order.paid_before not in {None, session.id}:\n", "        if order is None:\n", PITFALLS, "refunded"),
    Mutant("what a sweep has shown is lost where the look at it fails", LIFECYCLE, "            link = work.run()\n", "            ledger.drop_sightings(order_id)\n            link = work.run()\n", REFRESH, "look_at_its_order_failed"),
    Mutant("a session that merely names an order counts as its own", "tasks/links/seen_sessions.py", "return ORDER_KEY in session.metadata or bool(self.reference)", "return True", STRANGERS, ""),
    Mutant("a session that stood in an order counts as a stranger's", "tasks/links/seen_sessions.py", "if not (row.known or self._is_claimed(session))", "if not self._is_claimed(session)", STRANGERS, ""),
    Mutant("a payment through a session that merely names an order is passed over", JUDGE, "return took and right_mode", "return False and right_mode", STRANGERS, ""),
    Mutant("any payment through a session that merely names an order counts", JUDGE, "and _right_price(order, stranger) and", "and", STRANGERS, ""),
    Mutant("a session of the other mode is taken", JUDGE, "or session.livemode != policy.livemode", "", DECISION, "mode"),
    Mutant("a link elsewhere than at Stripe is mailed", JUDGE, "    if not policy.admits(session.url):\n", "    if not policy:\n", DECISION, ""),
    Mutant("one session of two orders is taken for both", LIFECYCLE, "        if order.shares_session:\n", "        if order is None:\n", REFRESH, "session"),
    Mutant("a link is mailed that is of the other kind than was chosen", JUDGE, "if session.kind is not purpose.wanted(now, policy):", "if session is None:", PAYMENT, "another_kind"),
    Mutant("a payment link is made too late for its promised life", JUDGE, "return LinkKind.CHECKOUT_SESSION if too_late else self.kind", "return self.kind", PAYMENT, "too_late"),
    Mutant("a payment link outlives the payment deadline", JUDGE, "if purpose.closes_at is not None and purpose.closes_at <= now:", "if purpose.closes_at is None and purpose.closes_at:", PAYMENT, "deadline"),
    Mutant("a used-up payment link is kept", JUDGE, "if session.used_up or not session.url:", "if not session.url:", PAYMENT, "used_up or frees"),
    Mutant("a payment link that a person switched off is kept", JUDGE, "if session.used_up or not session.url:", "if session.used_up:", PAYMENT, "person"),
    Mutant("a payment link can be used more than once", "tasks/links/stripe_params.py", '"completed_sessions": {"limit": 1}', '"completed_sessions": {"limit": 2}', PAYMENT, "used_once"),
    Mutant("a payment link's sessions stay open when it is closed", STRIPE_LINKS, 'if session.status == "open":\n                self', 'if session.status == "":\n                self', PAYMENT, "not_owed or closed_with"),
    Mutant("a payment is overlooked that came while its link was closed", STRIPE_LINKS, "> link.listed:", "> link.listed + 9:", PAYMENT, "while_it_is_closed"),
    Mutant("a payment link that is used up counts as switched off", RIVALS, "if session.used_up else session", "if session is None else session", PAYMENT, "switched_off or frees"),
    Mutant("what was paid through a payment link is not looked for", STRIPE_LINKS, '*(session for session in sessions if session.status == "complete")', "*sessions[:0]", PAYMENT, "is_found"),
    Mutant("a lost payment link is looked for among sessions", RECOVERY, "if attempt.kind is LinkKind.PAYMENT_LINK\n        else stripe.sessions", "if attempt is None\n        else stripe.sessions", PAYMENT, "lost_reply"),
    Mutant("a payment link's key is forgotten before its request cannot come any more", RECOVERY, "attempt.kind is LinkKind.PAYMENT_LINK or now", "now", PAYMENT, "lost_reply or suspended"),
    Mutant("a payment link is closed that its own payment made a rival of", RIVALS, "rival=not made_kept", "rival=True", PAYMENT, "is_found"),
    Mutant("a payment link that is on again is passed over", RIVALS, "link_id in sighted.ids\n", "link_id in ()\n", PAYMENT, "on_again"),
    Mutant("a visit counts as a session beside its link", "tasks/links/seen_sessions.py", 'session.status != "complete"', "False", PAYMENT, ""),
    Mutant("a payment is overlooked that Stripe had counted before it was listed", STRIPE_LINKS, "> link.listed:", "> link.completions:", ENDS, "counted"),
    Mutant("a payment link of what is in no tournament any more stays open", SCOPE, "(state = 'open' AND session_id LIKE 'plink\\_%')", "FALSE", ENDS, "found_though"),
    Mutant("a lost payment link of what is in no tournament any more stays open", SCOPE, "state IN ('requested', 'unknown', 'processing')", "state = 'processing'", ENDS, "lost"),
    Mutant("a slow payment is forgotten when the tournament is past", SCOPE, "state IN ('requested', 'unknown', 'processing')", "state IN ('requested', 'unknown')", ENDS, "settles_after"),
    Mutant("a payment link of a deleted order that is on again is passed over", "sql/queries/links/note_seen_sessions.sql", "WHEN orders.id IS NULL THEN own", "WHEN orders.id IS NULL THEN FALSE AND own", ENDS, "switches_it_on"),
    Mutant("a payment link of an order that a person has to look at stays open", JUDGE, "if lasting else verdict", "if verdict is None else verdict", ENDS, "whatever"),
    Mutant("a fee for two tournaments ends with the first", CHARGES, "return max([", "return min([", ENDS, "two_tournaments"),
    Mutant("another team's tournament lets a fee be paid longer", "sql/queries/club/list_last_days.sql", "tournament_products.team_id = player_teams.team_id\n        AND ", "", ENDS, "other_teams"),
    Mutant("an order's own due date is passed over", CHARGES, "_latest(days.get(order_id, [own_day]), closing(player.due_date, tournament.time_zone, club_zone))", "_latest(days.get(order_id, [own_day]), None)", ENDS, "due_date"),
    Mutant("a payment link made by hand is taken", "tasks/links/seen_sessions.py", "            return order != order_id\n", "            return False\n", ENDS, "by_hand"),
    Mutant("a payment link that the ledger lacks ends its batch", "tasks/links/stripe_lists.py", "row.created or LONG_AGO", "row.created", ENDS, "by_hand"),
    Mutant("a link that Stripe does not know stands in the way of another", "sql/queries/links/forget_unknown_sessions.sql", "AND state IN ('open', 'processing')", "AND FALSE", ENDS, "does_not_know"),
    Mutant("a campaign goes on with another kind of link", "tasks/campaigns/open.py", ") != options.link_kind:", ") is None:", ENDS, "refuses"),
    Mutant("reminders go on with reminders", "sql/queries/campaigns/find_mailed_options.sql", " AND c.kind <> 'reminder'", "", ENDS, "reminders"),
    Mutant("a retry goes back to an older kind of link", "tasks/operations/retry.py", "as_mailed(connection, tournament.id).link_kind", "options.link_kind", ENDS, "retry"),
    Mutant("a message goes out with a link that was closed since", SENDING, "AND closed.state = 'expired'", "AND closed.state = 'closed'", OUTBOX, "closed"),
    Mutant("a link that stands beside another is recognised as right", GLANCE, "or shown.ids != {session.id} ", "", AHEAD, "not_sure"),
    Mutant("a link that the ledger has as closed is recognised as right", GLANCE, '!= [(order.session_id, "open")]:', '== [(None, "open")]:', AHEAD, "not_sure"),
    Mutant("a link that a person has to look at is recognised as right", GLANCE, "order.waits_for_person or ", "", AHEAD, "not_sure"),
    Mutant("what was seen of a right link is relied on twice", GLANCE, "ledger.drop_seen(seen)", "seen.clear()", AHEAD, "used_once"),
    Mutant("what was read ahead is used however old it is", "tasks/delivery/read_ahead.py", "ready is None or ready.is_old", "ready is None", AHEAD, "read_again"),
    Mutant("a body goes out before the last one is written down", "tasks/delivery/sender.py", "        self.results.finish_recording()\n", "", AHEAD, "body_waits"),
    Mutant("what the last one met is never told", "tasks/delivery/results.py", "            raise self._bugs[0]\n", "            pass\n", AHEAD, "cannot_be_written_down"),
    Mutant("what is let go of is read beside what is read again", "tasks/delivery/read_ahead.py", "            wait([coming.read])", "            pass", AHEAD, "same_time"),
    Mutant("the error of an ending is lost", "tasks/delivery/results.py", "        self.finish_recording()\n        self._recording = ", "        self._recording = ", "tests/unit/delivery/test_results.py", "hides"),
    Mutant("two who list the same lock each other out", "sql/queries/links/note_seen_sessions.sql", "    ORDER BY matched.order_id ASC, listed.session_id ASC\n", "", f"{INTEGRATION}/links/test_seen_sessions.py", "same_moment"),
    Mutant("a slow batch loses its claims", "sql/queries/delivery/extend_claims.sql", "AND lease_expires_at < clock_timestamp() + make_interval(secs => :fresh_seconds)", "AND FALSE", OUTBOX, "leases_alive"),
    Mutant("a notice does not wait for who mails its mailbox", SENDING, "        AND (SELECT count(*) FROM mailbox) = 1\n", "", OUTBOX, "mailbox"),
    Mutant("a message goes out with another session than its order has", SENDING, "                AND o.stripe_checkout_session_id = mo.session_id\n", "", OUTBOX, ""),
    Mutant("a message goes out at another price than its order has", SENDING, "                AND o.amount = mo.amount\n", "", OUTBOX, ""),
    Mutant("a message goes out for an order that is settled", SENDING, "                AND o.status = 'pending'\n", "", OUTBOX, ""),
    Mutant("a message goes out long after its links were checked", SENDING, "make_interval(secs => 120)", "make_interval(secs => 120000000)", OUTBOX, ""),
    Mutant("a message goes out while its link is worked on", SENDING, "WHERE l.order_id = any(cast(:order_ids AS bigint[])) AND", "WHERE FALSE AND", OUTBOX, "at_its_orders_link"),
)  # fmt: skip

APPROVAL, GROWTH, PREVIEW, SELECTION = (
    f"{INTEGRATION}/{name}.py"
    for name in (
        "campaigns/test_approvals",
        "campaigns/test_growth",
        "campaigns/test_preview",
        "campaigns/test_recipients",
    )
)
OWED = "sql/queries/campaigns/list_owed_ids.sql"
APPROVED, DETACH, PLAN = (
    "sql/migrations/versions/0004_approval.sql",
    "sql/queries/campaigns/detach_orders.sql",
    "tasks/campaigns/batches.py",
)
# Of whom a run mails, and after which look at it: the machine of the links knows nothing of them.
BESIDE_THE_LINKS = (
    Mutant("a message goes out that no approval covers", SENDING, "asked.message_id = m.id", "asked.message_id = m.id AND FALSE", APPROVAL, "on_the_wire"),
    Mutant("an approval covers any mailbox", APPROVED, "            AND ao.mailbox = the_mailbox\n", "", APPROVAL, "on_the_wire or changes_after"),
    Mutant("an approval covers any price", APPROVED, "            AND ao.amount = coalesce(the_amount, 'NaN')\n", "", APPROVAL, "changes_after"),
    Mutant("an approval covers any currency", APPROVED, "            AND ao.currency = lower(trim(coalesce(the_currency, '')))\n", "", APPROVAL, "changes_after"),
    Mutant("an approval covers any words", APPROVED, "            AND ao.template_digest = the_digest\n", "", APPROVAL, "template or note"),
    Mutant("an approval covers any campaign", APPROVED, "a.campaign_id = the_campaign\n                AND a.state", "a.state", APPROVAL, "another_campaign"),
    Mutant("what is only proposed counts as approved", APPROVED, "            AND a.state = 'approved'\n", "", APPROVAL, "before_it_is_approved"),
    Mutant("a decision can be changed", APPROVED, "    IF OLD.state <> 'proposed' THEN", "    IF FALSE THEN", APPROVAL, "cannot_be_changed"),
    Mutant("the digest leaves the note out", "tasks/campaigns/letters.py", 'f"{renderer.digest(name)} {note}"', 'f"{renderer.digest(name)}"', APPROVAL, "note"),
    Mutant("what no approval covers is tried until its order seems to change", "tasks/delivery/sender.py", "if not message.approved:", "if message.approved is None:", APPROVAL, "while_a_batch"),
    Mutant("a session is made for what is not approved", OWED, " FILTER (WHERE reason IS DISTINCT FROM 'awaiting_approval')", "", APPROVAL, "holds_what"),
    Mutant("who has paid waits for an approval for ever", PLAN, "(*owed.free, *settled)", "owed.free", APPROVAL, "stripe_only"),
    Mutant("who is left out stays in the queue for a retry", DETACH, "NOT s.chosen OR ", "", SELECTION, "retry or next_try"),
    Mutant("who is left out is queued", "sql/queries/campaigns/assign_orders.sql", "    AND s.chosen\n", "", SELECTION, "one_players"),
    Mutant("an id that is nobody's is overlooked", "tasks/campaigns/recipients.py", "        if unknown:\n", "        if unknown is None:\n", SELECTION, "choice_of_nobody"),
    Mutant("the most messages count who has paid", PLAN, "sum(bool(one.skip) for", "sum(one is None for", SELECTION, "most_messages"),
    Mutant("each message reads all recipients", "tasks/campaigns/enqueue.py", '("campaigns/index_snapshot", "campaigns/analyze_snapshot")', '("campaigns/analyze_snapshot",)', GROWTH, "brought"),
    Mutant("all players come at once", "tasks/core/database.py", "partitions(size)", "partitions()", GROWTH, "pieces"),
    Mutant("a statement returns a row for each recipient", "sql/queries/campaigns/assign_orders.sql", "DO NOTHING;", "DO NOTHING RETURNING order_id;", GROWTH, "no_statement"),
    Mutant("a preview is kept in the ledger", "tasks/core/database.py", "            transaction.rollback()", "            transaction.commit()", PREVIEW, "none_of_it"),
    Mutant("a preview leaves links as mailed", "tasks/links/dry_run.py", "Purpose(mailing, kind,", "Purpose(False, kind,", PREVIEW, "dies_soon"),
    Mutant("anybody can read a preview", "tasks/core/private_files.py", "0o600", "0o644", "tests/unit/core/test_private_files.py", "umask"),
    Mutant("a name breaks out of the page", "tasks/campaigns/preview_page.py", "autoescape=True", "autoescape=False", PREVIEW, "hostile"),
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Try the mutants; return 1 where nobody found one."""
    words = [word for word in arguments if word != "--machine"]
    by_machine = "--machine" in arguments
    known = MUTANTS if by_machine else (*MUTANTS, *BESIDE_THE_LINKS)
    chosen = [mutant for mutant in known if not words or any(word in mutant.name for word in words)]
    rows = []
    for mutant in chosen:
        with mutated(mutant) as tree:
            found = found_by(tree, HUNT if by_machine else [mutant.test, "-k", mutant.words])
        rows.append(f"| {mutant.name} | {found or NOBODY} |")
        print(rows[-1], flush=True)
    if not words and not by_machine:
        TABLE.write_text("\n".join([*HEAD, *rows, ""]), encoding="utf-8")
    missed = sum(NOBODY in row for row in rows)
    print(f"{len(chosen) - missed} of {len(chosen)} found")
    return min(missed, 1)


@contextmanager
def mutated(mutant: Mutant) -> Iterator[Path]:
    """Give a copy of the tree with the bug in it."""
    with temporary_home() as tree:
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
        if mutant.good not in code:
            raise SystemExit(f"{mutant.name}: {mutant.file} does not have this any more:\n{mutant.good}")
        file.write_text(code.replace(mutant.good, mutant.bad), encoding="utf-8")
        yield tree


def found_by(tree: Path, arguments: Sequence[str]) -> str | None:
    """Run tests in a tree; return what fails first."""
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *arguments],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )
    failed = [line for line in result.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    if result.returncode > 1 or (result.returncode and not failed):
        raise SystemExit(f"the tests do not run:\n{result.stdout}{result.stderr}")
    return failed[0].partition(" ")[2].partition(" - ")[0].rpartition("/")[2] if failed else None


if __name__ == "__main__":
    with whole_run():
        sys.exit(main(sys.argv[1:]))
