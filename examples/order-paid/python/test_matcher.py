from eventlatch_sdk.testing import Bench, Outcome
from matcher import OrderPaid

WANTED = {"order": "o-17", "at_least": 100.0}


def judge(order: str, amount: float, paid_at: str) -> Outcome:
    message = {"order": order, "amount": amount, "paid_at": paid_at}
    return Bench.of(OrderPaid).judge(WANTED, message, "2019-07-07 09:00:00")


def test_a_payment_of_today_that_is_enough_fulfils() -> None:
    assert judge("o-17", 100.0, "2019-07-07 08:00:00") == Outcome.fulfilled()
    assert judge("o-18", 100.0, "2019-07-07 08:00:00") == Outcome.other()
    assert judge("o-17", 99.5, "2019-07-07 08:00:00") == Outcome.refused("99.5 is less than 100.0")
    assert judge("o-17", 100.0, "2019-07-06 08:00:00").kind == "refused"


def test_malformed_messages_are_rejected() -> None:
    bench = Bench.of(OrderPaid, {"smallest": 0.01})
    free = bench.reject({"order": "o-17", "amount": 0.0, "paid_at": 1562486400})
    assert free == "field `amount` must be at least 0.01"
    assert bench.reject({"order": "o-17", "amount": 1.0}) is not None
