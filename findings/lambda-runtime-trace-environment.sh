#!/bin/sh
# A Rust function on Lambda needs more memory with every invocation, and gives none back: `lambda_runtime` puts the trace id of each invocation
# into the environment (`_X_AMZN_TRACE_ID`), and glibc's `setenv` keeps every value that it was ever given, since somebody may still hold a pointer
# from `getenv`. Each trace id is new, so each one stays. Handlers that keep nothing grow all the same: here by 144 bytes an invocation, which is
# 144 MB in a million. With the same id each time, or none, nothing grows.
#
# Needs cargo, python3 and glibc; builds pinned public crates in a temporary folder. Exits with 1 if it behaves otherwise than written here.
#
# Seen on 2026-11-30 with lambda_runtime 1.5.0, Rust 1.95 and glibc 2.36:
#   a new trace id each time: 144 bytes an invocation
#   the same trace id: 0 bytes an invocation
#   no trace id: 0 bytes an invocation
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
cargo new -q --vcs none echo
cd echo
cargo add -q lambda_runtime@=1.5.0 --no-default-features
cargo add -q tokio@1 --features macros,rt
cargo add -q serde_json@1 libc@0.2
cat >src/main.rs <<'END'
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::{Value, json};

/// Answers with what malloc has given out and not got back.
async fn answer(_: LambdaEvent<Value>) -> Result<Value, Error> {
    // SAFETY: it reads counters.
    Ok(json!(unsafe { libc::mallinfo2() }.uordblks))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(answer)).await
}
END
cargo build -q
cat >api.py <<'END'
"""The Runtime API for one function: hands out events, and says what malloc holds after each."""
import socket, subprocess, sys

BEFORE, AFTER = 2_000, 12_000


def request(stream):
    line = stream.readline().split()
    length = 0
    while header := stream.readline().strip():
        name, value = header.split(b":", 1)
        if name.lower() == b"content-length":
            length = int(value)
        if name.lower() == b"transfer-encoding":
            length = None
    if length is None:
        body = b""
        while size := int(stream.readline(), 16):
            body += stream.read(size)
            stream.readline()
        stream.readline()
    else:
        body = stream.read(length)
    return line[1].decode(), body


def invoke(trace):
    """Events of one function until it has had enough; what it held after BEFORE and after AFTER of them."""
    listener = socket.create_server(("127.0.0.1", 0))
    environment = {
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:%d" % listener.getsockname()[1],
        "AWS_LAMBDA_FUNCTION_NAME": "echo", "AWS_LAMBDA_FUNCTION_VERSION": "1", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_LOG_GROUP_NAME": "echo", "AWS_LAMBDA_LOG_STREAM_NAME": "echo",
    }
    function = subprocess.Popen(["target/debug/echo"], env=environment)
    connection, _ = listener.accept()
    stream, number, held = connection.makefile("rb"), 0, []
    while number <= AFTER:
        path, body = request(stream)
        if path.endswith("/next"):
            number += 1
            headers = "Lambda-Runtime-Aws-Request-Id: %d\r\nLambda-Runtime-Deadline-Ms: 4102444800000\r\n" % number
            headers += "Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:eu-central-1:123456789012:function:echo\r\n"
            if trace:
                headers += "Lambda-Runtime-Trace-Id: %s\r\n" % trace(number)
            connection.sendall(("HTTP/1.1 200 OK\r\n%sContent-Length: 2\r\n\r\n{}" % headers).encode())
        else:
            if number in (BEFORE, AFTER):
                held.append(int(body))
            connection.sendall(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
            if number == AFTER:
                break
    function.kill()
    function.wait()
    # To whole units of malloc: the rest is what the function happened to hold when it looked.
    return 16 * round((held[1] - held[0]) / (AFTER - BEFORE) / 16)


ID = "Root=1-6a1b2c3d-%024x;Parent=53995c3f42cd8ad8;Sampled=0"
for what, trace in (("a new trace id each time", lambda n: ID % n), ("the same trace id", lambda n: ID % 1), ("no trace id", None)):
    print("%s: %d bytes an invocation" % (what, invoke(trace)), flush=True)
END
python3 api.py | tee seen
diff seen - <<'END'
a new trace id each time: 144 bytes an invocation
the same trace id: 0 bytes an invocation
no trace id: 0 bytes an invocation
END
