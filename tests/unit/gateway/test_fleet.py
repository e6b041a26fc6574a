"""What is told of the processes behind the gateway."""

from services.gateway.fleet import merged
from shared.credentials import STORING_SERVICES
from tests.unit.gateway.neighbours import Neighbours, running_gateway

ONE = """# HELP posts_total Posts.
# TYPE posts_total counter
posts_total 3.0
# HELP seconds Seconds.
# TYPE seconds histogram
seconds_bucket{le="1.0"} 2.0
seconds_sum 1.5
"""
OTHER = """# HELP posts_total Posts.
# TYPE posts_total counter
posts_total{kind="a b"} 4.0
"""


def test_the_samples_of_a_family_stand_together_each_with_its_process() -> None:
    assert (
        merged([("one", ONE), ("other", OTHER)])
        == """# HELP posts_total Posts.
# TYPE posts_total counter
posts_total{process="one"} 3.0
posts_total{process="other",kind="a b"} 4.0
# HELP seconds Seconds.
# TYPE seconds histogram
seconds_bucket{process="one",le="1.0"} 2.0
seconds_sum{process="one"} 1.5
"""
    )


async def test_without_nats_it_is_not_ready_and_says_what_is_missing() -> None:
    neighbours = Neighbours()
    neighbours.connected = False
    async with running_gateway(neighbours) as running:
        answer = await running.client.get("/readyz")
        assert (answer.status_code, answer.json()) == (
            503,
            {
                "ready": False,
                "dependencies": {
                    "nats": {"ok": False, "detail": "not connected"},
                    "valkey": {"ok": False, "detail": "ATRIUM_REDIS_URL is not set"},
                    "store": {"ok": True},
                    "postgres": {"ok": False, "detail": "no service that uses it answers"},
                },
                "services": {name: {"ok": False, "detail": "does not answer"} for name in STORING_SERVICES},
            },
        )
