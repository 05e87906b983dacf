"""Deploys the built templates, does the main job over the REST APIs, deploys over it, rotates the keys, enables mail, sends files to
the stack of uploads, and tears all down.

Usage: deployed.py BUILD_DIR NOVA, with AWS_ENDPOINT_URL naming the stand-in. Each step prints a line when it has passed; the first
that has not ends the program with an error. The steps are one story: each goes on with what those before it made.
"""

import base64
import hashlib
import json
import os
import re
import secrets
import string
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
import zlib
from pathlib import Path

import boto3
from samcli.yamlhelper import yaml_dump, yaml_parse

BUILD, NOVA = Path(sys.argv[1]), sys.argv[2]
ENDPOINT = os.environ["AWS_ENDPOINT_URL"]
EMAIL, PASSWORD = "sara@example.com", "Str0ng-enough!"

# What ministack's CloudFormation does not know, and would refuse. Nothing else is taken out of the templates, but alarms that compute.
UNKNOWN = {"AWS::Logs::QueryDefinition", "AWS::SecretsManager::RotationSchedule"}


def step(sentence):
    print(f"ok - {sentence}", flush=True)


def equal(found, expected, about):
    if found != expected:
        raise AssertionError(f"{about}: {found!r} instead of {expected!r}")


# ---- The stand-in, as AWS's own libraries see it


def client(service):
    return boto3.client(service)


