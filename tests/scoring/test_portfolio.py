"""The report of a book against cases worked by hand, as tables; amounts in fen, and every table adds up to the book."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from importlib.resources import files

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from data_contracts.reference.dated import load_book
from scoring.credit.term_structure import term_structure
from scoring.monitoring.delinquency import Due
from scoring.portfolio.breakdown import breakdown, by_grade, by_obligor, by_product, concentration, look_through
from scoring.portfolio.course import TO, at_month_end, month_ends, roll_rates
from scoring.portfolio.limits import limits_used
from scoring.portfolio.loans import Borrower, Loan, Rating, outstanding_minor, position
from scoring.portfolio.operating import operating_course
from scoring.portfolio.report import Book, portfolio
from scoring.portfolio.vintages import vintages
from scoring.supply_chain.receivables.eligibility import months_after

VALUES = load_book(files("scoring") / "monitoring" / "parameters").at(date(2018, 1, 1))
GRANTED = date(2025, 1, 15)


def loan(
    name: str,
    *,
    paid: int,
    due: int,
    obligor: str = "A",
    product: str = "working_capital",
    granted: date = GRANTED,
    amount: int = 1_200_000,
    lgd: float = 0.4,
) -> Loan:
    """Twelve monthly instalments without interest, `due` of which fell due and the first `paid` were paid on the day."""
    each = amount // 12
    days = [months_after(granted, month) for month in range(1, due + 1)]
    dues = [
        Due(due_on=day, amount_minor=each, payments=[(day, each)] if number < paid else [])
        for number, day in enumerate(days)
    ]
    return Loan(
        facility_id=name, obligor_id=obligor, product=product, granted_on=granted, amount_minor=amount,
        annual_rate=0.0, instalments=12, dues=dues, lgd=lgd,
    )  # fmt: skip


def rated(*ratings: tuple[date, float, str], **more: object) -> Borrower:
    told = [Rating(day=day, pd_12m=pd, rating_grade=grade) for day, pd, grade in ratings]
    return Borrower(ratings=told, **more)  # type: ignore[arg-type]


# paid  due  day                 outstanding  overdue  days  bucket         stage
POSITIONS = [
    (0,  0,  date(2025, 1, 14),          0,         0,    0, "current",        1),  # not granted yet
    (0,  0,  date(2025, 1, 15),  1_200_000,         0,    0, "current",        1),
    (3,  3,  date(2025, 5,  1),    900_000,         0,    0, "current",        1),
    (3,  4,  date(2025, 5, 25),    900_000,   100_000,   10, "early",          1),
    (3,  4,  date(2025, 6, 14),    900_000,   100_000,   30, "substandard",    2),
    (3,  5,  date(2025, 7, 20),    900_000,   200_000,   66, "doubtful",       2),
    (3,  6,  date(2025, 8, 13),    900_000,   300_000,   90, "defaulted",      3),
    (12, 12, date(2026, 1, 15),          0,         0,    0, "current",        1),
]  # fmt: skip


@pytest.mark.parametrize(("paid", "due", "day", "outstanding", "overdue", "days", "bucket", "stage"), POSITIONS)
def test_a_loan_on_a_day(
    paid: int, due: int, day: date, outstanding: int, overdue: int, days: int, bucket: str, stage: int
) -> None:
    found = position(loan("L", paid=paid, due=due), rated((GRANTED, 0.02, "R5")), day, values=VALUES)
    state = found.arrears
    assert (found.outstanding_minor, state.overdue_minor, state.days_past_due) == (outstanding, overdue, days)
    assert (state.bucket.value, int(found.hint.stage)) == (bucket, stage)


# pd at grant, pd now, paid and due, the loss expected of 900,000 at an LGD of 0.4
LOSSES = [
    (0.02, 0.02, 3, 3, round(0.02 * 0.4 * 900_000)),   # stage 1: twelve months
    (0.02, 0.05, 3, 3, round(0.05 * 0.4 * 900_000)),   # stage 2, risen: nine months are left, and twelve are counted
    (0.02, 0.02, 3, 6, round(0.4 * 900_000)),          # stage 3: the default has come
]  # fmt: skip


@pytest.mark.parametrize(("granted", "now", "paid", "due", "loss"), LOSSES)
def test_the_loss_of_each_stage(granted: float, now: float, paid: int, due: int, loss: int) -> None:
    day = date(2025, 8, 13)
    borrower = rated((GRANTED, granted, "R5"), (date(2025, 4, 1), now, "R7"))
    assert position(loan("L", paid=paid, due=due), borrower, day, values=VALUES).hint.expected_loss_minor == loss


def test_interest_is_no_repayment() -> None:
    """1,000,000 at 12 % in two instalments of 507,512: of the first 10,000 is interest, 502,488 are left."""
    dues = [Due(due_on=date(2025, 2, 15), amount_minor=507_512, payments=[(date(2025, 2, 15), 507_512)])]
    lent = Loan(
        facility_id="L", obligor_id="A", product="p", granted_on=GRANTED, amount_minor=1_000_000,
        annual_rate=0.12, instalments=2, dues=dues, lgd=0.4,
    )  # fmt: skip
    assert outstanding_minor(lent, date(2025, 2, 15)) == 502_488


def test_lines_by_product_and_grade() -> None:
    day = date(2025, 4, 20)
    held = [
        position(loan("1", paid=3, due=3), rated((GRANTED, 0.01, "R4")), day, values=VALUES),
        position(loan("2", paid=0, due=3, obligor="B"), rated((GRANTED, 0.04, "R9")), day, values=VALUES),
        position(loan("3", paid=3, due=3, obligor="C", product="finance_lease"), Borrower(), day, values=VALUES),
    ]
    lines = {line.key: line for line in breakdown(held, by_product)}
    capital = lines["working_capital"]
    assert (capital.facilities, capital.obligors, capital.outstanding_minor) == (2, 2, 900_000 + 1_200_000)
    assert (capital.overdue_minor, capital.unrated_minor) == (300_000, 0)
    assert capital.mean_pd == pytest.approx((0.01 * 900_000 + 0.04 * 1_200_000) / 2_100_000)
    lease = lines["finance_lease"]
    assert (lease.unrated_minor, lease.expected_loss_minor, lease.mean_pd) == (900_000, 0, None)
    assert [line.key for line in breakdown(held, by_grade)] == ["R4", "R9", "unknown"]


def test_core_enterprises_are_looked_through_to_the_fen() -> None:
    """1,000 over thirds of X, Y and Z: 334, 333 and 333; what no sale explains stands as unknown."""
    day = GRANTED
    third = Decimal(1) / 3
    borrowers = {"A": Borrower(buyer_shares={"X": third, "Y": third, "Z": third}), "B": Borrower()}
    held = [
        position(loan("1", paid=0, due=0, amount=1_000), borrowers["A"], day, values=VALUES),
        position(loan("2", paid=0, due=0, amount=500, obligor="B"), borrowers["B"], day, values=VALUES),
    ]
    assert look_through(held, borrowers) == {"X": 334, "Y": 333, "Z": 333, "unknown": 500}


def test_concentration_by_hand() -> None:
    found = concentration({"a": 50, "b": 30, "c": 15, "d": 5}, largest=2)
    assert found.hhi == pytest.approx(0.25 + 0.09 + 0.0225 + 0.0025)
    assert found.equal_names == pytest.approx(1 / 0.365)
    assert [(item.name, item.outstanding_minor) for item in found.largest] == [("a", 50), ("b", 30), ("others", 20)]
    assert concentration({}, largest=2).hhi is None


def test_vintages_by_hand() -> None:
    """Of three loans of the first quarter one defaults 90 days after its first instalment (2025-05-16, within two
    quarters of its grant); another's borrower defaults in the eleventh month. The second quarter's is too young."""
    lent = [
        loan("1", paid=0, due=4),
        loan("2", paid=11, due=11, obligor="B", amount=2_400_000),
        loan("3", paid=11, due=11, obligor="C"),
        loan("4", paid=6, due=6, obligor="D", granted=date(2025, 5, 10)),
    ]
    borrowers = {"B": Borrower(defaults=[date(2025, 12, 1)]), "C": Borrower(defaults=[date(2024, 6, 1)])}
    first, second = vintages(lent, borrowers, as_of=date(2026, 1, 20), values=VALUES)
    assert (first.quarter, first.loans, first.amount_minor) == ("2025Q1", 3, 4_800_000)
    assert first.defaulted_loans == [0, 1, 1, 2]
    assert first.defaulted_minor == [0, 1_200_000, 1_200_000, 3_600_000]
    assert first.cumulative_rates == (0.0, 0.25, 0.25, 0.75)
    assert (second.quarter, second.defaulted_loans) == ("2025Q2", [0, 0])


def test_rolls_by_hand() -> None:
    """From 30 April to 31 May: one loan stays current, one is repaid, one rolls from early to substandard."""
    borrower = Borrower()
    lent = [
        loan("1", paid=4, due=4),
        loan("2", paid=12, due=12, granted=date(2024, 5, 20)),
        loan("3", paid=2, due=4),
    ]
    course = [
        [position(item, borrower, day, values=VALUES) for item in lent]
        for day in (date(2025, 4, 30), date(2025, 5, 31))
    ]
    rolls = {roll.stage: roll for roll in roll_rates(course)}
    moved = {stage: dict(zip(TO, roll.to_loans, strict=True)) for stage, roll in rolls.items()}
    assert moved["current"] == {**dict.fromkeys(TO, 0), "current": 1, "repaid": 1}
    assert moved["early"] == {**dict.fromkeys(TO, 0), "substandard": 1}
    assert rolls["current"].rates == (0.5, 0, 0, 0, 0, 0.5)
    assert rolls["early"].outstanding_minor == 1_000_000


# as of                 two months' ends before
ENDS = [
    (date(2025, 3, 31), [date(2025, 2, 28), date(2025, 3, 31)]),
    (date(2025, 3, 30), [date(2025, 1, 31), date(2025, 2, 28)]),
    (date(2024, 3, 1), [date(2024, 1, 31), date(2024, 2, 29)]),
]


@pytest.mark.parametrize(("as_of", "ends"), ENDS)
def test_months_that_are_over(as_of: date, ends: list[date]) -> None:
    assert month_ends(as_of, 2) == ends


def test_a_firm_that_joins_moves_no_index() -> None:
    """Firm 1 works half of its time, then 0.4, then 0.5 of it; firm 2 joins in the second month and works all."""
    hours = 3600.0 * np.array([[100.0, 100, 100], [0, 100, 100]])
    busy = 3600.0 * np.array([[50.0, 40, 50], [0, 100, 100]])
    machines = np.array([[2, 2, 2], [0, 3, 3]])
    first, second, third = operating_course(busy, hours, machines, months=["01", "02", "03"])
    assert (first.index, second.index) == (100.0, pytest.approx(80.0))
    assert third.index == pytest.approx(80.0 * (150 / 200) / (140 / 200))
    assert (second.firms, second.machines, second.matched_firms) == (2, 5, 1)
    assert (second.operating_rate, second.observed_hours) == (pytest.approx(0.7), pytest.approx(200.0))


def test_an_index_that_cannot_be_carried_on_ends() -> None:
    hours = np.array([[1.0, 0, 1.0]])
    course = operating_course(hours / 2, hours, np.array([[1, 0, 1]]), months=["01", "02", "03"])
    assert [line.index for line in course] == [100.0, None, None]


def test_limits_used_by_hand() -> None:
    held = [
        position(loan("1", paid=0, due=0), Borrower(), GRANTED, values=VALUES),
        position(loan("2", paid=0, due=0, obligor="B"), Borrower(), GRANTED, values=VALUES),
    ]
    lines = limits_used(held, {("A", "working_capital"): 1_000_000, ("C", "inventory"): 500})
    assert [(line.obligor_id, line.limit_utilization_ratio, line.over_minor) for line in lines] == [
        ("A", 1.2, 200_000),
        ("C", 0.0, 0),
        ("B", None, 0),
    ]


loans = st.builds(
    lambda number, amount, due, paid, obligor, product, months: loan(
        f"L{number}", paid=min(paid, due), due=due, obligor=obligor, product=product,
        granted=months_after(date(2024, 1, 15), months), amount=12 * amount,
    ),
    st.integers(0, 10**9), st.integers(1, 10**7), st.integers(0, 12), st.integers(0, 12),
    st.sampled_from("ABC"), st.sampled_from(["working_capital", "finance_lease"]), st.integers(0, 18),
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@example([loan("L0", paid=0, due=0, granted=date(2025, 7, 15), amount=12)])  # nothing was lent by the day
@given(st.lists(loans, min_size=1, max_size=6, unique_by=lambda item: item.facility_id))
def test_every_table_adds_up_to_the_book(lent: list[Loan]) -> None:
    borrowers = {
        "A": rated((date(2024, 1, 1), 0.03, "R7"), buyer_shares={"X": Decimal("0.37"), "Y": Decimal("0.63")}),
        "B": Borrower(industry="34"),
    }
    book = Book(currency="CNY", loans=lent, borrowers=borrowers, limits={}, clusters={})
    found = portfolio(book, day=date(2025, 6, 30), months=4, largest=1, values=VALUES)
    whole = found.whole.outstanding_minor
    for lines in (found.by_product, found.by_grade, found.by_industry):
        assert sum(line.outstanding_minor for line in lines) == whole
        assert sum(line.overdue_minor for line in lines) == found.whole.overdue_minor
        assert sum(line.expected_loss_minor for line in lines) == found.whole.expected_loss_minor
        assert sum(line.unrated_minor for line in lines) == found.whole.unrated_minor
    for names in (found.core_enterprises, found.obligors):
        assert sum(item.outstanding_minor for item in names.largest) == whole
    assert sum(line.outstanding_minor for line in found.limits) == whole
    for month in found.months:
        assert sum(month.stage_minor) == month.outstanding_minor
    assert (found.months[-1].outstanding_minor if found.months else 0) == whole  # the day is a month's end
    assert bool(found.months) == any(item.granted_on <= found.day for item in lent)
    for roll in found.rolls:
        assert sum(roll.to_minor) == roll.outstanding_minor
        assert sum(roll.rates) == pytest.approx(1.0)
    granted = sum(item.amount_minor for item in lent if item.granted_on <= found.day)
    assert sum(item.amount_minor for item in found.vintages) == granted


def test_what_comes_after_the_day_changes_nothing() -> None:
    lent = [loan("1", paid=4, due=4), loan("2", paid=1, due=3, obligor="B")]
    later = [
        loan("1", paid=9, due=9),
        loan("2", paid=3, due=3, obligor="B"),
        loan("3", paid=0, due=0, granted=date(2026, 1, 1)),
    ]
    later[1] = _paid_late(later[1])
    day = date(2025, 5, 30)
    books = [Book(currency="CNY", loans=items, borrowers={}, limits={}, clusters={}) for items in (lent, later)]
    first, second = (portfolio(book, day=day, months=3, largest=3, values=VALUES) for book in books)
    assert first == second
    assert at_month_end([position(lent[0], Borrower(), day, values=VALUES)]).outstanding_minor == 800_000
    assert by_obligor([position(lent[0], Borrower(), day, values=VALUES)]) == {"A": 800_000}


def _paid_late(lent: Loan) -> Loan:
    """The second and third instalment of a loan paid after the day that is looked at."""
    dues = [
        Due(due_on=due.due_on, amount_minor=due.amount_minor,
            payments=due.payments if number < 1 else [(date(2025, 6, 1) + timedelta(days=number), due.amount_minor)])
        for number, due in enumerate(lent.dues)
    ]  # fmt: skip
    return Loan(**{name: getattr(lent, name) for name in Loan.__dataclass_fields__} | {"dues": dues})


def test_a_book_in_which_a_default_is_certain_adds_up() -> None:
    """Of a PD of 1 - 1e-12 a year the life's is 1 to the last bit: its loss is what is owed times loss given default."""
    sure = loan("L", paid=0, due=0)
    long = Loan(**{name: getattr(sure, name) for name in Loan.__dataclass_fields__} | {"instalments": 60})
    borrower = rated((GRANTED, 0.02, "R5"), (GRANTED + timedelta(days=1), 1 - 1e-12, "R13"))
    day = GRANTED + timedelta(days=2)
    assert term_structure(1 - 1e-12, None).pd(60) == 1.0
    found = position(long, borrower, day, values=VALUES)
    assert int(found.hint.stage) == 2
    assert found.hint.expected_loss_minor == 480_000  # 0.4 x 1,200,000
    book = Book(currency="CNY", loans=[long], borrowers={"A": borrower}, limits={}, clusters={})
    told = portfolio(book, day=day, months=1, largest=1, values=VALUES)
    assert told.whole.expected_loss_minor == sum(line.expected_loss_minor for line in told.by_grade) == 480_000
