"""attachments: files of threads and messages, scanned before anybody opens them."""
