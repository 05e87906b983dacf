"""What schemathesis can't know from docs/openapi.yaml: how to log in, and where a made-up value would never be a good one."""

import base64
import datetime
import hashlib
import hmac
import itertools
import json
import os
import urllib.parse

import requests
import schemathesis

API = os.environ["NOVA_URL"]
# The user of the document's examples, whom .ci/contract has made.
EMAIL, PASSWORD = "sara@example.com", "Str0ng-enough!"

numbers = itertools.count(1)


def address():
    """An address of its own for each call: wrong passwords are counted by address, and nobody shall be locked out."""
    number = next(numbers)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def call(endpoint, body):
    answer = requests.post(f"{API}/api/auth/{endpoint}", json=body, headers={"X-Forwarded-For": address()}, timeout=30)
    answer.raise_for_status()
    return answer.json()["data"]


@schemathesis.auth(cache_by_key=None, refresh_interval=None)
class FreshSession:
    """A session of its own for each case: many of them end it. Who changes the password is a user of their own, too."""

    def get(self, case, context):
        email = EMAIL
        if context.operation.definition.raw["operationId"] == "changePassword":
            email = f"user-{next(numbers)}@example.com"
            call("register", {"name": "Somebody", "email": email, "password": PASSWORD})
        return call("login", {"email": email, "password": PASSWORD})["accessToken"]

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = f"Bearer {data}"


def session_of(token):
    claims = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=="))["sid"]


def csrf(cookies=""):
    """A CSRF token, and the cookies that it is good with."""
    answer = requests.get(f"{API}/api/csrf-token", headers={"Cookie": cookies} if cookies else {}, timeout=30)
    answer.raise_for_status()
    return answer.json()["data"]["csrfToken"], cookies or answer.headers["Set-Cookie"].split(";")[0]


def page(token, cookies):
    """What a browser sends for a page of the API's own origin."""
    return {"X-CSRF-Token": token, "Cookie": cookies, "Origin": API}


def cookie_session():
    """What a browser sends that is logged in by cookie."""
    body = {"email": EMAIL, "password": PASSWORD, "tokenDelivery": "cookie"}
    headers = page(*csrf()) | {"X-Forwarded-For": address()}
    answer = requests.post(f"{API}/api/auth/login", json=body, headers=headers, timeout=30)
    answer.raise_for_status()
    return page(answer.json()["data"]["csrfToken"], answer.headers["Set-Cookie"].split(";")[0])


class Signed(requests.auth.AuthBase):
    """Signs a request as a server does that has keys of AWS (SigV4). `nova local` knows one secret."""

    def __call__(self, request):
        scope = f"{datetime.datetime.now(datetime.UTC):%Y%m%dT%H%M%SZ}"
        day, place = scope[:8], f"{scope[:8]}/us-east-1/execute-api/aws4_request"
        url = urllib.parse.urlsplit(request.url)
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        lines = [request.method, urllib.parse.quote(url.path), url.query, f"host:{url.netloc}", f"x-amz-date:{scope}", "",
                 "host;x-amz-date", hashlib.sha256(body).hexdigest()]
        text = "\n".join(["AWS4-HMAC-SHA256", scope, place, hashlib.sha256("\n".join(lines).encode()).hexdigest()])
        key = b"AWS4local"
        for part in (day, "us-east-1", "execute-api", "aws4_request", text):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        request.headers["X-Amz-Date"] = scope
        request.headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential=contract/{place}, SignedHeaders=host;x-amz-date, Signature={key.hex()}")
        return request


@schemathesis.hook
def before_call(context, case, kwargs):
    """Every second valid request gets a password, a token, or the id of a session, that really is one."""
    case.headers = case.headers or {}
    case.headers["X-Forwarded-For"] = address()
    # A case about the header itself is sent as it is, and so is one whose token a check took away.
    about = getattr(getattr(case.meta and case.meta.phase, "data", None), "parameter", None)
    is_whole = about != "Authorization" and case.headers.get("Authorization", "").startswith("Bearer eyJ")
    if case.operation.definition.raw["operationId"] == "introspect" and is_whole:
        kwargs["auth"] = Signed()
    if case.meta is None or not case.meta.generation.mode.is_positive or next(numbers) % 2:
        return
    operation = case.operation.definition.raw["operationId"]
    has_body = isinstance(case.body, dict)
    # The links of the document hand refresh tokens on, which cookie mode does not.
    is_linked = case.meta.phase.name.name == "STATEFUL"
    if operation == "login" and has_body:
        case.body |= {"email": EMAIL, "password": PASSWORD}
        if is_linked:
            case.body["tokenDelivery"] = "body"
        if case.body.get("tokenDelivery") == "cookie":
            case.headers.update(page(*csrf()))
            case.cookies = {}
    elif operation in ("refresh", "logout") and has_body:
        if is_linked and case.body.get("refreshToken"):
            pass
        elif next(numbers) % 2 and not is_linked:
            case.body.pop("refreshToken", None)
            case.headers.update(cookie_session())
            case.cookies = {}
        else:
            # With whatever fingerprint: the session has none of its own.
            case.body["refreshToken"] = call("login", {"email": EMAIL, "password": PASSWORD})["refreshToken"]
    elif operation == "changePassword" and has_body:
        case.body |= {"currentPassword": PASSWORD, "newPassword": "An0ther-g00d-one!"}
    elif operation == "introspect" and has_body:
        case.body["token"] = call("login", {"email": EMAIL, "password": PASSWORD})["accessToken"]
    elif operation == "endSession" and case.headers.get("Authorization", "").startswith("Bearer eyJ"):
        case.path_parameters["id"] = session_of(case.headers["Authorization"])


@schemathesis.check
def unknown_methods_are_not_found(context, response, case):
    scenario = getattr(getattr(case.meta and case.meta.phase, "data", None), "scenario", None)
    if scenario is not None and scenario.name == "UNSPECIFIED_HTTP_METHOD":
        assert response.status_code == 404, f"{response.request.method}: {response.status_code}"
        assert response.json()["code"] == "NOT_FOUND"
