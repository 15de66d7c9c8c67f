"""A small club for the state machine: what happens to it from outside, how it is wiped, and what must hold in it."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from math import inf
from threading import current_thread, get_ident
from typing import Any, Literal, get_args

import httpx
import stripe
from sqlalchemy import text

from tasks.campaigns.batches import plan_batches
from tasks.campaigns.charges import find_charges
from tasks.campaigns.open import open_campaign
from tasks.campaigns.options import CampaignOptions
from tasks.campaigns.summary import summarize
from tasks.core.club_time import closing
from tasks.core.errors import ConfigurationError, TransientError
from tasks.delivery.deliver_batch import deliver_batch
from tasks.links.lost_requests import IN_FLIGHT, KEY_LIFE, TOO_LATE
from tasks.links.model import LinkKind
from tasks.links.set_asides import release
from tasks.links.stripe_params import ATTEMPT_KEY, ORDER_KEY
from tasks.refresh.options import RefreshOptions
from tasks.refresh.plan import plan_refresh
from tasks.refresh.prepare import prepare_refresh
from tasks.refresh.sweep import sweep
from tasks.services import Services, open_services
from tests.chaos.moments import PATIENCE_SECONDS, Watcher, Worker, all_watched, in_child, watch_engine
from tests.support.harness import Pipeline, links_in
from tests.support.small_club import CUP, PAYMENT_LINKS, SESSIONS, SmallClub

Job = Literal["refresh", "refresh to links", "campaign 1", "campaign 2"]
"""Campaign 1 mails sessions, campaign 2 payment links; the refreshes make what is missing, of one kind or the other."""

Json = dict[str, Any]
Thread = Literal["MainThread", "recorder"]
"""Of a run in a process of its own: the worker's, and that which writes down for it what became of messages."""

NO_TOURNAMENTS = 2
"""A product."""

CHECK_LIFE = timedelta(seconds=121)
"""A link may have lost this much of its promised life between its check and its mail."""


def order_of(session: Json) -> int:
    return int(session["metadata"].get(ORDER_KEY) or session["client_reference_id"].removeprefix("order-"))


def is_ours(session: Json) -> bool:
    return ATTEMPT_KEY in session["metadata"]


def link_of(session: Json) -> str:
    """What can be paid once: a payment link with all its sessions, or a session of its own."""
    return str(session["payment_link"] or session["id"])


def is_used_up(link: Json) -> bool:
    completed = link["restrictions"]["completed_sessions"]
    return bool(completed["count"] >= completed["limit"])


def ids_of(links: Iterable[Json]) -> set[str]:
    return {link["id"] for link in links}


