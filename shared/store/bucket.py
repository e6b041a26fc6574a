"""A bucket at the start: made where it is missing, and looked at. Whatever is wrong is said with what mends it."""

import json
from io import BytesIO
from secrets import token_hex
from ssl import SSLEOFError

import stamina
import structlog
import urllib3
from minio import Minio
from minio.commonconfig import Filter
from minio.error import InvalidResponseError, MinioException, S3Error
from minio.helpers import check_bucket_name
from minio.lifecycleconfig import AbortIncompleteMultipartUpload, LifecycleConfig, Rule
from minio.sse import Sse, SseS3
from urllib3.exceptions import HTTPError, SSLError

from shared.application import CannotStart
from shared.store.store import StoreIsAway
from shared.store.streaming import FULL

log = structlog.get_logger()

PROBE = ".probe"  # what its name begins with: processes that start at once have one each
_CONTENT = b"Atrium looks whether it can be read, and by whom."
_PARTS_ARE_LEFT_FOR = 1  # days, to an upload in parts that was broken off
_COMES_UP_WITHIN = 30  # seconds: SeaweedFS answers before it has a place for its first object
_NOT_YET = {"InternalError", "ServiceUnavailable", "SlowDown", "XMinioServerNotInitialized"}
_NOT_IMPLEMENTED = 501  # of the answers from 500 on the one that another try does not change

_REMEDIES = {
    "InvalidAccessKeyId": "check ATRIUM_S3_ACCESS_KEY",
    "XAdminUserNotFound": "check ATRIUM_S3_ACCESS_KEY",
    "SignatureDoesNotMatch": "check ATRIUM_S3_SECRET_KEY",
    "AuthorizationHeaderMalformed": "check ATRIUM_S3_REGION",
    "PermanentRedirect": "check ATRIUM_S3_REGION and ATRIUM_S3_ENDPOINT",
    "RequestTimeTooSkewed": "set the clock of this machine, or the server's",
    "AccessDenied": "make the bucket, or let these keys make it, and let them list, read, write and delete there",
    "BucketAlreadyExists": "it is somebody else's: name another in ATRIUM_STORE",
    "NotImplemented": "it cannot do what ATRIUM_S3_ENCRYPTION asks for: empty that",
    "InvalidEncryptionAlgorithmError": "it cannot do what ATRIUM_S3_ENCRYPTION asks for: `AES256`, `aws:kms`, or empty",
}


def _comes_up(error: Exception) -> bool:
    return isinstance(error, StoreIsAway) and isinstance(error.__cause__, S3Error) and error.__cause__.code in _NOT_YET


def _is_away(error: Exception) -> bool:
    """Whether it may be well in a moment with the same settings. A certificate or a protocol that does not fit will not be."""
    if isinstance(error, S3Error):
        return error.code in FULL or _passes(error.response.status)
    if isinstance(error, InvalidResponseError):  # of a proxy before it
        return _passes(error._code)
    if isinstance(error, SSLError):
        return any(isinstance(each, SSLEOFError) for each in error.args)
    return isinstance(error, HTTPError | OSError)


def _passes(status: int) -> bool:
    return status >= 500 and status != _NOT_IMPLEMENTED


class _AsNamed(Sse):
    """The encryption that the settings name."""

    def __init__(self, algorithm: str) -> None:
        self._algorithm = algorithm

    def headers(self) -> dict[str, str]:
        return {"X-Amz-Server-Side-Encryption": self._algorithm}


