"""Who is where, in Valkey, for all gateways (spec 4, Redis Keys): what a killed gateway has left there is over by itself.

`presence:project:<id>`, `presence:file:<id>`, `presence:page:<id>`: sets of users, and `presence:workspace:<id>`, those who are connected.
`presence:at:<place>:<user>`: their connections there, each with how its user is. `presence:expiries`: when each of these is over, unless it
is said again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched
from typing import NamedTuple
from uuid import UUID

from shared.contracts.gateway.presence import Presence
from shared.valkey import OptionalValkey

LASTS = 60.0
"""Seconds that an entry lasts which nobody renews."""
TOGETHER = 200

_BEGIN = """
local time = redis.call('TIME') local now = time[1] * 1000 + math.floor(time[2] / 1000)
local expiries, changed = 'presence:expiries', {}
local function state(at)
  local found = 'offline'
  for _, each in ipairs(redis.call('HVALS', at)) do
    if each == 'online' then return each end
    found = each
  end
  return found
end
local function set(place, user, connection, how)
  local at, all = 'presence:at:' .. place .. ':' .. user, 'presence:' .. place
  local entry, before = place .. ' ' .. user .. ' ' .. connection, state(at)
  if how then
    local lasts = tonumber(ARGV[1])
    redis.call('HSET', at, connection, how)
    redis.call('SADD', all, user)
    redis.call('ZADD', expiries, now + lasts, entry)
    for _, key in ipairs({at, expiries}) do redis.call('PEXPIRE', key, 2 * lasts) end
    redis.call('PEXPIRE', all, lasts)
  else
    redis.call('HDEL', at, connection)
    redis.call('ZREM', expiries, entry)
  end
  local after = state(at)
  if after == 'offline' then redis.call('SREM', all, user) end
  if after ~= before then table.insert(changed, place .. ' ' .. user) end
end
"""
_ENTER = f"{_BEGIN} for i = 2, #ARGV, 4 do set(ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]) end return changed"
_LEAVE = f"{_BEGIN} for i = 2, #ARGV, 3 do set(ARGV[i], ARGV[i + 1], ARGV[i + 2], nil) end return changed"
_SWEEP = f"""{_BEGIN}
for _, entry in ipairs(redis.call('ZRANGE', expiries, '-inf', now, 'BYSCORE', 'LIMIT', 0, ARGV[1])) do
  local place, user, connection = string.match(entry, '(%S+) (%S+) (%S+)')
  set(place, user, connection, nil)
end
return changed
"""
_STATES = f"{_BEGIN} local states = {{}} for i, at in ipairs(KEYS) do states[i] = state(at) end return states"


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody can be. kind: `workspace`, `project`, `file` or `page`."""

    kind: str
    id: UUID

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"

    @classmethod
    def read(cls, text: str) -> "Place":
        kind, _, key = text.partition(":")
        return cls(kind, UUID(key))


class There(NamedTuple):
    """A user at a place."""

    place: Place
    user_id: UUID


class Entry(NamedTuple):
    """A connection of a user at a place."""

    place: Place
    user_id: UUID
    connection: str


class Register:
    """What changes something answers who is there otherwise than before: of all gateways, one hears it. What is read is None while Valkey
    is away.

    away: whether not all of the last change was taken.
    """

    def __init__(self, valkey: OptionalValkey, lasts: float = LASTS) -> None:
        self._valkey, self._lasts = valkey, int(lasts * 1000)
        self.away = False

    async def enter(self, entries: Sequence[tuple[Entry, Presence]]) -> list[There]:
        """They are there, or still there."""
        args = [[str(one.place), str(one.user_id), one.connection, how.value] for one, how in entries]
        return await self._change(_ENTER, args)

    async def leave(self, entries: Sequence[Entry]) -> list[There]:
        return await self._change(_LEAVE, [[str(one.place), str(one.user_id), one.connection] for one in entries])

    async def sweep(self) -> list[There]:
        """End what nobody has renewed."""
        found: list[bytes] | None = await self._valkey.run(_SWEEP, [], [TOGETHER])
        self.away = found is None
        return [_there(one) for one in found or ()]

    async def users(self, place: Place) -> frozenset[UUID] | None:
        found: list[bytes] | None = await self._valkey.run("return redis.call('SMEMBERS', KEYS[1])", [f"presence:{place}"], [])
        return None if found is None else frozenset(UUID(user.decode()) for user in found)

    async def states(self, who: Sequence[There]) -> list[Presence] | None:
        """How they are, in their order."""
        states: list[Presence] = []
        for some in batched(who, TOGETHER):
            keys = [f"presence:at:{one.place}:{one.user_id}" for one in some]
            found: list[bytes] | None = await self._valkey.run(_STATES, keys, [])
            if found is None:
                return None
            states += [Presence(state.decode()) for state in found]
        return states

    async def _change(self, script: str, args: Sequence[Sequence[str]]) -> list[There]:
        changed: list[There] = []
        for some in batched(args, TOGETHER):
            found: list[bytes] | None = await self._valkey.run(script, [], [self._lasts, *(arg for one in some for arg in one)])
            self.away = found is None
            if found is None:
                break
            changed += [_there(one) for one in found]
        return changed


def _there(text: bytes) -> There:
    place, _, user = text.decode().partition(" ")
    return There(Place.read(place), UUID(user))
