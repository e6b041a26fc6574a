"""A setting that is wrong is told at the start, in a line that says what to do. A server that is away keeps nobody from starting."""

import asyncio
import json
import os
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from minio import Minio

from shared.application import CannotStart
from shared.identifiers import new_id
from shared.store.opening import store_of
from shared.store.settings import StoreSettings
from shared.store.store import Store, StoreIsAway
from tests.processes import HOST
from tests.proxies import Proxy
from tests.stores import ACCESS_KEY, SECRET_KEY, S3Server, s3_program

USER, USERS_KEY = "somebody", "a key of somebody's"


async def test_those_that_start_at_once_do_not_stumble_over_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touched = Path.touch

    def touched_and_cleared_away_by_another(path: Path) -> None:
        touched(path)
        path.unlink()

    monkeypatch.setattr(Path, "touch", touched_and_cleared_away_by_another)
    await opened({"store": f"file://{tmp_path}"})


def bucket() -> str:
    return f"b{new_id().hex}"


async def opened(settings: dict[str, str]) -> None:
    await store_of(StoreSettings.model_validate(settings)).open()


def administrator(server: S3Server) -> Minio:
    return Minio(server.endpoint.removeprefix("http://"), ACCESS_KEY, SECRET_KEY, secure=False)


async def refused(settings: dict[str, str]) -> str:
    """What is said; one line."""
    with pytest.raises(CannotStart) as found:
        await opened(settings)
    assert "\n" not in str(found.value)
    return str(found.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"s3_secret_key": "another"}, "check ATRIUM_S3_SECRET_KEY"),
        ({"s3_access_key": "another"}, "check ATRIUM_S3_ACCESS_KEY"),
        ({"s3_region": "eu-west-1"}, "check ATRIUM_S3_REGION"),
        ({"s3_endpoint": f"https://{HOST}:1/path"}, "ATRIUM_S3_ENDPOINT is no address"),
        ({"s3_public_endpoint": "files.example"}, "ATRIUM_S3_PUBLIC_ENDPOINT is no address"),
        ({"store": "s3://No_Bucket"}, "It has 3 to 63 small letters"),
    ],
)
async def test_what_is_wrong_is_said_with_what_mends_it(wrong: dict[str, str], said: str, s3: S3Server) -> None:
    assert said in await refused(s3.settings(bucket()) | wrong)


async def test_a_server_that_still_comes_up_is_waited_for(s3: S3Server) -> None:
    proxy = Proxy(s3.endpoint)
    await proxy.start()
    error = b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>InternalError</Code><Message>Please try again.</Message></Error>'
    head = b"HTTP/1.1 500 Internal Server Error\r\ncontent-type: application/xml\r\ncontent-length: %d\r\nconnection: close\r\n\r\n"
    proxy.refusals = [head % len(error) + error] * 3
    await opened(s3.settings(bucket()) | {"s3_endpoint": proxy.url})
    assert proxy.refusals == []
    await proxy.stop()


async def test_a_server_that_is_away_at_the_start_is_used_once_it_is_there(tmp_path: Path) -> None:
    server = S3Server(tmp_path)
    store = store_of(StoreSettings.model_validate(server.settings(bucket())))
    async with asyncio.timeout(10):
        await store.open()
    for attempt in (store.write("files/a", hello()), store.size("files/a"), all_of(store, "files/a"), store.move("files/a", "files/b")):
        with pytest.raises(StoreIsAway):
            await attempt
    health = await store.health()
    assert (health.ok, health.needed, (health.detail or "").startswith(server.endpoint)) == (False, False, True)
    await server.start()
    try:
        assert (await store.health()).ok
        await store.write("files/a", hello())
        assert await all_of(store, "files/a") == b"hello"
    finally:
        await server.stop()


async def test_nobody_is_sent_to_a_bucket_that_was_not_looked_at(tmp_path: Path) -> None:
    server = S3Server(tmp_path)
    store = store_of(StoreSettings.model_validate(server.settings(bucket())))
    await store.open()
    await server.start()
    try:
        with pytest.raises(StoreIsAway):
            store.presigned_put("staging/a", 5, b"\0" * 32, 60)
        with pytest.raises(StoreIsAway):
            store.presigned_get("files/a", 60, {})
        async with asyncio.timeout(10):
            while not is_signed(store):
                await asyncio.sleep(0.05)
    finally:
        await server.stop()


async def test_what_is_wrong_with_a_server_that_comes_later_is_said_where_it_is_looked_for(tmp_path: Path) -> None:
    server = S3Server(tmp_path)
    store = store_of(StoreSettings.model_validate(server.settings(bucket()) | {"s3_secret_key": "another"}))
    await store.open()
    await server.start()
    try:
        with pytest.raises(StoreIsAway):
            await store.write("files/a", hello())
        assert "check ATRIUM_S3_SECRET_KEY" in ((await store.health()).detail or "")
    finally:
        await server.stop()


