"""Signs addresses at which a client puts one object by itself: of one size and one digest, and no other.

The SDKs at hand sign no header but the host, which would let any bytes in, as many as S3 takes at once (5 GB). The parts are minio's;
what is signed is AWS's Signature Version 4 in its form for queries.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, urlencode, urlsplit

from minio.signer import SIGN_V4_ALGORITHM, get_credential_string, post_presign_v4
from minio.time import to_amz_date

from shared.store.store import SignedPut


@dataclass(frozen=True, slots=True)
class Signer:
    access_key: str
    secret_key: str
    region: str

    def put(self, url: str, size: int, digest: bytes, seconds: int, more: Mapping[str, str]) -> SignedPut:
        """more: other headers, in lower case, that are sent with it. The digest is SHA-256."""
        headers = {"content-length": str(size), "x-amz-checksum-sha256": b64encode(digest).decode(), **more}
        return SignedPut(self._signed("PUT", url, headers, seconds), headers)

    def _signed(self, method: str, url: str, headers: Mapping[str, str], seconds: int) -> str:
        address, now = urlsplit(url), datetime.now(UTC)
        signed = sorted({"host": address.netloc, **headers}.items())
        names = ";".join(name for name, _ in signed)
        credential, moment = get_credential_string(self.access_key, now, self.region), to_amz_date(now)
        query = urlencode(
            {
                "X-Amz-Algorithm": SIGN_V4_ALGORITHM,
                "X-Amz-Credential": credential,
                "X-Amz-Date": moment,
                "X-Amz-Expires": str(seconds),
                "X-Amz-SignedHeaders": names,
            },
            quote_via=quote,
            safe="",
        )
        said = [f"{name}:{value}" for name, value in signed]
        canonical = "\n".join([method, address.path, query, *said, "", names, "UNSIGNED-PAYLOAD"])
        scope = credential.partition("/")[2]
        text = "\n".join([SIGN_V4_ALGORITHM, moment, scope, sha256(canonical.encode()).hexdigest()])
        return f"{url}?{query}&X-Amz-Signature={post_presign_v4(text, self.secret_key, now, self.region)}"
