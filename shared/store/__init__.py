"""Where the bytes of files are kept: a folder of this machine, or a bucket of an S3 server."""