def wait_until_it_serves():
    for _ in range(150):
        try:
            with urllib.request.urlopen(f"{ENDPOINT}/_ministack/health", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("ministack does not serve")


def deployable(name):
    """The built template without what ministack does not know, and with one thing said in the only way that it understands."""
    template = yaml_parse((BUILD / name / "template.yaml").read_text())
    resources = template["Resources"]
    dropped = {key for key, resource in resources.items() if resource["Type"] in UNKNOWN or "Metrics" in resource.get("Properties", {})}
    for key in dropped:
        del resources[key]
    for resource in resources.values():
        generated = resource.get("Properties", {}).get("GenerateSecretString", {})
        if generated.get("ExcludePunctuation"):
            generated["ExcludeCharacters"] = string.punctuation
    path = BUILD / name / "deployed.yaml"
    path.write_text(yaml_dump(template))
    return path, sorted(dropped)


def deploy(name, stack, *parameters):
    path, _ = deployable(name)
    command = ["sam", "deploy", "--template-file", str(path), "--stack-name", stack, "--no-confirm-changeset"]
    command += ["--config-file", str(Path("samconfig.toml").resolve())]
    command += ["--parameter-overrides", "Architecture=x86_64", *parameters]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise AssertionError(f"sam deploy {stack}: {done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def resources(stack):
    found = client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return {resource["LogicalResourceId"]: resource["PhysicalResourceId"] for resource in found}


def outputs(stack):
    (found,) = client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


def nova(*arguments, text=""):
    names = outputs("nova-auth")
    environment = os.environ | {
        "IDENTITY_TABLE": names["IdentityTableName"],
        "SESSIONS_TABLE": names["SessionsTableName"],
        "ACCESS_KEYS_SECRET": names["AccessKeysSecretArn"],
        "REFRESH_KEYS_SECRET": names["RefreshKeysSecretArn"],
    }
    done = subprocess.run([NOVA, *arguments], input=text, capture_output=True, text=True, timeout=60, env=environment)
    if done.returncode != 0:
        raise AssertionError(f"nova {' '.join(arguments)}: {done.stderr}")
    return done.stdout


# ---- The APIs, as a client sees them


class Api:
    def __init__(self, stack, logical_id):
        self.base = f"{ENDPOINT}/_aws/execute-api/{resources(stack)[logical_id]}/v1"

    def call(self, method, path, body=None, token=None):
        headers = {"Accept-Language": "en"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read().decode()
            try:
                return error.code, json.loads(text)
            except ValueError:
                return error.code, {"code": None, "text": text}


def ok(answer, about):
    status, body = answer
    if status != 200:
        raise AssertionError(f"{about}: {status} {body}")
    return body.get("data")


def refused(answer, status, code, about):
    equal((answer[0], answer[1].get("code")), (status, code), about)


def login(auth):
    return ok(auth.call("POST", "/api/auth/login", {"email": EMAIL, "password": PASSWORD}), "login")


def whoami(notes, pair, user, about):
    for api in notes:
        found = ok(api.call("GET", "/whoami", token=pair["accessToken"]), about)
        equal((found["userId"], found["email"]), (user["id"], EMAIL), about)


def key_of(token):
    head = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


# ---- The story


def deployed_for_the_first_time():
    for name in ("auth", "uploads"):
        print(f"ministack does not know, and was not given: {', '.join(deployable(name)[1])}")
    deploy("auth", "nova-auth", "BcryptCost=10", "AlarmEmail=alarms@example.com")
    deploy("consumer", "nova-notes", "AuthStack=nova-auth")
    step("both stacks are deployed, the consumer by the exports of the other")


def the_main_job(auth, notes):
    nova("user", "create", "--email", EMAIL, "--name", "Sara", "--bcrypt-cost", "10", text=PASSWORD)
    for api in ("NotesApi", "TokenNotesApi"):
        nova("rules", "put", "--api", resources("nova-notes")[api], "--uncached", "tests/consumer/rules.yaml")
    refused(
        auth.call("POST", "/api/auth/login", {"email": EMAIL, "password": "Wr0ng-enough!"}),
        401,
        "INVALID_CREDENTIALS",
        "a wrong password",
    )
    first = login(auth)
    user = first["user"]
    whoami(notes, first, user, "the consumer after the login")
    second = ok(auth.call("POST", "/api/auth/refresh", {"refreshToken": first["refreshToken"]}), "refresh")
    whoami(notes, second, user, "the consumer after the refresh")
    ok(auth.call("GET", "/api/auth/sessions", token=second["accessToken"]), "the list of sessions")
    for api in notes:
        status, _ = api.call("GET", "/whoami", token="not.a.token")
        equal(status, 401, "a token that is none")
        status, _ = api.call("GET", "/admin/report", token=second["accessToken"])
        # The sample's TokenNotesApi has no such route; both are refusals.
        equal(status, 403, "a route for another role")
    out = auth.call("POST", "/api/auth/logout", {"refreshToken": second["refreshToken"]}, token=second["accessToken"])
    equal(out[0], 200, "logout")
    for api in notes:
        status, _ = api.call("GET", "/whoami", token=second["accessToken"])
        equal(status, 401, "the consumer after the logout")
    refused(
        auth.call("POST", "/api/auth/refresh", {"refreshToken": second["refreshToken"]}),
        401,
        "REFRESH_TOKEN_INVALID",
        "a refresh after the logout",
    )
    step("log in, call the consumer, refresh, log out, and be refused")
    return user


def watched():
    """ministack makes no metrics of log lines; that the lines are there, in the form that CloudWatch reads, is seen here."""
    topic = outputs("nova-auth")["AlarmTopicArn"]
    alarms = client("cloudwatch").describe_alarms()["MetricAlarms"]
    equal({tuple(alarm["AlarmActions"]) for alarm in alarms}, {(topic,)}, "whom the alarms tell")
    names = {alarm["MetricName"] for alarm in alarms}
    for name in (
        "authn_token_reuse",
        "authn_login_fail",
        "authorizer_error",
        "nova-auth_authorizer_no_answer",
        "5XXError",
        "Throttles",
    ):
        equal(name in names, True, f"an alarm on {name}")
    counted = set()
    for group in ("login", "token-authorizer"):
        for event in client("logs").filter_log_events(logGroupName=f"/aws/lambda/nova-auth-{group}")["events"]:
            try:
                line = json.loads(event["message"])
            except ValueError:
                continue
            for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
                equal((directive["Namespace"], line["Stack"]), ("NovaAuth", "nova-auth"), "whose metric it is")
                counted.update(metric["Name"] for metric in directive["Metrics"])
    for name in ("authn_login_success", "authn_login_fail", "authz_fail", "authorizer_unauthorized"):
        equal(name in counted, True, f"{name} is counted")
    step("the alarms are there and tell the topic, and the functions count")


def updated(auth, notes, user):
    pair = login(auth)
    before = resources("nova-auth")
    # A variable of every function: each of them is replaced by a new process.
    deploy("auth", "nova-auth", "BcryptCost=10", "AlarmEmail=alarms@example.com", "ApiRateSeconds=61")
    functions = {name for name in before if name.endswith("Function")}
    for name in functions:
        found = client("lambda").get_function_configuration(FunctionName=before[name])
        equal(found["Environment"]["Variables"]["API_RATE_SECONDS"], "61", f"{name} after the update")
    for kept in ("AuthApi", "IdentityTable", "SessionsTable", "AccessKeysSecret", "RefreshKeysSecret"):
        equal(resources("nova-auth")[kept], before[kept], f"{kept} after the update")
    whoami(notes, pair, user, "the consumer after the update")
    pair = ok(auth.call("POST", "/api/auth/refresh", {"refreshToken": pair["refreshToken"]}), "refresh after the update")
    step("an update replaces the functions, and sessions and keys live on")
    return pair


def rotated(auth, notes, user, pair):
    """ministack's RotateSecret calls no function, so that Secrets Manager's part is done here: a pending version, and the four
    steps. It can't have a version without a value either: the ring with the new key is made here, as createSecret would."""
    secrets_manager, functions = client("secretsmanager"), client("lambda")
    rotate = resources("nova-auth")["RotateKeysFunction"]
    names = outputs("nova-auth")
    old_keys = (key_of(pair["accessToken"]), key_of(pair["refreshToken"]))
    for kind, arn in (("access", names["AccessKeysSecretArn"]), ("refresh", names["RefreshKeysSecretArn"])):
        ring = json.loads(secrets_manager.get_secret_value(SecretId=arn)["SecretString"])
        keys = ring.get("keys", [ring])
        new = {"kty": "oct", "alg": "HS256", "use": "sig", "kid": f"{kind}-2", "nbf": int(time.time()) + 3600}
        new["k"] = base64.urlsafe_b64encode(secrets.token_bytes(48)).decode().rstrip("=")
        version = str(uuid.uuid4())
        secrets_manager.put_secret_value(
            SecretId=arn,
            ClientRequestToken=version,
            SecretString=json.dumps({"keys": [*keys, new]}),
            VersionStages=["AWSPENDING"],
        )
        for name in ("createSecret", "setSecret", "testSecret", "finishSecret"):
            event = {"SecretId": arn, "ClientRequestToken": version, "Step": name}
            answer = functions.invoke(FunctionName=rotate, Payload=json.dumps(event))
            if "FunctionError" in answer:
                raise AssertionError(f"{kind} {name}: {answer['Payload'].read()}")
        equal(secrets_manager.get_secret_value(SecretId=arn)["VersionId"], version, f"the {kind} ring in force")
        # An hour later: the key signs. Time can't be moved here, so its beginning is.
        new["nbf"] = int(time.time()) - 60
        secrets_manager.put_secret_value(SecretId=arn, SecretString=json.dumps({"keys": [*keys, new]}))
    # The functions keep a ring for five minutes; a deployment gives them new processes.
    deploy("auth", "nova-auth", "BcryptCost=10", "AlarmEmail=alarms@example.com", "ApiRateSeconds=62")
    whoami(notes, pair, user, "a token of the old key")
    later = ok(auth.call("POST", "/api/auth/refresh", {"refreshToken": pair["refreshToken"]}), "a refresh token of the old key")
    new_keys = (key_of(later["accessToken"]), key_of(later["refreshToken"]))
    equal(new_keys, ("access-2", "refresh-2"), f"the keys after {old_keys}")
    whoami(notes, later, user, "a token of the new key")
    whoami(notes, pair, user, "a token of the old key, beside the new one")
    step("the keys are rotated, and nobody is logged out")


# What the doctor can see in ministack, which neither evaluates conditions on keys nor keeps backups.
WELL = (
    "stack",
    "clock",
    "settings",
    "issuer",
    "functions",
    "identity-table",
    "identity-table.protection",
    "sessions-table",
    "access-keys",
    "refresh-keys",
    "alarms.subscribed",
    "permissions.denied",
    "authorizer",
    "attached",
)


def doctor(*more):
    command = [NOVA, "doctor", "--stack", "nova-auth", "--json", *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    # 5: a check failed.
    if done.returncode not in (0, 5):
        raise AssertionError(f"nova doctor: {done.returncode} {done.stderr}")
    outcomes = {}
    for finding in json.loads(done.stdout)["checks"]:
        outcomes.setdefault(finding["check"], set()).add(finding["outcome"])
    return outcomes, done.stdout


def looked_at_by_the_doctor():
    outcomes, said = doctor(f"--try-login={Api('nova-auth', 'AuthApi').base}")
    for check in (*WELL, "login"):
        equal(outcomes[check], {"pass"}, f"{check} in {said}")
    login, functions = resources("nova-auth")["LoginFunction"], client("lambda")
    functions.put_function_concurrency(FunctionName=login, ReservedConcurrentExecutions=0)
    equal(doctor()[0]["functions"], {"fail"}, "a function that was closed")
    functions.delete_function_concurrency(FunctionName=login)
    # An API whose answers are kept, with the sample's rules, which were stored as for one that keeps none.
    gateway = client("apigateway")
    api = gateway.create_rest_api(name="kept")["id"]
    uri = f"arn:aws:apigateway:eu-central-1:lambda:path/2015-03-31/functions/{outputs('nova-auth')['AuthorizerArn']}/invocations"
    gateway.create_authorizer(
        restApiId=api,
        name="kept",
        type="REQUEST",
        authorizerUri=uri,
        identitySource="method.request.header.Authorization",
        authorizerResultTtlInSeconds=300,
    )
    nova("rules", "put", "--api", api, "--uncached", "tests/consumer/rules.yaml")
    equal(doctor()[0]["attached"], {"pass", "fail"}, "an API whose answers are kept against its rules")
    gateway.delete_rest_api(restApiId=api)
    step("the doctor finds the stack well, and what was done to it")


# What a stack that sends mail is told.
MAIL = ("Mail=enabled", "AppUrl=https://app.example.com", "MailFrom=no-reply@example.com")

# Of the doctor's checks, those that are about mail.
MAIL_WELL = ("link-keys", "mail.account", "mail.bus", "mail.lost", "mail.queue", "mail.sender", "mail.sources", "mail.streams")


def newest_mail():
    """ministack keeps what was sent; the token is in the link's fragment."""
    for _ in range(300):
        with urllib.request.urlopen(f"{ENDPOINT}/_ministack/ses/messages", timeout=5) as answer:
            sent = json.dumps(json.load(answer))
        if "/reset#t=" in sent:
            return re.search(r"https://app\.example\.com/reset#t=([\w-]+)", sent).group(1)
        time.sleep(0.2)
    raise AssertionError("no mail came within a minute")


def mailed(notes, user):
    """Over the stack that is there: streams, queues, the bus and a third ring join it, and a reset goes all the way."""
    before = resources("nova-auth")
    deploy("auth", "nova-auth", "BcryptCost=10", "AlarmEmail=alarms@example.com", *MAIL)
    made = resources("nova-auth")
    for kept in ("IdentityTable", "SessionsTable", "AccessKeysSecret", "RefreshKeysSecret"):
        equal(made[kept], before[kept], f"{kept} after mail was enabled")
    # ministack makes another API where paths were added.
    auth = Api("nova-auth", "AuthApi")
    pair = login(auth)
    whoami(notes, pair, user, "the consumer before the reset")
    # A sender that nobody verified is told by the doctor, and one that is verified is well.
    equal(doctor()[0]["mail.sender"], {"fail"}, "a sender that SES does not know")
    client("sesv2").create_email_identity(EmailIdentity="no-reply@example.com")
    outcomes, said = doctor()
    for check in MAIL_WELL:
        equal(outcomes[check], {"pass"}, f"{check} in {said}")
    # ministack signs nothing.
    equal(outcomes["mail.dkim"], {"fail"}, "DKIM")
    equal(auth.call("POST", "/api/auth/recovery", {"email": EMAIL})[0], 202, "a forgotten password")
    reset = {"token": newest_mail(), "newPassword": "An0ther-phrase?"}
    ok(auth.call("POST", "/api/auth/recovery/confirm", reset), "the reset")
    for api in notes:
        equal(api.call("GET", "/whoami", token=pair["accessToken"])[0], 401, "a session from before the reset")
    answer = auth.call("POST", "/api/auth/login", {"email": EMAIL, "password": "An0ther-phrase?"})
    ok(answer, "a login with the new password")
    client("sqs").send_message(QueueUrl=made["MailDeadLetters"], MessageBody="{}")
    equal(doctor()[0]["mail.lost"], {"pass", "fail"}, "a mail that was given up")
    mapping = made["RelayFunctionSessions"]
    client("lambda").update_event_source_mapping(UUID=mapping, Enabled=False)
    equal(doctor()[0]["mail.sources"], {"fail"}, "a mapping that was switched off")
    client("lambda").update_event_source_mapping(UUID=mapping, Enabled=True)
    step("mail is enabled over a stack in use, and a forgotten password is set by its link")


# The scanner's role is this program's: ministack lets everybody do everything.
SCANNER = "arn:aws:iam::000000000000:role/scanner"
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!$H+H*"


def chunk(name, data):
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


def picture(text):
    """A PNG of one pixel, with a text in it."""
    header = (1).to_bytes(4, "big") + (1).to_bytes(4, "big") + bytes([8, 0, 0, 0, 0])
    parts = [(b"IHDR", header), (b"tEXt", b"Comment\0" + text), (b"IDAT", zlib.compress(b"\0\0")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, data) for name, data in parts)


def posted(form, file):
    """Sends a file with a form, as a browser does."""
    boundary = uuid.uuid4().hex
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="'
    fields = "".join(f'{part}{name}"\r\n\r\n{value}\r\n' for name, value in form["fields"].items())
    body = f'{fields}{part}file"; filename="a.png"\r\n\r\n'.encode() + file + f"\r\n--{boundary}--\r\n".encode()
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    try:
        with urllib.request.urlopen(urllib.request.Request(form["url"], data=body, headers=headers), timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def granted(uploads, token, file):
    declared = {"purpose": "avatar", "fileName": "a picture.png", "contentType": "image/png", "size": len(file)}
    declared["sha256"] = base64.b64encode(hashlib.sha256(file).digest()).decode()
    status, body = uploads.call("POST", "/uploads", declared, token=token)
    equal(status, 201, f"a form: {body}")
    return body["data"]


def judged(stack):
    """What a scanner of one's own does: one request, the version, a verdict. ministack's events don't name the version of an object (S3's
    do), and the inspection takes no event without one: here it is called with the same event, and the version in it."""
    sqs, s3 = client("sqs"), client("s3")
    for _ in range(30):
        found = sqs.receive_message(QueueUrl=stack["ScanRequests"], WaitTimeSeconds=2).get("Messages", [])
        if found:
            break
    else:
        raise AssertionError("no request came for the scanner within a minute")
    event = json.loads(found[0]["Body"])
    bucket, key = event["detail"]["bucket"]["name"], event["detail"]["object"]["key"]
    versions = s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]
    equal(len(versions), 1, "the versions of an object that was sent once")
    version = event["detail"]["object"]["version-id"] = versions[0]["VersionId"]
    answer = client("lambda").invoke(FunctionName=stack["UploadInspectFunction"], Payload=json.dumps(event))
    if "FunctionError" in answer:
        raise AssertionError(f"the inspection: {answer['Payload'].read()}")
    read = s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read()
    verdict = {"bucket": bucket, "key": key, "versionId": version, "verdict": "infected" if EICAR in read else "clean"}
    sqs.send_message(QueueUrl=stack["ScanVerdicts"], MessageBody=json.dumps(verdict))
    sqs.delete_message(QueueUrl=stack["ScanRequests"], ReceiptHandle=found[0]["ReceiptHandle"])


def decided(uploads, token, upload):
    for _ in range(300):
        shown = ok(uploads.call("GET", f"/uploads/{upload}", token=token), "an upload")
        if shown["state"] not in ("granted", "received"):
            return shown
        time.sleep(0.2)
    raise AssertionError(f"nobody decided about an upload within a minute: {shown}")


def uploaded():
    """The stack of uploads with queues for a scanner: GuardDuty is none of ministack's services."""
    deploy("uploads", "nova-uploads", "AuthStack=nova-auth", "MalwareScan=queue", f"ScannerRoleArn={SCANNER}")
    stack = resources("nova-uploads")
    nova("rules", "put", "--api", stack["UploadsApi"], "--uncached", "uploads/rules.yaml")
    nova("uploads", "put", "--table", stack["UploadsTable"], "uploads/uploads.yaml")
    nova("user", "create", "--email", "omar@example.com", "--name", "Omar", "--bcrypt-cost", "10", "--permission", "uploads:write", text=PASSWORD)
    auth, uploads = Api("nova-auth", "AuthApi"), Api("nova-uploads", "UploadsApi")
    token = ok(auth.call("POST", "/api/auth/login", {"email": "omar@example.com", "password": PASSWORD}), "login")["accessToken"]
    equal(uploads.call("POST", "/uploads", {})[0], 401, "a form without a token")
    for file, state in ((picture(b"a note"), "clean"), (picture(EICAR), "refused")):
        form = granted(uploads, token, file)
        equal(posted(form, file + b"more"), 400, "a longer file than was declared")
        equal(posted(form, file), 201, "the file that was declared")
        judged(stack)
        shown = decided(uploads, token, form["uploadId"])
        equal(shown["state"], state, f"{shown}")
        status, content = uploads.call("GET", f"/uploads/{form['uploadId']}/content?redirect=no", token=token)
        if state == "refused":
            equal((status, content["code"], shown["reasons"][0]["code"]), (410, "UPLOAD_REFUSED", "MALWARE"), "a file with malware")
            continue
        with urllib.request.urlopen(ok((status, content), "a link")["url"], timeout=60) as answer:
            equal((answer.read(), answer.headers["Content-Type"]), (file, "image/png"), "the clean file")
            equal(answer.headers["Content-Disposition"], "attachment; filename*=UTF-8''a%20picture.png", "its name")
    step("a file is granted, sent, inspected, scanned and read, and one with malware is refused")


def emptied(bucket):
    """CloudFormation deletes no bucket that has something in it."""
    s3 = client("s3")
    found = s3.list_object_versions(Bucket=bucket)
    for version in found.get("Versions", []) + found.get("DeleteMarkers", []):
        s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])


def torn_down():
    tables, uploads = outputs("nova-auth"), resources("nova-uploads")
    emptied(uploads["QuarantineBucket"])
    for stack in ("nova-uploads", "nova-notes", "nova-auth"):
        command = ["sam", "delete", "--stack-name", stack, "--no-prompts", "--region", os.environ["AWS_REGION"]]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if done.returncode != 0:
            raise AssertionError(f"sam delete {stack}: {done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    left = client("dynamodb").list_tables()["TableNames"]
    equal(set(left), {tables["IdentityTableName"], uploads["UploadsTable"]}, "the tables that outlive the stacks")
    buckets = {bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]}
    equal(buckets & {uploads["QuarantineBucket"], uploads["CleanBucket"]}, {uploads["CleanBucket"]}, "the bucket that outlives the stack")
    # `Ref` of a secret is its ARN on AWS, and its name in ministack.
    listed = client("secretsmanager").list_secrets()["SecretList"]
    names = [{secret["ARN"], secret["Name"]} for secret in listed]
    for kept in (tables["AccessKeysSecretArn"], tables["RefreshKeysSecretArn"], tables["LinkKeysSecretArn"]):
        equal(sum(kept in name for name in names), 1, f"{kept} outlives the stack")
    equal(len(listed), 3, "the secrets that outlive the stack")
    step("the stacks are deleted; users, keys and clean files outlive them")


def main():
    wait_until_it_serves()
    deployed_for_the_first_time()
    auth = Api("nova-auth", "AuthApi")
    notes = [Api("nova-notes", "NotesApi"), Api("nova-notes", "TokenNotesApi")]
    user = the_main_job(auth, notes)
    watched()
    pair = updated(auth, notes, user)
    rotated(auth, notes, user, pair)
    looked_at_by_the_doctor()
    mailed(notes, user)
    uploaded()
    torn_down()


def print_logs():
    """What the functions said last, for whoever has to find out why."""
    logs = client("logs")
    for group in logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/")["logGroups"]:
        for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"][-40:]:
            if event["message"].startswith(("START ", "END ", "REPORT ")):
                continue
            print(f"{group['logGroupName']}: {event['message'].rstrip()}", file=sys.stderr)


try:
    main()
except Exception as error:  # the one place where a failed step becomes the program's end
    print(f"not ok - {type(error).__name__}: {error}", file=sys.stderr)
    print_logs()
    sys.exit(1)