async def test_a_proxy_without_a_server_behind_it_is_no_wrong_setting(s3: S3Server) -> None:
    proxy = Proxy(s3.endpoint)
    await proxy.start()
    proxy.refusals = [
        b"HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: 13\r\nconnection: close\r\n\r\n<html></html>"
    ]
    store = store_of(StoreSettings.model_validate(s3.settings(bucket()) | {"s3_endpoint": proxy.url}))
    await store.open()
    await store.write("files/a", hello())
    assert proxy.refusals == []
    await proxy.stop()


async def hello() -> AsyncIterator[bytes]:
    yield b"hello"


async def all_of(store: Store, key: str) -> bytes:
    return b"".join([chunk async for chunk in store.read(key)])


def is_signed(store: Store) -> bool:
    try:
        return store.presigned_get("files/a", 60, {}) is not None
    except StoreIsAway:
        return False


async def test_a_server_of_another_kind_is_told_from_one_of_s3(s3: S3Server) -> None:
    async def page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 13\r\n\r\n<html></html>")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(page, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    assert "does not answer as an S3 server" in await refused(s3.settings(bucket()) | {"s3_endpoint": f"http://{HOST}:{port}"})
    server.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def with_users(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[S3Server]:
    """A server with a user who may do nothing that is not allowed."""
    folder = tmp_path_factory.mktemp("users")

    class Server(S3Server):
        def command(self) -> list[str]:
            program, *rest = super().command()
            users = folder / "iam"
            users.mkdir(exist_ok=True)
            return [program, "--iam-dir", str(users), *rest]

    server = Server(folder)
    await server.start()
    add = ["admin", "-a", ACCESS_KEY, "-s", SECRET_KEY, "--er", server.endpoint, "create-user", "-a", USER, "-s", USERS_KEY, "-r", "user"]
    subprocess.run([s3_program(), *add], check=True, capture_output=True)
    yield server
    await server.stop()


async def test_keys_that_may_not_make_the_bucket_are_told_so(with_users: S3Server) -> None:
    name, keys = bucket(), {"s3_access_key": USER, "s3_secret_key": USERS_KEY}
    said = await refused(with_users.settings(name) | keys)
    assert "make the bucket, or let these keys make it" in said
    administrator(with_users).make_bucket(name)
    assert "let them list, read, write and delete there" in await refused(with_users.settings(name) | keys)


@pytest.mark.parametrize(
    ("action", "of", "said"),
    [
        ("s3:GetObject", "/*", "anybody can read"),
        ("s3:ListBucket", "", "anybody can list"),
        ("s3:GetObject", "/files/*", "lets anybody in"),
        ("s3:PutObject", "/staging/*", "lets anybody in"),
    ],
)
async def test_a_bucket_that_is_open_to_anybody_is_not_used(action: str, of: str, said: str, s3: S3Server) -> None:
    name = bucket()
    await opened(s3.settings(name))
    statement = {"Effect": "Allow", "Principal": "*", "Action": [action], "Resource": [f"arn:aws:s3:::{name}{of}"]}
    administrator(s3).set_bucket_policy(name, json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    assert said in await refused(s3.settings(name))
    administrator(s3).delete_bucket_policy(name)
    await opened(s3.settings(name))


async def test_processes_that_start_at_once_make_one_bucket_and_leave_nothing_there(s3: S3Server) -> None:
    name = bucket()
    await asyncio.gather(*(opened(s3.settings(name)) for _ in range(8)))
    assert list(administrator(s3).list_objects(name, recursive=True)) == []


async def test_every_object_is_encrypted_as_the_settings_say(s3: S3Server) -> None:
    proxy = Proxy(s3.endpoint)
    await proxy.start()
    proxy.remembers = 1024 * 1024
    settings = s3.settings(bucket()) | {"s3_endpoint": proxy.url, "s3_encryption": "AES256"}
    store = store_of(StoreSettings.model_validate(settings))
    await store.open()

    for made in (store.open(), store.write("files/a", hello()), store.copy("files/a", "files/b")):
        proxy.heard.clear()
        await made
        assert b"x-amz-server-side-encryption: aes256" in bytes(proxy.heard).lower()
    put = store.presigned_put("staging/a", 5, b"\0" * 32, 60)
    assert put is not None
    assert put.headers["x-amz-server-side-encryption"] == "AES256"
    await proxy.stop()


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    said = await refused({"store": f"file://{tmp_path}/a file/store"})
    assert "name a folder that this user owns" in said
    if os.geteuid() != 0:
        tmp_path.chmod(0o500)
        assert "cannot be written" in await refused({"store": f"file://{tmp_path}/none"})
        tmp_path.chmod(0o700)
