#!/bin/sh
# Chromium under chromedriver: `Network.emulateNetworkConditions` with `offline: true` takes effect by half without `Network.enable`.
#
# Sent through chromedriver's /goog/cdp/execute, it is answered without an error and sets `navigator.onLine` to false, but the
# page's `fetch` still succeeds. With `Network.enable` before it, `fetch` fails. So a test of what a page does without a network
# can pass although the network was there all along. The protocol says of `Network.enable` that it turns on tracking and events,
# and does not name it as a condition of this command, which is deprecated, but there (devtools-protocol 0.0.1734725, npm).
# chromedriver's own command, /chromium/network_conditions, needs nothing before it.
#
# Loopback only: a page and a server on 127.0.0.1. Needs chromedriver and chromium (Debian: chromium-driver, chromium) and python3.
# Uses the installed versions, and prints them. Exits with 1 if they behave otherwise than written here.
#
# Seen on 2026-11-29, chromium and chromium-driver 156.0.8078.108-1~deb12u1 (Debian 12):
#   nothing: onLine true, fetch succeeds, the server was asked
#   emulateNetworkConditions: onLine false, fetch succeeds, the server was asked
#   Network.enable, emulateNetworkConditions: onLine false, fetch fails, the server was not asked
#   chromedriver's network_conditions: onLine false, fetch fails, the server was not asked
set -eu
folder=$(mktemp -d)
driver=
trap 'if [ -n "$driver" ]; then kill "$driver"; wait "$driver" 2>/dev/null || true; fi; rm -rf "$folder"' EXIT
cd "$folder"
chromedriver --version | cut -d" " -f1,2
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
chromedriver --port="$port" >log 2>&1 &
driver=$!

cat >drive.py <<'END'
import http.server, json, os, sys, threading, time, urllib.request

base = f"http://127.0.0.1:{sys.argv[1]}/session"
served = []

class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        served.append(self.path)
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.send_header("cache-control", "no-store")
        self.end_headers()
        self.wfile.write(b"<title>here</title>")
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
threading.Thread(target=server.serve_forever, daemon=True).start()
page = f"http://127.0.0.1:{server.server_port}"

def send(method, url, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)) as answer:
        return json.load(answer)["value"]

def wait_until_ready():
    for attempt in range(100):
        try:
            if send("GET", base.removesuffix("session") + "status")["ready"]:
                return
        except OSError:
            pass
        time.sleep(0.1)
    sys.exit("chromedriver does not start")

arguments = ["--headless=new"] + (["--no-sandbox"] if os.getuid() == 0 else [])
capabilities = {"capabilities": {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": {"args": arguments}}}}
conditions = {"offline": True, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
ASK = """
const [url, done] = arguments;
const say = (fetched) => done(`onLine ${navigator.onLine}, fetch ${fetched}`);
fetch(url).then(() => say("succeeds"), () => say("fails"));
"""

def try_out(name, *commands):
    """In a browser of its own, since a domain that was enabled stays so."""
    opened = send("POST", base, capabilities)
    session = f"{base}/{opened['sessionId']}"
    try:
        send("POST", f"{session}/url", {"url": page})
        for path, body in commands:
            assert send("POST", session + path, body) in (None, {}), body
        path = f"/asked-{len(served)}"
        said = send("POST", f"{session}/execute/async", {"script": ASK, "args": [page + path]})
        print(f"{name}: {said}, the server {'was' if path in served else 'was not'} asked")
    finally:
        send("DELETE", session)
    return opened["capabilities"]["browserVersion"]

cdp = lambda command, parameters: ("/goog/cdp/execute", {"cmd": command, "params": parameters})
offline = cdp("Network.emulateNetworkConditions", conditions)
wait_until_ready()
version = try_out("nothing")
try_out("emulateNetworkConditions", offline)
try_out("Network.enable, emulateNetworkConditions", cdp("Network.enable", {}), offline)
own = {"offline": True, "latency": 0, "download_throughput": -1, "upload_throughput": -1}
try_out("chromedriver's network_conditions", ("/chromium/network_conditions", {"network_conditions": own}))
print("Chromium", version, file=sys.stderr)
END
python3 drive.py "$port" | tee seen
cat >expected <<'END'
nothing: onLine true, fetch succeeds, the server was asked
emulateNetworkConditions: onLine false, fetch succeeds, the server was asked
Network.enable, emulateNetworkConditions: onLine false, fetch fails, the server was not asked
chromedriver's network_conditions: onLine false, fetch fails, the server was not asked
END
diff expected seen
