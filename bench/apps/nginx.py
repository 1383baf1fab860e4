"""nginx with one worker process, for the files of BENCH_FILES (the arguments: its port)."""

import os
import sys
import tempfile
from pathlib import Path

CONFIGURATION = """\
daemon off;
user root;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{ listen 127.0.0.1:{port}; root {files}; }}
}}
"""

if __name__ == "__main__":
    folder = tempfile.mkdtemp(prefix="bench-nginx-", dir=os.environ["BENCH_FILES"])
    file = Path(folder, "nginx.conf")
    file.write_text(CONFIGURATION.format(folder=folder, port=sys.argv[1], files=os.environ["BENCH_FILES"]))
    os.execvp("nginx", ["nginx", "-c", str(file), "-e", "stderr"])