class Bucket:
    """As an administrator meets it. It waits for answers, so it is used in a thread."""

    def __init__(self, admin: Minio, http: urllib3.PoolManager, endpoint: str, name: str, region: str, encryption: str | None) -> None:
        self._admin, self._http = admin, http
        self._endpoint, self._name, self._region, self._encryption = endpoint, name, region, encryption

    @stamina.retry(on=_comes_up, attempts=None, timeout=_COMES_UP_WITHIN)
    def prepare_patiently(self) -> None:
        """`prepare`, of a server that may have been started with this process."""
        self.prepare()

    def prepare(self) -> None:
        """Raises `CannotStart` where a setting is wrong, `StoreIsAway` where the server does not answer."""
        try:
            check_bucket_name(self._name, strict=True)
        except ValueError as error:
            raise CannotStart(f"ATRIUM_STORE=s3://{self._name}: {error}. It has 3 to 63 small letters, digits, dots and dashes.") from error
        try:
            self._make()
            self._try()
            self._keep_others_out()
        except (MinioException, HTTPError, OSError, ValueError) as error:
            raise StoreIsAway if _is_away(error) else self._wrong(error) from error

    def _wrong(self, error: Exception) -> CannotStart:
        if isinstance(error, S3Error):
            remedy = _REMEDIES.get(error.code or "", "see what its log says")
            return CannotStart(f"ATRIUM_STORE: {self._endpoint} refuses the bucket {self._name} ({error.code}, {error.message}): {remedy}.")
        return CannotStart(f"ATRIUM_STORE: {self._endpoint} does not answer as an S3 server ({error}): is ATRIUM_S3_ENDPOINT right?")

    def _make(self) -> None:
        """A look by GET: the answer to HEAD would have no word of what is wrong."""
        try:
            next(self._admin.list_objects(self._name, prefix=PROBE), None)
        except S3Error as error:
            if error.code != "NoSuchBucket":
                raise
        else:
            return
        try:
            self._admin.make_bucket(self._name, location=self._region)
        except S3Error as error:
            if error.code != "BucketAlreadyOwnedByYou":  # by a process that started beside this one
                raise
        log.info("bucket_made", bucket=self._name)
        self._forget_broken_uploads()

    def _forget_broken_uploads(self) -> None:
        """What came of an upload in parts that was broken off with the server is seen by nobody else, and is paid for."""
        rule = Rule(
            "Enabled",
            rule_filter=Filter(prefix=""),
            abort_incomplete_multipart_upload=AbortIncompleteMultipartUpload(_PARTS_ARE_LEFT_FOR),
        )
        try:
            self._admin.set_bucket_lifecycle(self._name, LifecycleConfig([rule]))
        except MinioException as error:
            log.info("bucket_has_no_lifecycle", bucket=self._name, error=str(error))

    def _try(self) -> None:
        """Write, read and delete, as the store will."""
        sse = None if self._encryption is None else SseS3() if self._encryption == "AES256" else _AsNamed(self._encryption)
        probe = f"{PROBE}-{token_hex(8)}"
        self._admin.put_object(self._name, probe, BytesIO(_CONTENT), len(_CONTENT), sse=sse)
        try:
            self._admin.stat_object(self._name, probe)
            self._check_that_it_is_hidden(probe)
        finally:
            self._admin.remove_object(self._name, probe)

    def _check_that_it_is_hidden(self, probe: str) -> None:
        """Whoever is not signed in gets nothing, whichever way the server was told so."""
        for what, path in (("read", f"{self._name}/{probe}"), ("list", f"{self._name}?list-type=2&max-keys=1")):
            if self._http.request("GET", f"{self._endpoint}/{path}").status == 200:
                raise CannotStart(
                    f"ATRIUM_STORE: anybody can {what} the bucket {self._name} at {self._endpoint} without keys, past every scan: "
                    "take that from its policy or its access list, or give the server credentials."
                )

    def _keep_others_out(self) -> None:
        """A policy may be of some of the keys alone."""
        try:
            policy = json.loads(self._admin.get_bucket_policy(self._name))
        except (MinioException, ValueError):  # there is none, or these keys or this server do not tell
            return
        statements = policy.get("Statement", [])
        for statement in statements if isinstance(statements, list) else [statements]:
            if statement.get("Effect") == "Allow" and _is_anybody(statement.get("Principal")) and not statement.get("Condition"):
                raise CannotStart(
                    f"ATRIUM_STORE: the policy of the bucket {self._name} lets anybody in ({statement.get('Action')}), past every scan: "
                    "delete that policy, or name in it who may."
                )


def _is_anybody(principal: object) -> bool:
    if isinstance(principal, dict):
        return any(_is_anybody(each) for each in principal.values())
    return "*" in principal if isinstance(principal, list) else principal == "*"