@dataclass
class World:
    """The club, the pipeline that works for it, Stripe's stand-in, and what is known of them from outside."""

    club: SmallClub
    orders: list[int] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    """What did not hold, in words."""

    slow: dict[str, str] = field(default_factory=dict)
    """What became of slow payments, by session: processing, settled or failed."""

    paid_since: dict[str, int] = field(default_factory=dict)
    """When a session was paid, slowly or at once: after which request in the stand-in's log."""

    switched_on: set[str] = field(default_factory=set)
    """Payment links that a person has switched on, whatever the pipeline had done with them."""

    refunded: set[str] = field(default_factory=set)
    """Sessions whose payment had settled its order before the club refunded it."""

    mailed: dict[str, set[str]] = field(default_factory=dict)
    """The links that went out, by Message-ID, as the ledger has them."""

    @property
    def pipeline(self) -> Pipeline:
        return self.club.pipeline

    # Begin anew

    def reset(self) -> None:
        """Empty everything; three orders of two families are made."""
        with self.pipeline.services.database.transaction() as connection:
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")  # append-only tables too
            ours = connection.exec_driver_sql(
                "SELECT 'tournament_fees.' || tablename FROM pg_tables"
                " WHERE schemaname = 'tournament_fees' AND tablename NOT IN ('migrations', 'message_id_keys')"
            )
            for table in (*ours.scalars(), "orders", "player_teams", "players", "parents"):
                connection.exec_driver_sql(f"DELETE FROM {table}")  # noqa: S608  names of tables
        self.pipeline.stand_in.reset()
        # What Stripe leaves open is as bad for us as it can be.
        self.pipeline.stand_in.configure(two_tabs=True, active_at_limit=True, failed_frees=True)
        self.pipeline.clock.ahead = timedelta()
        self.change_last_day(None)
        self.club.sql(
            "INSERT INTO products (id, name, amount) VALUES (:id, 'Cap', 2000) ON CONFLICT DO NOTHING",
            id=NO_TOURNAMENTS,
        )
        self.orders = self.club.family("Ek", "jo.ek@example.com", children=2)
        self.orders += self.club.family("Berg", "bo.berg@example.org")
        self.mailed.clear()  # a campaign of the same name gives its messages the same Message-IDs
        self.first_mail = self.pipeline.inbox.from_now_on()

    # The pipeline

    def job(self, job: Job, *, inside: bool = False) -> Callable[[], None]:
        """Return a run on parts of its own, as each task of a flow has them."""

        def run() -> None:
            with open_services(self.pipeline.services.settings, self.pipeline.clock) as services:
                watch_engine(services.database.engine, inside=inside)
                if job.startswith("refresh"):
                    refresh(services, "payment_link" if job == "refresh to links" else "checkout_session")
                else:  # templates are compiled once: that is most of a run's time
                    campaign(replace(services, renderer=self.pipeline.services.renderer), int(job[-1]))

        return run

    def run(self, job: Job) -> None:
        """Run from end to end."""
        worker = Worker(self.job(job), self.watch(self.note))
        worker.go_on()
        self.look_at(worker)

    def begin(self, job: Job, moments: int) -> None:
        """Begin a run that waits at its n-th moment."""
        worker = Worker(self.job(job), self.watch(self.note))
        self.workers.append(worker)
        worker.go_on(moments)
        self.look_at(worker)

    def go_on(self, number: int, moments: int | None = None) -> None:
        """Let a waiting run go on."""
        worker = self.workers[number % len(self.workers)]
        worker.go_on(moments)
        self.look_at(worker)

    def run_beside_a_lock(self, job: Job, order: int, price: int, *, commit: bool) -> None:
        """Run while a slow transaction of the club's own system has an order; it ends once the run waits for it."""
        worker = Worker(self.job(job), self.watch(self.note))
        with self.pipeline.services.database.engine.connect() as club:
            club.execute(text("UPDATE orders SET amount = :price WHERE id = :id"), {"price": price, "id": order})
            worker.set_off()
            while not worker.rests(0.01) and not self.club.sql("SELECT FROM pg_locks WHERE NOT granted"):
                pass
            if commit:
                club.commit()
        assert worker.rests(PATIENCE_SECONDS), "a worker hangs"
        self.look_at(worker)

    def look_at(self, worker: Worker) -> None:
        if worker.done and worker in self.workers:
            self.workers.remove(worker)
        if worker.error is not None:
            self.note(f"a run fell over: {type(worker.error).__name__}: {worker.error}")

    def kill(self, job: Job, moments: int, whose: Thread = "MainThread") -> bool:
        """Run in a process of its own that is killed at the n-th moment of the worker's thread, or of a helper's.

        Says whether it came to that.
        """

        def work(pipe: int) -> None:
            for database in (self.pipeline.services.database, self.pipeline.owner):
                database.engine.dispose(close=False)  # the connections are the parent's, who goes on with them
            left = moments

            def count(_kind: str, _detail: object) -> None:
                nonlocal left
                left -= current_thread().name.startswith(whose)
                if left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            watcher = self.watch(lambda said: os.write(pipe, f"{said}\n".encode()), count)
            all_watched(watcher, self.job(job, inside=True))

        told, killed = in_child(work)
        for said in told.splitlines():
            self.note(f"in a child: {said}")
        return killed

    def watch(self, note: Callable[[str], object], then: Watcher | None = None) -> Watcher:
        """Look at each message as its body goes out, and at Stripe after each session that is made."""
        created: set[int] = set()
        """The threads that have just asked for one: at their next moment it is there."""

        def watcher(kind: str, detail: object) -> None:
            if get_ident() in created:
                created.discard(get_ident())
                for said in self.too_many_sessions():
                    note(said)
            if kind == "stripe" and detail in {f"POST {SESSIONS}", f"POST {PAYMENT_LINKS}"}:
                created.add(get_ident())
            if kind == "mail":
                for said in self.wrong_mail(int(str(detail))):
                    note(said)
            if then is not None:
                then(kind, detail)

        return watcher

    def note(self, said: str) -> None:
        self.broken.append(said)

    # The world around it

    def later(self, delta: timedelta) -> None:
        """Let time pass: for the pipeline, at Stripe, and for what goes by PostgreSQL's own clock."""
        self.pipeline.much_later(delta)

    def sessions(self, order: int | None = None, status: str | None = None) -> list[Json]:
        return [
            s
            for s in self.pipeline.stand_in.sessions()
            if order in {None, order_of(s)} and status in {None, s["status"]}
        ]

    def links(self, order: int | None = None) -> list[Json]:
        """Payment links that can be opened and paid, told as sessions are."""
        return [
            link
            | {
                "status": "open",
                "payment_status": "unpaid",
                "payment_link": link["id"],
                "amount_total": link["lines"][0]["amount_total"],
            }
            for link in self.pipeline.stand_in.payment_links()
            if link["active"] and not is_used_up(link) and order in {None, order_of(link)}
        ]

    def all_links(self) -> dict[str, Json]:
        """All payment links, also those that are closed."""
        closed = {"status": "closed", "payment_link": None, "expires_at": None}
        every = {
            link["id"]: link | closed | {"amount_total": link["lines"][0]["amount_total"]}
            for link in self.pipeline.stand_in.payment_links()
        }
        return every | {link["id"]: link | {"expires_at": None} for link in self.links()}

    def visits(self, link: str) -> list[Json]:
        """What was completed through a payment link."""
        return [s for s in self.sessions() if s["payment_link"] == link and s["status"] == "complete"]

    def last_request(self) -> int:
        return max((request["seq"] for request in self.pipeline.stand_in.requests()), default=0)

    def visit(self, order: int, number: int) -> Json | None:
        """Let a parent open one of the payment links of an order; None where there is none."""
        links = self.links(order)
        if not links:
            return None
        with suppress(httpx.HTTPStatusError):  # used up
            return self.pipeline.stand_in.open_link(links[number % len(links)]["id"])
        return None

    def switch(self, order: int, number: int, *, active: bool) -> None:
        """Let a person switch one of an order's payment links on or off in Stripe's Dashboard."""
        links = [link for link in self.pipeline.stand_in.payment_links() if order_of(link) == order]
        if links:
            link = links[number % len(links)]
            self.switched_on |= {link["id"]} if active else set()
            with suppress(stripe.StripeError):  # a staged fault met the person's own call
                self.client.v1.payment_links.update(link["id"], {"active": active})

    @property
    def client(self) -> stripe.StripeClient:
        """Stripe, as a person or a network that is late asks it."""
        return self.pipeline.stripe_client()

    def pay(self, session: Json, *, slow: bool = False, amount: int | None = None) -> None:
        self.pipeline.stand_in.pay(session["id"], slow=slow, amount_total=amount)
        self.paid_since[session["id"]] = self.last_request()
        if slow:
            self.slow[session["id"]] = "processing"

    def end_slow(self, session_id: str, end: str) -> None:
        if end == "settled":
            self.pipeline.stand_in.settle(session_id)
        else:
            self.pipeline.stand_in.fail(session_id, canceled=end == "canceled")
        self.slow[session_id] = "settled" if end == "settled" else "failed"

    def change_status(self, order: int, status: str) -> None:
        """Let the club's people change an order; what was paid can only be refunded."""
        now = self.club.order_now(order)
        after = {"paid": {"refunded"}, "refunded": {"pending"}}
        if status not in after.get(now.status, {"pending", "cancelled", "waived", "cash"}):
            return
        if status == "refunded":
            rows = self.club.sql(
                "SELECT session_id FROM tournament_fees.payments WHERE order_id = :id AND finding = 'settled'", id=order
            )
            self.refunded |= {row.session_id for row in rows}
        if status == "cash":
            self.club.set_order(order, status="paid", payment_method="cash")
        else:
            self.club.set_order(order, status=status)

    def change_commitment(self, order: int) -> None:
        self.club.sql(
            "UPDATE player_teams"
            " SET commitment = CASE commitment WHEN 'committed' THEN 'withdrawn' ELSE 'committed' END"
            " WHERE player_id = (SELECT player_id FROM orders WHERE id = :id)",
            id=order,
        )

    def change_last_day(self, days: int | None) -> None:
        """Let the club move the payment deadline to so many days from now; None: there is none."""
        day = None if days is None else self.pipeline.clock().date() + timedelta(days=days)
        self.club.sql("UPDATE tournaments SET payment_deadline = :day", day=day)

    def change_product(self, order: int) -> None:
        """Let the club move an order to a product that no tournament has, or back."""
        now = self.club.order_now(order)
        self.club.set_order(order, product_id=NO_TOURNAMENTS if now.product_id == 1 else 1)

    def webhook(self, order: int) -> None:
        """Let the club's own system hear of a payment, as it does where its webhook works."""
        for session in self.sessions(order):
            if session["payment_status"] == "paid":
                self.club.sql(
                    "UPDATE orders SET status = 'paid', payment_method = 'card', stripe_payment_intent_id = :intent"
                    " WHERE id = :id AND status = 'pending' AND stripe_checkout_session_id = :session",
                    id=order,
                    intent=session["payment_intent"],
                    session=session["id"],
                )

    def club_session(self, order: int, amount: int, *, store: bool) -> None:
        with suppress(stripe.StripeError):  # a staged fault met the club's own call
            self.club.own_session(order, amount=amount, store=store)

    def release(self, order: int) -> None:
        """Let a person deal with what an order was set aside for."""
        with suppress(ConfigurationError):  # it is not
            release(self.pipeline.services.database, [order], released_by="Kim Doe", now=self.pipeline.clock())

    def dealt_with(self, order: int) -> set[str]:
        """Sessions of an order that a person has settled with its parent."""
        rows = self.club.sql(
            "SELECT session_id FROM tournament_fees.set_asides"
            " WHERE order_id = :id AND cleared_by = 'Kim Doe' AND reason LIKE 'paid%'",
            id=order,
        )
        return {row.session_id for row in rows}

    def deliver_late(self) -> None:
        """Let requests that a network lost on their way arrive after all, while they can."""
        now = self.pipeline.stand_in.now()
        lost = {
            request["idempotency_key"]
            for request in self.pipeline.stand_in.requests()
            if request["fault"] == "drop_before"
            and (request["method"], request["path"]) in {("POST", SESSIONS), ("POST", PAYMENT_LINKS)}
            and now - request["at"] < IN_FLIGHT.total_seconds()
        }
        client = self.client.v1
        rows = self.club.sql("SELECT idempotency_key, request FROM tournament_fees.checkout_attempts")
        for row in rows:
            if row.idempotency_key and str(row.idempotency_key) in lost:
                make = client.checkout.sessions.create if "mode" in row.request else client.payment_links.create
                with suppress(stripe.StripeError):
                    make(row.request, {"idempotency_key": str(row.idempotency_key)})
        for said in self.too_many_sessions():
            self.note(said)

    # What must hold

    def too_many_sessions(self) -> Iterable[str]:
        """The pipeline made one link at most, of either kind, through which an order can be, is being or was paid."""
        claims = {(order_of(s), link_of(s)) for s in self.sessions() + self.links() if is_ours(s) and self.is_claim(s)}
        made = Counter(order for order, link in claims if link not in self.switched_on)
        for order, count in made.items():
            if count > 1:
                yield f"order {order}: {count} links of ours can be or were paid"

    def is_claim(self, session: Json) -> bool:
        paid = session["payment_status"] == "paid" and session["id"] not in self.dealt_with(order_of(session))
        return session["status"] == "open" or paid or self.slow.get(session["id"]) == "processing"

    def wrong_mail(self, message_id: int) -> Iterable[str]:
        """A mailed link is open, at the order's price, with its promised life; and nobody is known to have paid."""
        rows = self.club.sql(
            "SELECT m.message_id, mo.order_id, mo.session_id, a.url"
            " FROM tournament_fees.messages m JOIN tournament_fees.message_orders mo ON mo.message_id = m.id"
            " LEFT JOIN tournament_fees.checkout_attempts a ON a.session_id = mo.session_id"
            " WHERE m.id = :id AND m.status = 'sending' AND mo.session_id IS NOT NULL",
            id=message_id,
        )
        policy, now = self.pipeline.services.keeper.policy, self.pipeline.stand_in.now()
        known = {session["id"]: session for session in self.sessions()} | self.all_links()
        for row in rows:
            session, order = known[row.session_id], self.club.order_now(row.order_id)
            self.mailed.setdefault(row.message_id, set()).add(row.url)
            crossed = session["status"] == "complete" and not self.was_read(session)
            crossed |= any(not self.was_read(visit) for visit in self.visits(row.session_id))
            if not (session["status"] == "open" or crossed) or order_of(session) != order.id:
                yield f"a mail for order {order.id} carries a link that is {session['status']}"
            if (session["amount_total"], session["currency"]) != (order.amount, order.currency.lower()):
                yield f"a mail for order {order.id} asks for {session['amount_total']}, not {order.amount}"
            if (session["expires_at"] or inf) - now < (policy.minimum_life - CHECK_LIFE).total_seconds():
                yield f"a mail for order {order.id} carries a link that dies soon"
            if order.status != "pending":
                yield f"a mail for order {order.id}, which is {order.status}"
            for payment in self.known_payments(order.id):
                yield f"a mail for order {order.id}, whose payment through {payment} we had read"

    def known_payments(self, order: int) -> Iterable[str]:
        """Payments, at once or slow and not failed, that a read of the pipeline's came after."""
        dealt_with = self.dealt_with(order)
        for session in self.sessions(order):
            in_vain = self.slow.get(session["id"]) == "failed" or session["id"] in dealt_with
            if self.was_read(session) and not in_vain:
                yield str(session["id"])

    def was_read(self, session: Json) -> bool:
        """Return True if the pipeline has read a session since it was paid, at once or slowly."""
        since, path = self.paid_since.get(session["id"]), f"{SESSIONS}/{session['id']}"
        requests = self.pipeline.stand_in.requests() if since is not None else []
        link = session["payment_link"]
        return any(
            r["seq"] > since
            and r["status"] == 200
            and (r["path"] == path or (link is not None and r["parameters"].get("payment_link") == link))
            for r in requests
        )

    def unheard_of(self) -> Iterable[str]:
        """Every session that the pipeline made is in its ledger, or in an attempt that the next run clears up."""
        rows = self.club.sql("SELECT session_id, idempotency_key, state FROM tournament_fees.checkout_attempts")
        known = {row.session_id for row in rows}
        pending = {str(row.idempotency_key) for row in rows if row.state in {"requested", "unknown"}}
        for session in [*self.sessions(), *self.links()]:
            if session["payment_link"] not in {None, session["id"]}:
                continue  # a parent made it, by a visit
            if is_ours(session) and session["id"] not in known and session["metadata"][ATTEMPT_KEY] not in pending:
                yield f"order {order_of(session)}: its session, which is {session['status']}, is not in the ledger"

    def false_payments(self) -> Iterable[str]:
        """What the pipeline calls paid through Stripe is paid there, for this order, and was not refunded."""
        sessions = {session["id"]: session for session in self.sessions()}
        settled = self.club.sql("SELECT order_id, session_id FROM tournament_fees.payments WHERE finding = 'settled'")
        for payment in settled:
            session = sessions[payment.session_id]
            if session["payment_status"] != "paid":
                yield f"order {payment.order_id} is called paid, its session is {session['payment_status']}"
            if order_of(session) != payment.order_id:
                yield f"order {payment.order_id} is called paid through another order's session"
        good = {payment.order_id for payment in settled if payment.session_id not in self.refunded}
        for order in self.club.sql("SELECT id FROM orders WHERE status = 'paid' AND payment_method = 'stripe'"):
            if order.id not in good:
                yield f"order {order.id} is called paid through no payment, or one that was refunded"

    def mailed_twice(self) -> Iterable[str]:
        """No message went out twice, and each says what the ledger has."""
        seen: Counter[str] = Counter()
        for message in self.first_mail.messages():
            name = str(message["Message-ID"])
            seen[name] += 1
            if seen[name] > 1:
                yield f"the message {name} was sent {seen[name]} times"
            if name in self.mailed and set(links_in(message)) != self.mailed[name]:
                yield f"the message {name} carries other links than the ledger has"
        orders = Counter(
            (row.campaign_id, order) for row in self.club.messages() if row.message_id in seen for order in row.orders
        )
        for (campaign, order), times in orders.items():
            if times > 1:
                yield f"order {order} was mailed {times} times in campaign {campaign}"

    def all_broken(self) -> list[str]:
        checks: Sequence[Callable[[], Iterable[str]]] = (self.false_payments, self.too_many_sessions)
        found = [said for check in checks for said in check()]
        if not self.workers:
            found += self.unheard_of()
        return self.broken + found

    # When the faults stop

    def settle(self) -> None:
        """End all faults, let what waits go on, let leases end: after one run everything is as it should be."""
        self.pipeline.stand_in.clear_faults()
        while self.workers:
            self.go_on(0)
        self.later(2 * IN_FLIGHT)
        while self.nobody_can_know_yet():
            self.later(TOO_LATE - KEY_LIFE)
        for job in get_args(Job):
            self.run(job)

    def nobody_can_know_yet(self) -> bool:
        """Whether an answer is missing whose key may be forgotten, and whose request Stripe may still take: a wait."""
        missing = "SELECT count(*) FROM tournament_fees.checkout_attempts WHERE state = 'requested'"
        old = f"{missing} AND request ? 'mode' AND requested_at BETWEEN :too_late AND :forgotten"
        now = self.pipeline.clock()
        return bool(self.club.one(old, too_late=now - TOO_LATE, forgotten=now - KEY_LIFE + timedelta(minutes=1)))

    def abandon(self) -> None:
        """Let every worker end."""
        self.pipeline.stand_in.clear_faults()
        for worker in self.workers:
            worker.go_on()
        self.workers.clear()

    def unsettled(self) -> list[str]:
        """What a run left undone, but for named set-asides and waits."""
        found = [*self.all_broken(), *self.mailed_twice()]
        attempts = self.club.sql(
            "SELECT order_id, state FROM tournament_fees.checkout_attempts WHERE state IN ('requested', 'unknown')"
        )
        found += [
            f"order {row.order_id}: an attempt is {row.state} still"
            for row in attempts
            if not self.shares_session(row.order_id)  # nothing of it is touched, see below
        ]
        for order in self.orders:
            found += [*self.outlived(order), *self.unsettled_order(order)]
        found += [
            f"a message is {row.status} ({row.reason})"
            for row in self.club.messages()
            if row.status not in {"sent", "skipped", "uncertain"} and not (row.status == "queued" and row.reason)
        ]
        writes = len(self.writes())
        self.run("refresh")
        if len(self.writes()) != writes:
            found.append("a second run had something left to write to Stripe")
        return found

    def writes(self) -> list[Json]:
        return [request for request in self.pipeline.stand_in.requests() if request["method"] == "POST"]

    def outlived(self, order_id: int) -> Iterable[str]:
        """A payment link that nothing will end."""
        detached = self.club.order_now(order_id).product_id == NO_TOURNAMENTS
        if (detached or self.is_over()) and not self.shares_session(order_id) and self.links(order_id):
            yield f"order {order_id} has a payment link that outlived its last day, or its tournament"

    def unsettled_order(self, order_id: int) -> Iterable[str]:
        rows = self.club.sql("SELECT * FROM orders WHERE id = :id", id=order_id)
        (order,) = rows
        known = self.sessions(order_id)
        links = self.links(order_id)
        open_now = [*links, *(s for s in known if s["status"] == "open" and s["payment_link"] not in ids_of(links))]
        paid = [s for s in known if s["payment_status"] == "paid" and s["id"] not in self.dealt_with(order_id)]
        slow = [s for s in known if self.slow.get(s["id"]) == "processing"]
        aside = self.club.set_aside(order_id)
        noted = {row.session_id for row in self.club.sql("SELECT session_id FROM tournament_fees.payments")}
        if order.product_id == NO_TOURNAMENTS or self.shares_session(order_id):
            return  # the one ends by itself; of the other only a person can say which order it is for, so it stays
        if len(open_now) > 1:
            yield f"order {order_id} has {len(open_now)} open sessions"
        if open_now and (slow or paid):
            yield f"order {order_id} has an open session beside a payment"
        if open_now and not self.is_owed(order):
            yield f"order {order_id} is not owed and has an open session"
        for session in paid:
            if session["id"] not in noted and not aside:
                yield f"order {order_id} was paid through {session['id']}, and nobody has noted it"
        if order.status == "pending" and paid and not aside:
            yield f"order {order_id} is paid at Stripe, not in the club's table, and nobody is told"
        if self.is_owed(order) and not (slow or paid or aside or self.is_over()):
            right = [
                s["id"]
                for s in open_now
                if (s["id"], s["url"]) == (order.stripe_checkout_session_id, order.stripe_checkout_url)
                and (s["amount_total"], s["currency"]) == (order.amount, order.currency.lower())
            ]
            if not right:
                yield f"order {order_id} is owed and cannot be paid"

    def shares_session(self, order_id: int) -> bool:
        """Whether another order stores the same session; it may be set aside for something else since before."""
        stored = "SELECT count(*) FROM orders WHERE stripe_checkout_session_id = :session"
        session = self.club.order_now(order_id).stripe_checkout_session_id
        return bool(self.club.one(stored, session=session) > 1)

    def is_over(self) -> bool:
        """Whether the last day to pay is over."""
        (tournament,) = self.club.sql("SELECT payment_deadline AS day FROM tournaments")
        ends = closing(tournament.day, None, "UTC")
        return ends is not None and ends <= self.pipeline.clock()

    def is_owed(self, order: Any) -> bool:  # noqa: ANN401  a row
        committed = self.club.one("SELECT commitment FROM player_teams WHERE player_id = :id", id=order.player_id)
        return bool(order.status == "pending" and committed == "committed")


def campaign(services: Services, sequence: int) -> None:
    """Do what the flow tournament-fees does, but for its check of templates, servers and rights."""
    kind: Any = "payment_link" if sequence == 2 else "checkout_session"
    opened = open_campaign(services, CUP, "fee_notice", CampaignOptions(sequence=sequence, link_kind=kind))
    sweep(services, opened)
    for batch in plan_batches(services, opened, CampaignOptions().at_most):
        deliver_batch(services, opened, batch, None)
    summarize(services, opened, None)


def refresh(services: Services, kind: Any) -> None:  # noqa: ANN401  of a form
    """Do what the flow refresh-checkout-links does, the orders one after the other: a thread pool's order varies."""
    options = RefreshOptions(renew=True, link_kind=kind)
    prepare_refresh(services, options)
    for batch in plan_refresh(services, options):
        charges = find_charges(services.database, batch.order_ids, "UTC", now=services.clock())
        services.stripe_lists.look_for(list(charges), mailing=False)
        for order_id, charge in charges.items():
            with suppress(TransientError):
                services.keeper.ensure_link(order_id, charge, mailing=False, kind=LinkKind(kind))
