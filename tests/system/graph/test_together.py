"""People who link, unlink and delete the same things at the same time."""

import asyncio
import random

from shared.identifiers import new_id
from tests.system.house import House
from tests.system.people import Json, Person, expect, refusal
from tests.system.projects.team import Team, team_of

ROUNDS, TASKS, DELETED = 25, 8, 3


class Doer:
    """One of those who work on the same tasks; keeps what was answered."""

    def __init__(self, team: Team, person: Person, tasks: list[Json]) -> None:
        self.team, self.person, self.tasks = team, person, tasks
        self.made: list[Json] = []
        self.found: list[Json] = []
        self.unlinked: set[str] = set()
        self.deleted: set[str] = set()

    async def work(self, seed: int) -> None:
        chance = random.Random(seed)
        for turn in range(ROUNDS):
            await self.link(*chance.sample(self.tasks, 2))
            if chance.random() < 0.6 and (known := self.made + self.found):
                await self.unlink(chance.choice(known))
            if turn >= ROUNDS - DELETED:
                await self.delete(self.tasks[ROUNDS - 1 - turn])

    async def link(self, source: Json, target: Json) -> None:
        ends = {"sourceType": "TASK", "sourceId": source["id"], "targetType": "TASK", "targetId": target["id"]}
        answer = await self.person.post(self.team.at("links"), ends)
        if answer.status_code == 422:
            assert refusal(answer) == (422, "link_end_not_found"), "an end was deleted"
        else:
            (self.made if answer.status_code == 201 else self.found).append(expect(answer, 201 if answer.status_code == 201 else 200))

    async def unlink(self, link: Json) -> None:
        answer = await self.person.delete(self.team.at("links", link["id"]))
        if answer.status_code == 404:
            assert refusal(answer) == (404, "artifact_link_not_found"), "an end was deleted"
        else:
            expect(answer, 204)
            self.unlinked.add(link["id"])

    async def delete(self, task: Json) -> None:
        expect(await self.person.delete(self.team.at("tasks", task["id"])), 204)
        self.deleted.add(task["id"])


async def test_what_two_people_link_unlink_and_delete_at_once_is_for_both_as_they_were_told(house: House) -> None:
    team = await team_of(house)
    tasks = [expect(await team.owner.post(team.at("tasks"), {"title": f"Task {place}"}), 201) for place in range(TASKS)]
    doers = [Doer(team, person, tasks) for person in (team.owner, team.maintainer)]
    await asyncio.gather(*(doer.work(seed) for seed, doer in enumerate(doers)))

    made = [link for doer in doers for link in doer.made]
    gone = set.union(*(doer.unlinked for doer in doers))
    deleted = doers[0].deleted
    assert deleted == doers[1].deleted == {task["id"] for task in tasks[:DELETED]}
    assert len({link["id"] for link in made}) == len(made), "each is made once"
    assert {link["id"] for doer in doers for link in doer.found} <= {link["id"] for link in made}
    left = {link["id"]: (link["sourceId"], link["targetId"]) for link in made if link["id"] not in gone}
    there = {link: ends for link, ends in left.items() if not deleted & set(ends)}
    assert len(set(there.values())) == len(there), "no two are the same"
    for person in (team.owner, team.member):
        listed = expect(await person.get(team.at("links"), limit=200), 200)["links"]
        assert {link["id"]: (link["sourceId"], link["targetId"]) for link in listed} == there
        for task in tasks:
            found = await person.get(f"/api/graph/task/{task['id']}/related")
            if task["id"] in deleted:
                assert refusal(found) == (404, "artifact_not_found")
            else:
                others = {one for ends in there.values() if task["id"] in ends for one in ends} - {task["id"]}
                assert {one["id"] for one in expect(found, 200)["related"]} == others
    assert refusal(await team.stranger.get(team.at("links"))) == (404, "project_not_found")
    assert refusal(await team.owner.get(f"/api/graph/task/{new_id()}/related")) == (404, "artifact_not_found")
