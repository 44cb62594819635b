# SPDX-License-Identifier: Apache-2.0
"""Makes known connections and finds them again in Apache SkyWalking, by its query interface.

usage: skywalking.py REST_PORT LISTENING_PORT REFUSED_PORT JSON_LOG

SkyWalking 10.1 knows Envoy's entries up to the field custom_tags (22) and drops the later ones, stream_id among them.
"""
import base64
import json
import socket
import sys
import time
import urllib.request

CONNECTIONS = 23
REQUEST, ANSWER = 1009, 2003
QUERY = """query($condition: LogQueryCondition) {
  queryLogs(condition: $condition) { logs { serviceName serviceInstanceName content tags { key value } } } }"""


def exchange(listener):
    """One connection with known bytes both ways."""
    client = socket.create_connection(listener.getsockname())
    server, _ = listener.accept()
    client.sendall(b"q" * REQUEST)
    received = 0
    while received < REQUEST:
        received += len(server.recv(65536))
    server.sendall(b"a" * ANSWER)
    received = 0
    while received < ANSWER:
        received += len(client.recv(65536))
    client.close()
    server.recv(1)
    server.close()


def logs(rest):
    now = time.time()
    minute = "%Y-%m-%d %H%M"
    condition = {
        "serviceId": base64.b64encode(b"meshlens-test").decode() + ".1",
        "queryDuration": {
            "start": time.strftime(minute, time.localtime(now - 600)),
            "end": time.strftime(minute, time.localtime(now + 120)), "step": "MINUTE"},
        "paging": {"pageNum": 1, "pageSize": 1000}}
    request = urllib.request.Request(
        "http://127.0.0.1:%s/graphql" % rest,
        json.dumps({"query": QUERY, "variables": {"condition": condition}}).encode(),
        {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as response:
        answer = json.load(response)
    if answer.get("errors"):
        raise SystemExit("skywalking.py: " + json.dumps(answer["errors"])[:2000])
    return answer["data"]["queryLogs"]["logs"]


def port_of(entry):
    address = entry["commonProperties"].get("upstreamRemoteAddress", {})
    return address.get("socketAddress", {}).get("portValue")


def entries(rest, ports):
    found = []
    for log in logs(rest):
        entry = json.loads(log["content"])
        if port_of(entry) in ports:
            found.append((log, entry))
    return found


def check(log, entry, line):
    """What differs between an entry that came back and our own JSON line."""
    common, properties = entry["commonProperties"], entry.get("connectionProperties", {})
    cluster = None if line["direction"] == "outbound" else "inbound|%d||" % line["destination"]["port"]
    failed = line["event"] == "failed"
    up, down = ("0", "0") if failed else (str(REQUEST), str(ANSWER))
    tags = {tag["key"]: tag["value"] for tag in log["tags"]}
    flags = {"upstreamConnectionFailure": True} if failed else {}
    server = {"socketAddress": {
        "address": line["destination"]["address"], "portValue": line["destination"]["port"]}}
    client = {"socketAddress": {
        "address": line["source"]["address"], "portValue": line["source"]["port"]}}
    expected = {
        "instance": (log["serviceInstanceName"], "this-node"),
        "cluster as SkyWalking reads it": (tags.get("cluster") or None, cluster),
        "received": (properties.get("receivedBytes", "0"), up),
        "sent": (properties.get("sentBytes", "0"), down),
        "client": (common.get("downstreamRemoteAddress"), client),
        "direct client": (common.get("downstreamDirectRemoteAddress"), client),
        "server": (common.get("upstreamRemoteAddress"), server),
        "flags": (common.get("responseFlags", {}), flags),
        "end": (common["customTags"].get("termination"), line["termination"]),
        "reason": (common.get("upstreamTransportFailureReason"), line.get("error")),
        "event": (common["customTags"].get("event"), line["event"]),
        "cluster": (common.get("upstreamCluster"), cluster),
        "packets": (
            common["metadata"]["filterMetadata"]["meshlens"].get("packets_sent"), line["packets_sent"]),
    }
    return ["%s: %s is %r, expected %r" % (line["id"], key, got, want)
            for key, (got, want) in expected.items() if got != want]


def key(port, direction):
    """What tells an entry from all others: the client's port, and which side reports."""
    return "%s %s" % (port, direction)


def main():
    rest, listening, refused, path = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    ports = {listening, refused}
    listener = socket.create_server(("127.0.0.1", listening))
    for _ in range(CONNECTIONS):
        exchange(listener)
    attempt = socket.socket()
    attempt.connect_ex(("127.0.0.1", refused))
    attempt.close()
    wanted = 2 * CONNECTIONS + 1
    got = {}
    for _ in range(120):
        time.sleep(1)
        for log, entry in entries(rest, ports):
            common = entry["commonProperties"]
            client = common["downstreamDirectRemoteAddress"]["socketAddress"]["portValue"]
            got[key(client, common["customTags"]["direction"])] = (log, entry)
        if len(got) >= wanted:
            break
    with open(path, encoding="utf-8") as file:
        lines = {key(line["source"]["port"], line["direction"]): line for line in map(json.loads, file)}
    problems = []
    if len(lines) != wanted:
        problems.append("the JSON log has %d of %d records" % (len(lines), wanted))
    if set(got) != set(lines):
        problems.append("missing: %s; unexpected: %s" % (set(lines) - set(got), set(got) - set(lines)))
    for which in set(got) & set(lines):
        problems += check(*got[which], lines[which])
    if problems:
        print("\n".join(problems[:20]), file=sys.stderr)
        raise SystemExit(1)
    print("all %d entries came back from Apache SkyWalking as the applications made them" % wanted)


main()
