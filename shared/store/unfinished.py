"""What writers leave in a bucket when they are killed: parts of uploads that nobody ends, which no list of objects shows and which are
paid for. Rules by which servers delete them by themselves are not known to all servers, so they are deleted with their objects.
"""

from minio import Minio
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from shared.store.store import StoreIsAway

_NOTHING_TO_END = ("NotImplemented", "MethodNotAllowed", "NoSuchUpload")


def end_unfinished(server: Minio, bucket: str, key: str) -> None:
    """Delete the parts of a key's unfinished uploads. minio's SDK has calls for it that its documentation leaves out."""
    try:
        for upload in server._list_multipart_uploads(bucket, prefix=key).uploads:
            if upload.object_name == key and upload.upload_id is not None:
                server._abort_multipart_upload(bucket, key, upload.upload_id)
    except S3Error as error:
        if error.code not in _NOTHING_TO_END:
            raise StoreIsAway from error
    except (MinioException, HTTPError, OSError, ValueError) as error:
        raise StoreIsAway from error
